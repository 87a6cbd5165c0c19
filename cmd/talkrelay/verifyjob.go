package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/poller"
	"talkrelay/sink"
	"talkrelay/state"
)

// verifyJob counts the openings of a period and holds them against what the destinations hold.
type verifyJob struct {
	d      *daemon
	cfg    *config
	app    *app
	ask    verifyRequest
	period period
	sinks  []*verifySink
	shown  map[string]bool // openings, by all their IDs
	total  int
	healed int
	left   int
}

// verifySink is a destination that openings are routed to.
type verifySink struct {
	Name     string      `json:"name"`
	Kind     string      `json:"kind"`           // slack, sheets, …
	Expected int         `json:"expected"`       // openings that routes send there
	Found    int         `json:"found"`          // of them
	Note     string      `json:"note,omitempty"` // why the destination could not be read; then receipts are counted
	Gaps     []verifyGap `json:"gaps,omitempty"`
	Surplus  []verifyGap `json:"surplus,omitempty"`

	app      appSink
	looked   time.Time
	holdings *holdings // nil = could not be read
	receipts map[sink.Receipt]bool
	strange  map[string][]time.Time // rows of the period that no opening explains yet, by chat
}

// verifyGap is an opening that a destination lacks, or something of it that is too much.
type verifyGap struct {
	Chat string    `json:"chat"`
	At   time.Time `json:"at,omitzero"`
	Why  string    `json:"why"`
	Link string    `json:"link,omitempty"` // to the chat
}

// newVerify checks what is asked for.
func (d *daemon) newVerify(ask verifyRequest, now time.Time) (*verifyJob, error) {
	cfg, a, _ := d.inForce()
	p, err := ask.period(now, cfg.location)
	if err != nil {
		return nil, err
	}
	return &verifyJob{d: d, cfg: cfg, app: a, ask: ask, period: p}, nil
}

// sinkNames are the sinks that get openings by a route.
func (j *verifyJob) sinkNames() (names []string) {
	for _, s := range j.app.sinks {
		if slices.ContainsFunc(j.cfg.Routes, func(r routeFile) bool {
			return slices.Contains(r.On, string(talkrelay.UserChatOpened)) && slices.Contains(r.To, s.name)
		}) {
			names = append(names, s.name)
		}
	}
	return names
}

// run counts, and heals and counts again if that is asked for.
func (j *verifyJob) run(ctx context.Context) error {
	if err := j.count(ctx); err != nil || !j.ask.Heal || !j.lacksSome() {
		return err
	}
	b, err := j.d.newBackfill(backfillRequest{
		From: j.period.from.Format(time.RFC3339), To: formatTo(j.period.to), Sinks: j.readable(),
	})
	if err != nil {
		return fmt.Errorf("heal: %w", err)
	}
	if err := b.run(ctx); err != nil {
		return fmt.Errorf("heal: %w", err)
	}
	j.healed = b.progress().added()
	return j.count(ctx)
}

func formatTo(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func (j *verifyJob) lacksSome() bool {
	return slices.ContainsFunc(j.sinks, func(s *verifySink) bool { return len(s.Gaps) > 0 && s.holdings != nil })
}

// readable are the sinks that can be healed.
func (j *verifyJob) readable() (names []string) {
	for _, s := range j.sinks {
		if s.holdings != nil {
			names = append(names, s.Name)
		}
	}
	return names
}

// count begins anew.
func (j *verifyJob) count(ctx context.Context) error {
	j.sinks, j.shown, j.total, j.left = nil, map[string]bool{}, 0, 0
	for _, name := range j.sinkNames() {
		i := slices.IndexFunc(j.app.sinks, func(s appSink) bool { return s.name == name })
		s := &verifySink{Name: name, Kind: j.cfg.sinkKind(name), app: j.app.sinks[i], looked: time.Now(), strange: map[string][]time.Time{}}
		if err := s.look(ctx, j); err != nil {
			return err
		}
		j.sinks = append(j.sinks, s)
	}
	for _, p := range j.app.pollers {
		if err := j.channel(ctx, p); err != nil {
			return fmt.Errorf("channel %s: %w", p.Name(), err)
		}
	}
	if err := j.remembered(); err != nil {
		return err
	}
	for _, s := range j.sinks {
		if err := s.strangers(j.d.db); err != nil {
			return err
		}
	}
	return nil
}

// sinkKind is the word of the config for the type of a sink: slack, sheets.
func (c *config) sinkKind(name string) string {
	for _, b := range c.Sinks.blocks() {
		if b.sinkName() == name {
			kind, _, _ := strings.Cut(strings.TrimPrefix(b.key, "sink."), "[")
			return kind
		}
	}
	return ""
}

// look reads what the destination holds. One that cannot be read is noted: then receipts have to do.
func (s *verifySink) look(ctx context.Context, j *verifyJob) error {
	h, err := lookAt(ctx, s.app, j.d.db.Instance(), j.period.from)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		s.Note = replacer(j.cfg.secrets).Replace(err.Error())
		return nil
	}
	s.holdings, s.receipts = h, map[sink.Receipt]bool{}
	for _, list := range h.messages {
		for _, r := range list {
			s.receipts[r] = true
		}
	}
	from, to := sink.Wall(j.period.from, j.cfg.location), time.Time{}
	if !j.period.to.IsZero() {
		to = sink.Wall(j.period.to, j.cfg.location)
	}
	for chat, walls := range h.rows {
		for _, wall := range walls {
			if (period{from, to}).has(wall) {
				s.strange[chat] = append(s.strange[chat], wall)
			}
		}
	}
	return nil
}

