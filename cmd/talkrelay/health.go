package main

import (
	"fmt"
	"time"

	"talkrelay/dispatch"
	"talkrelay/poller"
)

// status is what the running daemon says of itself. Times are RFC 3339; a zero time is left out.
type status struct {
	Version  string          `json:"version"`
	Now      time.Time       `json:"now"`
	Started  time.Time       `json:"started"`
	Config   string          `json:"config"`
	Channels []channelStatus `json:"channels"`
	Sinks    []sinkStatus    `json:"sinks"`
}

type channelStatus struct {
	Name     string    `json:"name"`
	LastGood time.Time `json:"lastGoodPoll,omitzero"`
	Lag      float64   `json:"lagSeconds"`             // how long the next good poll is overdue; 0 = it is not
	Left     *int      `json:"requestsLeft,omitempty"` // of the channel's allowance as Channel Talk told it last
	Trouble  string    `json:"trouble,omitempty"`
	Refused  bool      `json:"keyRefused,omitempty"` // Channel Talk refuses the access key
	Since    time.Time `json:"since,omitzero"`
	Note     string    `json:"note,omitempty"`
}

type sinkStatus struct {
	Name    string           `json:"name"`
	Today   int              `json:"deliveredToday"` // since midnight of the config's time zone, to the hour
	Hours   []int            `json:"deliveredHours"` // in each of the last 24 hours, the present one last
	Waiting int              `json:"waiting"`
	Oldest  time.Time        `json:"oldestWaiting,omitzero"`
	Dead    int              `json:"dead"`
	InDoubt bool             `json:"inDoubt,omitempty"`
	Why     dispatch.Waiting `json:"why,omitempty"` // paused, retry, doubt or state
	Trouble string           `json:"trouble,omitempty"`
	Since   time.Time        `json:"since,omitzero"`
	NextTry time.Time        `json:"nextTry,omitzero"`
	Quiet   time.Time        `json:"quietUntil,omitzero"` // end of the present quiet hours
	Held    time.Time        `json:"heldUntil,omitzero"`  // end of the quiet hours in which the oldest delivery came

	delivered int // since the daemon started
}

// troubled reports whether somebody should look.
func (s status) troubled() bool {
	for _, c := range s.Channels {
		if c.Trouble != "" {
			return true
		}
	}
	for _, k := range s.Sinks {
		if k.Trouble != "" || k.Dead > 0 {
			return true
		}
	}
	return false
}

// status asks every part of the running app how it is.
func (d *daemon) status() status {
	cfg, a, _ := d.inForce()
	now := time.Now()
	s := status{Version: version, Now: now, Started: d.started, Config: cfg.path}
	for _, p := range a.pollers {
		s.Channels = append(s.Channels, p.status(now))
	}
	for _, k := range a.sinks {
		s.Sinks = append(s.Sinks, k.status(now, cfg.location))
	}
	return s
}

func (p appPoller) status(now time.Time) channelStatus {
	s := p.Status()
	c := channelStatus{Name: p.Name(), LastGood: s.LastGood, Trouble: s.Trouble, Refused: s.Refused, Since: s.Since, Note: rotationNote(s.Rotation)}
	if !s.LastGood.IsZero() {
		c.Lag = max(0, now.Sub(p.next(s.LastGood)).Round(time.Millisecond).Seconds())
	}
	if q := p.quota(); q.Limit > 0 {
		c.Left = &q.Remaining
	}
	return c
}

func rotationNote(r poller.Rotation) string {
	if !r.Short() {
		return ""
	}
	return fmt.Sprintf("%d known customers, but contact_requests_per_minute re-reads only %d a day", r.Known, r.PerDay)
}

func (k appSink) status(now time.Time, loc *time.Location) sinkStatus {
	w := k.worker.Status()
	s := sinkStatus{Name: k.name, Why: w.Waiting, Trouble: w.Err, Since: w.Since, NextTry: w.NextTry, InDoubt: w.InDoubt, delivered: w.Delivered}
	var err error
	if s.Waiting, s.Dead, s.Oldest, err = k.queue.Depth(); err != nil {
		s.Trouble = err.Error()
	}
	s.Quiet = w.Quiet
	if k.quiet != nil && !s.Oldest.IsZero() {
		s.Held = k.quiet(s.Oldest)
	}
	hours, err := k.queue.Delivered(now)
	if err != nil {
		s.Trouble = err.Error()
	}
	s.Hours = hours[:]
	for _, n := range hours[len(hours)-1-now.In(loc).Hour():] {
		s.Today += n
	}
	return s
}
