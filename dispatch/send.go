package dispatch

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// maxReworks is how often deliveries are prepared anew in a row before the worker slows down. Halving 1,000,000 rows
// down to one takes 20.
const maxReworks = 25

// begin makes the next shipment of what waits and sends it. s has no deliveries; its Form and NextAt count.
func (w *Worker) begin(ctx context.Context, s talkrelay.Shipment) (talkrelay.Shipment, error) {
	if err := w.waitUntil(ctx, s.NextAt, &s); err != nil {
		return s, err
	}
	w.recheckDue(ctx)
	items, err := w.pending(ctx, 1)
	if err != nil {
		return s, err
	}
	if len(items) == 0 {
		return talkrelay.Shipment{}, w.idle(ctx)
	}
	if until := w.quiet(time.Now()); !until.IsZero() && len(w.again) == 0 {
		return s, w.hush(ctx, until)
	}
	if err := w.callWait(ctx); err != nil {
		return w.notBegun(ctx, s, classed(err, sink.Retry, "wait", "cannot send now"))
	}
	n := w.maxItems
	if w.limit > 0 {
		n = min(n, w.limit)
	}
	if items, err = w.pending(ctx, n); err != nil || len(items) == 0 {
		return s, err
	}
	if w.findable() {
		items = items[:certain(items)]
	}
	w.callScout(ctx, items)
	made, err := w.prepare(ctx, items, s.Form)
	if err != nil {
		return w.notPrepared(ctx, s, items[0], err)
	}
	w.route, w.hand, w.again = items[0].Route, items[:len(made.Seqs)], nil
	if items[0].Doubt && w.findable() {
		return w.save(ctx, w.suspected(made, items[0]))
	}
	return w.attempt(ctx, made)
}

// certain returns how many of items may be sent together: those before the first in doubt, which is looked for alone,
// because what it was sent with is not known any more. It is at least 1.
func certain(items []talkrelay.Pending) int {
	n := slices.IndexFunc(items, func(p talkrelay.Pending) bool { return p.Doubt })
	if n < 0 {
		return len(items)
	}
	return max(n, 1)
}

// pending returns up to n deliveries that wait: those to be prepared anew, else the oldest of the queue.
func (w *Worker) pending(ctx context.Context, n int) (items []talkrelay.Pending, err error) {
	if len(w.again) > 0 {
		return w.again[:min(n, len(w.again))], nil
	}
	err = w.persist(ctx, "read the queue", func() (err error) {
		items, err = w.outbox.Pending(n)
		return err
	})
	return items, err
}

// prepare renders items into a shipment that nobody knows of yet.
func (w *Worker) prepare(ctx context.Context, items []talkrelay.Pending, form string) (talkrelay.Shipment, error) {
	s := talkrelay.Shipment{ID: w.nameOf(items), Form: form, Phase: talkrelay.PhaseWaiting}
	err := w.persist(ctx, "read the last receipt", func() (err error) {
		s.After, err = w.receipts.LastReceipt()
		return err
	})
	if err != nil {
		return s, err
	}
	n := 0
	if s.Body, n, err = w.callPrepare(s.ID, items, form); err != nil {
		return s, err
	}
	for _, item := range items[:n] {
		s.Seqs, s.Events = append(s.Seqs, item.Seq), append(s.Events, item.Event.ID)
		if item.Refresh {
			s.Fresh++
		}
	}
	return s, nil
}

// notBegun is what follows when Wait or Prepare stopped a shipment that is not written anywhere yet. Whatever the
// error says, nothing was sent.
func (w *Worker) notBegun(ctx context.Context, s talkrelay.Shipment, e *sink.Error) (talkrelay.Shipment, error) {
	if ctx.Err() != nil {
		return s, errStopped
	}
	s = w.refused(s, e, w.failed(), time.Now())
	w.report(&s, e)
	return s, nil
}

// notPrepared sends the delivery that cannot be rendered to the dead letters, unless the sink says that the trouble is
// elsewhere.
func (w *Worker) notPrepared(ctx context.Context, s talkrelay.Shipment, first talkrelay.Pending, err error) (talkrelay.Shipment, error) {
	if errors.Is(err, errStopped) || errors.Is(err, ErrBlocked) {
		return s, err
	}
	e := classed(err, sink.Bad, "prepare message", "cannot be rendered")
	if e.Verdict != sink.Bad {
		return w.notBegun(ctx, s, e)
	}
	w.route, w.again = first.Route, nil
	return w.save(ctx, talkrelay.Shipment{
		ID: newID(), Seqs: []uint64{first.Seq}, Events: []string{first.Event.ID}, Phase: talkrelay.PhaseWaiting, Err: e.Error(),
	})
}

// send sends s, which waits, when its time has come.
func (w *Worker) send(ctx context.Context, s talkrelay.Shipment) (talkrelay.Shipment, error) {
	if err := w.waitUntil(ctx, s.NextAt, &s); err != nil {
		return s, err
	}
	if err := w.callWait(ctx); err != nil {
		if s, err = w.notBegun(ctx, s, classed(err, sink.Retry, "wait", "cannot send now")); err != nil {
			return s, err
		}
		return w.save(ctx, s)
	}
	return w.attempt(ctx, s)
}

