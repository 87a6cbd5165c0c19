package main

import (
	"context"
	"time"

	"talkrelay/alert"
	"talkrelay/dispatch"
	"talkrelay/sink"
)

// alert watches what the daemon says of itself and tells people when something is wrong. A reload puts another watch
// in its place, with what has been told so far.
func (d *daemon) alert(ctx context.Context) {
	desk, err := alert.OpenDesk(d.db.Memory("alert"))
	if err != nil {
		d.logger().Warn("alerts of before the start not known, some may come again", "err", err.Error())
	}
	for ctx.Err() == nil {
		watch, stop := context.WithCancel(ctx)
		d.alertUntilReload(watch, stop, desk)
		stop()
	}
}

// configLook is how often a daemon without alerts looks whether a reload brought some.
const configLook = 5 * time.Second

// alertUntilReload runs one watch until ctx ends or another config is in force.
func (d *daemon) alertUntilReload(ctx context.Context, stop func(), desk *alert.Desk) {
	cfg, _, log := d.inForce()
	replaced := func() bool { now, _, _ := d.inForce(); return now != cfg }
	if !cfg.plan.alert.on() {
		for !replaced() && sleepUntil(ctx, time.Now().Add(configLook)) {
		}
		return
	}
	base, err := sink.BaseTransport(cfg.plan.base.caPEM, cfg.plan.base.proxy)
	if err != nil {
		return // newApp has made one of the same
	}
	defer base.CloseIdleConnections()
	paths, heartbeat := cfg.plan.alert.connect(base)
	alert.NewWatch(alert.Config{
		Times: cfg.plan.alert.times, Voice: cfg.plan.alert.voice,
		Paths: paths, Heartbeat: heartbeat, HeartbeatEvery: cfg.plan.alert.heartbeatEvery,
		Desk: desk, Logger: log,
		Look: func(now time.Time) alert.Observation {
			if replaced() {
				stop()
			}
			return observer{cfg: cfg, stands: desk.Standing, free: diskFree}.look(d.status(), now)
		},
	}).Run(ctx)
}

// observer turns what the daemon says of itself into what is wrong with it.
type observer struct {
	cfg    *config
	stands func(alert.Kind, string) bool // what was told before is not over because nothing is known yet
	free   func(dir string) (mib int, err error)
}

func (o observer) look(s status, now time.Time) alert.Observation {
	seen := alert.Observation{Alive: true}
	hide := replacer(o.cfg.secrets)
	add := func(c alert.Condition) {
		c.Detail = hide.Replace(c.Detail)
		seen.Conditions = append(seen.Conditions, c)
	}
	for _, c := range s.Channels {
		if w := o.channel(c, now); w.Kind != "" {
			add(w)
		}
		seen.Alive = seen.Alive && !c.LastGood.IsZero() && c.late() < o.cfg.plan.alert.noPoll
	}
	for _, k := range s.Sinks {
		for _, w := range o.sink(k, now) {
			add(w)
		}
	}
	if w := o.disk(); w.Kind != "" {
		add(w)
	}
	return seen
}

// channel says what is wrong with a channel; the zero Condition if nothing is. A key that is refused is why nothing is
// read, so it is told alone. After a start or reload nothing is known until the first poll has ended, well or not.
func (o observer) channel(c channelStatus, now time.Time) alert.Condition {
	limit := o.cfg.plan.alert.noPoll
	w := alert.Condition{Kind: alert.NoPoll, Name: c.Name, Since: c.Since, Detail: c.Trouble}
	switch {
	case c.Refused:
		w.Kind = alert.Refused
	case !c.LastGood.IsZero() && c.late() >= limit:
		w.Since = c.LastGood
	case c.LastGood.IsZero() && (o.stands(alert.NoPoll, c.Name) || c.Trouble != "" && now.Sub(c.Since) >= limit):
	default:
		return alert.Condition{}
	}
	return w
}

// late is how long the next good poll is overdue.
func (c channelStatus) late() time.Duration { return time.Duration(c.Lag * float64(time.Second)) }

// sink says what is wrong with a sink. While somebody has to mend it, that it is late is no news.
func (o observer) sink(k sinkStatus, now time.Time) []alert.Condition {
	var all []alert.Condition
	w := alert.Condition{Name: k.Name, Since: k.Since, Count: k.Waiting, Detail: k.Trouble}
	switch {
	case k.Why == dispatch.WaitingPaused:
		w.Kind = alert.Paused
		all = append(all, w)
	case k.Quiet.IsZero() && !k.due().IsZero() && now.Sub(k.due()) >= o.cfg.plan.alert.queueAge:
		w.Kind, w.Since = alert.Queue, k.due()
		all = append(all, w)
	}
	if k.Dead > 0 {
		all = append(all, alert.Condition{Kind: alert.Dead, Name: k.Name, Count: k.Dead})
	}
	return all
}

// due is when the oldest delivery could be made first; zero = none waits. What quiet hours held back is not late before they
// are over.
func (k sinkStatus) due() time.Time {
	if k.Held.After(k.Oldest) {
		return k.Held
	}
	return k.Oldest
}

// disk says whether the disk of the state file is nearly full. Where that cannot be asked, nothing is said.
func (o observer) disk() alert.Condition {
	p := o.cfg.plan.alert
	mib, err := o.free(p.diskOf)
	if err != nil || mib >= p.diskFree {
		return alert.Condition{}
	}
	return alert.Condition{Kind: alert.Disk, Name: p.diskOf, Count: mib}
}
