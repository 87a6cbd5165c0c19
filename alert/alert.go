package alert

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"talkrelay"
)

// Messages of the log. See docs/logs.md.
const (
	msgTold               = "alert sent"
	msgPathBroken         = "alert not sent"
	msgPathRecovered      = "alerts can be sent again"
	msgHeartbeatBroken    = "heartbeat not sent"
	msgHeartbeatRecovered = "heartbeat sent again"
	msgMemoryBroken       = "alerts not remembered"
	msgMemoryRecovered    = "alerts remembered again"
)

// Memory keeps a small value across restarts.
type Memory interface {
	Load() ([]byte, error) // nil = nothing was saved
	Save([]byte) error
}

// Observation is what is wrong at one moment.
type Observation struct {
	Conditions []Condition
	Alive      bool // every channel has been read in time: only then the heartbeat goes on
}

// Desk is what outlives a change of the settings: the Book, and the reports that no path has taken yet.
type Desk struct {
	memory Memory

	mu      sync.Mutex
	book    Book
	pending map[string]Report // by path
}

// deskFile is the JSON form of a Desk in its Memory.
type deskFile struct {
	Book    *Book             `json:"book"`
	Pending map[string]Report `json:"pending,omitempty"`
}

// OpenDesk returns a Desk with what memory holds. With an error, which is no reason to stop, it is an empty one.
func OpenDesk(memory Memory) (*Desk, error) {
	d := &Desk{memory: memory, pending: map[string]Report{}}
	data, err := memory.Load()
	if err != nil || data == nil {
		return d, err
	}
	f := deskFile{Book: &Book{}}
	if err := json.Unmarshal(data, &f); err != nil {
		return d, err
	}
	if f.Book != nil {
		d.book = *f.Book
	}
	if f.Pending != nil {
		d.pending = f.Pending
	}
	return d, nil
}

// Standing reports whether a condition has been raised and not been closed.
func (d *Desk) Standing(k Kind, name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.book.Standing(k, name)
}

// Config is what a Watch needs.
type Config struct {
	Times
	Every time.Duration // between two looks; 0 = an eighth of Times.After, from 1s to 15s
	Voice Voice
	Paths []Path

	Heartbeat      *Heartbeat // nil = none
	HeartbeatEvery time.Duration

	Look   func(now time.Time) Observation
	Desk   *Desk
	Logger *slog.Logger
}

// Watch looks, decides and tells.
type Watch struct {
	cfg      Config
	couriers []*courier
	memory   *talkrelay.Health
	well     atomic.Int64 // when all was well last, in nanoseconds of Unix time
	dirty    chan struct{}
}

// NewWatch returns a Watch. It sends nothing.
func NewWatch(cfg Config) *Watch {
	cfg.Times = cfg.Times.withDefaults()
	if cfg.Every == 0 {
		cfg.Every = min(max(cfg.After/8, time.Second), 15*time.Second)
	}
	w := &Watch{cfg: cfg, memory: talkrelay.NewHealth(cfg.Logger, msgMemoryBroken, msgMemoryRecovered), dirty: make(chan struct{}, 1)}
	for _, p := range cfg.Paths {
		w.couriers = append(w.couriers, newCourier(p, cfg.Voice, cfg.Logger, w.touched))
	}
	return w
}

// Run goes on until ctx ends. What is still to be told then is remembered.
func (w *Watch) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, c := range w.couriers {
		if r, ok := w.cfg.Desk.taken(c.path.Name()); ok {
			c.give(r)
		}
		wg.Go(func() { c.run(ctx) })
	}
	if w.cfg.Heartbeat != nil {
		wg.Go(func() { w.beat(ctx) })
	}
	for ctx.Err() == nil {
		w.look(time.Now())
		w.rest(ctx)
	}
	wg.Wait()
	w.save()
}

// rest waits for the next look, and saves what couriers delivered meanwhile.
func (w *Watch) rest(ctx context.Context) {
	timer := time.NewTimer(w.cfg.Every)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-w.dirty:
			w.save()
		}
	}
}

// look takes one look and hands out what is to be told.
func (w *Watch) look(now time.Time) {
	seen := w.cfg.Look(now)
	d := w.cfg.Desk
	d.mu.Lock()
	report, tell := d.book.Step(now, w.cfg.Times, seen.Conditions)
	well := d.book.Well()
	d.mu.Unlock()
	if well && seen.Alive {
		w.well.Store(now.UnixNano())
	}
	if !tell {
		return
	}
	for _, c := range w.couriers {
		c.give(report)
	}
	w.save()
}

// touched notes that there is something to save.
func (w *Watch) touched() {
	select {
	case w.dirty <- struct{}{}:
	default:
	}
}

// save keeps the Desk in its Memory. A state file that cannot be written may be the very thing that is told, so all
// goes on without.
func (w *Watch) save() {
	pending := map[string]Report{}
	for _, c := range w.couriers {
		if r := c.waiting(); r != nil {
			pending[c.path.Name()] = *r
		}
	}
	if err := w.cfg.Desk.save(pending); err != nil {
		w.memory.Broken(err)
		return
	}
	w.memory.OK()
}

func (d *Desk) save(pending map[string]Report) error {
	d.mu.Lock()
	d.pending = pending
	data, err := json.Marshal(deskFile{&d.book, pending})
	d.mu.Unlock()
	if err != nil {
		return err
	}
	return d.memory.Save(data)
}

// taken returns what a path of an earlier Watch could not send.
func (d *Desk) taken(path string) (Report, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, ok := d.pending[path]
	return r, ok
}

// beat sends the heartbeat while all is well. When the looks themselves hang, nothing is known to be well.
func (w *Watch) beat(ctx context.Context) {
	log := w.cfg.Logger.With("job", w.cfg.Heartbeat.Name())
	health := talkrelay.NewHealth(log, msgHeartbeatBroken, msgHeartbeatRecovered)
	for first := true; ; first = false {
		every := w.cfg.HeartbeatEvery
		if first {
			every = w.cfg.Every // the first look has to be through
		}
		if !pause(ctx, every) {
			return
		}
		if time.Since(time.Unix(0, w.well.Load())) > 3*w.cfg.Every {
			continue
		}
		err := w.cfg.Heartbeat.Ping(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			health.Broken(err)
		default:
			health.OK()
		}
	}
}
