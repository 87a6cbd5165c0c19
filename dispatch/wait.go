package dispatch

import (
	"context"
	"fmt"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// patience is how long Drain waits for one thing. It covers the look-ups of a delivery in doubt.
const patience = 2 * time.Minute

// waitUntil waits for the time at which s, or what follows it, may be touched again.
func (w *Worker) waitUntil(ctx context.Context, at time.Time, s *talkrelay.Shipment) error {
	if at.IsZero() {
		return nil
	}
	w.waiting(s, at) // also when the time has come already: until it is delivered, s is in trouble
	d := time.Until(at)
	if d <= 0 {
		return nil
	}
	if w.draining && (s.Paused || d > patience) {
		return fmt.Errorf("%w: %s", ErrBlocked, s.Err)
	}
	return pause(ctx, d)
}

// pause waits for d, or returns errStopped when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errStopped
	}
}

// unasked is how long an empty queue is believed without being woken. A commit that is written and then reported as
// failed wakes nobody, and the poller never finds its events again.
const unasked = time.Minute

// idle waits until there may be something to do.
func (w *Worker) idle(ctx context.Context) error {
	w.nothingWaits()
	if w.draining {
		return errEmpty
	}
	d := unasked
	if at, ok := w.nextRecheck(); ok {
		d = min(d, time.Until(at))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.wake:
	case <-timer.C:
	case <-ctx.Done():
		return errStopped
	}
	return nil
}

// hush waits until quiet hours are over, and looks in between whether the clock says something else. Drain is through with
// what they hold.
func (w *Worker) hush(ctx context.Context, until time.Time) error {
	w.nothingWaits()
	if w.draining {
		return errEmpty
	}
	return pause(ctx, min(time.Until(until), unasked))
}

// persist repeats an operation on the state file until it succeeds. Once ctx has ended it is tried once: what is not
// written then is found in doubt, or as it was, by the next start.
func (w *Worker) persist(ctx context.Context, op string, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		if err == nil {
			w.state.OK()
			return nil
		}
		err = fmt.Errorf("%s: %w", op, err)
		d := jitter(w.retry.Backoff(n))
		w.state.Broken(err, "next_try", time.Now().Add(d).Format(time.RFC3339))
		if w.draining && d > patience {
			return fmt.Errorf("%w: %w", ErrBlocked, err)
		}
		if err := pause(ctx, d); err != nil {
			return err
		}
	}
}

// quietFailures is how many failures in a row are nobody's business: the next attempt follows within seconds.
const quietFailures = 2

// report tells of a failure after which s is to be tried again: at once if somebody must mend something, else when it
// goes on.
func (w *Worker) report(s *talkrelay.Shipment, e *sink.Error) {
	if !paused(e) && w.failures <= quietFailures {
		return
	}
	next := s.NextAt
	if at, ok := w.lookupAt(s); ok && s.Phase == talkrelay.PhaseDoubt {
		next = at
	}
	w.health.Broken(e, "attempt", s.Attempt, "next_try", next.Format(time.RFC3339))
}
