package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"talkrelay"
	"talkrelay/dispatch"
	"talkrelay/poller"
	"talkrelay/sink"
	"talkrelay/state"
)

// deed is one step of a plan: something happens to the shop, to a destination or to the daemon.
type deed struct {
	What   string
	Who, N int
}

// TestModel lets a shop, two destinations and a disk do whatever they may, in random plans, to a real poller, a real state
// file and real workers, kills them anywhere, and compares what lies in the destinations with what has to. A failing plan is
// printed with the seed that makes it again. The long form, of more than 100,000 steps, and more plans still:
//
//	TALKRELAY_SHARES=5 go test -run TestModel -v ./cmd/talkrelay
//	go test -run TestModel ./cmd/talkrelay -rapid.checks 1000
func TestModel(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes minutes under the race detector")
	}
	var total modelCount
	shares := setting(t, "TALKRELAY_SHARES", 1) // a hundred plans each
	t.Run("plans", func(t *testing.T) {
		for i := range shares {
			t.Run(fmt.Sprint(i+1), func(t *testing.T) {
				t.Parallel()
				dir := memoryDir(t)
				rapid.Check(t, func(rt *rapid.T) {
					plan := rapid.SliceOfN(rapid.Custom(drawDeed), 200, 310).Draw(rt, "plan")
					path := filepath.Join(dir, fmt.Sprintf("%d.db", total.plans.Add(1)))
					var err error
					synctest.Test(t, func(t *testing.T) { err = newModel(t, path, &total).play(plan) })
					leftover, _ := filepath.Glob(path + "*")
					for _, name := range leftover {
						_ = os.Remove(name)
					}
					if err != nil {
						rt.Fatal(err)
					}
				})
			})
		}
	})
	t.Log(total.String())
	if shares >= 5 && !t.Failed() && total.deeds.Load() < 100_000 {
		t.Errorf("only %d steps", total.deeds.Load())
	}
}

// modelCount is how much was tried.
type modelCount struct {
	plans, deeds, starts, requests, sends, looks, told, dead atomic.Int64
}

func (c *modelCount) String() string {
	return fmt.Sprintf("%d plans of %d steps; %d starts, %d requests, %d sends, %d look-ups; %d deliveries, %d dead letters",
		c.plans.Load(), c.deeds.Load(), c.starts.Load(), c.requests.Load(), c.sends.Load(), c.looks.Load(), c.told.Load(), c.dead.Load())
}

// memoryDir is a directory where a sync costs nothing, if there is one: no power is cut in this test.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "talkrelay-model-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func drawDeed(t *rapid.T) deed {
	return deed{What: rapid.SampledFrom(modelDeeds).Draw(t, "what"), Who: rapid.IntRange(0, 9).Draw(t, "who"), N: rapid.IntRange(0, 59).Draw(t, "n")}
}

// modelDeeds are what can happen, the frequent ones more than once. The first is what a plan shrinks to.
var modelDeeds = []string{
	"rest", "rest", "rest", "work", "open", "open", "queue", "answer", "close", "close", "reopen", "reopen", "requeue", "snooze", "wake",
	"edit", "edit", "renumber", "renumber", "burst", "shuffle", "sort", "overlap", "closes are forgotten", "channel fails", "channel fails", "list is empty", "channel is slow",
	"fate of slack", "fate of slack", "fate of slack", "fate of sheet", "fate of sheet", "history unreadable", "history lags", "disk full", "kill", "kill at", "kill at", "stop",
}

// model is the world of one plan and the daemon in it.
type model struct {
	t     *testing.T
	path  string
	count *modelCount
	zone  *time.Location // of the schedules

	fullSweep string
	shop      *modelShop
	slack     *modelBox
	sheet     *modelBox

	mu        sync.Mutex
	events    []talkrelay.Event // committed, in order
	committed map[string]bool
	full      int // so many writes fail
	killIn    int // the daemon dies at this step from now; 0 = not
	daemon    *modelDaemon
}

func newModel(t *testing.T, path string, count *modelCount) *model {
	return &model{
		t: t, path: path, count: count, fullSweep: "@every 15m", committed: map[string]bool{},
		shop: newModelShop(4, 5), slack: &modelBox{late: map[string]bool{}}, sheet: &modelBox{sheet: true, late: map[string]bool{}},
	}
}

