package dispatch_test

import (
	"context"
	"errors"
	"fmt"
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

func TestWorkerDeliversInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target, log := new(file).add("e1", "e2"), newFake(), new(logBook)
		var after []string
		target.send = func(_ context.Context, _ int, m sink.Message) error {
			after = append(after, m.After)
			if phase := f.current().Phase; phase != talkrelay.PhaseSending {
				t.Errorf("sent while the file says %q", phase)
			}
			if m.Attempt != 1 || len(m.ID) != 32 || m.FirstSent.IsZero() {
				t.Errorf("message: %+v", m)
			}
			return nil
		}
		cfg := config(target, f)
		cfg.Logger = log.logger()
		w := dispatch.NewWorker(cfg)
		stop := run(t, w)
		synctest.Wait()
		f.add("e3")
		w.Wake()
		w.Wake()
		synctest.Wait()
		stop()

		delivered, dead, saved, waiting := f.snapshot()
		if diff := cmp.Diff([]string{"e1", "e2", "e3"}, delivered); diff != "" || len(dead) > 0 || waiting != 0 {
			t.Errorf("delivered (-want +got):\n%s dead %v, waiting %d", diff, dead, waiting)
		}
		if diff := cmp.Diff([]string{"sending", "sending", "sending"}, saved); diff != "" {
			t.Errorf("saved (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"", "r-e1", "r-e2"}, after); diff != "" {
			t.Errorf("after (-want +got):\n%s", diff)
		}
		if st := w.Status(); st.Delivered != 3 || st.Waiting != "" {
			t.Errorf("status: %+v", st)
		}
		lines := log.lines("delivered")
		if len(lines) != 3 || !strings.Contains(lines[0], "sink=s event=e1 attempt=1 count=1 route=all") {
			t.Errorf("log lines: %q", lines)
		}
	})
}

// Refreshes are delivered like anything else, and neither counted nor told of as what somebody asked for.
func TestWorkerCountsNoRefreshes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := new(file).add(ids(5)...)
		for _, i := range []int{0, 1, 3} {
			f.queue[i].Refresh = true
		}
		target, marked := newFake(), ""
		target.prepare = func(items []sink.Item, _ string) (string, int, error) {
			n := min(len(items), 2)
			for _, item := range items[:n] {
				marked += fmt.Sprint(item.Event.ID, item.Refresh, " ")
			}
			return items[0].Event.ID, n, nil
		}
		log := new(logBook)
		cfg := config(target, f)
		cfg.MaxItems, cfg.Logger = 2, log.logger()
		w := dispatch.NewWorker(cfg)
		if err := w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if marked != "e1true e2true e3false e4true e5false " {
			t.Errorf("prepared: %s", marked)
		}
		if st := w.Status(); st.Delivered != 2 {
			t.Errorf("%d count as delivered, want 2", st.Delivered)
		}
		lines := append(log.lines("rows brought up to date"), log.lines("delivered")...)
		if len(lines) != 3 || !strings.Contains(lines[0], "count=2") || !strings.Contains(lines[1], "count=1") {
			t.Errorf("log lines: %q", lines)
		}
	})
}

func TestWorkerBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add(ids(5)...), newFake()
		target.prepare = func(items []sink.Item, _ string) (string, int, error) { // at most 2 fit
			n := min(len(items), 2)
			return items[0].Event.ID, n, nil
		}
		cfg := config(target, f)
		cfg.MaxItems = 3
		if err := dispatch.NewWorker(cfg).Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"0s send e1", "0s send e3", "0s send e5"}, target.seen()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if delivered, _, _, _ := f.snapshot(); !slices.Equal(delivered, ids(5)) {
			t.Errorf("delivered %v", delivered)
		}
	})
}

// steps runs a Slack-like worker for some time and returns what its sink saw, with times rounded so that ±10 % jitter
// does not show.
func steps(t *testing.T, f *file, target *fake, d time.Duration, change func(*dispatch.WorkerConfig)) []string {
	t.Helper()
	cfg := config(target, f)
	if change != nil {
		change(&cfg)
	}
	stop := run(t, dispatch.NewWorker(cfg))
	time.Sleep(d)
	stop()
	return target.seen()
}

