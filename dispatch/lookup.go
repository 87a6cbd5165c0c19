package dispatch

import (
	"context"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// lookUp finds out whether s, which is in doubt, arrived. It may be sent again only after all look-ups found nothing.
func (w *Worker) lookUp(ctx context.Context, s talkrelay.Shipment) (talkrelay.Shipment, error) {
	at, ok := w.lookupAt(&s)
	if !ok { // the settings hold fewer look-ups than before
		return w.save(ctx, w.notFound(s, time.Now()))
	}
	if err := w.waitUntil(ctx, at, &s); err != nil {
		return s, err
	}
	receipt, found, err := w.callResolve(ctx, message(&s))
	switch {
	case err != nil && ctx.Err() != nil:
		return s, errStopped
	case err != nil:
		return w.lookUpFailed(ctx, s, classed(err, sink.Retry, "look up", "no clear answer"))
	case found:
		w.log.Info(msgFound, "event", firstEvent(&s), "attempt", s.Attempt)
		return w.settle(ctx, s, w.delivered(&s, receipt, time.Now()))
	}
	first := !s.Doubted
	s = w.notFound(s, time.Now())
	if first && s.Doubted {
		w.log.Info(msgNotFound, "event", firstEvent(&s), "attempt", s.Attempt)
	}
	return w.save(ctx, s)
}

// lookUpFailed keeps s in doubt, unless the sink knows that it never arrived and never will.
func (w *Worker) lookUpFailed(ctx context.Context, s talkrelay.Shipment, e *sink.Error) (talkrelay.Shipment, error) {
	if e.Verdict == sink.Rework {
		return w.release(ctx, s, e, e.Form, len(s.Seqs))
	}
	s = w.unread(s, e, w.failed(), time.Now())
	w.report(&s, e)
	return w.save(ctx, s)
}
