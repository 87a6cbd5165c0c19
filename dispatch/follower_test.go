package dispatch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay"
	"talkrelay/dispatch"
	"talkrelay/sink"
)

// wall is a place with a message a chat, and the store of what each is to show.
type wall struct {
	mu    sync.Mutex
	chats map[string]*posted
	log   []string // what was done, with the seconds since the start
	start time.Time
	fault func(receipt string) error // of the next edit; nil = all is well
	lost  error                      // of the next write to the store
}

type posted struct {
	state, shown, sum string
	version           uint64
	due               time.Time // zero = true
}

func newWall(chats ...string) *wall {
	w := &wall{chats: map[string]*posted{}, start: time.Now()}
	for _, c := range chats {
		w.chats[c] = &posted{state: "opened", shown: "opened"}
	}
	return w
}

func (w *wall) change(chat, state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.chats[chat]
	p.state, p.version = state, p.version+1
	if p.due.IsZero() {
		p.due = time.Now()
	}
}

func (w *wall) NextEdit() (*talkrelay.Edit, time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := ""
	for name, p := range w.chats {
		if !p.due.IsZero() && (first == "" || p.due.Before(w.chats[first].due) || p.due.Equal(w.chats[first].due) && name < first) {
			first = name
		}
	}
	if first == "" {
		return nil, time.Time{}, nil
	}
	p := w.chats[first]
	return &talkrelay.Edit{
		Key: first, Receipt: first, Version: p.version, Shown: p.sum,
		Opening: talkrelay.Event{ID: "o-" + first}, Latest: talkrelay.Event{Chat: talkrelay.Chat{ID: first, State: p.state}},
	}, p.due, nil
}

func (w *wall) Edited(e *talkrelay.Edit, shown string, _ time.Time) error {
	return w.write(e, func(p *posted) {
		if p.sum = shown; p.version == e.Version {
			p.due = time.Time{}
		}
	})
}

func (w *wall) Postpone(e *talkrelay.Edit, until time.Time) error {
	return w.write(e, func(p *posted) { p.due = until })
}

func (w *wall) Unfollow(e *talkrelay.Edit) error {
	return w.write(e, func(p *posted) { p.due = time.Time{} })
}

func (w *wall) write(e *talkrelay.Edit, change func(*posted)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.lost; err != nil {
		w.lost = nil
		return err
	}
	change(w.chats[e.Key])
	return nil
}

func (w *wall) Follows() bool { return true }

func (w *wall) PrepareEdit(id string, item sink.Item) ([]byte, error) {
	if item.Event.ID != "o-"+item.Event.Chat.ID || len(id) != 32 {
		return nil, fmt.Errorf("edit %s is of %q", id, item.Event.ID)
	}
	return []byte(item.Event.Chat.State), nil
}

func (w *wall) Edit(_ context.Context, r sink.Receipt, body []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	if w.fault != nil {
		err = w.fault(string(r))
	}
	w.log = append(w.log, fmt.Sprintf("%.0f %s %s", time.Since(w.start).Seconds(), r, body))
	if err == nil {
		w.chats[string(r)].shown = string(body)
	}
	return err
}

// follow runs a Follower on w until the test's bubble has no more to do for it, and returns its log.
func follow(t *testing.T, w *wall, during func(*dispatch.Follower)) string {
	t.Helper()
	var log bytes.Buffer
	f := dispatch.NewFollower(dispatch.FollowerConfig{
		Sink: "slack", Instance: "i", Editor: w, Edits: w, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	during(f)
	stop()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
	return log.String()
}

func TestFollowerShowsWhatIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWall("a", "b")
		log := follow(t, w, func(f *dispatch.Follower) {
			w.change("a", "snoozed")
			w.change("a", "closed")
			f.Wake()
			synctest.Wait()
			w.change("b", "closed") // nobody wakes the Follower: it looks by itself
			time.Sleep(2 * time.Minute)
		})
		if want := []string{"0 a closed", "60 b closed"}; !slices.Equal(w.log, want) || log != "" {
			t.Errorf("done: %v, want %v; log %s", w.log, want, log)
		}
	})
}

// Nothing is edited that shows what it should already, as after a crash between an edit and the note of it.
func TestFollowerSkipsWhatIsTrue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWall("a")
		follow(t, w, func(*dispatch.Follower) {
			w.change("a", "closed")
			time.Sleep(2 * time.Minute)
			w.change("a", "opened")
			w.change("a", "closed")
			time.Sleep(2 * time.Minute)
		})
		if want := []string{"0 a closed"}; !slices.Equal(w.log, want) {
			t.Errorf("done: %v, want %v", w.log, want)
		}
	})
}

