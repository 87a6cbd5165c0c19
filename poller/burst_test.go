package poller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"talkrelay"
	"talkrelay/poller"
)

// What a poll costs that finds nothing does not depend on how much is known.
func TestEmptyTick(t *testing.T) {
	t.Parallel()
	for _, known := range []int{100, 10_000} {
		t.Run(fmt.Sprint(known), func(t *testing.T) {
			t.Parallel()
			a, s := newTalk(), newStore()
			for i := range known {
				a.open(fmt.Sprintf("c%05d", i), []string{"opened", "queued"}[i%2])
			}
			p := newPoller(t, a, s, nil)
			run(t, p, poller.JobPoll, poller.JobPoll)
			requests, commits, rows := a.requests["all"], s.commits, a.rows
			run(t, p, poller.JobPoll)
			if n := a.requests["all"] - requests; n != 2 {
				t.Errorf("%d requests, want one a state", n)
			}
			if n := a.rows - rows; n > 50 {
				t.Errorf("%d rows read", n)
			}
			if n := s.commits - commits; n != 0 {
				t.Errorf("%d commits, want none", n)
			}
		})
	}
}

func TestBurst(t *testing.T) {
	t.Parallel()
	const burst = 5000
	for _, job := range []string{poller.JobPoll, poller.JobSweep} {
		t.Run(job, func(t *testing.T) {
			t.Parallel()
			a, s := newTalk(), newStore()
			for i := range 600 {
				a.open(fmt.Sprintf("old%05d", i), "opened")
			}
			p := newPoller(t, a, s, nil)
			run(t, p, poller.JobPoll)
			var want []string
			for i := range burst {
				want = append(want, openedID(a.open(fmt.Sprintf("new%05d", i), "opened")))
			}
			a.rows = 0
			run(t, p, job)
			wantIDs(t, s, opened, want...)
			if job == poller.JobPoll && a.rows > burst*12/10 {
				t.Errorf("%d rows read for %d new chats", a.rows, burst)
			}
			commits := s.commits
			a.rows = 0
			run(t, p, poller.JobPoll)
			if s.commits != commits || a.rows > 25 {
				t.Errorf("the tick after it: %d commits, %d rows, want none and a small page", s.commits-commits, a.rows)
			}
		})
	}
}

// A burst of enormous texts is committed in parts, so that it fits into memory. Nothing of it is lost.
func TestBurstOfEnormousTexts(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	a.cap = 25
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	text := strings.Repeat("길", 1<<19) // 1.5 MiB
	var want []string
	for i := range 100 {
		c := a.open(fmt.Sprintf("c%03d", i), "opened")
		a.last[c.ID] = said("m"+c.ID, c.ID, "user", text, nil)
		want = append(want, openedID(c))
	}
	most := 0
	s.refuse = func(c talkrelay.Commit) error {
		size := 0
		for i := range c.Events {
			size += len(c.Events[i].Message.Text)
		}
		most = max(most, size)
		return nil
	}
	run(t, p, poller.JobPoll)
	wantIDs(t, s, opened, want...)
	if most > 128<<20 {
		t.Errorf("%d MiB of text in one commit", most>>20)
	}
}

// One new chat costs the small page and one commit, however many are open.
func TestOneNewChatIsOneCommit(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	for i := range 2000 {
		a.open(fmt.Sprintf("old%05d", i), "opened")
	}
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	commits, requests := s.commits, a.requests["all"]
	run(t, p, poller.JobPoll)
	wantIDs(t, s, opened, openedID(c))
	if s.commits-commits != 1 || a.requests["all"]-requests != 2 {
		t.Errorf("%d commits, %d requests, want 1 and 2", s.commits-commits, a.requests["all"]-requests)
	}
}

