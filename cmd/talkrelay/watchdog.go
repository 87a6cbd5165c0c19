package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
)

// beatLimit is how long a channel's loop may go without progress, beyond the timeout of one request, before the watchdog
// is no longer fed. The loop beats at every step and while it waits; the longest step is one request and its turn.
const beatLimit = 2 * time.Minute

// watchdog feeds systemd's watchdog from the progress of the polling loops, never from a bare ticker: a loop that
// hangs stops the feeding, systemd kills the process with every goroutine's stack in the journal, and starts it again. So
// it does when the loops go on but read nothing any more (deaf).
type watchdog struct {
	mu     sync.Mutex
	since  time.Time // when what is expected was last set
	beats  map[string]time.Time
	limits map[string]time.Duration
}

// expect names the channels whose beats count from now on.
func (w *watchdog) expect(channels []channelFile) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = time.Now()
	w.beats, w.limits = map[string]time.Time{}, map[string]time.Duration{}
	for _, c := range channels {
		w.beats[c.Name], w.limits[c.Name] = time.Now(), beatLimit+c.Timeout
	}
}

// beat records progress of one channel's loop.
func (w *watchdog) beat(channel string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.beats[channel]; ok {
		w.beats[channel] = time.Now()
	}
}

// stuck names a channel whose loop has made no progress for too long, "" if there is none.
func (w *watchdog) stuck(now time.Time) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, at := range w.beats {
		if now.Sub(at) > w.limits[name] {
			return name
		}
	}
	return ""
}

// sinceLater returns t, or when the watch began if that is later.
func (w *watchdog) sinceLater(t time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.Before(w.since) {
		return w.since
	}
	return t
}

// deaf reports whether no channel has been read for network.restart_after beyond its schedule, though Channel Talk refuses no
// key: what a fresh process may mend is worth a restart, and a refusal shows that the way there is good.
func (d *daemon) deaf(now time.Time) bool {
	cfg, a, _ := d.inForce()
	limit := cfg.Network.RestartAfter
	for _, p := range a.pollers {
		s := p.Status()
		due := p.next(d.watchdog.sinceLater(s.LastRead))
		if s.Refused || due.IsZero() || now.Sub(due) <= limit {
			return false
		}
	}
	return limit > 0
}

// run feeds the service manager's watchdog, if it has one, until ctx ends. log is asked for the logger of the moment.
func (w *watchdog) run(ctx context.Context, log func() *slog.Logger, deaf func(now time.Time) bool) {
	interval, err := systemd.SdWatchdogEnabled(false)
	if err != nil || interval <= 0 {
		return
	}
	tick := time.NewTicker(interval / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch name := w.stuck(time.Now()); {
		case name != "":
			log().Error("loop hangs, the watchdog is not fed", "channel", name)
		case deaf(time.Now()):
			log().Error("no poll succeeds though no key is refused, the watchdog is not fed")
		default:
			notify(log(), systemd.SdNotifyWatchdog)
		}
	}
}
