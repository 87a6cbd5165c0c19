package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
	"talkrelay/state"
)

// backfillRequest is the body of POST /backfill.
type backfillRequest struct {
	From  string   `json:"from"`
	To    string   `json:"to,omitempty"`
	Sinks []string `json:"sinks,omitempty"`
	Dry   bool     `json:"dry,omitempty"`
}

// backfillJob brings old openings to chosen sinks. It feeds the queues from which the daemon delivers anyway, so that what it
// adds is delivered exactly once, and never again by anybody else.
type backfillJob struct {
	d        *daemon
	cfg      *config
	app      *app
	ask      backfillRequest
	period   period
	sinks    []string
	portion  int // deliveries added at a time, and waiting at most while some are added
	holdings map[string]*holdings
	last     map[string]uint64 // by sink: number of the last delivery that was added
	seen     map[string]bool   // openings, by ID: some lists are read twice

	mu   sync.Mutex
	tell backfillProgress
}

// newBackfill checks what is asked for.
func (d *daemon) newBackfill(ask backfillRequest) (*backfillJob, error) {
	cfg, a, _ := d.inForce()
	j := &backfillJob{d: d, cfg: cfg, app: a, ask: ask, holdings: map[string]*holdings{}, last: map[string]uint64{}, seen: map[string]bool{}}
	var err error
	if j.period, err = parsePeriod(ask.From, ask.To, cfg.location); err != nil {
		return nil, err
	}
	if j.sinks, err = cfg.backfillSinks(ask.Sinks); err != nil {
		return nil, err
	}
	j.portion = maxPortion
	for _, s := range cfg.Sinks.Slack {
		if !slices.Contains(j.sinks, s.Name) {
			continue
		}
		j.portion = slackPortion
		if (s.DigestAbove > 0 || len(s.Quiet) > 0) && j.period.from.Before(time.Now().Add(-cfg.State.Retention)) {
			return nil, fmt.Errorf("sink %s makes digests (digest_above, quiet), and what a digest older than state.retention held is not known any more: "+
				"begin at %s or later", s.Name, time.Now().Add(-cfg.State.Retention).In(cfg.location).Format(dayLayout))
		}
	}
	j.tell.Sinks = map[string]map[string]backfillCount{}
	return j, nil
}

// Deliveries that wait at most while more are added, so that what is new does not wait long behind what is old: a write of
// rows, or some seconds of messages.
const (
	maxPortion   = 50
	slackPortion = 5
)

// backfillSinks returns the sinks to fill: those named, else the sheets that routes of openings lead to.
func (c *config) backfillSinks(named []string) ([]string, error) {
	var reached, sheets, all []string
	for _, r := range c.Routes {
		if slices.Contains(r.On, string(talkrelay.UserChatOpened)) {
			reached = append(reached, r.To...)
		}
	}
	for _, s := range c.Sinks.Sheets {
		if slices.Contains(reached, s.Name) {
			sheets = append(sheets, s.Name)
		}
	}
	for _, b := range c.Sinks.blocks() {
		all = append(all, b.sinkName())
	}
	for _, name := range named {
		switch {
		case !slices.Contains(all, name):
			return nil, fmt.Errorf("there is no sink %q in the config%s", name, hintAt(name, all))
		case !slices.Contains(reached, name):
			return nil, fmt.Errorf("no route sends %s to sink %s: nothing would ever be brought there", talkrelay.UserChatOpened, name)
		}
	}
	switch {
	case len(named) > 0:
		return slices.Compact(slices.Sorted(slices.Values(named))), nil
	case len(sheets) == 0:
		return nil, fmt.Errorf("no route sends %s to a [[sink.sheets]]: name another sink with --sink", talkrelay.UserChatOpened)
	}
	return sheets, nil
}

