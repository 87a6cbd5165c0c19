package poller_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

// told returns what was told of a chat, in the order it was committed, by the last part of the kind.
func (s *store) told(chat string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kinds []string
	for _, id := range s.order {
		if e := s.events[id]; e.Chat.ID == chat {
			kinds = append(kinds, strings.TrimPrefix(string(e.Kind), "userChat."))
		}
	}
	return kinds
}

// last returns the event of a chat that was committed last.
func (s *store) last(t *testing.T, chat string) talkrelay.Event {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Backward(s.order) {
		if e := s.events[id]; e.Chat.ID == chat {
			return e
		}
	}
	t.Fatalf("nothing was told of %s", chat)
	return talkrelay.Event{}
}

// What becomes of a chat, seen twice after each step so that nothing may come again. A chat "c" is open and told of.
func TestLife(t *testing.T) {
	t.Parallel()
	type steps []func(a *talk, c *channeltalk.UserChat)
	step := func(f func(a *talk, c *channeltalk.UserChat)) steps { return steps{f} }
	assign := func(manager string) func(*talk, *channeltalk.UserChat) {
		return func(a *talk, c *channeltalk.UserChat) { a.assign(c, manager) }
	}
	tests := []struct {
		name  string
		steps steps
		want  string // after the opening
	}{
		{"nothing", nil, ""},
		{"closed", steps{(*talk).close}, "closed"},
		{"snoozed", steps{(*talk).snooze}, "snoozed"},
		{"snoozed twice", steps{(*talk).snooze, (*talk).reopen, (*talk).snooze}, "snoozed snoozed"},
		{"snoozed, woken between two looks", step(func(a *talk, c *channeltalk.UserChat) { a.snooze(c); c.State = "opened" }), "snoozed"},
		{"assigned to and fro", steps{assign("m1"), assign("m2"), assign("m1"), assign("m2"), assign("")}, "assigned assigned assigned assigned assigned"},
		{"given to a team", step(func(a *talk, c *channeltalk.UserChat) { c.TeamID, _ = "t", a.touch(c) }), "assigned"},
		{"tagged and untagged", steps{
			func(a *talk, c *channeltalk.UserChat) { a.tag(c, "환불", "배송") },
			func(a *talk, c *channeltalk.UserChat) { a.tag(c, "배송", "환불") }, // the order means nothing
			func(a *talk, c *channeltalk.UserChat) { a.tag(c) },
		}, "tagged tagged"},
		{"answered", steps{(*talk).ask, (*talk).reply}, "replied"},
		{"answered twice", steps{(*talk).ask, (*talk).reply, (*talk).ask, (*talk).ask, (*talk).reply}, "replied replied"},
		{"answered unasked, twice", steps{(*talk).reply, (*talk).reply}, "replied"},
		{"answered and closed between two looks", steps{(*talk).ask, (*talk).reply, (*talk).ask, func(a *talk, c *channeltalk.UserChat) {
			a.reply(c)
			a.close(c)
		}}, "replied replied closed"},
		{"closed without an answer", steps{(*talk).ask, func(a *talk, c *channeltalk.UserChat) {
			a.close(c)
			c.AskedAt = time.Time{}
		}}, "closed"},
		{"all at once", step(func(a *talk, c *channeltalk.UserChat) {
			a.assign(c, "m1")
			a.tag(c, "환불")
			a.reply(c)
			a.close(c)
		}), "replied assigned tagged closed"},
		{"re-opened", steps{(*talk).close, (*talk).reopen, (*talk).reply, (*talk).close}, "closed opened replied closed"},
		{"closed and re-opened between two looks", step(func(a *talk, c *channeltalk.UserChat) {
			a.close(c)
			a.reopen(c)
		}), "closed opened"},
		{"closed and re-opened between two looks, closedAt cleared", step(func(a *talk, c *channeltalk.UserChat) {
			a.close(c)
			a.reopen(c)
			c.ClosedAt = time.Time{}
		}), "opened"},
		{"re-opened and closed between two looks", steps{(*talk).close, func(a *talk, c *channeltalk.UserChat) {
			a.reopen(c)
			a.assign(c, "m1") // an opening shows it
			a.close(c)
		}}, "closed opened closed"},
		{"closed in a reply without the time, which comes late", steps{
			func(a *talk, c *channeltalk.UserChat) { c.State = "closed" },
			func(a *talk, c *channeltalk.UserChat) { c.ClosedAt = a.touch(c) },
		}, "closed"},
		{"re-opened after a close without a time", steps{
			func(a *talk, c *channeltalk.UserChat) { c.State = "closed" }, (*talk).reopen, (*talk).close,
		}, "closed opened closed"},
		{"statistics move", step(func(a *talk, c *channeltalk.UserChat) { a.touch(c) }), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, s := newTalk(), newStore()
			p := newPoller(t, a, s, nil)
			run(t, p, poller.JobPoll)
			c := a.open("c", "opened")
			run(t, p, poller.JobPoll)
			for _, step := range tt.steps {
				step(a, c)
				run(t, p, poller.JobPoll, poller.JobSweep, poller.JobPoll, poller.JobSweep)
			}
			if got := strings.Join(s.told("c"), " "); got != strings.TrimSpace("opened "+tt.want) {
				t.Errorf("told: %s\nwant: opened %s", got, tt.want)
			}
			if len(s.again) > 0 {
				t.Errorf("found again: %v", s.again)
			}
			commits := s.commits
			run(t, p, poller.JobPoll, poller.JobSweep)
			a.touch(c)
			run(t, p, poller.JobPoll, poller.JobSweep)
			if s.commits != commits {
				t.Errorf("%d writes though nothing happened", s.commits-commits)
			}
		})
	}
}

