package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// WorkerConfig says what a Worker takes from where to where.
type WorkerConfig struct {
	Sink     string // its name in the config file
	Instance string // names the state, and what is restored from its backups, among all that deliver to the same place
	Target   sink.Sink
	Outbox   Outbox
	Receipts Receipts

	// MaxItems is how many deliveries one shipment may hold; the sink may take fewer. 0 = 1.
	MaxItems int
	// LookupsAnswered and LookupsUnanswered say when a shipment in doubt is looked up, counted from the moment it
	// became doubtful: after the service answered something unclear, and after it did not answer. It is sent again only
	// when all of them found nothing. Empty for a sink whose service refuses a second copy: it is sent again after the
	// back-off, without a look.
	LookupsAnswered   []time.Duration
	LookupsUnanswered []time.Duration
	// StableIDs: the id of a shipment follows from its event, as it always does with look-ups. It is for a destination
	// that knows a repeat by the id alone, also one by a process that works on an older backup. MaxItems must be 1.
	StableIDs bool
	// RecheckAfter is when a shipment that was sent again out of doubt is looked at once more for copies that arrived
	// late, counted from its delivery. 0 = never. It has no effect on a sink that is no sink.Rechecker.
	RecheckAfter time.Duration
	// Quiet returns when the quiet hours that a time is in are over, zero if it is in none: until then nothing is begun. nil =
	// there are none.
	Quiet func(time.Time) time.Time
	Retry RetryConfig
	// Grace is how long a send may go on after the worker was told to stop. 0 = 10 s.
	Grace time.Duration
	// Logger may be nil.
	Logger *slog.Logger
}

const defaultGrace = 10 * time.Second

// Worker sees the deliveries of one sink through to their end, in order, one shipment at a time. What it is about to do
// is in the state file before it does it, so that it can be killed anywhere and go on from there.
type Worker struct {
	policy
	sink      string
	instance  string
	target    sink.Sink
	rechecker sink.Rechecker // nil if target is none
	outbox    Outbox
	receipts  Receipts
	maxItems  int
	stableIDs bool
	quiet     func(time.Time) time.Time
	grace     time.Duration
	log       *slog.Logger
	health    *talkrelay.Health // of the destination
	state     *talkrelay.Health // of the state file
	recheck   recheck
	wake      chan struct{}
	running   sync.Mutex

	// Only the goroutine in Run or Drain uses these. All of them may be forgotten at any time.
	draining bool
	failures int    // in a row
	limit    int    // deliveries in the next shipment at most; 0 = maxItems
	reworks  int    // in a row, of shipments that begin with delivery first
	first    uint64 //
	route    string // of the first delivery in hand; "" after a restart

	hand  []talkrelay.Pending // what is in hand; none after a restart
	again []talkrelay.Pending // what is to be prepared anew

	mu     sync.Mutex
	status Status
}

// NewWorker returns a worker that does nothing before Run or Drain.
func NewWorker(c WorkerConfig) *Worker {
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if c.Quiet == nil {
		c.Quiet = func(time.Time) time.Time { return time.Time{} }
	}
	if c.Grace <= 0 {
		c.Grace = defaultGrace
	}
	log := c.Logger.With("sink", c.Sink)
	w := &Worker{
		policy: policy{
			retry:             c.Retry.withDefaults(),
			lookupsAnswered:   c.LookupsAnswered,
			lookupsUnanswered: c.LookupsUnanswered,
		},
		sink:      c.Sink,
		instance:  c.Instance,
		target:    c.Target,
		outbox:    c.Outbox,
		receipts:  c.Receipts,
		maxItems:  max(c.MaxItems, 1),
		stableIDs: c.StableIDs,
		quiet:     c.Quiet,
		grace:     c.Grace,
		log:       log,
		health:    talkrelay.NewHealth(log, msgPaused, msgResumed),
		state:     talkrelay.NewHealth(log, msgStateBroken, msgStateRecovered),
		recheck:   recheck{health: talkrelay.NewHealth(log, msgRecheckBroken, msgRecheckRecovered)},
		wake:      make(chan struct{}, 1),
	}
	if r, ok := c.Target.(sink.Rechecker); ok && c.RecheckAfter > 0 {
		w.rechecker, w.recheckAfter = r, c.RecheckAfter
	}
	return w
}

// Errors that end the work.
var (
	// ErrBlocked is what Drain ends with when what is left waits for somebody to mend something, or for too long.
	ErrBlocked = errors.New("deliveries are left in the queue")

	errStopped = errors.New("stopped")
	errEmpty   = errors.New("queue is empty")
)

// Run delivers until ctx ends. A send in hand then has Grace to finish; what does not finish is in doubt and is looked
// up by the next Run. The error is nil unless the worker is running already.
func (w *Worker) Run(ctx context.Context) error {
	err := w.work(ctx, false)
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// Drain delivers until the queue is empty and returns nil, or until the first delivery left waits for something that
// somebody must mend, or for longer than two minutes: then the error wraps ErrBlocked and says why. It returns the
// context's error if ctx ends first.
func (w *Worker) Drain(ctx context.Context) error {
	err := w.work(ctx, true)
	switch {
	case errors.Is(err, errEmpty):
		return nil
	case errors.Is(err, errStopped):
		return fmt.Errorf("drain the queue: %w", context.Cause(ctx))
	}
	return err
}

// Wake tells the worker that something was put into its queue. It never blocks.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// work takes one step after the other. Between two steps everything that matters is in the state file; s only saves
// reading it.
func (w *Worker) work(ctx context.Context, drain bool) error {
	if !w.running.TryLock() {
		return fmt.Errorf("deliver to %s: the worker is running already", w.sink)
	}
	defer w.running.Unlock()
	w.draining, w.failures = drain, 0
	w.forget()
	s, err := w.load(ctx)
	for err == nil {
		switch {
		case ctx.Err() != nil:
			err = errStopped
		case len(s.Seqs) == 0:
			s, err = w.begin(ctx, s)
		case s.Attempt == 0: // it could not be prepared
			s, err = w.settle(ctx, s, talkrelay.Outcome{Dead: s.Err, At: time.Now()})
		case s.Phase == talkrelay.PhaseDoubt:
			s, err = w.lookUp(ctx, s)
		default:
			s, err = w.send(ctx, s)
		}
	}
	return err
}

// load returns the shipment that was in hand when the process ended. Like every step it returns one without deliveries
// when there is none.
func (w *Worker) load(ctx context.Context) (talkrelay.Shipment, error) {
	var old *talkrelay.Shipment
	err := w.persist(ctx, "read the shipment in flight", func() (err error) {
		old, err = w.outbox.InFlight()
		return err
	})
	if err != nil || old == nil {
		return talkrelay.Shipment{}, err
	}
	s := w.found(*old, time.Now())
	w.failures = s.Attempt
	if s.Phase == old.Phase {
		return s, nil
	}
	w.log.Warn(msgInDoubt, "event", firstEvent(&s), "attempt", s.Attempt, "err", s.Err)
	return w.save(ctx, s)
}
