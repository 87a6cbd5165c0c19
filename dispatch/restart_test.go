package dispatch_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"talkrelay"
	"talkrelay/dispatch"
	"talkrelay/sink"
)

// TestFoundAtStart is about shipments that an earlier process left.
func TestFoundAtStart(t *testing.T) {
	t.Parallel()
	hours := func(n int) time.Time { return time.Now().Add(time.Duration(n) * time.Hour) }
	tests := []struct {
		name  string
		left  func() talkrelay.Shipment
		found bool
		want  []string
	}{
		{
			"sending", func() talkrelay.Shipment {
				return talkrelay.Shipment{Phase: talkrelay.PhaseSending, Attempt: 1, Sent: hours(-5)}
			}, false,
			[]string{"10s look frozen", "1m0s look frozen", "1m0s send frozen", "1m0s send e2", "6m0s recheck frozen"},
		},
		{
			"sending, and it arrived", func() talkrelay.Shipment { return talkrelay.Shipment{Phase: talkrelay.PhaseSending, Attempt: 1} }, true,
			[]string{"10s look frozen", "10s send e2"},
		},
		{
			"a phase of a newer version", func() talkrelay.Shipment { return talkrelay.Shipment{Phase: "beamed", Attempt: 1} }, true,
			[]string{"10s look frozen", "10s send e2"},
		},
		{
			"in doubt for long", func() talkrelay.Shipment {
				return talkrelay.Shipment{Phase: talkrelay.PhaseDoubt, Attempt: 1, Ended: hours(-5), Lookups: 1}
			}, false,
			[]string{"0s look frozen", "0s send frozen", "0s send e2", "5m0s recheck frozen"},
		},
		{
			"in doubt since tomorrow: the clock was set back", func() talkrelay.Shipment {
				return talkrelay.Shipment{Phase: talkrelay.PhaseDoubt, Attempt: 1, Ended: hours(24)}
			}, true,
			[]string{"10s look frozen", "10s send e2"},
		},
		{
			"in doubt with more look-ups than the settings hold", func() talkrelay.Shipment {
				return talkrelay.Shipment{Phase: talkrelay.PhaseDoubt, Attempt: 1, Ended: hours(-1), Lookups: 7}
			}, true,
			[]string{"0s send frozen", "0s send e2", "5m0s recheck frozen"},
		},
		{
			"waiting", func() talkrelay.Shipment {
				return talkrelay.Shipment{Phase: talkrelay.PhaseWaiting, Attempt: 3, NextAt: time.Now().Add(time.Minute)}
			}, false,
			[]string{"1m0s send frozen", "1m0s send e2"},
		},
		{
			"waiting for next year: the clock was set back", func() talkrelay.Shipment {
				return talkrelay.Shipment{Phase: talkrelay.PhaseWaiting, Attempt: 3, NextAt: hours(9000)}
			}, false,
			[]string{"5m0s send frozen", "5m0s send e2"},
		},
		{
			"paused", func() talkrelay.Shipment {
				return talkrelay.Shipment{Phase: talkrelay.PhaseWaiting, Attempt: 9, NextAt: time.Now().Add(5 * time.Minute), Paused: true}
			}, false,
			[]string{"0s send frozen", "0s send e2"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, target := new(file).add("e1", "e2"), newFake()
				s := tt.left()
				s.ID, s.Seqs, s.Events, s.Body = strings.Repeat("a", 32), []uint64{1}, []string{"e1"}, []byte("frozen")
				f.inFlight, _ = json.Marshal(s)
				target.resolve = func(int, sink.Message) (bool, error) { return tt.found, nil }
				got := steps(t, f, target, time.Hour, nil)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if delivered, _, _, _ := f.snapshot(); !slices.Equal(delivered, []string{"e1", "e2"}) {
					t.Errorf("delivered %v", delivered)
				}
			})
		})
	}
}

func TestBackoffGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add("e1"), newFake()
		f.inFlight, _ = json.Marshal(talkrelay.Shipment{
			ID: strings.Repeat("a", 32), Seqs: []uint64{1}, Events: []string{"e1"}, Body: []byte("frozen"), Phase: talkrelay.PhaseWaiting, Attempt: 8,
		})
		target.send = func(context.Context, int, sink.Message) error { return verdict(sink.Retry) }
		steps(t, f, target, 200*time.Second, nil) // 256 s after the ninth failure
		if n := target.count("send"); n != 1 {
			t.Errorf("%d sends, want 1", n)
		}
	})
}

func TestReworkAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add(ids(3)...), newFake()
		f.inFlight, _ = json.Marshal(talkrelay.Shipment{
			ID: strings.Repeat("a", 32), Seqs: []uint64{1, 2}, Events: ids(2), Body: []byte("frozen"), Phase: talkrelay.PhaseWaiting, Attempt: 1,
		})
		target.send = func(_ context.Context, n int, _ sink.Message) error {
			if n == 1 {
				return &sink.Error{Verdict: sink.Rework, Form: "/plain"}
			}
			return nil
		}
		got := steps(t, f, target, time.Second, func(c *dispatch.WorkerConfig) { c.MaxItems = 9 })
		if diff := cmp.Diff([]string{"0s send frozen", "0s send e1+e2/plain", "0s send e3"}, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestUnpreparableAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add("e1", "e2"), newFake()
		f.inFlight, _ = json.Marshal(talkrelay.Shipment{
			ID: strings.Repeat("a", 32), Seqs: []uint64{1}, Events: ids(1), Phase: talkrelay.PhaseWaiting, Err: "prepare message: too large",
		})
		got := steps(t, f, target, time.Second, nil)
		if diff := cmp.Diff([]string{"0s send e2"}, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if _, dead, _, _ := f.snapshot(); !slices.Equal(dead, []string{"e1: prepare message: too large"}) {
			t.Errorf("dead %v", dead)
		}
	})
}
