package poller_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

const opened = talkrelay.UserChatOpened

func TestFirstRunIsSilent(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	states := []string{"closed", "closed", "closed", "opened", "queued", "snoozed"}
	for i := range 10_000 {
		c := a.open(fmt.Sprintf("c%05d", i), "opened")
		c.State = states[i%len(states)]
		switch c.State {
		case "closed":
			c.ClosedAt = a.tick()
		case "queued":
			c.QueuedAt = a.tick()
		case "snoozed":
			c.SnoozedAt = a.tick()
		}
		a.users[c.UserID].MobileNumber = "+821012345678"
	}
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll, poller.JobSweep, poller.JobFullSweep, poller.JobPoll)
	if len(s.events) != 0 {
		t.Fatalf("%d events at the first run, want none", len(s.events))
	}
	if n := len(s.entities); n != 20_000 {
		t.Errorf("%d snapshots, want those of 10,000 chats and 10,000 users", n)
	}
	c := a.open("new", "opened")
	run(t, p, poller.JobPoll)
	wantIDs(t, s, opened, openedID(c))
}

// An interrupted first walk begins anew, and what changed meanwhile stays silent.
func TestFirstRunInterrupted(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	for i := range 1200 {
		a.open(fmt.Sprintf("c%04d", i), "opened")
	}
	requests := 0
	a.fail = func(string) error {
		if requests++; requests == 3 {
			return errDown
		}
		return nil
	}
	p := newPoller(t, a, s, nil)
	runFailing(t, p, poller.JobPoll)
	a.close(a.chats["c0007"])
	a.reopen(a.chats["c0007"])
	run(t, p, poller.JobSweep) // is not for it to do
	run(t, newPoller(t, a, s, nil), poller.JobPoll, poller.JobSweep)
	wantIDs(t, s, opened)
}

func TestOpenings(t *testing.T) {
	t.Parallel()
	both := []string{poller.JobPoll, poller.JobSweep}
	look := func(t *testing.T, p *poller.Poller) { t.Helper(); run(t, p, both...) }
	tests := []struct {
		name string
		play func(t *testing.T, a *talk, p *poller.Poller) []string // returns the ids wanted
	}{
		{"seen ten times", func(t *testing.T, a *talk, p *poller.Poller) []string {
			c := a.open("c", "opened")
			for range 10 {
				look(t, p)
			}
			return []string{openedID(c)}
		}},
		{"opened and closed between two ticks", func(t *testing.T, a *talk, p *poller.Poller) []string {
			c := a.open("c", "opened")
			a.close(c)
			look(t, p)
			return []string{openedID(c)}
		}},
		{"queued and never opened", func(t *testing.T, a *talk, p *poller.Poller) []string {
			c := a.open("c", "queued")
			id := openedID(c)
			look(t, p)
			a.close(c)
			look(t, p)
			return []string{id}
		}},
		{"queued and closed between two ticks", func(t *testing.T, a *talk, p *poller.Poller) []string {
			c := a.open("c", "queued")
			id := openedID(c)
			a.close(c)
			look(t, p)
			return []string{id}
		}},
		{"queued, then opened", func(t *testing.T, a *talk, p *poller.Poller) []string {
			c := a.open("c", "queued")
			id := openedID(c)
			look(t, p)
			a.reopen(c)
			look(t, p)
			return []string{id}
		}},
		{"re-opened", func(t *testing.T, a *talk, p *poller.Poller) []string {
			c := a.open("c", "opened")
			first := openedID(c)
			look(t, p)
			a.close(c)
			look(t, p)
			a.reopen(c)
			look(t, p)
			return []string{first, openedID(c)}
		}},
		{"closed and re-opened between two ticks", func(t *testing.T, a *talk, p *poller.Poller) []string {
			c := a.open("c", "opened")
			first := openedID(c)
			look(t, p)
			a.close(c)
			a.reopen(c)
			look(t, p)
			return []string{first, openedID(c)}
		}},
		{"re-opened into the queue, then opened", func(t *testing.T, a *talk, p *poller.Poller) []string {
			c := a.open("c", "opened")
			first := openedID(c)
			look(t, p)
			a.close(c)
			look(t, p)
			a.requeue(c)
			second := openedID(c)
			look(t, p)
			a.reopen(c)
			look(t, p)
			return []string{first, second}
		}},
		{"snooze ends", func(t *testing.T, a *talk, p *poller.Poller) []string {
			c := a.open("c", "opened")
			id := openedID(c)
			look(t, p)
			a.snooze(c)
			look(t, p)
			a.reopen(c)
			look(t, p)
			return []string{id}
		}},
		{"an old reply says nothing", func(t *testing.T, a *talk, p *poller.Poller) []string {
			c := a.open("c", "opened")
			first := openedID(c)
			look(t, p)
			old := *c
			a.close(c)
			a.reopen(c)
			second := openedID(c)
			look(t, p)
			fresh := *c
			*c = old
			look(t, p)
			*c = fresh
			look(t, p)
			return []string{first, second}
		}},
		{"without any time", func(t *testing.T, a *talk, p *poller.Poller) []string {
			a.chats["c"] = &channeltalk.UserChat{ID: "c", State: "opened"}
			look(t, p)
			look(t, p)
			return []string{"userChat.opened/c/0"}
		}},
		{"in a state nobody knows yet", func(t *testing.T, a *talk, p *poller.Poller) []string {
			c := a.open("c", "opened")
			a.edit = func(page *channeltalk.ChatPage) {
				for i := range page.UserChats {
					page.UserChats[i].State = "pondered"
				}
			}
			look(t, p)
			return []string{openedID(c)}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, s := newTalk(), newStore()
			p := newPoller(t, a, s, nil)
			run(t, p, poller.JobPoll)
			want := tt.play(t, a, p)
			wantIDs(t, s, opened, want...)
			if len(s.again) > 0 {
				t.Errorf("found again: %v", s.again)
			}
		})
	}
}