// A chat that comes into view late tells its story from its opening on, in order, and once.
func TestLifeOfNewcomers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		play func(a *talk, c *channeltalk.UserChat)
		want string
	}{
		{"closed", (*talk).close, "opened closed"},
		{"closed in the moment of its opening", func(_ *talk, c *channeltalk.UserChat) { c.State, c.ClosedAt = "closed", c.OpenedAt }, "opened closed"},
		{"snoozed", (*talk).snooze, "opened snoozed"},
		{"answered, then closed", func(a *talk, c *channeltalk.UserChat) {
			a.reply(c)
			a.close(c)
		}, "opened replied closed"},
		{"assigned and tagged", func(a *talk, c *channeltalk.UserChat) { // the opening shows both
			a.assign(c, "m1")
			a.tag(c, "환불")
		}, "opened"},
		{"open, after an earlier inquiry nobody saw", func(a *talk, c *channeltalk.UserChat) {
			a.close(c)
			a.reopen(c)
		}, "opened"},
		{"closed, in a reply without the time", func(_ *talk, c *channeltalk.UserChat) { c.State = "closed" }, "opened closed"},
		{"only a bot spoke, then closed", func(a *talk, c *channeltalk.UserChat) {
			a.last[c.ID] = said("b", c.ID, "bot", "안녕하세요", nil)
			a.close(c)
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, s := newTalk(), newStore()
			p := newPoller(t, a, s, nil)
			run(t, p, poller.JobPoll)
			tt.play(a, a.open("c", "opened"))
			run(t, p, poller.JobPoll, poller.JobSweep, poller.JobSweep)
			if got := strings.Join(s.told("c"), " "); got != tt.want || len(s.again) > 0 {
				t.Errorf("told: %s, again: %v\nwant: %s", got, s.again, tt.want)
			}
		})
	}
}

// A reply older than what is known, of whatever age, tells nothing and loses nothing.
func TestLifeInOldReplies(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	var past []channeltalk.UserChat
	for _, happen := range []func(){
		func() {}, func() { a.assign(c, "m1") }, func() { a.tag(c, "환불") }, func() { a.ask(c) }, func() { a.reply(c) },
		func() { a.assign(c, "m2") }, func() { a.close(c) },
	} {
		happen()
		run(t, p, poller.JobPoll, poller.JobSweep)
		now := *c
		for _, old := range past {
			*c = old
			run(t, p, poller.JobPoll, poller.JobSweep)
		}
		*c = now
		past = append(past, now)
		run(t, p, poller.JobPoll, poller.JobSweep)
	}
	if got, want := strings.Join(s.told("c"), " "), "opened assigned tagged replied assigned closed"; got != want || len(s.again) > 0 {
		t.Errorf("told: %s, again %v\nwant: %s", got, s.again, want)
	}
}

