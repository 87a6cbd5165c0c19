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

func TestStopLetsTheSendInHandFinish(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		needs     time.Duration // what the send takes
		ended     time.Duration // when Run returns
		delivered []string
		phase     talkrelay.Phase
	}{
		{"in time", 8 * time.Second, 8 * time.Second, []string{"e1"}, ""},
		{"too slow", time.Minute, 13 * time.Second, nil, talkrelay.PhaseDoubt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, target := new(file).add("e1", "e2"), newFake()
				target.send = func(ctx context.Context, _ int, _ sink.Message) error {
					select {
					case <-time.After(tt.needs):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				start := time.Now()
				stop := run(t, dispatch.NewWorker(config(target, f)))
				time.Sleep(3 * time.Second)
				stop()
				stop()
				if d := time.Since(start); d != tt.ended {
					t.Errorf("ended after %s, want %s", d, tt.ended)
				}
				if target.count("send") != 1 {
					t.Errorf("calls: %v", target.seen())
				}
				delivered, _, _, _ := f.snapshot()
				if !slices.Equal(delivered, tt.delivered) {
					t.Errorf("delivered %v", delivered)
				}
				if s := f.current(); (s == nil) != (tt.phase == "") || s != nil && s.Phase != tt.phase {
					t.Errorf("in flight: %+v", s)
				}
			})
		})
	}
}

func TestStopWhileWaiting(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*fake, *file){
		"idle": func(*fake, *file) {},
		"pace": func(f *fake, q *file) {
			q.add("e1")
			f.wait = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		},
		"retry": func(f *fake, q *file) {
			q.add("e1")
			f.send = func(context.Context, int, sink.Message) error { return verdict(sink.Retry) }
		},
		"doubt": func(f *fake, q *file) {
			q.add("e1")
			f.send = func(context.Context, int, sink.Message) error { return errors.New("?") }
		},
		"state": func(_ *fake, q *file) { q.fault = func(_, _ string) error { return errDisk } },
	}
	for name, arrange := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, target := new(file), newFake()
				arrange(target, f)
				stop := run(t, dispatch.NewWorker(config(target, f)))
				time.Sleep(5 * time.Second)
				start := time.Now()
				stop()
				if d := time.Since(start); d > 0 {
					t.Errorf("took %s to stop", d)
				}
			})
		})
	}
}

func TestRunAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add("e1"), newFake()
		w := dispatch.NewWorker(config(target, f))
		stop := run(t, w)
		synctest.Wait()
		if err := w.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "running already") {
			t.Errorf("second Run: %v", err)
		}
		stop()
		f.add("e2")
		stop = run(t, w)
		synctest.Wait()
		stop()
		if delivered, _, _, _ := f.snapshot(); len(delivered) != 2 {
			t.Errorf("delivered %v", delivered)
		}
	})
}

func TestDrain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		send  func(context.Context, int, sink.Message) error
		took  time.Duration // at most
		want  error
		text  string
		sends int
	}{
		{"all well", nil, 0, nil, "", 3},
		{"doubt", func(_ context.Context, n int, _ sink.Message) error {
			if n == 1 {
				return errors.New("reset")
			}
			return nil
		}, time.Minute, nil, "", 4},
		{"paused", func(context.Context, int, sink.Message) error { return verdict(sink.PauseDestination) }, 0, dispatch.ErrBlocked, "post message: test", 1},
		{"for ever down", func(context.Context, int, sink.Message) error { return verdict(sink.Retry) }, 5 * time.Minute, dispatch.ErrBlocked, "post message: test", 9},
		{"long Retry-After", func(context.Context, int, sink.Message) error {
			return &sink.Error{Verdict: sink.Retry, After: time.Hour}
		}, 0, dispatch.ErrBlocked, "", 1},
		{"context ends", func(ctx context.Context, _ int, _ sink.Message) error { <-ctx.Done(); return ctx.Err() }, time.Hour + 10*time.Second, context.DeadlineExceeded, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, target := new(file).add(ids(3)...), newFake()
				target.send = tt.send
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				start := time.Now()
				err := dispatch.NewWorker(config(target, f)).Drain(ctx)
				if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.text) {
					t.Errorf("drain: %v, want %v with %q", err, tt.want, tt.text)
				}
				if d := time.Since(start); d > tt.took {
					t.Errorf("took %s, want at most %s", d, tt.took)
				}
				if n := target.count("send"); n > tt.sends || n < 1 { // jitter decides about the last of many
					t.Errorf("%d sends, want %d", n, tt.sends)
				}
			})
		})
	}
}

func TestDrainGivesUpOnABrokenStateFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add("e1"), newFake()
		f.fault = func(op, _ string) error {
			if op == "save" {
				return errDisk
			}
			return nil
		}
		err := dispatch.NewWorker(config(target, f)).Drain(t.Context())
		if !errors.Is(err, dispatch.ErrBlocked) || !errors.Is(err, errDisk) || target.count("send") != 0 {
			t.Errorf("drain: %v, calls %v", err, target.seen())
		}
	})
}

func TestBrokenStateFile(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "after"} {
		for _, op := range []string{"in flight", "pending", "last receipt", "save", "settle"} {
			if op == "settle" && when == "after" {
				continue // see TestSettleThatWasWrittenAfterAll
			}
			t.Run(op+" fails "+when, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f, target, log := new(file).add("e1", "e2"), newFake(), new(logBook)
					broken := time.Now().Add(time.Hour)
					f.fault = func(o, w string) error {
						if o == op && w == when && time.Now().Before(broken) {
							return errDisk
						}
						return nil
					}
					cfg := config(target, f)
					cfg.Logger = log.logger()
					w := dispatch.NewWorker(cfg)
					stop := run(t, w)
					time.Sleep(59 * time.Minute)
					synctest.Wait()
					if st := w.Status(); st.Waiting != dispatch.WaitingState || !strings.Contains(st.Err, errDisk.Error()) {
						t.Errorf("status: %+v", st)
					}
					atMost := 0
					if op == "settle" {
						atMost = 1 // sent before it was known
					}
					if n := target.count("send"); n > atMost {
						t.Errorf("sent %d with a broken file", n)
					}
					time.Sleep(10 * time.Minute)
					stop()
					if delivered, _, _, _ := f.snapshot(); !slices.Equal(delivered, []string{"e1", "e2"}) || target.count("send") != 2 {
						t.Errorf("delivered %v, calls %v", delivered, target.seen())
					}
					lines := log.lines("state file failing")
					if len(lines) < 1 || len(lines) > 6 || !strings.Contains(lines[0], errDisk.Error()) || len(log.lines("state file recovered")) != 1 {
						t.Errorf("log:\n%s", log.text.String())
					}
				})
			})
		}
	}
}

func TestSettleThatWasWrittenAfterAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add("e1", "e2"), newFake()
		f.fault = func(op, when string) error {
			if op == "settle" && when == "after" {
				return errDisk
			}
			return nil
		}
		if err := dispatch.NewWorker(config(target, f)).Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if delivered, _, _, _ := f.snapshot(); !slices.Equal(delivered, ids(2)) || target.count("send") != 2 {
			t.Errorf("delivered %v, calls %v", delivered, target.seen())
		}
	})
}

func TestNoReceiptIsInDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file).add("e1"), newFake()
		target.resolve = func(int, sink.Message) (bool, error) { return true, nil }
		got := steps(t, f, target, time.Hour, func(c *dispatch.WorkerConfig) { c.Target = withoutReceipt{target} })
		if diff := cmp.Diff([]string{"0s send e1", "2s look e1"}, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

type withoutReceipt struct{ *fake }

func (w withoutReceipt) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	_, err := w.fake.Send(ctx, m)
	return "", err
}

// TestNotWoken is about a delivery whose commit was written and reported as failed, so that nobody woke the worker.
func TestNotWoken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := new(file), newFake()
		stop := run(t, dispatch.NewWorker(config(target, f)))
		time.Sleep(90 * time.Second)
		f.add("e1")
		time.Sleep(time.Minute)
		stop()
		if diff := cmp.Diff([]string{"2m0s send e1"}, target.seen()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}