// A page that fails, or a commit that is refused, in the middle of a burst: what lies below is found by the next tick,
// although the top of the list is known by then.
func TestFailureInTheMiddleOfABurst(t *testing.T) {
	t.Parallel()
	for _, job := range []string{poller.JobPoll, poller.JobSweep} {
		for k := 1; k <= 5; k++ {
			for _, kind := range []string{"page", "commit", "restart"} {
				t.Run(fmt.Sprintf("%s %s %d", job, kind, k), func(t *testing.T) {
					t.Parallel()
					failInTheMiddle(t, job, kind, k)
				})
			}
		}
	}
}

func failInTheMiddle(t *testing.T, job, kind string, k int) {
	a, s := newTalk(), newStore()
	for i := range 700 {
		a.open(fmt.Sprintf("old%04d", i), "opened")
	}
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	var want []string
	for i := range 1100 {
		want = append(want, openedID(a.open(fmt.Sprintf("new%04d", i), "opened")))
	}
	n := 0
	kth := func(err error) error {
		if n++; n == k {
			return err
		}
		return nil
	}
	if kind == "commit" {
		s.refuse = func(talkrelay.Commit) error { return kth(errFull) }
	} else {
		a.fail = func(string) error { return kth(errDown) }
	}
	err := p.PollOnce(t.Context(), job)
	a.fail, s.refuse = nil, nil
	if kind == "restart" {
		p = newPoller(t, a, s, nil)
	}
	if err == nil && kind == "page" {
		t.Fatal("the failure did not come to pass")
	}
	if k%2 == 0 {
		run(t, p, poller.JobSweep) // before a tick can mend it
	}
	run(t, p, poller.JobPoll)
	wantIDs(t, s, opened, want...)
	requests, commits := a.requests["all"], s.commits
	run(t, p, poller.JobPoll)
	if a.requests["all"]-requests != 2 || s.commits != commits {
		t.Errorf("the tick after it made %d requests and %d commits", a.requests["all"]-requests, s.commits-commits)
	}
	if strings.Contains(string(s.cursors["chats"]), `"f":true`) {
		t.Error("a failure was taken for a wrong order")
	}
}

// A cursor that moved makes the walk begin anew; nothing is lost.
func TestMovedCursor(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	s.refuse = func(talkrelay.Commit) error { return talkrelay.ErrMoved }
	runFailing(t, p, poller.JobPoll)
	s.refuse = nil
	run(t, p, poller.JobPoll)
	wantIDs(t, s, opened, openedID(c))
}

// Deliveries are decided before the commit and announced after it.
func TestMatchAndCommitted(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	var matched []string
	var committed []talkrelay.Delivery
	p := newPoller(t, a, s, func(c *poller.Config) {
		c.Match = func(events []talkrelay.Event) (d []talkrelay.Delivery) {
			for _, e := range events {
				matched = append(matched, e.ID)
				d = append(d, talkrelay.Delivery{EventID: e.ID, Sink: "slack"})
			}
			return d
		}
		c.Committed = func(d []talkrelay.Delivery) { committed = append(committed, d...) }
	})
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	s.refuse = func(talkrelay.Commit) error { return errFull }
	runFailing(t, p, poller.JobPoll)
	if len(matched) != 1 || len(committed) != 0 {
		t.Fatalf("matched %v, committed %v before anything was written", matched, committed)
	}
	s.refuse = nil
	run(t, p, poller.JobPoll)
	if len(committed) != 1 || committed[0].EventID != openedID(c) {
		t.Errorf("committed %v", committed)
	}
}

// The events of a page leave oldest first, the inquiry before the contact that came with it.
func TestOrderOfEvents(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	var want []string
	for i := range 10 {
		c := a.open(fmt.Sprintf("c%d", 9-i), "opened")
		a.users[c.UserID].Email = "a@example.com"
		want = append(want, openedID(c), "lead.upserted.contact/"+c.UserID)
	}
	run(t, p, poller.JobPoll)
	got := slices.Clone(s.order)
	for i := range got {
		if i%2 == 1 {
			got[i] = got[i][:strings.LastIndex(got[i], "/")]
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
}
