package sink

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Verdict says what a worker is to do after a failed Send or Resolve.
type Verdict int

// The verdicts. The zero value is the careful one.
const (
	// InDoubt: the request may have been applied. Look before sending again.
	InDoubt Verdict = iota
	// Retry: certainly not applied. Send the same bytes later.
	Retry
	// PauseDestination: certainly not applied, and nothing will be until somebody mends the destination. Keep the
	// queue, try again now and then.
	PauseDestination
	// PauseCredential: like PauseDestination, for everything that uses the same credential.
	PauseCredential
	// Rework: certainly not applied, and no late copy of these bytes ever can be. Prepare anew with Form.
	Rework
	// Bad: this message can never be delivered, whatever anybody mends. The next one can.
	Bad
)

var verdictNames = [...]string{"in doubt", "retry", "destination paused", "credential paused", "rework", "bad message"}

func (v Verdict) String() string {
	if v < 0 || int(v) >= len(verdictNames) {
		return fmt.Sprintf("verdict %d", int(v))
	}
	return verdictNames[v]
}

// Error carries the decision with the reason. Its text goes to logs and to people: it names what to change and holds
// no secret and no customer data.
type Error struct {
	Verdict  Verdict
	Op       string        // what was tried, in the field's words: "post message"
	Reason   string        // what went wrong and, if somebody can mend it, the setting or place to change
	After    time.Duration // with Retry: not before this much time; 0 = the worker's own back-off
	Answered bool          // with InDoubt: the service answered, so nothing more can arrive
	Form     string        // with Rework: passed to Prepare
	Err      error         // cause, may be nil
}

func (e *Error) Error() string {
	s := e.Op + ": " + e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// VerdictOf returns the decision in err. Whatever is not a *Error is in doubt. A cancelled context alone says nothing
// about the request, so it is in doubt too.
func VerdictOf(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	reason := "unclear outcome"
	if errors.Is(err, context.DeadlineExceeded) {
		reason = "no answer in time"
	}
	return &Error{Verdict: InDoubt, Op: "send", Reason: reason, Err: err}
}
