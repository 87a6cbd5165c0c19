package dispatch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"talkrelay/dispatch"
	"talkrelay/sink"
)

func TestRecheck(t *testing.T) {
	t.Parallel()
	lost := func(_ context.Context, n int, _ sink.Message) error {
		if n == 1 {
			return errors.New("reset")
		}
		return nil
	}
	sent := []string{"0s send e1", "10s look e1", "1m0s look e1", "1m0s send e1"}
	t.Run("fails at first", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f, target, log := new(file).add("e1"), newFake(), new(logBook)
			target.send = lost
			target.recheck = func(n int, m sink.Message) (int, error) {
				if n < 4 {
					return 0, verdict(sink.Retry)
				}
				return 1, nil
			}
			steps(t, f, target, time.Hour, func(c *dispatch.WorkerConfig) { c.Logger = log.logger() })
			if target.count("recheck") != 4 || len(f.rechecks) > 0 || len(log.lines("late copies removed")) != 1 {
				t.Errorf("calls %v, left %v, log:\n%s", target.seen(), f.rechecks, log.text.String())
			}
		})
	})
	t.Run("can never succeed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f, target := new(file).add("e1"), newFake()
			target.send = lost
			target.recheck = func(int, sink.Message) (int, error) { return 0, verdict(sink.Bad) }
			steps(t, f, target, time.Hour, nil)
			if target.count("recheck") != 1 || len(f.rechecks) > 0 {
				t.Errorf("calls %v, left %v", target.seen(), f.rechecks)
			}
		})
	})
	t.Run("waits for the file", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f, target := new(file).add("e1"), newFake()
			target.send = lost
			start := time.Now()
			f.fault = func(op, _ string) error {
				if (op == "next recheck" || op == "drop recheck") && time.Since(start) < 10*time.Minute {
					return errDisk
				}
				return nil
			}
			steps(t, f, target, time.Hour, nil)
			if target.count("recheck") != 1 || len(f.rechecks) > 0 {
				t.Errorf("calls %v, left %v", target.seen(), f.rechecks)
			}
		})
	})
	t.Run("switched off", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f, target := new(file).add("e1"), newFake()
			target.send = lost
			got := steps(t, f, target, time.Hour, func(c *dispatch.WorkerConfig) { c.RecheckAfter = 0 })
			if diff := cmp.Diff(sent, got); diff != "" || len(f.rechecks) > 0 {
				t.Errorf("calls (-want +got):\n%s left %v", diff, f.rechecks)
			}
		})
	})
	t.Run("between messages", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f, target := new(file).add("e1"), newFake()
			target.send = lost
			w := dispatch.NewWorker(config(target, f))
			stop := run(t, w)
			for range 600 {
				time.Sleep(time.Second)
				f.add("x")
				w.Wake()
			}
			stop()
			if target.count("recheck") != 1 || !slices.Contains(target.seen(), "6m0s recheck e1") {
				t.Errorf("calls: %v", target.seen())
			}
		})
	})
}
