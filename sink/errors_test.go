package sink_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"talkrelay/sink"
)

func TestVerdictOf(t *testing.T) {
	t.Parallel()
	told := &sink.Error{Verdict: sink.Retry, Op: "post message", Reason: "rate limited", After: time.Minute}
	for _, tt := range []struct {
		name    string
		err     error
		verdict sink.Verdict
		text    string
	}{
		{"told", told, sink.Retry, "post message: rate limited"},
		{"told inside", fmt.Errorf("send: %w", told), sink.Retry, "post message: rate limited"},
		{"not told", errors.New("x"), sink.InDoubt, "send: unclear outcome: x"},
		{"out of time", context.DeadlineExceeded, sink.InDoubt, "send: no answer in time: context deadline exceeded"},
		{"cancelled", context.Canceled, sink.InDoubt, "send: unclear outcome: context canceled"},
	} {
		got := sink.VerdictOf(tt.err)
		if got.Verdict != tt.verdict || got.Error() != tt.text || got.Answered {
			t.Errorf("%s: got %s, answered %t, %q; want %s, %q", tt.name, got.Verdict, got.Answered, got, tt.verdict, tt.text)
		}
		if !errors.Is(tt.err, told) && !errors.Is(got, tt.err) {
			t.Errorf("%s: the cause is lost", tt.name)
		}
	}
	if (&sink.Error{}).Verdict != sink.InDoubt {
		t.Error("an error without a verdict is not in doubt")
	}
	if got := sink.Verdict(17).String(); got != "verdict 17" {
		t.Errorf("a verdict that is none prints as %q", got)
	}
}