// TestFollowerFails: whatever goes wrong, in the end every message shows its chat, one that is gone costs nothing but
// itself, and the log has a few lines.
func TestFollowerFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault func(n int, receipt string) error
		gone  string // the message that stays as it was
		said  string
	}{
		{"gone", func(_ int, r string) error {
			if r == "a" {
				return &sink.Error{Verdict: sink.Bad, Op: "edit message", Reason: "message_not_found"}
			}
			return nil
		}, "a", "post can no longer be changed"},
		{"held", func(n int, _ string) error {
			if n < 3 {
				return &sink.Error{Verdict: sink.Retry, Op: "edit message", Reason: "rate limit", After: time.Minute}
			}
			return nil
		}, "", "posts kept up to date again"},
		{"paused", func(n int, _ string) error {
			if n < 9 {
				return &sink.Error{Verdict: sink.PauseDestination, Op: "edit message", Reason: "archived"}
			}
			return nil
		}, "", "archived"},
		{"no answer for one", func(n int, r string) error {
			if n < 4 && r == "a" {
				return errors.New("connection reset")
			}
			return nil
		}, "", ""},
		{"panic", func(n int, _ string) error {
			if n == 0 {
				panic("bug")
			}
			return nil
		}, "", "bug in the sink"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWall("a", "b", "c")
				n := 0
				w.fault = func(r string) error { n++; return test.fault(n-1, r) }
				w.lost = errors.New("disk full")
				log := follow(t, w, func(f *dispatch.Follower) {
					for _, c := range []string{"a", "b", "c"} {
						w.change(c, "closed")
					}
					f.Wake()
					time.Sleep(3 * time.Hour)
				})
				for name, p := range w.chats {
					if p.shown != "closed" && name != test.gone {
						t.Errorf("%s shows %q; done: %v", name, p.shown, w.log)
					}
				}
				if !strings.Contains(log, test.said) || strings.Count(log, "\n") > 8 {
					t.Errorf("log: %s", log)
				}
			})
		})
	}
}

// While a destination asks for a rest, nothing is sent there, however often the Follower is woken.
func TestFollowerRests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWall("a", "b")
		n := 0
		w.fault = func(string) error {
			if n++; n == 1 {
				return &sink.Error{Verdict: sink.Retry, Op: "edit message", Reason: "rate limit", After: 40 * time.Second}
			}
			return nil
		}
		follow(t, w, func(f *dispatch.Follower) {
			w.change("a", "closed")
			for range 30 {
				w.change("b", "closed")
				f.Wake()
				time.Sleep(time.Second)
			}
			time.Sleep(time.Minute)
		})
		if want := []string{"0 a closed", "40 a closed", "40 b closed"}; !slices.Equal(w.log, want) {
			t.Errorf("done: %v, want %v", w.log, want)
		}
	})
}

func TestFollowerDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWall("a", "b")
		f := dispatch.NewFollower(dispatch.FollowerConfig{Sink: "slack", Editor: w, Edits: w})
		w.change("a", "closed")
		w.change("b", "closed")
		w.chats["b"].due = time.Now().Add(talkrelay.EditPace)
		if err := f.Drain(t.Context()); err != nil || w.chats["a"].shown != "closed" || w.chats["b"].shown != "closed" {
			t.Errorf("drain: %v, %v", err, w.log)
		}
		w.change("a", "opened")
		w.fault = func(string) error {
			return &sink.Error{Verdict: sink.PauseCredential, Op: "edit message", Reason: "revoked"}
		}
		if err := f.Drain(t.Context()); err == nil {
			t.Error("drain with a revoked token: no error")
		}
	})
}

// A message is not changed where nothing that it shows has changed since the last edit.
func TestFollowerSkipsWhatShowsAlready(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWall("a")
		follow(t, w, func(f *dispatch.Follower) {
			for _, state := range []string{"opened", "opened", "closed", "closed", "opened"} {
				w.change("a", state)
				f.Wake()
				synctest.Wait()
			}
		})
		if got := strings.Join(w.log, ", "); got != "0 a opened, 0 a closed, 0 a opened" {
			t.Errorf("edits: %s", got)
		}
	})
}
