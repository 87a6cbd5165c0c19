package dispatch_test

import (
	"context"
	"errors"
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

func TestPoisonGoesDeadAndTheNextFlows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target, log := new(file).add("e1", "e2", "e3"), newFake(), new(logBook)
		target.send = func(_ context.Context, _ int, m sink.Message) error {
			if string(m.Body) == "e2" {
				return &sink.Error{Verdict: sink.Bad, Op: "post message", Reason: "no_text"}
			}
			return nil
		}
		steps(t, f, target, time.Second, func(c *dispatch.WorkerConfig) { c.Logger = log.logger() })
		delivered, dead, _, waiting := f.snapshot()
		if !slices.Equal(delivered, []string{"e1", "e3"}) || !slices.Equal(dead, []string{"e2: post message: no_text"}) || waiting > 0 {
			t.Errorf("delivered %v, dead %v, waiting %d", delivered, dead, waiting)
		}
		if lines := log.lines("dead letter"); len(lines) != 1 || !strings.Contains(lines[0], "event=e2") || !strings.Contains(lines[0], "route=all") {
			t.Errorf("lines: %q", lines)
		}
	})
}

func TestBadBatchLosesOneDeliveryAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add(ids(100)...), newFake()
		target.send = func(_ context.Context, _ int, m sink.Message) error {
			if slices.Contains(strings.Split(string(m.Body), "+"), "e37") {
				return verdict(sink.Bad)
			}
			return nil
		}
		cfg := config(target, f)
		cfg.MaxItems = 100
		if err := dispatch.NewWorker(cfg).Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		delivered, dead, _, _ := f.snapshot()
		want := slices.DeleteFunc(ids(100), func(id string) bool { return id == "e37" })
		if !slices.Equal(delivered, want) || len(dead) != 1 || !strings.HasPrefix(dead[0], "e37:") {
			t.Errorf("delivered %v, dead %v", delivered, dead)
		}
	})
}

func TestPrepareThatFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		err             error
		delivered, dead []string
	}{
		{"for this event", errors.New("render: too large"), []string{"e1", "e3"}, []string{"e2: prepare message: render: too large"}},
		{"for every event", verdict(sink.PauseDestination), []string{"e1"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, target := new(file).add("e1", "e2", "e3"), newFake()
				target.prepare = func(items []sink.Item, _ string) (string, int, error) {
					if items[0].Event.ID == "e2" {
						return "", 0, tt.err
					}
					return items[0].Event.ID, 1, nil
				}
				steps(t, f, target, time.Hour, nil)
				delivered, dead, _, _ := f.snapshot()
				if !slices.Equal(delivered, tt.delivered) || len(dead) != len(tt.dead) {
					t.Errorf("delivered %v, dead %v", delivered, dead)
				}
			})
		})
	}
}

func TestRework(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add(ids(4)...), newFake()
		var marks []string
		target.send = func(_ context.Context, n int, m sink.Message) error {
			marks = append(marks, m.ID)
			if n == 1 {
				return &sink.Error{Verdict: sink.Rework, Op: "append rows", Reason: "row 3", Form: "/plain"}
			}
			return nil
		}
		steps(t, f, target, time.Second, func(c *dispatch.WorkerConfig) { c.MaxItems = 3 })
		want := []string{"0s send e1+e2+e3", "0s send e1+e2+e3/plain", "0s send e4"}
		if diff := cmp.Diff(want, target.seen()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if len(marks) == 3 && marks[0] == marks[1] {
			t.Error("prepared anew under the old mark")
		}
	})
}

func TestEndlessReworkSlowsDownAndLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target, log := new(file).add("e1"), newFake(), new(logBook)
		target.send = func(context.Context, int, sink.Message) error { return verdict(sink.Rework) }
		steps(t, f, target, time.Hour, func(c *dispatch.WorkerConfig) { c.Logger = log.logger() })
		if n := target.count("send"); n > 60 {
			t.Errorf("%d sends", n)
		}
		if _, dead, _, waiting := f.snapshot(); len(dead) > 0 || waiting != 1 {
			t.Errorf("dead %v, waiting %d", dead, waiting)
		}
		if len(log.lines("delivery paused")) == 0 {
			t.Error("nothing was said")
		}
	})
}

func TestWaitThatFailsSendsNothing(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errors.New("?"), verdict(sink.InDoubt), verdict(sink.Retry), verdict(sink.PauseCredential), verdict(sink.Bad), verdict(sink.Rework)} {
		t.Run(err.Error(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, target := new(file).add("e1", "e2"), newFake()
				n := 0
				target.wait = func(context.Context) error {
					if n++; n <= 3 || n == 5 {
						return err
					}
					return nil
				}
				target.send = func(_ context.Context, n int, _ sink.Message) error {
					if n == 1 {
						return verdict(sink.Retry)
					}
					return nil
				}
				steps(t, f, target, time.Hour, nil)
				delivered, dead, _, _ := f.snapshot()
				if !slices.Equal(delivered, []string{"e1", "e2"}) || len(dead) > 0 || target.count("look") > 0 || target.count("send") != 3 {
					t.Errorf("delivered %v, dead %v, calls %v", delivered, dead, target.seen())
				}
			})
		})
	}
}

func TestPanicOfASinkLosesNothing(t *testing.T) {
	t.Parallel()
	var none []int
	once := func(n int, p func()) {
		if n == 1 {
			p()
		}
	}
	tests := map[string]func(*fake, func()){
		"wait": func(f *fake, p func()) { n := 0; f.wait = func(context.Context) error { n++; once(n, p); return nil } },
		"prepare": func(f *fake, p func()) {
			n := 0
			f.prepare = func(items []sink.Item, _ string) (string, int, error) {
				n++
				once(n, p)
				return items[0].Event.ID, 1, nil
			}
		},
		"send": func(f *fake, p func()) {
			f.send = func(_ context.Context, n int, _ sink.Message) error { once(n, p); return nil }
		},
		"resolve": func(f *fake, p func()) {
			f.send = func(_ context.Context, n int, _ sink.Message) error {
				if n == 1 {
					return errors.New("reset")
				}
				return nil
			}
			f.resolve = func(n int, _ sink.Message) (bool, error) { once(n, p); return true, nil }
		},
		"recheck": func(f *fake, p func()) {
			f.send = func(_ context.Context, n int, _ sink.Message) error {
				if n == 1 {
					return errors.New("reset")
				}
				return nil
			}
			f.recheck = func(n int, _ sink.Message) (int, error) { once(n, p); return 0, nil }
		},
	}
	for name, arrange := range tests {
		for kind, p := range map[string]func(){"index": func() { _ = none[3] }, "value": func() { panic("010-1234-5678") }} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f, target, log := new(file).add("e1", "e2"), newFake(), new(logBook)
					arrange(target, p)
					steps(t, f, target, time.Hour, func(c *dispatch.WorkerConfig) { c.Logger = log.logger() })
					delivered, dead, _, _ := f.snapshot()
					if !slices.Equal(delivered, []string{"e1", "e2"}) || len(dead) > 0 || len(f.rechecks) > 0 {
						t.Errorf("delivered %v, dead %v", delivered, dead)
					}
					text := log.text.String()
					if strings.Contains(text, "010-") || !strings.Contains(text, "dispatch_test.TestPanicOfASinkLosesNothing") {
						t.Errorf("log:\n%s", text)
					}
				})
			})
		}
	}
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
