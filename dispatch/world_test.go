package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"talkrelay"
	"talkrelay/dispatch"
	"talkrelay/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// file is a state file for one sink. It keeps bytes, as a real one does.
type file struct {
	mu        sync.Mutex
	seq       uint64 // last one given out
	queue     []talkrelay.Pending
	inFlight  []byte
	receipt   string
	rechecks  []string // JSON of recheckRecord
	delivered []string // event IDs, as settled
	dead      []string // "event: reason"
	saved     []string // phases, as saved

	// fault is asked before and after each operation; an error at "before" keeps it from happening, one at "after" does
	// not. nil = never fails.
	fault func(op, when string) error
}

type recheckRecord struct {
	Shipment talkrelay.Shipment
	At       time.Time
}

func (f *file) add(events ...string) *file {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range events {
		f.seq++
		f.queue = append(f.queue, talkrelay.Pending{Seq: f.seq, Route: "all", Event: talkrelay.Event{ID: id}})
	}
	return f
}

func (f *file) do(op string, fn func()) error {
	return f.try(op, func() error { fn(); return nil })
}

func (f *file) try(op string, fn func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault == nil {
		return fn()
	}
	if err := f.fault(op, "before"); err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err
	}
	return f.fault(op, "after")
}

func (f *file) InFlight() (s *talkrelay.Shipment, err error) {
	err = f.do("in flight", func() { s = f.current() })
	return s, err
}

func (f *file) current() *talkrelay.Shipment {
	if f.inFlight == nil {
		return nil
	}
	s := &talkrelay.Shipment{}
	if err := json.Unmarshal(f.inFlight, s); err != nil {
		panic(err)
	}
	return s
}

func (f *file) Pending(n int) (out []talkrelay.Pending, err error) {
	err = f.do("pending", func() {
		s := f.current()
		for _, p := range f.queue {
			if (s == nil || !slices.Contains(s.Seqs, p.Seq)) && len(out) < n {
				out = append(out, p)
			}
		}
	})
	return out, err
}

func (f *file) Save(s *talkrelay.Shipment) error {
	return f.try("save", func() error {
		cur := f.current()
		switch {
		case len(s.Seqs) == 0 && cur != nil && cur.ID != s.ID:
			return errStale
		case len(s.Seqs) == 0:
			f.inFlight = nil
			return nil
		case s.ID == "" || cur != nil && cur.Seqs[0] != s.Seqs[0]:
			return errStale
		}
		f.inFlight, _ = json.Marshal(s)
		f.saved = append(f.saved, string(s.Phase))
		return nil
	})
}

func (f *file) Settle(s *talkrelay.Shipment, o talkrelay.Outcome) error {
	return f.try("settle", func() error {
		if cur := f.current(); cur == nil || cur.ID != s.ID {
			return errStale
		}
		for i, seq := range s.Seqs {
			at := slices.IndexFunc(f.queue, func(p talkrelay.Pending) bool { return p.Seq == seq })
			f.queue = slices.Delete(f.queue, at, at+1)
			if o.Dead != "" {
				f.dead = append(f.dead, s.Events[i]+": "+o.Dead)
			} else {
				f.delivered = append(f.delivered, s.Events[i])
			}
		}
		if o.Dead == "" {
			f.receipt = o.Receipt
		}
		f.inFlight = nil
		if !o.Recheck.IsZero() {
			b, _ := json.Marshal(recheckRecord{*s, o.Recheck})
			f.rechecks = append(f.rechecks, string(b))
		}
		return nil
	})
}

func (f *file) LastReceipt() (r string, err error) {
	err = f.do("last receipt", func() { r = f.receipt })
	return r, err
}

func (f *file) NextRecheck() (s *talkrelay.Shipment, at time.Time, err error) {
	err = f.do("next recheck", func() {
		if len(f.rechecks) > 0 {
			var r recheckRecord
			_ = json.Unmarshal([]byte(f.rechecks[0]), &r)
			s, at = &r.Shipment, r.At
		}
	})
	return s, at, err
}