// play runs a plan to its end, lets everything go well for long enough, and returns what is wrong then.
func (m *model) play(plan []deed) error {
	m.start()
	time.Sleep(2 * time.Minute) // the first look is silent
	for _, d := range plan {
		m.count.deeds.Add(1)
		m.do(d)
		m.restart()
	}
	err := m.settle()
	m.daemon.end(context.Canceled)
	m.count.requests.Add(int64(m.shop.asked))
	for _, b := range []*modelBox{m.slack, m.sheet} {
		m.count.sends.Add(int64(b.sends))
		m.count.looks.Add(int64(b.looks))
	}
	return err
}

// settle waits until nothing is left to do, and compares.
func (m *model) settle() (err error) {
	m.mu.Lock()
	m.full, m.killIn = 0, 0
	m.mu.Unlock()
	m.shop.mu.Lock()
	m.shop.faults, m.shop.empty, m.shop.slow = nil, 0, 0
	m.shop.mu.Unlock()
	for _, b := range []*modelBox{m.slack, m.sheet} {
		b.mu.Lock()
		b.fates, b.blind, b.lag = nil, 0, 0
		b.mu.Unlock()
	}
	for range 4 {
		time.Sleep(31 * time.Minute)
		m.restart()
		if err = m.compare(); err == nil {
			return nil
		}
	}
	return err
}

// compare says what is lost, doubled, out of order or left over.
func (m *model) compare() error {
	m.mu.Lock()
	events := slices.Clone(m.events)
	m.mu.Unlock()
	told := map[string]int{}
	changes := map[string][]talkrelay.Event{}
	var ids, dead []string
	for _, e := range events {
		switch {
		case e.Kind == talkrelay.UserChatOpened:
			told[e.ID]++
		case e.Change == talkrelay.Updated:
			changes[e.User.ID] = append(changes[e.User.ID], e)
		}
		if poisoned(e.ID) {
			dead = append(dead, e.ID)
		} else {
			ids = append(ids, e.ID)
		}
	}
	m.shop.mu.Lock()
	defer m.shop.mu.Unlock()
	if err := m.shop.missing(told); err != nil {
		return err
	}
	for _, u := range m.shop.users {
		if err := u.changed(changes[u.ID]); err != nil {
			return err
		}
	}
	for _, to := range []struct {
		name string
		box  *modelBox
	}{{"slack", m.slack}, {"sheet", m.sheet}} {
		if to.box.doubled != "" {
			return fmt.Errorf("%s: shipment %s was sent again although it lay there for all to see", to.name, to.box.doubled)
		}
		if got := to.box.events(); !slices.Equal(got, ids) {
			return fmt.Errorf("%s got\n%s\nwant\n%s", to.name, strings.Join(got, "\n"), strings.Join(ids, "\n"))
		}
		if err := m.daemon.idle(to.name, len(dead)); err != nil {
			return err
		}
	}
	m.count.told.Add(int64(2 * len(ids)))
	m.count.dead.Add(int64(2 * len(dead)))
	return nil
}

// idle says what is left in a queue.
func (d *modelDaemon) idle(name string, wantDead int) error {
	q := d.db.Queue(name)
	waiting, dead, _, err := q.Depth()
	flying, err2 := q.InFlight()
	recheck, _, err3 := q.NextRecheck()
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	if waiting != 0 || dead != wantDead || flying != nil || recheck != nil {
		return fmt.Errorf("%s: %d waiting, %d dead and not %d, in flight %v, recheck %v", name, waiting, dead, wantDead, flying, recheck)
	}
	return nil
}

// modelDaemon is a daemon on the state file.
type modelDaemon struct {
	m     *model
	db    *state.DB
	stop  context.CancelCauseFunc
	ctx   context.Context
	tasks sync.WaitGroup
}