func hintAt(name string, known []string) string {
	if near := talkrelay.Nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// errReloaded ends a job whose config is no longer in force.
var errReloaded = errors.New("the config was reloaded meanwhile: run the same command again, it goes on where it was")

// run does the whole job. It can be ended at any time: what it has added stays, and the next run goes on from there.
func (j *backfillJob) run(ctx context.Context) error {
	for _, s := range j.app.sinks {
		if !slices.Contains(j.sinks, s.name) {
			continue
		}
		j.note(func(p *backfillProgress) { p.Step = "looking at what " + s.name + " holds" })
		h, err := lookAt(ctx, s, j.d.db.Instance(), j.period.from)
		if err != nil {
			return err
		}
		j.holdings[s.name] = h
	}
	if err := j.count(); err != nil {
		return err
	}
	for _, p := range j.app.pollers {
		if err := j.channel(ctx, p); err != nil {
			return fmt.Errorf("channel %s: %w", p.Name(), err)
		}
	}
	return j.awaitDelivery(ctx)
}

// count finds out how many chats there are to read.
func (j *backfillJob) count() error {
	for _, p := range j.app.pollers {
		n, err := j.d.db.Count(p.Name(), talkrelay.EntityChat)
		if err != nil {
			return err
		}
		j.note(func(p *backfillProgress) { p.Total += n })
	}
	return nil
}

// backfillStream is the key of the job's cursor: it never changes.
const backfillStream = "backfill"

// backfillCursor is where a job is in a channel. Its JSON form is in the state file: fields are added, never renamed.
type backfillCursor struct {
	Job      string          `json:"job"` // what was asked for, and of which routes
	Position json.RawMessage `json:"position,omitempty"`
	Chats    int             `json:"chats,omitempty"` // read so far
}

// name tells jobs apart.
func (j *backfillJob) name() string {
	text := fmt.Sprintf("%q %q %q %q", j.ask.From, j.ask.To, j.sinks, fmt.Sprint(j.cfg.Routes))
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// resume returns where an earlier run of the same job stopped; the zero cursor if there is none.
func (j *backfillJob) resume(channel string) (cur backfillCursor, err error) {
	data, err := j.d.db.Cursor(channel, backfillStream)
	if err != nil || data == nil || j.ask.Dry {
		return cur, err
	}
	if json.Unmarshal(data, &cur) != nil || cur.Job != j.name() {
		return backfillCursor{}, nil
	}
	return cur, nil
}

// channel walks through the chats of one channel.
func (j *backfillJob) channel(ctx context.Context, p appPoller) error {
	backlog, err := p.backlog(poller.BacklogConfig{RequestsPerMinute: j.cfg.Backfill.RequestsPerMinute})
	if err != nil {
		return err
	}
	cur, err := j.resume(p.Name())
	if err != nil {
		return err
	}
	j.note(func(t *backfillProgress) {
		t.Channel, t.Step = p.Name(), ""
		t.Chats, t.Resumed = t.Chats+cur.Chats, t.Resumed+cur.Chats
	})
	cur.Job = j.name()
	for {
		page, err := j.read(ctx, backlog, &cur)
		if err != nil {
			return err
		}
		if err := j.page(ctx, p, backlog, page, cur); err != nil {
			return err
		}
		cur.Position, cur.Chats = json.RawMessage(page.Next), cur.Chats+page.Chats
		if page.Next == nil {
			return j.refill(p.Name(), nil, nil)
		}
		if err := j.refill(p.Name(), &cur, nil); err != nil {
			return err
		}
	}
}

// read reads the page at cur, for as long as it takes. A position that Channel Talk does not know any more leads back to the
// beginning.
func (j *backfillJob) read(ctx context.Context, backlog *poller.Backlog, cur *backfillCursor) (poller.BacklogPage, error) {
	for n := 1; ; n++ {
		page, err := backlog.Read(ctx, poller.Position(cur.Position))
		wait := poller.RetryAfter(err, n)
		switch {
		case err == nil:
			j.note(func(p *backfillProgress) { p.Trouble = "" })
			return page, nil
		case ctx.Err() != nil:
			return page, ctx.Err()
		case wait > 0:
			j.note(func(p *backfillProgress) { p.Trouble = err.Error() })
			sleepUntil(ctx, time.Now().Add(wait))
		case channeltalk.KindOf(err) == channeltalk.Refused && cur.Position != nil:
			cur.Position = nil
		default:
			return page, err
		}
	}
}

// page adds what is missing of the openings on a page, a portion at a time.
func (j *backfillJob) page(ctx context.Context, p appPoller, backlog *poller.Backlog, page poller.BacklogPage, cur backfillCursor) error {
	before := 0
	j.note(func(t *backfillProgress) { before = t.Chats })
	left := 0
	for _, at := range page.Left {
		if j.period.has(at) {
			left++
		}
	}
	missing, err := j.sift(page.Openings, p.location)
	if err != nil {
		return err
	}
	for start := 0; start < len(missing); start += j.portion {
		some := missing[start:min(start+j.portion, len(missing))]
		if err := j.bring(ctx, p.Name(), backlog, some, cur); err != nil {
			return err
		}
		j.note(func(t *backfillProgress) { t.Chats = before + page.Chats*(start+len(some))/(len(missing)+1) })
	}
	j.note(func(t *backfillProgress) { t.Chats, t.Left = before+page.Chats, t.Left+left })
	return nil
}

// lacking is an opening with the sinks that do not have it, as far as is known before it is routed.
type lacking struct {
	poller.Opening
	sinks []string
}

// sift returns the openings of the period that some sink lacks, and counts the others.
func (j *backfillJob) sift(all []poller.Opening, loc *time.Location) ([]lacking, error) {
	var list []lacking
	var ids [][]string
	for _, o := range all {
		if j.period.has(o.At) && !j.seen[o.ID] {
			j.seen[o.ID] = true
			list = append(list, lacking{Opening: o})
			ids = append(ids, append([]string{o.ID}, o.Other...))
		}
	}
	for _, sink := range j.sinks {
		stands, err := j.d.db.Stands(sink, ids)
		if err != nil {
			return nil, err
		}
		for i := range list {
			copies, _ := j.holdings[sink].copies(list[i].Opening, loc)
			if copies > 0 || stands[i].Stand != "" {
				j.tally(sink, list[i].At, backfillCount{There: 1})
			} else {
				list[i].sinks = append(list[i].sinks, sink)
			}
		}
	}
	return slices.DeleteFunc(list, func(l lacking) bool { return len(l.sinks) == 0 }), nil
}

// bring makes events of some openings, routes them, and puts them into the queues once there is room.
func (j *backfillJob) bring(ctx context.Context, channel string, backlog *poller.Backlog, some []lacking, cur backfillCursor) error {
	var list []state.OldEvent
	for _, o := range some {
		e, err := j.event(ctx, backlog, o.Opening)
		if err != nil {
			return err
		}
		e.Envelope = nil // no sink that is filled needs it, and it is most of what would be stored
		routes := slices.DeleteFunc(j.cfg.plan.router.Match([]talkrelay.Event{e}), func(d talkrelay.Delivery) bool { return !slices.Contains(o.sinks, d.Sink) })
		if len(routes) == 0 {
			j.note(func(p *backfillProgress) { p.Unrouted++ })
			continue
		}
		if j.ask.Dry {
			j.tallyAll(routes, o.At)
			continue
		}
		list = append(list, state.OldEvent{IDs: append([]string{o.ID}, o.Other...), Event: e, Routes: routes})
	}
	if len(list) == 0 {
		return ctx.Err()
	}
	if err := j.awaitRoom(ctx); err != nil {
		return err
	}
	return j.refill(channel, &cur, list)
}

func (j *backfillJob) event(ctx context.Context, backlog *poller.Backlog, o poller.Opening) (talkrelay.Event, error) {
	if j.ask.Dry {
		return backlog.Sketch(o), ctx.Err()
	}
	return backlog.Event(ctx, o)
}

// refill writes events and the cursor, nil for the end of the job in the channel. A dry run writes nothing.
func (j *backfillJob) refill(channel string, cur *backfillCursor, list []state.OldEvent) error {
	if now, _, _ := j.d.inForce(); now != j.cfg {
		return errReloaded
	}
	if j.ask.Dry {
		return nil
	}
	_, a, _ := j.d.inForce()
	r := state.Refill{Epoch: j.d.db.Epoch(), Channel: channel, Job: backfillStream, Events: list, Keepers: a.keepers()}
	if cur != nil {
		data, err := json.Marshal(cur)
		if err != nil {
			return err
		}
		r.Cursor = data
	}
	if _, err := j.d.db.Refill(r); err != nil {
		return err
	}
	var woken []talkrelay.Delivery
	for _, o := range list {
		j.tallyAll(o.Routes, o.Event.At)
		woken = append(woken, o.Routes...)
	}
	a.wake(woken)
	return j.noteLast(woken)
}

// noteLast remembers up to which number the queues hold what was added.
func (j *backfillJob) noteLast(added []talkrelay.Delivery) error {
	for _, sink := range j.sinks {
		if !slices.ContainsFunc(added, func(d talkrelay.Delivery) bool { return d.Sink == sink }) {
			continue
		}
		_, last, err := j.d.db.Queue(sink).Left(0)
		if err != nil {
			return err
		}
		j.last[sink] = last
	}
	return nil
}
