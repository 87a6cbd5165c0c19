package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"talkrelay/sink"
)

// fate is what a simulated service does with one send.
type fate struct {
	Refuse   time.Duration // > 0: answers "not now" with this Retry-After and applies nothing
	Rework   bool          // answers that the message must be made differently and applies nothing
	Pause    bool          // answers that the destination is broken and applies nothing
	Lost     bool          // applies it and does not answer
	Dropped  bool          // neither applies it nor answers
	Answered bool          // with Lost or Dropped: answers something unclear
	Late     time.Duration // applies it only after this much time, with Dropped
	Crash    bool          // the process dies once it has been sent; the rest still holds
}

// copied is one copy of a message at a service.
type copied struct {
	ID, Body string
	At       time.Time // applied; a later one than now is still on its way
}

// service is a simulated destination. What it holds outlives the processes that talk to it.
type service struct {
	lag       time.Duration // until a copy shows in the history
	once      bool          // refuses a second copy, as Sheets does, and has no history
	copies    []copied
	fates     []fate // of the sends to come; then all goes well
	crash     func() // kills the process
	holdUntil time.Time
	broken    string // what a careful client would never have done
}

func (s *service) next() (f fate) {
	if len(s.fates) > 0 {
		f, s.fates = s.fates[0], s.fates[1:]
	}
	return f
}

// apply adds a copy at a time, unless the service knows that it has one.
func (s *service) apply(m sink.Message, at time.Time) {
	if s.once && slices.ContainsFunc(s.copies, func(c copied) bool { return c.ID == m.ID && !c.At.After(at) }) {
		return
	}
	if s.once { // a copy on its way comes after this one, and is refused
		s.copies = slices.DeleteFunc(s.copies, func(c copied) bool { return c.ID == m.ID })
	}
	s.copies = append(s.copies, copied{m.ID, string(m.Body), at})
}

// held lists what the service shows at a time, oldest first.
func (s *service) held(now time.Time) []copied {
	out := slices.DeleteFunc(slices.Clone(s.copies), func(c copied) bool { return c.At.After(now) })
	slices.SortStableFunc(out, func(a, b copied) int { return a.At.Compare(b.At) })
	return out
}

// rows returns the events it shows, in order.
func (s *service) rows() (out []string) {
	for _, c := range s.held(time.Now()) {
		out = append(out, strings.Split(c.Body, "+")...)
	}
	return out
}

// client is a sink on a service.
type client struct{ service *service }

func (c client) Wait(ctx context.Context) error { return ctx.Err() }

func (c client) Prepare(_ string, items []sink.Item, _ string) ([]byte, int, error) {
	var ids []string
	for _, item := range items {
		ids = append(ids, item.Event.ID)
	}
	return []byte(strings.Join(ids, "+")), len(items), nil
}

func (c client) Send(_ context.Context, m sink.Message) (sink.Receipt, error) {
	s, now := c.service, time.Now()
	if now.Before(s.holdUntil) {
		s.broken = fmt.Sprintf("%q was sent inside a Retry-After", m.Body)
	}
	f := s.next()
	if slices.ContainsFunc(s.copies, func(c copied) bool { return c.ID == m.ID }) {
		f.Rework = false // a service that took it once, or will, does not find fault with it
	}
	switch {
	case f.Refuse > 0:
		s.holdUntil = now.Add(f.Refuse)
	case f.Pause, f.Rework:
	case f.Dropped && f.Late > 0:
		s.apply(m, now.Add(f.Late))
	case f.Dropped:
	default:
		s.apply(m, now)
	}
	if f.Crash {
		s.crash()
	}
	switch {
	case f.Refuse > 0:
		return "", &sink.Error{Verdict: sink.Retry, Op: "send", Reason: "not now", After: f.Refuse}
	case f.Rework:
		return "", &sink.Error{Verdict: sink.Rework, Op: "send", Reason: "row 2"}
	case f.Pause:
		return "", &sink.Error{Verdict: sink.PauseDestination, Op: "send", Reason: "archived"}
	case f.Lost, f.Dropped:
		return "", &sink.Error{Verdict: sink.InDoubt, Op: "send", Reason: "unclear", Answered: f.Answered}
	}
	return sink.Receipt(now.Format(time.RFC3339Nano)), nil
}

func (c client) Resolve(_ context.Context, m sink.Message) (sink.Receipt, bool, error) {
	if c.service.once {
		return "", false, errors.New("has no history")
	}
	found, _ := c.repair(m)
	if len(found) == 0 {
		return "", false, nil
	}
	return sink.Receipt(found[0].At.Format(time.RFC3339Nano)), true, nil
}

func (c client) Recheck(_ context.Context, m sink.Message) (int, error) {
	_, removed := c.repair(m)
	return removed, nil
}

// repair finds the copies of m that the history shows and removes all but the first.
func (c client) repair(m sink.Message) (found []copied, removed int) {
	s, now := c.service, time.Now()
	for _, x := range s.held(now) {
		if x.ID == m.ID && !x.At.Add(s.lag).After(now) {
			found = append(found, x)
		}
	}
	if len(found) > 1 {
		kept := false
		s.copies = slices.DeleteFunc(s.held(now.Add(time.Hour)), func(x copied) bool {
			surplus := x.ID == m.ID && !x.At.After(now) && kept
			kept = kept || x.ID == m.ID
			return surplus
		})
		removed = len(found) - 1
	}
	return found, removed
}
