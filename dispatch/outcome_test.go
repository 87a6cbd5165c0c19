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

	"talkrelay/dispatch"
	"talkrelay/sink"
)

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
		{"for this event", errors.New("render: too large"), []string{"e1", "e3"}, []string{"e2: prepare message: cannot be rendered: render: too large"}},
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
				if !slices.Equal(delivered, tt.delivered) || !slices.Equal(dead, tt.dead) {
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
		steps(t, f, target, time.Second, func(c *dispatch.WorkerConfig) { c.MaxItems, c.LookupsUnanswered = 3, nil })
		want := []string{"0s send e1+e2+e3", "0s send e1+e2+e3/plain", "0s send e4"}
		if diff := cmp.Diff(want, target.seen()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if len(marks) == 3 && marks[0] == marks[1] {
			t.Error("prepared anew under the old mark")
		}
	})
}

func TestLookupThatAsksForRework(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add("e1"), newFake()
		target.send = func(_ context.Context, n int, _ sink.Message) error {
			if n == 1 {
				return errors.New("reset")
			}
			return nil
		}
		target.resolve = func(int, sink.Message) (bool, error) {
			return false, &sink.Error{Verdict: sink.Rework, Op: "read metadata", Reason: "the id is taken", Form: "/new"}
		}
		got := steps(t, f, target, time.Hour, nil)
		if diff := cmp.Diff([]string{"0s send e1", "10s look e1", "10s send e1/new"}, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestPrepareThatMiscountsSendsNothing(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, 0, 3} {
		synctest.Test(t, func(t *testing.T) {
			f, target, log := new(file).add("e1", "e2"), newFake(), new(logBook)
			target.prepare = func([]sink.Item, string) (string, int, error) { return "x", n, nil }
			steps(t, f, target, time.Hour, func(c *dispatch.WorkerConfig) { c.MaxItems, c.Logger = 2, log.logger() })
			if _, dead, _, waiting := f.snapshot(); len(dead) > 0 || waiting != 2 || target.count("send") > 0 || len(log.lines("delivery paused")) == 0 {
				t.Errorf("took %d of 2: dead %v, %d waiting, calls %v", n, dead, waiting, target.seen())
			}
		})
	}
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
