package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"

	"talkrelay/poller"
)

// What the service manager is told.
const (
	daemonReady    = systemd.SdNotifyReady
	daemonStopping = systemd.SdNotifyStopping
)

// daemonReloading is said before the config is read again. The time lets systemd 253 and later, under Type=notify-reload,
// wait for the daemonReady that follows, whether the config was taken or refused.
func daemonReloading() string {
	return systemd.SdNotifyReloading + "\n" + systemd.SdNotifyMonotonicUsec()
}

// notify tells the service manager, if there is one.
func notify(log *slog.Logger, message string) {
	if _, err := systemd.SdNotify(false, message); err != nil {
		log.Warn("service manager not told", "err", err.Error())
	}
}

// startAside starts what goes on beside polling and delivering: the control socket, the nightly erasure, the watchdog,
// the hourly summary, the alerts and the daily count. All of it ends with ctx.
func (d *daemon) startAside(ctx context.Context, wg *sync.WaitGroup) {
	wg.Go(func() { d.control(ctx) })
	wg.Go(func() { d.eraseNightly(ctx) })
	wg.Go(func() { d.watchdog.run(ctx, d.logger, d.deaf) })
	wg.Go(func() { d.summarize(ctx) })
	wg.Go(func() { d.alert(ctx) })
	wg.Go(func() { d.verifyDaily(ctx) })
}

// logger returns the logger in force.
func (d *daemon) logger() *slog.Logger {
	_, _, log := d.inForce()
	return log
}

// control serves the control socket. A daemon that cannot have one still does its job.
func (d *daemon) control(ctx context.Context) {
	cfg, _, log := d.inForce()
	l, err := controlListener(controlSocket(cfg.plan.state.Path))
	if err != nil {
		log.Warn("no control socket, 'talkrelay status' will not work", "err", err.Error())
		return
	}
	serveControl(ctx, l, d.controlMux(), log)
}

// eraseSoon is how long after the start the first erasing is: a machine that is off at night has to do it by day.
const eraseSoon = time.Minute

// eraseNightly removes what the retention no longer allows, soon after the start and then when the config says.
func (d *daemon) eraseNightly(ctx context.Context) {
	next := time.Now().Add(eraseSoon)
	for sleepUntil(ctx, next) {
		if err := d.erase(ctx); err != nil && ctx.Err() == nil {
			d.logger().Warn("erasing failed, trying again at the next time", "err", err.Error())
		}
		cfg, _, _ := d.inForce()
		schedule, err := poller.ParseSchedule(cfg.State.Sweep, cfg.location)
		if err != nil {
			return // checked when the config was loaded
		}
		next = schedule.Next(time.Now())
	}
}

// erase ends soon when ctx does, and what it left is erased the next time.
func (d *daemon) erase(ctx context.Context) error {
	report, err := d.db.Sweep(ctx, time.Now())
	if err == nil && report.Erased > 0 {
		d.logger().Info("erased what the retention no longer allows", "count", report.Erased)
	}
	return err
}

// summarize writes one line an hour, so that a quiet log is a living one.
func (d *daemon) summarize(ctx context.Context) {
	for sleepUntil(ctx, time.Now().Add(time.Hour)) {
		s := d.status()
		delivered := 0
		waiting, dead := 0, 0
		for _, k := range s.Sinks {
			delivered, waiting, dead = delivered+k.delivered, waiting+k.Waiting, dead+k.Dead
		}
		d.logger().Info("summary", "delivered", delivered, "waiting", waiting, "dead", dead)
	}
}

// sleepUntil waits for t and reports whether it came before the end of ctx. It looks at the wall clock at least once a
// minute, so a clock that was set or a machine that slept does not shift the time.
func sleepUntil(ctx context.Context, t time.Time) bool {
	for {
		left := time.Until(t.Round(0))
		if left <= 0 {
			return ctx.Err() == nil
		}
		timer := time.NewTimer(min(left, time.Minute))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
}
