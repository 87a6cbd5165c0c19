package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"talkrelay/channeltalk"
	"talkrelay/dispatch"
	"talkrelay/poller"
	"talkrelay/sink"
	"talkrelay/state"
)

// What a witness hears when all is well, and what it makes of answers that have no name of their own.
const (
	said      = "delivered"         // by Send
	read      = "read"              // a list of chats
	found     = "found"             // by a look-up
	notFound  = "not found"         // likewise
	lateCopy  = "late copy removed" // by a recheck
	cannotSee = "look-up: "         // and the verdict
)

// witness stands at the seams of a daemon in this process and notes what is said there: by each sink of each try, and by
// Channel Talk of each list. It also takes the name of a host away.
type witness struct {
	mu    sync.Mutex
	heard map[string][]string // sink or channel → words, each once, in the order they were first said
	tries map[string]int      // sink → sends
	gone  string              // host:port whose name cannot be looked up
}

func newWitness() *witness { return &witness{heard: map[string][]string{}, tries: map[string]int{}} }

func (w *witness) note(who, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.heard[who], what) {
		w.heard[who] = append(w.heard[who], what)
	}
}

func (w *witness) unsay(who, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard[who] = slices.DeleteFunc(w.heard[who], func(s string) bool { return s == what })
}

// words is what who has said since forget.
func (w *witness) words(who string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.heard[who], " → ")
}

// trouble reports whether who has said anything but that all is well.
func (w *witness) trouble(who string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.heard[who], func(s string) bool { return s != said && s != read })
}

func (w *witness) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.heard)
	clear(w.tries)
}

func (w *witness) sends(sink string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tries[sink]
}

// lose makes a host's name unknown; "" = all are known again.
func (w *witness) lose(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = address
}

func (w *witness) lost(address string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return address == w.gone
}

// transport implements seams. The simulated services have no names; one that is lost is dialled by one that no name
// server knows.
func (w *witness) transport(t *http.Transport) {
	dial := t.DialContext
	nowhere := &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if w.lost(address) {
			return nowhere.DialContext(ctx, network, "service.test:443")
		}
		return dial(ctx, network, address)
	}
}

// state implements seams.
func (w *witness) state(*state.Config) {}

// poller implements seams.
func (w *witness) poller(c *poller.Config) { c.API = heardAPI{c.API, w, c.Name} }

// worker implements seams.
func (w *witness) worker(c *dispatch.WorkerConfig) { c.Target = heardSink{c.Target, w, c.Sink} }

type heardAPI struct {
	poller.API
	w    *witness
	name string
}

func (a heardAPI) UserChats(ctx context.Context, q channeltalk.Query) (*channeltalk.ChatPage, error) {
	page, err := a.API.UserChats(ctx, q)
	if ctx.Err() == nil {
		a.w.unsay(a.name, read) // it counts as the end of trouble alone
	}
	switch {
	case err == nil:
		a.w.note(a.name, read)
	case ctx.Err() == nil:
		a.w.note(a.name, string(channeltalk.KindOf(err)))
	}
	return page, err
}

type heardSink struct {
	sink.Sink
	w    *witness
	name string
}

func (s heardSink) note(ctx context.Context, prefix string, err error) {
	if ctx.Err() == nil {
		s.w.note(s.name, prefix+sink.VerdictOf(err).Verdict.String())
	}
}

func (s heardSink) Wait(ctx context.Context) error {
	err := s.Sink.Wait(ctx)
	if err != nil {
		s.note(ctx, "", err)
	}
	return err
}

func (s heardSink) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	s.w.mu.Lock()
	s.w.tries[s.name]++
	s.w.mu.Unlock()
	receipt, err := s.Sink.Send(ctx, m)
	if err != nil {
		s.note(ctx, "", err)
	} else {
		s.w.note(s.name, said)
	}
	return receipt, err
}

func (s heardSink) Resolve(ctx context.Context, m sink.Message) (sink.Receipt, bool, error) {
	receipt, ok, err := s.Sink.Resolve(ctx, m)
	switch {
	case err != nil:
		s.note(ctx, cannotSee, err)
	case ok:
		s.w.note(s.name, found)
	default:
		s.w.note(s.name, notFound)
	}
	return receipt, ok, err
}

// Recheck implements sink.Rechecker. The worker asks only a sink that has it for one.
func (s heardSink) Recheck(ctx context.Context, m sink.Message) (int, error) {
	r, ok := s.Sink.(sink.Rechecker)
	if !ok {
		return 0, nil
	}
	removed, err := r.Recheck(ctx, m)
	if removed > 0 {
		s.w.note(s.name, lateCopy)
	}
	return removed, err
}
