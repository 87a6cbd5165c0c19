package poller_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

func TestPanickingJobRunsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newJournal(), newStore()
		var log bytes.Buffer
		p := newPoller(t, a, s, func(c *poller.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		run(t, p, poller.JobPoll)
		var broken *channeltalk.UserChat
		bad := true
		a.edit = func(*channeltalk.ChatPage) {
			if bad {
				broken.State = "boom" // a nil dereference
			}
		}
		a.later(time.Minute, func() { bad = false })
		c := a.open("c", "opened")
		if err := live(t, p, 2*time.Minute); err != nil {
			t.Fatal(err)
		}
		wantIDs(t, s, opened, openedID(c))
		lines := log.String()
		if n := strings.Count(lines, "panic"); n == 0 || n > 3 {
			t.Errorf("the panic is named %d times:\n%s", n, lines)
		}
		if !strings.Contains(lines, "failure_test.go:") || !strings.Contains(lines, "channel read again") {
			t.Errorf("log:\n%s", lines)
		}
	})
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newJournal()
		down := true
		a.fail = func(string) error {
			if down {
				return errDown
			}
			return nil
		}
		a.later(2*time.Hour, func() { down = false })
		var log bytes.Buffer
		s := newStore()
		s.cursors["chats"] = []byte(`{"v":1,"d":true}`)
		p := newPoller(t, a, s, func(c *poller.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		if err := live(t, p, 2*time.Hour+10*time.Minute); err != nil {
			t.Fatal(err)
		}
		for i, d := range gaps(a.ticks)[:5] {
			if d < 4500*time.Millisecond {
				t.Errorf("try %d came %v after the one before: more often than the schedule", i+2, d)
			}
		}
		if n := len(a.ticks); n > 200 {
			t.Errorf("%d lists of opened chats in two hours of trouble and ten minutes of health", n)
		}
		if n := strings.Count(log.String(), "channel not read"); n > 8 {
			t.Errorf("%d lines about one trouble:\n%s", n, log.String())
		}
		if n := strings.Count(log.String(), "channel read again"); n != 1 {
			t.Errorf("%d lines about its end:\n%s", n, log.String())
		}
	})
}

// A job whose schedule is a calendar does not wait for the next day when it fails.
func TestFailedDailyJobIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newJournal()
		n := 0
		a.fail = func(string) error {
			if n++; n < 3 {
				return errDown
			}
			return nil
		}
		p := newPoller(t, a, newStore(), func(c *poller.Config) { c.Poll = "0 9 * * *" })
		if err := live(t, p, 11*time.Minute); err != nil {
			t.Fatal(err)
		}
		if p.Status().LastGood.IsZero() {
			t.Error("still not polled")
		}
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newJournal()
		p := newPoller(t, a, newStore(), func(c *poller.Config) { c.Sweep = "@every 10s" })
		run(t, p, poller.JobPoll)
		clear(a.asked)
		throttled := false
		a.fail = func(string) error {
			if throttled {
				return nil
			}
			throttled = true
			return &channeltalk.Error{Op: "read user chats", Kind: channeltalk.Throttled, Status: 429, RetryAfter: 90 * time.Second}
		}
		if err := live(t, p, 3*time.Minute); err != nil {
			t.Fatal(err)
		}
		if d := gaps(a.asked["opened"])[0]; d < 90*time.Second || d > 100*time.Second {
			t.Errorf("asked again after %v, want 90s", d)
		}
		for state, times := range a.asked {
			for _, at := range times {
				if d := at.Sub(a.asked["opened"][0]); d > 0 && d < 90*time.Second {
					t.Errorf("list of %s asked for after %v", state, d)
				}
			}
		}
	})
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newJournal(), newStore()
		var log bytes.Buffer
		p := newPoller(t, a, s, func(c *poller.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		run(t, p, poller.JobPoll)
		full := true
		s.refuse = func(talkrelay.Commit) error {
			if full {
				return errFull
			}
			return nil
		}
		c := a.open("c", "opened")
		var trouble string
		time.AfterFunc(30*time.Minute, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			trouble, full = p.Status().Trouble, false
		})
		if err := live(t, p, time.Hour); err != nil {
			t.Fatal(err)
		}
		wantIDs(t, s, opened, openedID(c))
		if !strings.Contains(trouble, "no space left") {
			t.Errorf("trouble = %q", trouble)
		}
		if n := strings.Count(log.String(), "state not written"); n < 1 || n > 5 || !strings.Contains(log.String(), "state written again") {
			t.Errorf("log:\n%s", log.String())
		}
	})
}

func TestFencedEndsRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newJournal(), newStore()
		s.refuse = func(talkrelay.Commit) error { return talkrelay.ErrFenced }
		if err := live(t, newPoller(t, a, s, nil), time.Hour); !errors.Is(err, talkrelay.ErrFenced) {
			t.Errorf("err = %v", err)
		}
	})
}

// A stop in the middle of a request is no failure, and is quick.
func TestStopInTheMiddle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, start := newJournal(), time.Now()
		a.slow = time.Hour
		var log bytes.Buffer
		p := newPoller(t, a, newStore(), func(c *poller.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		if err := live(t, p, time.Minute); err != nil || time.Since(start) != time.Minute {
			t.Errorf("err = %v after %v", err, time.Since(start))
		}
		if log.Len() > 0 {
			t.Errorf("log:\n%s", log.String())
		}
	})
}

// Nothing of a customer's is ever in a log line or an error, whatever goes wrong.
func TestNoCustomerDataInTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newJournal(), newStore()
		var log bytes.Buffer
		p := newPoller(t, a, s, func(c *poller.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			c.ContactRequestsPerMinute = 60
			c.Match = func(events []talkrelay.Event) []talkrelay.Delivery {
				panic(fmt.Sprint(events)) // a panic that carries customers
			}
		})
		run(t, p, poller.JobPoll)
		c := a.open("c", "opened")
		u := a.users[c.UserID]
		u.Name, u.Email, u.MobileNumber = "홍길동", "secret@example.com", "+821087654321"
		a.last["c"] = said("m", "c", "user", "비밀 이야기", nil)
		n := 0
		a.fail = func(string) error {
			if n++; n%3 == 0 {
				return errDown
			}
			return nil
		}
		if err := live(t, p, time.Hour); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"홍길동", "secret@", "87654321", "비밀"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("%s in the log:\n%s", secret, log.String())
			}
		}
		if log.Len() == 0 {
			t.Error("nothing logged at all")
		}
	})
}

// The log says that what is new from now on is delivered only once that is true: a look that was not written is taken again,
// and takes in what came meanwhile.
func TestFirstLookIsToldOnceItIsWritten(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	a.open("old", "opened")
	var log bytes.Buffer
	p := newPoller(t, a, s, func(c *poller.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	s.refuse = func(c talkrelay.Commit) error {
		if c.Stream == "chats" && bytes.Contains(c.Cursor, []byte(`"d":true`)) {
			return errFull
		}
		return nil
	}
	for range 8 {
		_ = p.PollOnce(t.Context(), poller.JobPoll)
	}
	if strings.Contains(log.String(), "first look complete") {
		t.Errorf("not written, and yet told:\n%s", log.String())
	}
	s.refuse = nil
	run(t, p, poller.JobPoll)
	if n := strings.Count(log.String(), "first look complete"); n != 1 {
		t.Errorf("told %d times, want once:\n%s", n, log.String())
	}
}
