package sheets

import (
	"context"

	"talkrelay/sink"
)

// settle decides what follows from a write that was not confirmed.
func (s *Sink) settle(ctx context.Context, m sink.Message, f frozen, r *refusal) (sink.Receipt, error) {
	if r.reason == exists || m.Attempt > 1 && r.aboutBatch() {
		switch arrived, absent, err := s.arrived(ctx, f, m.Attempt > 1); {
		case arrived && f.Keyed: // into the rows they were in then, as far as anybody knows
			return "", s.once(f, r)
		case arrived:
			s.delivered(f, false)
			return f.receipt(), nil
		case !absent:
			return "", inDoubtStill(err)
		}
	}
	return "", s.next(f, r)
}

// aboutBatch reports whether the answer finds fault with the batch itself: a repeat of one that arrived gets such an
// answer, and some of them lead to the same rows under another id.
func (r refusal) aboutBatch() bool {
	switch r.reason {
	case exists, noTab, full, badOldID, badRow, tooLarge, badRequest:
		return true
	}
	return false
}

// arrived looks whether the batch is in the spreadsheet. Neither arrived nor absent means that the look-up failed.
//
// What was written a moment ago may not be readable yet, and taking a batch that arrived for absent would double it. So
// a batch that was sent before is looked for twice.
func (s *Sink) arrived(ctx context.Context, f frozen, sentBefore bool) (arrived, absent bool, err error) {
	for look := 1; ; look++ {
		if held := s.account.reads.held(); held > 0 { // the spreadsheet is not to be locked for that long
			return false, false, &sink.Error{Verdict: sink.Retry, Op: opLook, Reason: "too many requests a minute for this service account", After: held}
		}
		value, found, err := s.account.metadata(ctx, s.config.Spreadsheet, f.MetadataID)
		switch {
		case err != nil:
			return false, false, err
		case found && value == f.Value:
			return true, false, nil
		case found, !sentBefore, look == 2:
			return false, true, nil
		}
		if err := sleep(ctx, s.lagPause); err != nil {
			return false, false, err
		}
	}
}

// inDoubtStill keeps a batch in doubt because looking for it failed.
func inDoubtStill(err error) *sink.Error {
	e := &sink.Error{Verdict: sink.InDoubt, Op: opLook, Reason: "interrupted", Answered: true, Err: err}
	if looked := sink.VerdictOf(err); looked.Op == opLook || looked.Op == opToken {
		e.Op, e.Reason, e.After, e.Err = looked.Op, looked.Reason, looked.After, looked.Err
	}
	return e
}

// next says what to do with a batch that certainly was not applied, or may have been (unclear).
func (s *Sink) next(f frozen, r *refusal) error {
	again := parseForm(f.Form)
	switch r.reason {
	case exists: // and what is kept there is not ours: the batch failed whole, each time
		again.turn++
		return rework(r, again, "the id of the batch belongs to something else")
	case noTab:
		s.layout = nil
		return rework(r, again, "")
	case badOldID:
		s.old, s.batches, again.keep = nil, lookEvery, true
		return rework(r, again, "")
	case full:
		s.full = true
	case badRow, tooLarge:
		if f.Rows > 1 {
			again.rows = f.Rows / 2
			return rework(r, again, "")
		}
		if r.reason == badRow {
			r.Verdict = sink.Bad
		}
	}
	return r.failure
}

func rework(r *refusal, f form, text string) *sink.Error {
	r.Verdict, r.Form = sink.Rework, f.String()
	if text != "" {
		r.Reason = text
	}
	return r.failure
}
