package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// recheck remembers failed looks for late copies, so that they are repeated at growing intervals.
type recheck struct {
	health   *talkrelay.Health
	failures int       // in a row
	notYet   time.Time // no look before
}

// nextRecheck returns when the next look for late copies is due.
func (w *Worker) nextRecheck() (time.Time, bool) {
	s, at, err := w.readRecheck()
	if s == nil && err == nil {
		return time.Time{}, false
	}
	if w.recheck.notYet.After(at) {
		at = w.recheck.notYet
	}
	return at, true
}

// readRecheck returns the shipment to look at next, nil if there is none.
func (w *Worker) readRecheck() (s *talkrelay.Shipment, at time.Time, err error) {
	if w.rechecker == nil {
		return nil, time.Time{}, nil
	}
	if s, at, err = w.receipts.NextRecheck(); err != nil {
		w.recheckFailed(fmt.Errorf("read the next look for late copies: %w", err))
	}
	return s, at, err
}

// recheckDue looks for late copies of one shipment if it is time. A failure delays no delivery: it is tried again later.
func (w *Worker) recheckDue(ctx context.Context) {
	if time.Now().Before(w.recheck.notYet) {
		return
	}
	s, at, err := w.readRecheck()
	if err != nil || s == nil || at.After(time.Now()) {
		return
	}
	removed, err := w.callRecheck(ctx, message(s))
	if ctx.Err() != nil && err != nil {
		return
	}
	// Bad means that no look will ever succeed, as when the destination is gone.
	if e := (*sink.Error)(nil); err != nil && !(errors.As(err, &e) && e.Verdict == sink.Bad) {
		w.recheckFailed(err)
		return
	}
	if err := w.receipts.DropRecheck(s.ID); err != nil {
		w.recheckFailed(fmt.Errorf("drop a look for late copies: %w", err))
		return
	}
	if removed > 0 {
		w.log.Info(msgLateCopies, "event", firstEvent(s), "count", removed)
	}
	w.recheck.failures = 0
	w.recheck.health.OK()
}

func (w *Worker) recheckFailed(err error) {
	w.recheck.failures++
	w.recheck.notYet = time.Now().Add(jitter(w.retry.Backoff(w.recheck.failures)))
	w.recheck.health.Broken(err, "next_try", w.recheck.notYet.Format(time.RFC3339))
}