// attempt writes down that s is being sent, sends it, and writes down what came of it.
func (w *Worker) attempt(ctx context.Context, s talkrelay.Shipment) (talkrelay.Shipment, error) {
	if ctx.Err() != nil {
		return s, errStopped
	}
	s, err := w.save(ctx, w.attempted(s, time.Now()))
	if err != nil {
		return s, err
	}
	sending, cancel := outlive(ctx, w.grace)
	receipt, err := w.callSend(sending, message(&s))
	cancel()
	if err == nil {
		return w.settle(ctx, s, w.delivered(&s, receipt, time.Now()))
	}
	e := sink.VerdictOf(err)
	switch e.Verdict {
	case sink.Retry, sink.PauseDestination, sink.PauseCredential:
		s = w.refused(s, e, w.failed(), time.Now())
		w.report(&s, e)
		return w.save(ctx, s)
	case sink.Rework:
		return w.release(ctx, s, e, e.Form, len(s.Seqs))
	case sink.Bad:
		return w.bad(ctx, s, e)
	}
	known := s.Doubted
	s = w.doubted(s, e, w.failed(), time.Now())
	if !known {
		w.log.Warn(msgInDoubt, "event", firstEvent(&s), "attempt", s.Attempt, "err", s.Err)
	} else {
		w.report(&s, e)
	}
	return w.save(ctx, s)
}

// bad ends a delivery that can never be made. One verdict ends one delivery: of several, half are tried alone.
func (w *Worker) bad(ctx context.Context, s talkrelay.Shipment, e *sink.Error) (talkrelay.Shipment, error) {
	if n := len(s.Seqs); n > 1 {
		return w.release(ctx, s, e, s.Form, n/2)
	}
	return w.settle(ctx, s, talkrelay.Outcome{Dead: e.Error(), At: time.Now()})
}

// release takes s, which was certainly not applied and never will be, apart, so that at most n of its deliveries are
// prepared anew. It stays in the file until its successor takes its place there.
func (w *Worker) release(ctx context.Context, s talkrelay.Shipment, e *sink.Error, form string, n int) (talkrelay.Shipment, error) {
	if s.Seqs[0] != w.first {
		w.first, w.reworks = s.Seqs[0], 0
	}
	w.reworks++
	next := talkrelay.Shipment{ID: s.ID, Phase: talkrelay.PhaseWaiting, Form: form, Err: e.Error(), Attempt: s.Attempt}
	if w.reworks > maxReworks {
		e = &sink.Error{Verdict: sink.PauseDestination, Op: e.Op, Reason: fmt.Sprintf("%s; prepared anew %d times without end", e.Reason, w.reworks)}
		next = w.refused(next, e, w.failed(), time.Now())
		w.report(&next, e)
	}
	w.limit, w.again = n, w.hand
	if len(w.again) == 0 { // sent by an earlier process: only the file knows what was in it
		return w.save(ctx, next)
	}
	return next, nil
}

// settle writes down the end of s. Nothing else is done before that has succeeded.
func (w *Worker) settle(ctx context.Context, s talkrelay.Shipment, o talkrelay.Outcome) (talkrelay.Shipment, error) {
	err := w.persist(ctx, "settle a shipment", func() error {
		err := w.outbox.Settle(&s, o)
		if err == nil {
			return nil
		}
		if now, readErr := w.outbox.InFlight(); readErr == nil && now == nil {
			return nil // it was written, whatever was said
		}
		return err
	})
	if err != nil {
		return s, err
	}
	w.settled(&s, o)
	w.failures = 0
	w.forget()
	return talkrelay.Shipment{}, nil
}

// forget drops what is known of a shipment besides what is in the file.
func (w *Worker) forget() {
	w.limit, w.reworks, w.route, w.hand, w.again = 0, 0, "", nil, nil
}

// save writes s down as the shipment in hand and returns it.
func (w *Worker) save(ctx context.Context, s talkrelay.Shipment) (talkrelay.Shipment, error) {
	return s, w.persist(ctx, "save a shipment", func() error {
		stored := s
		return w.outbox.Save(&stored)
	})
}

// failed counts one more failure in a row.
func (w *Worker) failed() int {
	w.failures++
	return w.failures
}

// message is s as its sink sees it.
func message(s *talkrelay.Shipment) sink.Message {
	return sink.Message{ID: s.ID, Body: s.Body, Attempt: s.Attempt, After: s.After, FirstSent: s.FirstSent}
}

// firstEvent names s in a log line.
func firstEvent(s *talkrelay.Shipment) string {
	if len(s.Events) == 0 {
		return ""
	}
	return s.Events[0]
}

// findable reports whether a delivery can be looked for by what it is: it travels alone, and the sink has look-ups.
func (w *Worker) findable() bool { return len(w.lookupsUnanswered) > 0 }

// nameOf returns the id for a shipment of items. Where deliveries are findable, or known by their ids, it follows from what
// is delivered, so that a process that works on a backup from before the delivery still finds it.
func (w *Worker) nameOf(items []talkrelay.Pending) string {
	if !w.findable() && !w.stableIDs {
		return newID()
	}
	return ShipmentID(w.instance, w.sink, items[0].Event.ID)
}

// ShipmentID returns the id of the shipment in which an event is delivered to a sink with look-ups; of a digest, that of its
// first event.
func ShipmentID(instance, sink, event string) string {
	sum := sha256.Sum256([]byte(instance + "\n" + sink + "\n" + event))
	return hex.EncodeToString(sum[:16])
}

// newID returns 32 random hex digits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// outlive returns a context that ends grace after ctx does, so that a send in hand can finish.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-out.Done():
		}
	})
	return out, func() {
		stop()
		cancel()
	}
}