// A restart at any point forgets nothing and repeats nothing: whatever is remembered is in the store.
func TestOpeningsAcrossRestarts(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	fresh := func() *poller.Poller { return newPoller(t, a, s, nil) }
	run(t, fresh(), poller.JobPoll)
	c := a.open("c", "queued")
	id := openedID(c)
	run(t, fresh(), poller.JobPoll)
	a.reopen(c)
	run(t, fresh(), poller.JobPoll)
	run(t, fresh(), poller.JobSweep)
	wantIDs(t, s, opened, id)
}

func TestSnoozeEndOpens(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, func(c *poller.Config) { c.SnoozeEndOpens = true })
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	first := openedID(c)
	run(t, p, poller.JobPoll)
	a.snooze(c)
	run(t, p, poller.JobSweep)
	a.reopen(c)
	run(t, p, poller.JobPoll)
	wantIDs(t, s, opened, first, openedID(c))
}

func TestEmptyReplyClearsNothing(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	run(t, p, poller.JobPoll)
	a.edit = func(page *channeltalk.ChatPage) { *page = channeltalk.ChatPage{} }
	before := s.commits
	run(t, p, poller.JobPoll, poller.JobSweep, poller.JobFullSweep)
	if s.commits != before {
		t.Errorf("%d commits for empty replies", s.commits-before)
	}
	a.edit = nil
	run(t, p, poller.JobPoll, poller.JobSweep)
	wantIDs(t, s, opened, openedID(c))
	if len(s.again) > 0 {
		t.Errorf("found again after an empty reply: %v", s.again)
	}
}

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

// After an outage of any length, a sweep reads closed chats back to where the last complete one began.
func TestOutageLongerThanOverlap(t *testing.T) {
	t.Parallel()
	for _, noClock := range []bool{false, true} {
		t.Run(fmt.Sprintf("noClock=%v", noClock), func(t *testing.T) {
			t.Parallel()
			a, s := newTalk(), newStore()
			a.noClock = noClock
			for i := range 5000 {
				a.close(a.open(fmt.Sprintf("old%04d", i), "opened"))
			}
			a.now += 40 * 24 * 3_600_000
			run(t, newPoller(t, a, s, nil), poller.JobPoll, poller.JobSweep)
			if noClock {
				return // without a clock the overlap is counted from the newest row; the walk must still end
			}
			var want []string
			for i := range 2000 { // thirty days of chats that nobody watched
				c := a.open(fmt.Sprintf("new%04d", i), "opened")
				a.close(c)
				want = append(want, openedID(c))
				a.now += 30 * 24 * 3_600_000 / 2000
			}
			a.rows = 0
			run(t, newPoller(t, a, s, nil), poller.JobPoll, poller.JobSweep)
			wantIDs(t, s, opened, want...)
			if a.rows > 3000 {
				t.Errorf("%d rows read, the old chats too", a.rows)
			}
		})
	}
}

// A sweep never stops on rows that do not say when they were closed.
func TestSweepGoesOnWithoutClosedAt(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	for i := range 1500 {
		a.close(a.open(fmt.Sprintf("old%04d", i), "opened"))
		a.now += 5 * 60_000
	}
	a.now += 40 * 24 * 3_600_000
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	a.edit = func(page *channeltalk.ChatPage) {
		for i := range page.UserChats {
			page.UserChats[i].ClosedAt = page.UserChats[i].SnoozedAt
		}
	}
	a.rows = 0
	run(t, p, poller.JobSweep)
	if a.rows != 1500 {
		t.Errorf("%d rows read, want all 1500", a.rows)
	}
	a.edit = nil
	a.rows = 0
	run(t, p, poller.JobSweep)
	if a.rows != 1000 {
		t.Errorf("%d rows read, want two pages: the overlap ends in the first", a.rows)
	}
}

func TestListThatGoesRound(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	for i := range 1300 {
		a.open(fmt.Sprintf("c%04d", i), "opened")
	}
	a.circle = true
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll, poller.JobSweep)
	a.circle = false
	c := a.open("c", "opened")
	run(t, p, poller.JobPoll)
	wantIDs(t, s, opened, openedID(c))
}

// A longer circle (A, B, C, B, C …) ends too.
func TestListThatGoesRoundInSeveralPages(t *testing.T) {
	t.Parallel()
	a := &circle{}
	if err := newPoller(t, a, newStore(), nil).PollOnce(t.Context(), poller.JobPoll); err != nil {
		t.Fatal(err)
	}
	if a.calls > 100 {
		t.Errorf("%d requests", a.calls)
	}
}

type circle struct {
	talk
	calls int
}

func (a *circle) UserChats(context.Context, channeltalk.Query) (*channeltalk.ChatPage, error) {
	a.calls++
	if a.calls > 1000 {
		return nil, errDown
	}
	page := &channeltalk.ChatPage{Next: fmt.Sprint(a.calls)}
	page.UserChats = []channeltalk.UserChat{{ID: fmt.Sprint("c", a.calls%7), State: "opened"}}
	return page, nil
}
