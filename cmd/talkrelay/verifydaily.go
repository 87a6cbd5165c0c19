package main

import (
	"context"
	"time"

	"talkrelay/alert"
	"talkrelay/poller"
	"talkrelay/sink"
)

// Values of verify.tell: when people hear of the daily count by the paths of [alert].
const (
	tellNobody      = "never"
	tellDifferences = "differences"
	tellAlways      = "always"
)

// verifyDaily counts yesterday at the times of verify.at, for as long as ctx lasts. A reload puts another schedule in force.
func (d *daemon) verifyDaily(ctx context.Context) {
	for ctx.Err() == nil {
		cfg, _, log := d.inForce()
		schedule, err := poller.ParseSchedule(cfg.Verify.At, cfg.location)
		if cfg.Verify.At == "" || err != nil { // err was checked when the config was loaded
			d.awaitReload(ctx, cfg, time.Time{})
			continue
		}
		if !d.awaitReload(ctx, cfg, schedule.Next(time.Now())) {
			continue
		}
		r := d.verifyNow(ctx, cfg)
		switch {
		case ctx.Err() != nil:
		case r.Error != "":
			log.Warn("not verified", "err", r.Error)
		case r.Equal:
			log.Info("verified", "day", r.From.Format(dayLayout), "result", r.Text)
		default:
			log.Warn("verified, and something differs", "day", r.From.Format(dayLayout), "result", r.Text)
		}
		d.tell(ctx, cfg, r)
	}
}

// awaitReload waits until until, zero for ever, and returns true then; false when another config is in force or ctx has ended.
func (d *daemon) awaitReload(ctx context.Context, cfg *config, until time.Time) bool {
	for {
		next := time.Now().Add(configLook)
		if !until.IsZero() && until.Before(next) {
			next = until
		}
		if !sleepUntil(ctx, next) {
			return false
		}
		if now, _, _ := d.inForce(); now != cfg {
			return false
		}
		if next.Equal(until) {
			return true
		}
	}
}

// verifyNow counts yesterday, once whoever reads old chats already is through.
func (d *daemon) verifyNow(ctx context.Context, cfg *config) verifyResult {
	for !d.lookBack.TryLock() {
		if !sleepUntil(ctx, time.Now().Add(time.Second)) {
			return verifyResult{}
		}
	}
	defer d.lookBack.Unlock()
	j, err := d.newVerify(verifyRequest{Heal: cfg.Verify.Heal}, time.Now())
	if err != nil {
		return verifyResult{Error: err.Error()}
	}
	return j.result(safely(ctx, j.run))
}

// tell tells people by the paths of [alert], if they want to hear.
func (d *daemon) tell(ctx context.Context, cfg *config, r verifyResult) {
	if ctx.Err() != nil || cfg.Verify.Tell == tellNobody || cfg.Verify.Tell == tellDifferences && r.Equal {
		return
	}
	base, err := sink.BaseTransport(cfg.plan.base.caPEM, cfg.plan.base.proxy)
	if err != nil {
		return // newApp has made one of the same
	}
	defer base.CloseIdleConnections()
	text := r.From.Format(dayLayout) + "  " + r.Text
	if r.Error != "" {
		text = "talkrelay verify: " + r.Error
	}
	paths, _ := cfg.plan.alert.connect(base)
	for _, p := range paths {
		if _, isHeartbeat := p.(*alert.Heartbeat); isHeartbeat {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, cfg.plan.alert.timeout)
		err := p.Send(limited, alert.Message{Subject: "[talkrelay] " + text, Text: text, Report: alert.Report{At: time.Now()}})
		cancel()
		if err != nil {
			d.logger().Warn("result not told", "job", p.Name(), "err", err.Error())
		}
	}
}
