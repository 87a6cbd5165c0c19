package talkrelay_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay"
)

// An hour of one failure a second is a handful of lines: the break, growing intervals, the recovery.
func TestHealthReportsSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		health, lines := newHealth()
		health.OK()
		if got := lines(); len(got) != 0 {
			t.Fatalf("health is not silent: %q", got)
		}
		began := time.Now()
		for range 3600 {
			health.Broken(errors.New("503"), "sink", "cs")
			time.Sleep(time.Second)
		}
		got := lines()
		if len(got) != 4 { // at 0, 5, 15 and 35 minutes
			t.Fatalf("an hour of failures made %d lines, want 4: %q", len(got), got)
		}
		if !strings.Contains(got[0], `msg=broken err=503 sink=cs`) || strings.Contains(got[0], "count") {
			t.Errorf("first line: %s", got[0])
		}
		if last := got[3]; !strings.Contains(last, "since="+began.Format(time.RFC3339)) {
			t.Errorf("a later line does not say since when: %s", last)
		}
		if err, since := health.Trouble(); err != "503" || !since.Equal(began) {
			t.Errorf("trouble: %q since %s", err, since)
		}
	})
}

// What stays broken is told again four times a day.
func TestHealthDoesNotFallSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		health, lines := newHealth()
		for range 7 * 24 * 60 {
			health.Broken(errors.New("503"))
			time.Sleep(time.Minute)
		}
		if got := len(lines()); got < 7*4 || got > 7*4+10 {
			t.Errorf("a week of failures made %d lines", got)
		}
	})
}

func TestHealthReportsAnotherReasonAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		health, lines := newHealth()
		health.Broken(errors.New("503"))
		time.Sleep(time.Minute)
		health.Broken(errors.New("invalid_auth"))
		health.Broken(errors.New("invalid_auth"))
		time.Sleep(time.Minute)
		health.OK()
		health.OK()
		got := lines()
		if len(got) != 3 || !strings.Contains(got[1], "err=invalid_auth") || !strings.Contains(got[1], "count=2") ||
			!strings.Contains(got[2], "msg=recovered") || !strings.Contains(got[2], "count=3") {
			t.Errorf("got %q", got)
		}
		if err, since := health.Trouble(); err != "" || !since.IsZero() {
			t.Errorf("trouble after recovery: %q since %s", err, since)
		}
		health.Broken(errors.New("503"))
		if got := lines(); len(got) != 4 || strings.Contains(got[3], "count") {
			t.Errorf("the next break does not begin anew: %q", got)
		}
	})
}

// newHealth returns a Health and what reads the lines it has written so far.
func newHealth() (*talkrelay.Health, func() []string) {
	var out bytes.Buffer
	health := talkrelay.NewHealth(slog.New(slog.NewTextHandler(&out, nil)), "broken", "recovered")
	return health, func() []string {
		return strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\n' })
	}
}