func TestInDoubt(t *testing.T) {
	t.Parallel()
	unanswered := errors.New("connection reset")
	answered := &sink.Error{Op: "post message", Reason: "503", Answered: true}
	tests := []struct {
		name    string
		err     error
		foundAt int // look-up that finds it; 0 = none
		want    []string
	}{
		{"found at the first look", unanswered, 1, []string{"0s send e1", "10s look e1", "10s send e2"}},
		{"found at the second look", unanswered, 2, []string{"0s send e1", "10s look e1", "1m0s look e1", "1m0s send e2"}},
		{"not there", unanswered, 0, []string{"0s send e1", "10s look e1", "1m0s look e1", "1m0s send e1", "1m0s send e2", "6m0s recheck e1"}},
		{"answered, found at the first look", answered, 1, []string{"0s send e1", "2s look e1", "2s send e2"}},
		{"answered, not there", answered, 0, []string{"0s send e1", "2s look e1", "8s look e1", "8s send e1", "8s send e2", "5m8s recheck e1"}},
		{
			"asked to wait", &sink.Error{Reason: "503", Answered: true, After: 30 * time.Second}, 0,
			[]string{"0s send e1", "30s look e1", "30s look e1", "30s send e1", "30s send e2", "5m30s recheck e1"},
		},
		{"a verdict nobody knows", &sink.Error{Verdict: 99}, 1, []string{"0s send e1", "10s look e1", "10s send e2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, target := new(file).add("e1", "e2"), newFake()
				var first sink.Message
				target.send = func(_ context.Context, n int, m sink.Message) error {
					switch {
					case n == 1:
						first = m
						return tt.err
					case n == 2 && tt.foundAt == 0 && (m.ID != first.ID || m.Attempt != 2 || !m.FirstSent.Equal(first.FirstSent)):
						t.Errorf("sent again as %+v, first %+v", m, first)
					}
					return nil
				}
				target.resolve = func(n int, m sink.Message) (bool, error) { return n == tt.foundAt, nil }
				got := steps(t, f, target, 10*time.Minute, nil)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestWithoutLookupsTheSameBytesAreSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add("e1", "e2"), newFake()
		target.send = func(_ context.Context, n int, _ sink.Message) error {
			if n < 4 {
				return errors.New("reset")
			}
			return nil
		}
		steps(t, f, target, time.Minute, func(c *dispatch.WorkerConfig) {
			c.LookupsAnswered, c.LookupsUnanswered, c.Retry = nil, nil, dispatch.RetryConfig{Min: time.Second, Max: time.Second}
		})
		if target.count("look") != 0 || target.count("send") != 5 {
			t.Errorf("calls: %v", target.seen())
		}
	})
}

func TestLookupThatFailsKeepsTheDoubt(t *testing.T) {
	t.Parallel()
	for _, v := range []sink.Verdict{sink.InDoubt, sink.Retry, sink.PauseDestination, sink.PauseCredential, sink.Bad, 99} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, target := new(file).add("e1"), newFake()
				target.send = func(_ context.Context, n int, _ sink.Message) error {
					if n == 1 {
						return errors.New("reset")
					}
					return nil
				}
				target.resolve = func(n int, _ sink.Message) (bool, error) {
					if n < 10 {
						return false, verdict(v)
					}
					return false, nil
				}
				steps(t, f, target, time.Hour, nil)
				calls := target.seen()
				if target.count("look") != 11 || !strings.Contains(calls[12], "send e1") {
					t.Errorf("calls: %v", calls)
				}
				if _, dead, _, waiting := f.snapshot(); len(dead) > 0 || waiting > 0 {
					t.Errorf("dead %v, waiting %d", dead, waiting)
				}
			})
		})
	}
}

func TestNothingIsSentInsideRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add("e1", "e2"), newFake()
		target.send = func(_ context.Context, n int, _ sink.Message) error {
			if n == 1 {
				return &sink.Error{Verdict: sink.Retry, Op: "post message", Reason: "429", After: 10 * time.Minute}
			}
			return nil
		}
		steps(t, f, target, 4*time.Minute, nil) // and a restart changes nothing
		got := steps(t, f, target, 20*time.Minute, nil)
		if diff := cmp.Diff([]string{"0s send e1", "10m0s send e1", "10m0s send e2"}, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestPauseKeepsTheQueueAndEndsByItself(t *testing.T) {
	t.Parallel()
	for _, v := range []sink.Verdict{sink.PauseDestination, sink.PauseCredential} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const n = 1000
				f, target, log := new(file).add(ids(n)...), newFake(), new(logBook)
				start := time.Now()
				target.send = func(context.Context, int, sink.Message) error {
					if time.Since(start) < 24*time.Hour {
						return &sink.Error{Verdict: v, Op: "post message", Reason: "unknown code xyzzy"}
					}
					return nil
				}
				cfg := config(target, f)
				cfg.Logger = log.logger()
				w := dispatch.NewWorker(cfg)
				stop := run(t, w)
				time.Sleep(23 * time.Hour)
				synctest.Wait()
				st := w.Status()
				if st.Waiting != dispatch.WaitingPaused || st.Err != "post message: unknown code xyzzy" || !st.Since.Equal(start) || st.NextTry.Before(time.Now()) {
					t.Errorf("status: %+v", st)
				}
				if _, dead, _, waiting := f.snapshot(); len(dead) > 0 || waiting != n {
					t.Errorf("%d dead, %d waiting", len(dead), waiting)
				}
				if sends := target.count("send"); sends < 250 || sends > 330 { // one in 5 min
					t.Errorf("%d sends in 23 h", sends)
				}
				if lines := log.lines("delivery paused"); len(lines) < 1 || len(lines) > 12 || !strings.Contains(lines[0], "xyzzy") || !strings.Contains(lines[0], "next_try=") {
					t.Errorf("%d lines: %q", len(lines), lines)
				}
				time.Sleep(2 * time.Hour)
				stop()
				if delivered, _, _, _ := f.snapshot(); !slices.Equal(delivered, ids(n)) {
					t.Errorf("delivered %d, in order: %t", len(delivered), slices.Equal(delivered, ids(len(delivered))))
				}
				if n := len(log.lines("delivery resumed")); n != 1 {
					t.Errorf("resumed %d times", n)
				}
			})
		})
	}
}

func TestRestartTriesAPausedDestinationAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add("e1"), newFake()
		mended := false
		target.send = func(context.Context, int, sink.Message) error {
			if !mended {
				return verdict(sink.PauseCredential)
			}
			return nil
		}
		steps(t, f, target, time.Hour, nil)
		mended = true
		if err := dispatch.NewWorker(config(target, f)).Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if calls := target.seen(); calls[len(calls)-1] != "1h0m0s send e1" {
			t.Errorf("last call: %v", calls[len(calls)-1])
		}
	})
}

func TestFewQuietRetriesLeaveNoLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target, log := new(file).add("e1"), newFake(), new(logBook)
		target.send = func(_ context.Context, n int, _ sink.Message) error {
			if n < 3 {
				return verdict(sink.Retry)
			}
			return nil
		}
		steps(t, f, target, time.Minute, func(c *dispatch.WorkerConfig) { c.Logger = log.logger() })
		if got := log.text.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "msg=delivered") || !strings.Contains(got, "attempt=3") {
			t.Errorf("log:\n%s", got)
		}
	})
}

func TestDeadSinkDoesNotSlowAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sick, well := newFake(), newFake()
		sick.send = func(ctx context.Context, _ int, _ sink.Message) error { <-ctx.Done(); return ctx.Err() }
		sickFile, wellFile := new(file).add(ids(10)...), new(file).add(ids(10)...)
		stopSick := run(t, dispatch.NewWorker(config(sick, sickFile)))
		stopWell := run(t, dispatch.NewWorker(config(well, wellFile)))
		synctest.Wait()
		if delivered, _, _, _ := wellFile.snapshot(); len(delivered) != 10 {
			t.Errorf("delivered %d", len(delivered))
		}
		stopWell()
		stopSick()
	})
}