// channel walks through the chats of a channel, closed ones only as far back as the period.
func (j *verifyJob) channel(ctx context.Context, p appPoller) error {
	backlog, err := p.backlog(poller.BacklogConfig{RequestsPerMinute: j.cfg.Backfill.RequestsPerMinute, ClosedSince: j.period.from})
	if err != nil {
		return err
	}
	var from poller.Position
	for failures := 0; ; {
		page, err := backlog.Read(ctx, from)
		if wait := poller.RetryAfter(err, failures+1); wait > 0 && failures < 5 && ctx.Err() == nil {
			failures++
			sleepUntil(ctx, time.Now().Add(wait))
			continue
		}
		if err != nil {
			return err
		}
		failures = 0
		for _, at := range page.Left {
			if j.period.has(at) {
				j.left++
			}
		}
		for _, o := range page.Openings {
			if err := j.opening(o, p.location, backlog.Sketch(o)); err != nil {
				return err
			}
		}
		if from = page.Next; from == nil {
			return nil
		}
	}
}

// opening holds one opening against every sink. What is stored of it decides where it goes, else sketch.
func (j *verifyJob) opening(o poller.Opening, loc *time.Location, sketch talkrelay.Event) error {
	for _, s := range j.sinks {
		if walls := s.strange[o.Chat.ID]; walls != nil {
			s.strange[o.Chat.ID] = slices.DeleteFunc(walls, func(wall time.Time) bool { return rowIsAbout(o, wall, loc) })
		}
	}
	if !j.period.has(o.At) || j.shown[o.ID] {
		return nil
	}
	ids := append([]string{o.ID}, o.Other...)
	for _, id := range ids {
		j.shown[id] = true
		if e, err := j.d.db.Event(id); err != nil {
			return err
		} else if e != nil {
			sketch = *e
		}
	}
	routes := j.cfg.plan.router.Match([]talkrelay.Event{sketch})
	if len(routes) > 0 {
		j.total++
	}
	for _, d := range routes {
		i := slices.IndexFunc(j.sinks, func(s *verifySink) bool { return s.Name == d.Sink })
		if i < 0 {
			continue
		}
		stands, err := j.d.db.Stands(d.Sink, [][]string{ids})
		if err != nil {
			return err
		}
		j.sinks[i].hold(o, loc, stands[0], sketch.DeskURL)
	}
	return nil
}

// hold counts one opening that was to arrive at s.
func (s *verifySink) hold(o poller.Opening, loc *time.Location, d state.TracedDelivery, link string) {
	s.Expected++
	copies := 0
	if s.holdings != nil {
		copies, _ = s.holdings.copies(o, loc)
	}
	delivered := d.Stand == state.Delivered
	switch {
	case copies > 0, delivered && (s.holdings == nil || d.At.After(s.looked) || s.receipts[sink.Receipt(d.Receipt)]):
		s.Found++
	default:
		s.Gaps = append(s.Gaps, verifyGap{o.Chat.ID, o.At, whyMissing(d), link})
	}
	if copies > 1 {
		s.Surplus = append(s.Surplus, verifyGap{o.Chat.ID, o.At, fmt.Sprintf("stands there %d times", copies), link})
	}
}

// whyMissing says why a destination does not have an opening.
func whyMissing(d state.TracedDelivery) string {
	switch d.Stand {
	case "":
		return "never delivered"
	case state.Delivered:
		return "delivered " + local(d.At) + ", and no longer there"
	case state.Dropped:
		return "dropped by somebody's wish " + local(d.At)
	case state.Dead:
		return "dead letter: " + d.Err
	}
	return "waits in the queue"
}

// remembered adds the openings of the period that only the state still knows, because the chat was opened again since.
func (j *verifyJob) remembered() error {
	ids, err := j.d.db.Known(string(talkrelay.UserChatOpened) + "/")
	if err != nil {
		return err
	}
	for _, id := range ids {
		ms, err := strconv.ParseInt(id[strings.LastIndexByte(id, '/')+1:], 10, 64)
		if err != nil || j.shown[id] || !j.period.has(time.UnixMilli(ms)) {
			continue
		}
		e, err := j.d.db.Event(id)
		if err != nil {
			return err
		}
		if e == nil {
			continue // no route asked for it
		}
		o := poller.Opening{ID: id, At: time.UnixMilli(ms), Reopened: e.Chat.Reopened, Chat: e.Chat}
		loc, err := time.LoadLocation(e.TimeZone)
		if err != nil {
			loc = j.cfg.location
		}
		if err := j.opening(o, loc, *e); err != nil {
			return err
		}
	}
	return nil
}

// strangers lists the rows of the period that no opening explains, now that all have been seen.
func (s *verifySink) strangers(db *state.DB) error {
	for chat, walls := range s.strange {
		if len(walls) == 0 {
			continue
		}
		known, err := db.Known(fmt.Sprintf("%s/%s/", talkrelay.UserChatOpened, chat))
		if err != nil {
			return err
		}
		if len(known) > 0 {
			continue // an opening between the first and the last: Channel Talk shows it no more
		}
		s.Surplus = append(s.Surplus, verifyGap{Chat: chat, Why: "Channel Talk shows no such inquiry"})
	}
	slices.SortFunc(s.Surplus, func(a, b verifyGap) int { return strings.Compare(a.Chat, b.Chat) })
	return nil
}
