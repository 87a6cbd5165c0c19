package dispatch

import (
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// policy holds the settings that decide what becomes of a shipment. Its methods are the whole machine: each takes a
// shipment and returns what to write next, and none of them does anything else.
//
//	          ┌────────── refused ───────────┐
//	          v                              │
//	(new) → waiting ── attempted ──> sending ┴─ doubted ─> doubt ── found ──> settled
//	          ^                         │                   │ ^
//	          │                         └─ confirmed ───────│─│───────────> settled
//	          └────────────────── notFound (the last) ──────┘ └─ unread, notFound
//	(new, from a restored backup) ── suspected ──> doubt
type policy struct {
	retry             RetryConfig
	lookupsAnswered   []time.Duration
	lookupsUnanswered []time.Duration
	recheckAfter      time.Duration // 0 = never
}

// attempted is s at the moment a send begins.
func (p *policy) attempted(s talkrelay.Shipment, now time.Time) talkrelay.Shipment {
	s.Phase, s.Attempt, s.Sent = talkrelay.PhaseSending, s.Attempt+1, now
	s.NextAt, s.Paused = time.Time{}, false
	if s.FirstSent.IsZero() {
		s.FirstSent = now
	}
	return s
}

// refused is s after a failure that certainly changed nothing: the n-th in a row.
func (p *policy) refused(s talkrelay.Shipment, e *sink.Error, n int, now time.Time) talkrelay.Shipment {
	s.Phase, s.Err, s.NextAt = talkrelay.PhaseWaiting, e.Error(), now.Add(p.delay(e, n))
	s.Paused = paused(e) && e.After <= 0
	return s
}

// doubted is s after a send with an unclear outcome. Without look-ups, because the destination itself refuses a second
// copy, it is to be sent again.
func (p *policy) doubted(s talkrelay.Shipment, e *sink.Error, n int, now time.Time) talkrelay.Shipment {
	s.Phase, s.Err, s.NextAt, s.Paused = talkrelay.PhaseDoubt, e.Error(), now.Add(min(e.After, maxAfter)), false
	s.Ended, s.Answered, s.Lookups = now, e.Answered, 0
	if len(p.lookups(&s)) == 0 {
		s.Phase, s.Doubted, s.NextAt = talkrelay.PhaseWaiting, true, now.Add(p.delay(e, n))
	}
	return s
}

// clocksApart is more than two clocks differ by.
const clocksApart = 24 * time.Hour

// suspected is s, which holds the delivery d, when the state was restored and d may have been made before that: in doubt,
// with the last of its look-ups due at once, for whatever was sent then has long arrived.
func (p *policy) suspected(s talkrelay.Shipment, d talkrelay.Pending) talkrelay.Shipment {
	s.Phase, s.Attempt, s.Err = talkrelay.PhaseDoubt, 1, "the state was restored from a backup"
	s.Lookups = len(p.lookupsUnanswered) - 1
	if s.After = d.After; s.After == "" { // nothing else says where to begin to look, and it cannot be before the event
		s.FirstSent = d.Event.At.Add(-clocksApart)
	}
	return s
}

// unread is s in doubt after a look-up that failed. It stays in doubt: nothing is sent before its look-ups are done.
func (p *policy) unread(s talkrelay.Shipment, e *sink.Error, n int, now time.Time) talkrelay.Shipment {
	s.Err, s.NextAt = e.Error(), now.Add(p.delay(e, n))
	s.Paused = paused(e) && e.After <= 0
	return s
}

// notFound is s in doubt after a look-up that did not find it. After the last one it is to be sent again at once, the
// same bytes.
func (p *policy) notFound(s talkrelay.Shipment, now time.Time) talkrelay.Shipment {
	s.Lookups++
	s.NextAt, s.Paused = time.Time{}, false
	if s.Lookups >= len(p.lookups(&s)) {
		s.Phase, s.Doubted, s.NextAt = talkrelay.PhaseWaiting, true, now
	}
	return s
}

// found is s as the process finds it when it starts.
//
// One that was being sent is in doubt, and its look-ups are counted from now: the request may have been alive until
// the process died, which is not recorded, and the clock may have been set since. Waiting a minute too long costs
// a minute after a crash; a minute too short could make a double.
func (p *policy) found(s talkrelay.Shipment, now time.Time) talkrelay.Shipment {
	switch s.Phase {
	case talkrelay.PhaseWaiting:
		if s.Paused { // whoever restarts the process has probably mended something
			s.NextAt = now
		}
	case talkrelay.PhaseDoubt:
		if s.Paused {
			s.NextAt = time.Time{}
		}
		if s.Ended.After(now) { // the clock was set back
			s.Ended = now
		}
	default:
		s = p.doubted(s, &sink.Error{Op: "send", Reason: "the process ended before the outcome was known"}, 1, now)
	}
	if limit := p.retry.withDefaults().Max; s.NextAt.After(now.Add(limit + maxAfter)) { // the clock was set back
		s.NextAt = now.Add(limit)
	}
	return s
}

// lookupAt returns when s in doubt is to be looked up next; ok is false when all look-ups have been made.
func (p *policy) lookupAt(s *talkrelay.Shipment) (at time.Time, ok bool) {
	waits := p.lookups(s)
	if s.Lookups >= len(waits) {
		return time.Time{}, false
	}
	at = s.Ended.Add(waits[s.Lookups])
	if s.NextAt.After(at) {
		at = s.NextAt
	}
	return at, true
}

// delivered is the outcome of s.
func (p *policy) delivered(s *talkrelay.Shipment, receipt sink.Receipt, now time.Time) talkrelay.Outcome {
	o := talkrelay.Outcome{Receipt: string(receipt), At: now}
	if s.Doubted && p.recheckAfter > 0 {
		o.Recheck = now.Add(p.recheckAfter)
	}
	return o
}

func (p *policy) lookups(s *talkrelay.Shipment) []time.Duration {
	if s.Answered {
		return p.lookupsAnswered
	}
	return p.lookupsUnanswered
}

// delay is the wait after the n-th failure in a row: the worker's own, or longer if the destination asked for it.
func (p *policy) delay(e *sink.Error, n int) time.Duration {
	return max(min(e.After, maxAfter), jitter(p.retry.Backoff(n)))
}

func paused(e *sink.Error) bool {
	return e.Verdict == sink.PauseDestination || e.Verdict == sink.PauseCredential
}
