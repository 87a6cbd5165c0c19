package poller_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

// newBacklog returns a Backlog on the two fakes.
func newBacklog(t *testing.T, a poller.API, s poller.Store, b poller.BacklogConfig) *poller.Backlog {
	t.Helper()
	log, err := poller.NewBacklog(poller.Config{Name: "main", API: a, Store: s, MessageLookupsPerMinute: 60}, b)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// readAll walks to the end, over no more than limit pages.
func readAll(t *testing.T, b *poller.Backlog, limit int) (all []poller.Opening, left []time.Time) {
	t.Helper()
	var from poller.Position
	for range limit {
		p, err := b.Read(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		all, left, from = append(all, p.Openings...), append(left, p.Left...), p.Next
		if from == nil {
			return all, left
		}
	}
	t.Fatalf("not through after %d pages", limit)
	return nil, nil
}

func openingIDs(list []poller.Opening) []string {
	var ids []string
	for _, o := range list {
		ids = append(ids, o.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Whatever becomes of chats, a backlog shows the first and the last opening that polls told of, under the very ids, and
// never one that polls did not take for an opening.
func TestBacklogShowsWhatPollsTold(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		a, s := newTalk(), newStore()
		p := newPoller(t, a, s, nil)
		run(t, p, poller.JobPoll)
		for step := range 60 {
			happen(a, r, step)
			if r.IntN(3) > 0 {
				run(t, p, poller.JobPoll, poller.JobSweep)
			}
		}
		run(t, p, poller.JobPoll, poller.JobFullSweep)

		openings, left := readAll(t, newBacklog(t, a, s, poller.BacklogConfig{}), 20)
		if len(left) > 0 {
			t.Errorf("seed %d: %d openings left to the polls, which are through", seed, len(left))
		}
		checkTold(t, seed, s, openings)
	}
}

// happen lets something happen to a chat.
func happen(a *talk, r *rand.Rand, step int) {
	if len(a.chats) < 5 || r.IntN(6) == 0 {
		a.open(fmt.Sprintf("c%02d", step), []string{"opened", "queued"}[r.IntN(2)])
		return
	}
	ids := slices.Sorted(maps.Keys(a.chats))
	switch c := a.chats[ids[r.IntN(len(ids))]]; {
	case c.State == "closed" && r.IntN(2) == 0:
		a.requeue(c)
	case c.State == "opened" && r.IntN(3) == 0:
		a.snooze(c)
	case c.State == "opened":
		a.close(c)
	default:
		a.reopen(c) // out of the queue, out of a snooze, or anew
	}
}

func checkTold(t *testing.T, seed uint64, s *store, openings []poller.Opening) {
	t.Helper()
	shown := map[string]bool{}
	met := map[string]time.Time{} // first event of a chat
	for _, id := range slices.Backward(s.order) {
		if e := s.events[id]; e.Kind == opened {
			met[e.Chat.ID] = e.At
		}
	}
	for _, o := range openings {
		told := slices.IndexFunc(append(o.Other, o.ID), func(id string) bool { _, ok := s.events[id]; return ok }) >= 0
		if !told && !o.At.Before(met[o.Chat.ID]) { // before: opened twice between two polls
			t.Errorf("seed %d: %s is no opening that a poll told of: %v", seed, o.ID, s.ids(opened))
		}
		for _, id := range append(o.Other, o.ID) {
			shown[id] = true
		}
	}
	last := map[string]string{}
	for _, id := range s.order {
		if chat := s.events[id].Chat.ID; s.events[id].Kind == opened {
			last[chat] = id
		}
	}
	for chat, id := range last {
		if !shown[id] {
			t.Errorf("seed %d: the last opening of %s, %s, is not shown: %v", seed, chat, id, openingIDs(openings))
		}
	}
}

// What was there before the first look is shown too, the first opening of a chat and the last.
func TestBacklogBeforeTheFirstLook(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	if _, err := poller.NewBacklog(poller.Config{Name: "main", API: a, Store: s}, poller.BacklogConfig{}); err != poller.ErrNoFirstLook {
		t.Fatalf("before the first look: %v", err)
	}
	once, twice := a.open("once", "opened"), a.open("twice", "opened")
	first := openedID(twice)
	a.close(twice)
	a.reopen(twice)
	a.close(once)
	bot := a.open("bot", "opened")
	a.last["bot"] = said("1", "bot", "bot", "안녕하세요", nil)
	queued := a.open("queued", "queued")
	fromQueue := openedID(queued)
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	a.reopen(queued) // out of the queue: the same inquiry
	run(t, p, poller.JobPoll, poller.JobSweep)
	a.open("new", "opened") // no poll has seen it
	again := openedID(once) // nor that this one is open again
	reopened := a.chats["once"]
	a.reopen(reopened)

	got, left := readAll(t, newBacklog(t, a, s, poller.BacklogConfig{}), 20)
	want := []string{again, first, openedID(twice), fromQueue}
	slices.Sort(want)
	if ids := openingIDs(got); !slices.Equal(ids, want) {
		t.Errorf("got %v\nwant %v (without %s)", ids, want, bot.ID)
	}
	if len(left) < 2 {
		t.Errorf("left to the polls: %v", left)
	}
	if n := len(s.ids(opened)); n != 0 {
		t.Errorf("%d events were told", n)
	}
}

// A chat that moves while lists are read is met all the same.
func TestBacklogWhileChatsMove(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	for i := range 40 {
		c := a.open(fmt.Sprintf("c%02d", i), "opened")
		if i%2 == 0 {
			a.close(c)
		}
	}
	run(t, newPoller(t, a, s, nil), poller.JobPoll)
	a.cap = 5
	moved := 0
	a.during = func(q channeltalk.Query) {
		if moved++; moved > 12 {
			return
		}
		c := a.chats[fmt.Sprintf("c%02d", 39-moved)]
		if c.State == "closed" {
			a.reopen(c)
		} else {
			a.close(c)
		}
	}
	got, _ := readAll(t, newBacklog(t, a, s, poller.BacklogConfig{}), 60)
	chats := map[string]bool{}
	for _, o := range got {
		chats[o.Chat.ID] = true
	}
	if len(chats) != 40 {
		t.Errorf("%d chats of 40 were met: %v", len(chats), slices.Sorted(maps.Keys(chats)))
	}
}

// A walk for the last days does not read what was closed long before, unless lists are not newest first.
func TestBacklogBounded(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	for i := range 100 {
		a.now += (6 * time.Hour).Milliseconds()
		a.close(a.open(fmt.Sprintf("c%03d", i), "opened"))
	}
	run(t, newPoller(t, a, s, nil), poller.JobPoll)
	a.cap, a.rows = 5, 0
	since := time.UnixMilli(a.now).Add(-48 * time.Hour)
	got, _ := readAll(t, newBacklog(t, a, s, poller.BacklogConfig{ClosedSince: since}), 60)
	if len(openingIDs(got)) < 8 || a.rows > 30 {
		t.Errorf("%d openings on %d rows, want 8 or more on at most 30", len(openingIDs(got)), a.rows)
	}
	s.cursors["chats"] = []byte(strings.Replace(string(s.cursors["chats"]), `"v":1`, `"v":1,"f":true`, 1))
	if got, _ := readAll(t, newBacklog(t, a, s, poller.BacklogConfig{ClosedSince: since}), 60); len(openingIDs(got)) != 100 {
		t.Errorf("%d openings where the order is not known, want all 100", len(openingIDs(got)))
	}
}

// The event of an old opening is what a poll would have made of it, with the words that it began with.
func TestBacklogEvent(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	c := a.open("c", "opened")
	c.AssigneeID, c.FirstAskedAt = "m1", c.CreatedAt
	at := func(m channeltalk.Message, at time.Time) channeltalk.Message { m.CreatedAt = at; return m }
	first := at(said("1", "c", "user", "환불이요", nil), c.OpenedAt.Add(-time.Second))
	a.close(c)
	a.now += time.Hour.Milliseconds()
	a.reopen(c)
	again := at(said("3", "c", "user", "아직 안 왔어요", nil), c.OpenedAt.Add(-time.Second))
	a.messages["c"] = []channeltalk.Message{again, at(said("2", "c", "manager", "네", nil), c.OpenedAt.Add(-time.Hour)), first}
	a.hidden[c.UserID] = true
	a.users[c.UserID].Email = "hong@example.com"
	run(t, newPoller(t, a, s, nil), poller.JobPoll)

	b := newBacklog(t, a, s, poller.BacklogConfig{})
	openings, _ := readAll(t, b, 20)
	var events []talkrelay.Event
	for _, o := range openings {
		e, err := b.Event(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	if len(events) != 2 {
		t.Fatalf("%d events, want 2", len(events))
	}
	for i, want := range []struct {
		text     string
		reopened bool
		openedAt time.Time
	}{{"환불이요", false, c.FirstOpenedAt}, {"아직 안 왔어요", true, c.OpenedAt}} {
		e := events[i]
		if e.Message.Text != want.text || e.Chat.Reopened != want.reopened || !e.Chat.OpenedAt.Equal(want.openedAt) ||
			e.Assignee.Name != "김상담" || e.User.Email != "hong@example.com" || e.ID != openings[i].ID || !e.At.Equal(want.openedAt) {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	sketch := b.Sketch(openings[0])
	if sketch.ID != events[0].ID || sketch.User.ID != c.UserID || sketch.Message.Text != "" {
		t.Errorf("sketch: %+v", sketch)
	}
}