func (f *file) DropRecheck(id string) error {
	return f.do("drop recheck", func() {
		f.rechecks = slices.DeleteFunc(f.rechecks, func(r string) bool { return strings.Contains(r, id) })
	})
}

func (f *file) snapshot() (delivered, dead, saved []string, waiting int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.delivered), slices.Clone(f.dead), slices.Clone(f.saved), len(f.queue)
}

// call is one Send or Resolve that a fake saw, at a time since the start of the test.
type call struct {
	Op   string
	At   time.Duration
	Body string
}

func (c call) String() string {
	return fmt.Sprintf("%s %s %s", c.At.Round(time.Millisecond), c.Op, c.Body)
}

// fake is a sink whose methods a test replaces. The defaults accept everything, one item a message.
type fake struct {
	start time.Time
	mu    sync.Mutex
	calls []call
	n     map[string]int

	wait    func(context.Context) error
	prepare func(items []sink.Item, form string) (string, int, error)
	send    func(ctx context.Context, n int, m sink.Message) error // n counts the sends from 1
	resolve func(n int, m sink.Message) (bool, error)
	recheck func(n int, m sink.Message) (int, error)
}

func newFake() *fake { return &fake{start: time.Now(), n: map[string]int{}} }

func (f *fake) saw(op, body string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call{op, time.Since(f.start), body})
	f.n[op]++
	return f.n[op]
}

func (f *fake) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]string, len(f.calls))
	for i, c := range f.calls {
		out[i] = c.String()
	}
	return out
}

func (f *fake) count(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n[op]
}

func (f *fake) Wait(ctx context.Context) error {
	if f.wait != nil {
		return f.wait(ctx)
	}
	return ctx.Err()
}

func (f *fake) Prepare(_ string, items []sink.Item, form string) ([]byte, int, error) {
	if f.prepare != nil {
		body, n, err := f.prepare(items, form)
		return []byte(body), n, err
	}
	var ids []string
	for _, item := range items {
		ids = append(ids, item.Event.ID)
	}
	return []byte(strings.Join(ids, "+") + form), len(items), nil
}

func (f *fake) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	n := f.saw("send", string(m.Body))
	if f.send != nil {
		if err := f.send(ctx, n, m); err != nil {
			return "", err
		}
	}
	return sink.Receipt("r-" + string(m.Body)), nil
}

func (f *fake) Resolve(_ context.Context, m sink.Message) (sink.Receipt, bool, error) {
	n := f.saw("look", string(m.Body))
	if f.resolve == nil {
		return "", false, nil
	}
	found, err := f.resolve(n, m)
	return sink.Receipt("found-" + string(m.Body)), found, err
}

func (f *fake) Recheck(_ context.Context, m sink.Message) (int, error) {
	n := f.saw("recheck", string(m.Body))
	if f.recheck == nil {
		return 0, nil
	}
	return f.recheck(n, m)
}

// logBook keeps log lines.
type logBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logBook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// lines returns those with the message.
func (l *logBook) lines(msg string) (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, `msg="`+msg+`"`) || strings.Contains(line, "msg="+msg+" ") {
			out = append(out, line)
		}
	}
	return out
}

// config is that of a Slack-like sink.
func config(target sink.Sink, f *file) dispatch.WorkerConfig {
	return dispatch.WorkerConfig{
		Sink: "s", Target: target, Outbox: f, Receipts: f, MaxItems: 1,
		LookupsAnswered:   []time.Duration{2 * time.Second, 8 * time.Second},
		LookupsUnanswered: []time.Duration{10 * time.Second, 60 * time.Second},
		RecheckAfter:      5 * time.Minute,
	}
}

// run starts a worker and returns how to stop it.
func run(t *testing.T, w *dispatch.Worker) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func ids(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("e%d", i+1)
	}
	return out
}

var errStale = errors.New("another shipment is in flight")

var errDisk = errors.New("no space left on device")

func verdict(v sink.Verdict) *sink.Error {
	return &sink.Error{Verdict: v, Op: "post message", Reason: "test"}
}
