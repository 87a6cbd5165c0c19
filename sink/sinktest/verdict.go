package sinktest

import (
	"slices"
	"strings"
	"testing"

	"talkrelay/sink"
)

// checkError fails the test unless err is an error with a known verdict that keeps secrets and customer data to itself.
func checkError(t *testing.T, target Target, name string, err error) sink.Verdict {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", name)
		return sink.InDoubt
	}
	text := err.Error()
	for _, s := range confidential(target) {
		if strings.Contains(text, s) {
			t.Errorf("%s: the error shows %q: %s", name, s, text)
		}
	}
	e := sink.VerdictOf(err)
	known := []sink.Verdict{sink.InDoubt, sink.Retry, sink.PauseDestination, sink.PauseCredential, sink.Rework, sink.Bad}
	if !slices.Contains(known, e.Verdict) {
		t.Errorf("%s: %s is no verdict", name, e.Verdict)
	}
	if e.Op == "" || e.Reason == "" {
		t.Errorf("%s: the error has no operation or no reason: %q", name, text)
	}
	if strings.ContainsAny(text, "\r\n") {
		t.Errorf("%s: the error is more than one line: %q", name, text)
	}
	return e.Verdict
}

// confidential lists what must not be in an error.
func confidential(target Target) []string {
	list := slices.Concat(target.Secrets, target.Customer)
	for _, item := range target.Items {
		e := item.Event
		list = append(list, e.User.Name, e.User.Email, e.User.MobileNumber, e.User.LandlineNumber, e.Message.Text)
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}
