package poller_test

import (
	"context"
	"fmt"
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
