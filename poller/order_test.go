package poller_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

var listOrders = map[string]func(*talk){
	"newest first": func(a *talk) { a.less = newestFirst },
	"oldest first": func(a *talk) { a.less = oldestFirst },
	"by creation":  func(a *talk) { a.less = byCreation },
	"random":       func(a *talk) { a.random = true },
	"shifting":     func(a *talk) { a.shifts, a.cap = true, 10 },
}

// Whatever order the lists have, every inquiry is announced exactly once, whatever happens between the pages.
func TestEveryOrder(t *testing.T) {
	t.Parallel()
	for name, order := range listOrders {
		for _, overlap := range []int{0, 1, 7} {
			t.Run(fmt.Sprintf("%s, overlap %d", name, overlap), func(t *testing.T) {
				t.Parallel()
				w := newWorld(uint64(overlap), order)
				w.talk.overlap = overlap
				w.play(t, 30)
			})
		}
	}
}

// The same with the jobs running by themselves, slowly, so that the walks of ticks and sweeps get in between each other.
func TestEveryOrderLive(t *testing.T) {
	t.Parallel()
	for _, random := range []bool{false, true} {
		t.Run(fmt.Sprintf("random=%v", random), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(7, func(a *talk) { a.random, a.cap = random, 20 })
				w.live(t, 8)
			})
		})
	}
}

func (w *world) live(t *testing.T, rounds int) {
	a := w.talk
	for i := range 100 {
		a.open(fmt.Sprintf("old%03d", i), []string{"opened", "queued"}[i%2])
	}
	p := newPoller(t, a, w.store, nil)
	run(t, p, poller.JobPoll)
	for range rounds {
		clear(w.busy)
		calm := false
		a.fail = func(string) error {
			if !calm && w.rnd.IntN(10) == 0 {
				return errDown
			}
			return nil
		}
		a.during = func(channeltalk.Query) {
			for range w.rnd.IntN(20) * w.rnd.IntN(2) * w.rnd.IntN(2) {
				if !calm {
					w.happen()
				}
			}
		}
		slow := newJournal()
		slow.talk, slow.slow = a, 300*time.Millisecond
		p = newPoller(t, slow, w.store, func(c *poller.Config) { c.Poll, c.Sweep, c.FullSweep = "@every 2s", "@every 7s", "@every 61s" })
		a.later(time.Minute, func() { calm = true })
		if err := live(t, p, 5*time.Minute); err != nil {
			t.Fatal(err)
		}
		w.check(t)
	}
}

// world plays a support team's days on a fake Channel Talk and knows what must be announced.
type world struct {
	talk      *talk
	store     *store
	rnd       *rand.Rand
	inquiries map[string]int // by chat
	busy      map[string]bool
	n         int
	began     time.Time // when the first walk was through

	lives      func()           // something else that happens to a chat; nil = nothing
	checkLives func(*testing.T) // and whether that came out
}

func newWorld(seed uint64, order func(*talk)) *world {
	w := &world{
		talk: newTalk(), store: newStore(), rnd: rand.New(rand.NewPCG(seed, 1)),
		inquiries: map[string]int{}, busy: map[string]bool{},
	}
	order(w.talk)
	return w
}

// play has many things happen, polls in between with failures, and looks whether everything came out once.
func (w *world) play(t *testing.T, rounds int) {
	a, s := w.talk, w.store
	for i := range 40 {
		a.open(fmt.Sprintf("old%02d", i), []string{"opened", "queued"}[i%2])
	}
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	w.began = time.UnixMilli(a.now)
	a.during = func(channeltalk.Query) {
		if w.rnd.IntN(4) == 0 {
			w.happen()
		}
	}
	for range rounds {
		clear(w.busy)
		for range w.rnd.IntN(60) {
			w.happen()
		}
		if w.rnd.IntN(5) == 0 {
			p = newPoller(t, a, s, nil)
		}
		a.fail = func(string) error {
			if w.rnd.IntN(6) == 0 {
				return errDown
			}
			return nil
		}
		if w.lives != nil {
			s.refuse = func(talkrelay.Commit) error {
				if w.rnd.IntN(6) == 0 {
					return errFull
				}
				return nil
			}
		}
		for range 3 {
			_ = p.PollOnce(t.Context(), []string{poller.JobPoll, poller.JobSweep}[w.rnd.IntN(2)])
		}
		a.fail, s.refuse = nil, nil
		run(t, p, poller.JobPoll)
		// A last look while nothing happens: what moved between two lists meanwhile is still there.
		during := a.during
		a.during = nil
		run(t, p, poller.JobSweep)
		a.during = during
		w.check(t)
		if w.checkLives != nil {
			w.checkLives(t)
		}
	}
	if n := len(w.inquiries); n < rounds {
		t.Fatalf("only %d inquiries happened", n)
	}
}

