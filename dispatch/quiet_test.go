package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"talkrelay/dispatch"
)

// In quiet hours nothing is begun, over a restart too; at their end all that waits is offered together, and once.
func TestWorkerIsQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add("e1"), newFake()
		end := time.Now().Add(10 * time.Hour)
		cfg := config(target, f)
		cfg.MaxItems = 10
		cfg.Quiet = func(at time.Time) time.Time {
			if at.Before(end) {
				return end
			}
			return time.Time{}
		}
		w := dispatch.NewWorker(cfg)
		stop := run(t, w)
		time.Sleep(5 * time.Hour)
		f.add("e2")
		w.Wake()
		synctest.Wait()
		if st := w.Status(); !st.Quiet.Equal(end) || st.Waiting != "" || st.Err != "" {
			t.Errorf("status: %+v", st)
		}
		stop()
		if err := dispatch.NewWorker(cfg).Drain(t.Context()); err != nil {
			t.Errorf("drain: %v", err)
		}

		w = dispatch.NewWorker(cfg)
		stop = run(t, w)
		f.add("e3")
		time.Sleep(6 * time.Hour)
		stop()
		if diff := cmp.Diff([]string{"10h0m0s send e1+e2+e3"}, target.seen()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if st := w.Status(); !st.Quiet.IsZero() || st.Delivered != 3 {
			t.Errorf("status: %+v", st)
		}
	})
}