// Every event shows the chat as it is, the contact of its customer included, and what it was before.
func TestEventsCarryThePresentState(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, func(c *poller.Config) { c.Teams = map[string]string{"t": "CS팀"} })
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	a.tag(c, "배송")
	run(t, p, poller.JobPoll)
	a.users["u-c"].MobileNumber, a.users["u-c"].UpdatedAt = "+821012345678", a.tick()
	c.TeamID = "t"
	a.assign(c, "m1")
	a.tag(c, "환불")
	a.reply(c)
	a.close(c)
	run(t, p, poller.JobSweep)
	if got := len(s.order); got != 6 {
		t.Fatalf("%d events: %v", got, s.order)
	}
	for _, id := range s.order[1:] {
		e := s.event(t, id)
		chat := e.Chat
		if chat.State != "closed" || !chat.ClosedAt.Equal(c.ClosedAt) || !chat.FirstRepliedAt.Equal(c.FirstRepliedAtAfterOpen) ||
			chat.WaitingTime != c.WaitingTime || chat.AssigneeID != "m1" || !slices.Equal(chat.Tags, []string{"환불"}) {
			t.Errorf("%s shows the chat as %+v", id, chat)
		}
		if e.Assignee.Name != "김상담" || e.Team.Name != "CS팀" || e.User.MobileNumber != "+821012345678" || e.DeskURL == "" {
			t.Errorf("%s: %+v, %+v, %+v, %q", id, e.Assignee, e.Team, e.User, e.DeskURL)
		}
		if before := e.Before; e.Kind.LifeEvent() && (before.State != "opened" || before.AssigneeID != "" || !slices.Equal(before.Tags, []string{"배송"})) {
			t.Errorf("%s: before it was %+v", id, before)
		}
		if e.Kind.LifeEvent() && !strings.Contains(string(e.Envelope), `"type":"userChat"`) {
			t.Errorf("%s: envelope %s", id, e.Envelope)
		}
	}
}

// A contact found by the rotation, where no list is at hand, still says what is stored of the chat.
func TestContactOfRotationCarriesTheStoredChat(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, func(c *poller.Config) { c.ContactRequestsPerMinute = 30 })
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	a.assign(c, "m1")
	a.tag(c, "환불")
	run(t, p, poller.JobPoll)
	a.close(c)
	run(t, p, poller.JobSweep)
	a.users["u-c"].Email = "new@example.com"
	run(t, p, poller.JobContacts, poller.JobContacts)
	e := s.last(t, "c")
	if e.Kind != talkrelay.LeadContact || e.Chat.State != "closed" || !e.Chat.ClosedAt.Equal(c.ClosedAt) || e.Assignee.Name != "김상담" ||
		!slices.Equal(e.Chat.Tags, []string{"환불"}) {
		t.Errorf("%s: %+v, %+v", e.Kind, e.Chat, e.Assignee)
	}
}

// A state file from before there were these events: the first look at a chat is its baseline, whatever it shows.
func TestLifeAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	c := a.open("c", "opened")
	run(t, newPoller(t, a, s, nil), poller.JobPoll)
	ref := talkrelay.Ref{Type: talkrelay.EntityChat, ID: "c"}
	s.entities[ref] = []byte(fmt.Sprintf(`{"o":%d,"s":"opened"}`, c.OpenedAt.UnixMilli()))
	a.assign(c, "m1")
	a.tag(c, "환불")
	a.reply(c)
	a.snooze(c)
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll, poller.JobSweep, poller.JobSweep)
	if len(s.order) > 0 {
		t.Fatalf("told after the upgrade: %v", s.order)
	}
	a.close(c)
	run(t, p, poller.JobSweep)
	if got := s.told("c"); !slices.Equal(got, []string{"closed"}) {
		t.Errorf("told then: %v", got)
	}
}

