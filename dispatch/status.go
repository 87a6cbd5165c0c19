package dispatch

import (
	"cmp"
	"time"

	"talkrelay"
)

// Status is what a worker is doing.
type Status struct {
	Delivered int       // deliveries confirmed since the worker was made
	Dead      int       // deliveries that became dead letters since then
	Waiting   Waiting   // why the first delivery in the queue is late; empty if it is not, or if nothing waits
	Err       string    // the error behind that, free of customer data
	Since     time.Time // when that began
	NextTry   time.Time // when something is done about it
	Attempt   int       // sends of that delivery begun so far
	InDoubt   bool      // it may have arrived
	Quiet     time.Time // when the present quiet hours are over; zero = there are none
}

// Waiting is a reason why a delivery waits.
type Waiting string

// The reasons to wait.
const (
	WaitingPaused Waiting = "paused" // somebody must mend the destination or its credential
	WaitingRetry  Waiting = "retry"  // the destination failed or asked to wait
	WaitingDoubt  Waiting = "doubt"  // it is not known yet whether it arrived
	WaitingState  Waiting = "state"  // the state file cannot be read or written
)

// Status returns what the worker is doing now.
func (w *Worker) Status() Status {
	w.mu.Lock()
	st := w.status
	w.mu.Unlock()
	if err, since := w.state.Trouble(); err != "" {
		st.Waiting, st.Err, st.Since = WaitingState, err, since
	}
	st.Quiet = w.quiet(time.Now())
	return st
}

// waiting notes that s waits until at.
func (w *Worker) waiting(s *talkrelay.Shipment, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	st := &w.status
	st.Waiting, st.InDoubt = WaitingRetry, s.Phase == talkrelay.PhaseDoubt
	switch {
	case s.Paused:
		st.Waiting = WaitingPaused
	case st.InDoubt:
		st.Waiting = WaitingDoubt
	}
	if st.Since.IsZero() {
		st.Since = time.Now()
	}
	st.Err, st.NextTry, st.Attempt = s.Err, at, s.Attempt
}

func (w *Worker) nothingWaits() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = Status{Delivered: w.status.Delivered, Dead: w.status.Dead}
}

// settled counts and logs the end of s.
func (w *Worker) settled(s *talkrelay.Shipment, o talkrelay.Outcome) {
	w.nothingWaits()
	told := len(s.Seqs) - s.Fresh // a refresh tells nobody of anything
	args := []any{"event", firstEvent(s), "attempt", s.Attempt, "count", cmp.Or(told, len(s.Seqs))}
	if w.route != "" {
		args = append(args, "route", w.route)
	}
	w.mu.Lock()
	if o.Dead != "" {
		w.status.Dead += len(s.Seqs)
	} else {
		w.status.Delivered += told
	}
	w.mu.Unlock()
	if o.Dead != "" {
		w.log.Error(msgDead, append(args, "err", o.Dead)...)
		return
	}
	w.health.OK()
	if told == 0 {
		w.log.Info(msgRefreshed, args...)
		return
	}
	w.log.Info(msgDelivered, args...)
}