// start opens the file and starts all that works on it.
func (m *model) start() {
	m.count.starts.Add(1)
	db, err := state.Open(state.Config{Path: m.path})
	if err != nil {
		m.t.Fatal(err)
	}
	d := &modelDaemon{m: m, db: db}
	d.ctx, d.stop = context.WithCancelCause(m.t.Context())
	m.mu.Lock()
	m.daemon = d
	m.mu.Unlock()
	kill := func() { d.stop(errKilled) }
	m.slack.crash, m.sheet.crash = kill, kill
	workers := []*dispatch.Worker{
		d.worker("slack", m.slack, 1, []time.Duration{10 * time.Second, time.Minute}),
		d.worker("sheet", modelSheet{m.sheet}, 4, nil),
	}
	p, err := poller.New(poller.Config{
		Name: "main", API: m.shop, Store: modelStore{d}, Epoch: db.Epoch(), Poll: "@every 1m", Sweep: "@every 5m", FullSweep: m.fullSweep, Location: m.zone,
		ContactRequestsPerMinute: 6, MessageLookupsPerMinute: 30, Match: everywhere, Committed: func([]talkrelay.Delivery) {
			for _, w := range workers {
				w.Wake()
			}
		},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	d.run(p.Run)
	for _, w := range workers {
		d.run(w.Run)
	}
}

func (d *modelDaemon) worker(name string, to sink.Sink, items int, lookups []time.Duration) *dispatch.Worker {
	q := &modelQueue{d.db.Queue(name), d}
	cfg := dispatch.WorkerConfig{Sink: name, Instance: d.db.Instance(), Target: to, Outbox: q, Receipts: q, MaxItems: items, LookupsUnanswered: lookups}
	if lookups != nil {
		cfg.LookupsAnswered = []time.Duration{2 * time.Second, 8 * time.Second}
		cfg.RecheckAfter = 5 * time.Minute
	}
	return dispatch.NewWorker(cfg)
}

func (d *modelDaemon) run(f func(context.Context) error) {
	d.tasks.Go(func() {
		if err := f(d.ctx); err != nil && d.ctx.Err() == nil {
			d.m.t.Errorf("ended with %v", err)
		}
	})
}

// end stops all, with errKilled or in good order, and closes the file.
func (d *modelDaemon) end(why error) {
	d.stop(why)
	d.tasks.Wait()
	if err := d.db.Close(); err != nil {
		d.m.t.Error(err)
	}
}

// restart replaces a daemon that was killed.
func (m *model) restart() {
	if m.daemon.ctx.Err() != nil {
		m.daemon.end(errKilled)
		m.start()
	}
}

func everywhere(events []talkrelay.Event) (list []talkrelay.Delivery) {
	for _, e := range events {
		list = append(list, talkrelay.Delivery{EventID: e.ID, Sink: "slack", Route: "all"}, talkrelay.Delivery{EventID: e.ID, Sink: "sheet", Route: "all"})
	}
	return list
}

// write does one write to the file, unless the disk is full or the daemon dies at it, before or after.
func (d *modelDaemon) write(f func() error) error {
	if err := d.step(); err != nil {
		return err
	}
	d.m.mu.Lock()
	full := d.m.full > 0
	if full {
		d.m.full--
	}
	d.m.mu.Unlock()
	if full {
		return errModelDisk
	}
	if err := f(); err != nil {
		return err
	}
	return d.step()
}

// step is where the daemon may die: nothing it does after that reaches the file.
func (d *modelDaemon) step() error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if d.m.daemon == d && d.m.killIn > 0 {
		if d.m.killIn--; d.m.killIn == 0 {
			d.stop(errKilled)
		}
	}
	if errors.Is(context.Cause(d.ctx), errKilled) {
		return errKilled
	}
	return nil
}

// modelStore is the state as the poller sees it. It notes what was committed.
type modelStore struct{ d *modelDaemon }

func (s modelStore) Cursor(channel, stream string) ([]byte, error) {
	return s.d.db.Cursor(channel, stream)
}
func (s modelStore) Entity(channel string, ref talkrelay.Ref) ([]byte, error) {
	return s.d.db.Entity(channel, ref)
}
func (s modelStore) Entities(channel, typ, after string, n int) ([]talkrelay.Snapshot, error) {
	return s.d.db.Entities(channel, typ, after, n)
}

func (s modelStore) Commit(c talkrelay.Commit) error {
	return s.d.write(func() error {
		if err := s.d.db.Commit(c); err != nil {
			return err
		}
		s.d.m.mu.Lock()
		defer s.d.m.mu.Unlock()
		for i, e := range c.Events {
			if i > 0 && e.At.Before(c.Events[i-1].At) {
				s.d.m.t.Errorf("%s is committed after %s, which happened later", e.ID, c.Events[i-1].ID)
			}
			s.d.m.events = append(s.d.m.events, e)
			s.d.m.committed[e.ID] = true
		}
		return nil
	})
}

// modelQueue is a real queue, with the same writes in danger.
type modelQueue struct {
	*state.Queue
	d *modelDaemon
}

func (q *modelQueue) Save(s *talkrelay.Shipment) error {
	return q.d.write(func() error { return q.Queue.Save(s) })
}

func (q *modelQueue) Settle(s *talkrelay.Shipment, o talkrelay.Outcome) error {
	return q.d.write(func() error { return q.Queue.Settle(s, o) })
}

func (q *modelQueue) DropRecheck(id string) error {
	return q.d.write(func() error { return q.Queue.DropRecheck(id) })
}