// Kinds that no route asks for are not made. What they would have told is noted all the same: asked for later, they
// begin with what happens then.
func TestKindsNobodyAsksFor(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, func(c *poller.Config) { c.Kinds = []talkrelay.Kind{talkrelay.UserChatClosed} })
	run(t, p, poller.JobPoll)
	c, d := a.open("c", "opened"), a.open("d", "opened")
	a.users["u-c"].Email = "new@example.com"
	run(t, p, poller.JobPoll)
	for _, chat := range []*channeltalk.UserChat{c, d} {
		a.assign(chat, "m1")
		a.tag(chat, "환불")
		a.ask(chat)
		run(t, p, poller.JobPoll)
		a.reply(chat)
	}
	a.close(c)
	run(t, p, poller.JobPoll, poller.JobSweep)
	if got := s.order; len(got) != 1 || s.events[got[0]].Kind != talkrelay.UserChatClosed {
		t.Fatalf("told: %v", got)
	}
	p = newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll, poller.JobSweep, poller.JobFullSweep)
	if len(s.order) != 1 {
		t.Fatalf("told once they are asked for: %v", s.order)
	}
	a.tag(d, "배송")
	run(t, p, poller.JobPoll)
	if got := s.told("d"); !slices.Equal(got, []string{"tagged"}) {
		t.Errorf("told of what came later: %v", got)
	}
}

// A commit that is lost is found again, with the same ids.
func TestLifeAcrossLostCommits(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	var lost []string
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	run(t, p, poller.JobPoll)
	for _, happen := range []func(){
		func() { a.assign(c, "m1") }, func() { a.tag(c, "환불") }, func() { a.ask(c) }, func() { a.reply(c) }, func() { a.close(c) },
	} {
		happen()
		s.refuse = func(c talkrelay.Commit) error {
			for _, e := range c.Events {
				lost = append(lost, e.ID)
			}
			return errFull
		}
		runFailing(t, p, poller.JobSweep)
		s.refuse = nil
		run(t, newPoller(t, a, s, nil), poller.JobSweep)
	}
	if got := s.order[1:]; !slices.Equal(got, lost) {
		t.Errorf("told %v\nlost %v", got, lost)
	}
}

// A snapshot stays small: a hundred thousand chats are kept for good.
func TestSnapshotSize(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	c := a.open("6641a7e0c5d3f2b1", "queued")
	for _, happen := range []func(*channeltalk.UserChat){a.reopen, a.snooze, a.reopen, a.ask, a.close} {
		happen(c)
	}
	c.FirstRepliedAtAfterOpen, c.AssigneeID, c.TeamID, c.Tags = a.tick(), "123456", "1234", []string{"환불", "배송"}
	run(t, newPoller(t, a, s, nil), poller.JobPoll)
	for ref, data := range maps.All(s.entities) {
		if ref.Type == talkrelay.EntityChat && len(data) > 250 {
			t.Errorf("%d bytes: %s", len(data), data)
		}
		if !json.Valid(data) {
			t.Errorf("%s is no JSON", data)
		}
	}
}

// What moves a chat and is none of the kinds a route can ask for is told where somebody follows chats, and only there.
func TestMovedIsForFollowers(t *testing.T) {
	t.Parallel()
	wake := func(a *talk, c *channeltalk.UserChat) {
		c.State = "opened"
		a.touch(c)
	}
	for _, test := range []struct {
		name    string
		follows bool
		steps   []func(*talk, *channeltalk.UserChat)
		want    string
	}{
		{"a snooze ends", true, []func(*talk, *channeltalk.UserChat){(*talk).snooze, wake}, "opened snoozed moved"},
		{"the customer asks again", true, []func(*talk, *channeltalk.UserChat){(*talk).ask, (*talk).reply, (*talk).ask}, "opened moved replied moved"},
		{"statistics move", true, []func(*talk, *channeltalk.UserChat){func(a *talk, c *channeltalk.UserChat) { a.touch(c) }}, "opened"},
		{"nobody follows", false, []func(*talk, *channeltalk.UserChat){(*talk).snooze, wake}, "opened snoozed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, s := newTalk(), newStore()
			p := newPoller(t, a, s, func(c *poller.Config) {
				if test.follows {
					c.Kinds = append(talkrelay.Kinds(), talkrelay.UserChatMoved)
				}
			})
			run(t, p, poller.JobPoll)
			c := a.open("c", "opened")
			c.AskedAt = time.Time{}
			run(t, p, poller.JobPoll)
			for _, step := range test.steps {
				step(a, c)
				run(t, p, poller.JobPoll, poller.JobSweep, poller.JobPoll, poller.JobSweep)
			}
			if got := strings.Join(s.told("c"), " "); got != test.want {
				t.Errorf("told: %s\nwant: %s", got, test.want)
			}
			if last := s.last(t, "c"); test.follows && last.Chat.State != c.State {
				t.Errorf("the last event shows %s, the chat is %s", last.Chat.State, c.State)
			}
		})
	}
}
