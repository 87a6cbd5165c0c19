package main

import (
	"testing"
	"time"
)

func TestWatchdog(t *testing.T) {
	t.Parallel()
	var w watchdog
	if name := w.stuck(time.Now()); name != "" {
		t.Errorf("nobody is expected, but %q is stuck", name)
	}
	w.expect([]channelFile{{Name: "slow", Timeout: 5 * time.Minute}, {Name: "main", Timeout: 30 * time.Second}})
	start := time.Now()
	for _, test := range []struct {
		after time.Duration
		want  string
	}{
		{0, ""},
		{beatLimit, ""},
		{beatLimit + 40*time.Second, "main"},
	} {
		if got := w.stuck(start.Add(test.after)); got != test.want {
			t.Errorf("after %s without a beat %q is stuck, want %q", test.after, got, test.want)
		}
	}
	w.beat("main")
	w.beat("of the config before")
	w.expect([]channelFile{{Name: "slow", Timeout: 5 * time.Minute}})
	w.beat("main") // the last beat of a loop that a reload has ended
	if got := w.stuck(start.Add(beatLimit + 5*time.Minute - time.Second)); got != "" {
		t.Errorf("%q is stuck within one request of its own timeout", got)
	}
	if got := w.stuck(start.Add(beatLimit + 6*time.Minute)); got != "slow" {
		t.Errorf("%q is stuck, want slow alone", got)
	}
}