// happen lets one thing happen. A chat has at most one new inquiry a round, because two that nobody could see apart
// are one alert.
func (w *world) happen() {
	a := w.talk
	if w.lives != nil && w.rnd.IntN(2) == 0 {
		w.lives()
		return
	}
	if w.rnd.IntN(3) == 0 || len(a.chats) == 0 {
		w.n++
		id := fmt.Sprintf("new%04d", w.n)
		a.open(id, []string{"opened", "queued"}[w.rnd.IntN(2)])
		w.inquiries[id], w.busy[id] = 1, true
		return
	}
	ids := slices.Sorted(maps.Keys(a.chats))
	c := a.chats[ids[w.rnd.IntN(len(ids))]]
	switch c.State {
	case "opened":
		if w.rnd.IntN(3) == 0 && !w.busy[c.ID] {
			a.snooze(c)
		} else {
			a.close(c)
		}
	case "queued":
		if w.rnd.IntN(4) == 0 {
			a.close(c)
			w.busy[c.ID] = true // re-opened and closed again unseen, its closedAt would say nothing of this close
		} else {
			a.reopen(c) // out of the queue
		}
	case "snoozed":
		if w.busy[c.ID] {
			return // the snooze must have been seen for its end to be no inquiry
		}
		a.close(c)
	case "closed":
		if w.busy[c.ID] {
			return
		}
		w.busy[c.ID] = true
		w.inquiries[c.ID]++
		if w.rnd.IntN(2) == 0 {
			a.requeue(c)
		} else {
			a.reopen(c)
		}
	}
}

func (w *world) check(t *testing.T) {
	t.Helper()
	got := map[string]int{}
	for _, id := range w.store.ids(opened) {
		got[strings.Split(id, "/")[1]]++
	}
	for id, n := range w.inquiries {
		if got[id] != n {
			t.Fatalf("chat %s: %d inquiries, announced %d times: %+v", id, n, got[id], w.talk.chats[id])
		}
	}
	if len(got) > len(w.inquiries) {
		t.Fatalf("%d chats announced, only %d had inquiries", len(got), len(w.inquiries))
	}
}

// Ticks that miss what a sweep finds are not trusted any more, whatever the clock says; ticks that miss nothing are.
func TestDistrustOfOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		less     func(a, b *channeltalk.UserChat) int
		distrust bool
	}{
		{"newest first", newestFirst, false},
		{"oldest first", oldestFirst, true},
		{"by creation, when an old chat is re-opened", byCreation, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, s := newTalk(), newStore()
			a.less = tt.less
			for i := range 700 {
				a.open(fmt.Sprintf("old%04d", i), "opened")
			}
			p := newPoller(t, a, s, nil)
			run(t, p, poller.JobPoll)
			var want []string
			reopen := func(id string) {
				c := a.chats[id]
				a.close(c)
				a.reopen(c)
				want = append(want, openedID(c))
			}
			reopen("old0100")
			run(t, p, poller.JobPoll)
			if found := len(s.ids(opened)); (found == 0) != tt.distrust {
				t.Fatalf("the tick found %d openings", found)
			}
			run(t, p, poller.JobSweep)
			wantIDs(t, s, opened, want...)
			reopen("old0200")
			run(t, p, poller.JobPoll)
			wantIDs(t, s, opened, want...)
			requests, commits := a.requests["all"], s.commits
			run(t, p, poller.JobPoll)
			if full := a.requests["all"]-requests > 2; full != tt.distrust || s.commits != commits {
				t.Errorf("an empty tick after it: %d requests, %d commits", a.requests["all"]-requests, s.commits-commits)
			}
		})
	}
}

// Openings that were held back say nothing about the order when they are announced late.
func TestHeldOpeningsDoNotSpeakAgainstTheOrder(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	var held []*channeltalk.UserChat
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	for i := range 100 {
		c := a.open(fmt.Sprintf("c%03d", i), "opened")
		a.last[c.ID] = said("b", c.ID, "bot", "안녕하세요", nil)
		held = append(held, c)
	}
	run(t, p, poller.JobPoll)
	wantIDs(t, s, opened)
	held[3].UserLastMessageID = "m"
	run(t, p, poller.JobPoll, poller.JobSweep)
	wantIDs(t, s, opened, openedID(held[3]))
	if strings.Contains(string(s.cursors["chats"]), `"f":true`) {
		t.Error("a late announcement was taken for a wrong order")
	}
}
