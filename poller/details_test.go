package poller_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

func said(id, chat, person, text string, change func(*channeltalk.Message)) channeltalk.Message {
	m := channeltalk.Message{ID: id, ChatID: chat, PersonType: person, Text: text, Raw: json.RawMessage(`{"id":"` + id + `"}`)}
	if change != nil {
		change(&m)
	}
	return m
}

func private(m *channeltalk.Message) { m.Options = []string{"private"} }
func logged(m *channeltalk.Message)  { m.LogAction = "open" }

// The message of an event is the customer's, wherever it has to be looked for; never a private note.
func TestMessageOfEvent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		last     *channeltalk.Message
		userLast string
		all      []channeltalk.Message // latest first
		fail     bool
		want     string
		requests int
	}{
		{name: "the customer's in the list", last: ptr(said("m", "c", "user", "안녕하세요", nil)), userLast: "m", want: "안녕하세요"},
		{
			name: "behind a bot's", last: ptr(said("m2", "c", "bot", "잠시만요", nil)), userLast: "m1",
			all:  []channeltalk.Message{said("m2", "c", "bot", "잠시만요", nil), said("m1", "c", "user", "환불이요", nil)},
			want: "환불이요", requests: 1,
		},
		{
			name: "behind 60 of a bot's", last: ptr(said("m2", "c", "bot", "잠시만요", nil)), userLast: "m1",
			all:  append(many(60, said("b", "c", "bot", "…", nil)), said("m1", "c", "user", "환불이요", nil)),
			want: "환불이요", requests: 2,
		},
		{
			name: "behind more than is worth it", last: ptr(said("m2", "c", "bot", "잠시만요", nil)), userLast: "m1",
			all:  append(many(200, said("b", "c", "bot", "…", nil)), said("m1", "c", "user", "환불이요", nil)),
			want: "잠시만요", requests: 3,
		},
		{
			name: "behind a private note", last: ptr(said("m2", "c", "manager", "진상", private)), userLast: "m1",
			all:  []channeltalk.Message{said("m2", "c", "manager", "진상", private), said("m1", "c", "user", "환불이요", nil)},
			want: "환불이요", requests: 1,
		},
		{name: "a private note, look-up fails", last: ptr(said("m2", "c", "manager", "진상", private)), userLast: "m1", fail: true, want: "", requests: 1},
		{name: "a private note alone", last: ptr(said("m2", "c", "manager", "진상", private)), want: ""},
		{name: "a private note of the customer's side", last: ptr(said("m2", "c", "user", "메모", private)), want: ""},
		{name: "a log entry alone", last: ptr(said("m2", "c", "manager", "opened", logged)), want: ""},
		{name: "look-up fails", last: ptr(said("m2", "c", "bot", "잠시만요", nil)), userLast: "m1", fail: true, want: "잠시만요", requests: 1},
		{name: "nothing known", want: ""},
		{name: "control characters", last: ptr(said("m", "c", "user", "a\x00b\u202ec\r\nd", nil)), want: "abc\nd"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, s := newTalk(), newStore()
			p := newPoller(t, a, s, func(c *poller.Config) { c.BotOnly = poller.BotOnlyAlert })
			run(t, p, poller.JobPoll)
			c := a.open("c", "opened")
			c.UserLastMessageID = tt.userLast
			if tt.last != nil {
				a.last["c"] = *tt.last
			}
			a.messages["c"] = tt.all
			if tt.fail {
				a.fail = func(op string) error {
					if op == "messages" {
						return errDown
					}
					return nil
				}
			}
			run(t, p, poller.JobPoll)
			e := s.event(t, openedID(c))
			if e.Message.Text != tt.want {
				t.Errorf("text = %q, want %q", e.Message.Text, tt.want)
			}
			if strings.Contains(string(e.Envelope), "m2") && e.Message.ID != "m2" {
				t.Errorf("envelope holds another message: %s", e.Envelope)
			}
			if n := a.requests["messages"]; n != tt.requests {
				t.Errorf("%d look-ups, want %d", n, tt.requests)
			}
		})
	}
}

// The budget for look-ups bounds them, and never the events.
func TestMessageLookupBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		p := newPoller(t, a, s, func(c *poller.Config) { c.MessageLookupsPerMinute, c.BotOnly = 6, "alert" })
		run(t, p, poller.JobPoll)
		open := func(n int) {
			for i := range n {
				c := a.open(fmt.Sprintf("c%d-%d", a.now, i), "opened")
				c.UserLastMessageID = "m1"
				a.messages[c.ID] = []channeltalk.Message{said("m1", c.ID, "user", "환불이요", nil)}
			}
		}
		for _, step := range []struct{ open, lookups, events int }{{20, 6, 20}, {5, 6, 25}} {
			open(step.open)
			run(t, p, poller.JobPoll)
			if n := a.requests["messages"]; n != step.lookups {
				t.Errorf("%d look-ups, want %d", n, step.lookups)
			}
			if n := len(s.ids(opened)); n != step.events {
				t.Errorf("%d events, want %d", n, step.events)
			}
		}
		time.Sleep(20 * time.Second) // two more
		open(5)
		run(t, p, poller.JobPoll)
		if n := a.requests["messages"]; n != 8 {
			t.Errorf("%d look-ups after 20 s, want 8", n)
		}
	})
}

// A chat in which only a bot speaks waits, and is announced as the opening it was as soon as the customer writes.
func TestBotOnlyWaits(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	c, silent := a.open("c", "opened"), a.open("d", "opened")
	a.last["c"], a.last["d"] = said("b", "c", "bot", "무엇을 도와드릴까요?", nil), said("b", "d", "bot", "무엇을 도와드릴까요?", nil)
	run(t, p, poller.JobPoll, poller.JobSweep)
	wantIDs(t, s, opened)
	a.last["c"] = said("m", "c", "user", "환불이요", nil)
	c.UserLastMessageID = "m"
	a.close(silent)
	run(t, p, poller.JobPoll, poller.JobSweep)
	wantIDs(t, s, opened, openedID(c))
	if e := s.event(t, openedID(c)); e.Chat.BotOnly || e.Chat.Reopened || e.Message.Text != "환불이요" {
		t.Errorf("event = %+v", e)
	}
}

func TestBotOnlyAlerts(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, func(c *poller.Config) { c.BotOnly = poller.BotOnlyAlert })
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	a.last["c"] = said("b", "c", "bot", "무엇을 도와드릴까요?", nil)
	run(t, p, poller.JobPoll)
	if e := s.event(t, openedID(c)); !e.Chat.BotOnly {
		t.Error("not marked as bot-only")
	}
	a.last["c"] = said("m", "c", "user", "환불이요", nil)
	run(t, p, poller.JobPoll)
	wantIDs(t, s, opened, openedID(c))
}

// The customer who is missing from the list is asked for; whoever cannot be had is done without, and is not forgotten.
func TestMissingUser(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, func(c *poller.Config) { c.ContactRequestsPerMinute = 30 })
	run(t, p, poller.JobPoll)
	c, gone, later := a.open("c", "opened"), a.open("gone", "opened"), a.open("later", "opened")
	for _, x := range []*channeltalk.UserChat{c, gone, later} {
		a.hidden[x.UserID] = true
		a.users[x.UserID].Email = x.ID + "@example.com"
	}
	delete(a.users, gone.UserID)
	a.fail = func(op string) error {
		if op == "user u-later" {
			return errDown
		}
		return nil
	}
	run(t, p, poller.JobPoll)
	wantIDs(t, s, opened, openedID(c), openedID(gone), openedID(later))
	if e := s.event(t, openedID(c)); e.User.Email != "c@example.com" {
		t.Errorf("user = %+v", e.User)
	}
	if e := s.event(t, openedID(later)); e.User.ID != "u-later" {
		t.Errorf("user = %+v", e.User)
	}
	if n := len(s.ids("lead.upserted.contact")); n != 1 {
		t.Fatalf("%d contact events, want that of c", n)
	}
	requests := a.requests["all"]
	run(t, p, poller.JobPoll)
	if n := a.requests["all"] - requests; n != 2 {
		t.Errorf("%d requests in an empty tick", n)
	}
	a.fail = nil
	for range 4 {
		run(t, p, poller.JobContacts)
	}
	if n := len(s.ids("lead.upserted.contact")); n != 2 {
		t.Errorf("%d contact events after the rotation, want that of later too", n)
	}
}

func TestContactsInTheList(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, nil)
	old := a.open("old", "opened")
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	u := a.users[c.UserID]
	u.MobileNumber = " +821011112222 "
	run(t, p, poller.JobPoll)
	for _, phone := range []string{"+821033334444", "+821011112222", "+821033334444"} {
		u.MobileNumber, u.UpdatedAt = phone, a.tick()
		run(t, p, poller.JobPoll, poller.JobPoll)
	}
	a.users[old.UserID].Type, a.users[old.UserID].Email, a.users[old.UserID].UpdatedAt = "member", "b@example.com", a.tick()
	run(t, p, poller.JobPoll, poller.JobSweep)
	ids := s.ids("lead.upserted.contact")
	if len(ids) != 4 || len(s.again) != 0 {
		t.Fatalf("%d events, want created and three changes: %v; again %v", len(ids), ids, s.again)
	}
	var created, updated int
	for _, id := range ids {
		e := s.event(t, id)
		switch {
		case e.Change == "created" && e.Old.MobileNumber == "" && e.User.MobileNumber == "+821011112222":
			created++
		case e.Change == "updated" && e.Old.MobileNumber != e.User.MobileNumber && e.Old.MobileNumber != "":
			updated++
		}
		if !strings.HasSuffix(e.DeskURL, "/channels/7/user_chats/c") {
			t.Errorf("desk URL = %q", e.DeskURL)
		}
	}
	if created != 1 || updated != 3 {
		t.Errorf("%d created, %d updated", created, updated)
	}
	if n := len(s.ids("member.upserted.contact")); n != 1 {
		t.Errorf("%d member events, want 1", n)
	}
}

func TestEventOfAnInquiry(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, func(c *poller.Config) { c.Teams = map[string]string{"t1": "CS팀"} })
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	c.AssigneeID, c.TeamID, c.Name, c.Tags = "m1", "t1", "홍길동\x00", []string{"환불"}
	a.last["c"] = said("m", "c", "user", "안녕하세요", nil)
	run(t, p, poller.JobPoll)
	e := s.event(t, openedID(c))
	if e.Channel != "main" || e.TimeZone != "Asia/Seoul" || !e.At.Equal(c.OpenedAt) || e.Seen.IsZero() || e.Chat.Name != "홍길동" {
		t.Errorf("event = %+v", e)
	}
	if e.Assignee.Name != "김상담" || e.Team.Name != "CS팀" {
		t.Errorf("assignee %+v, team %+v", e.Assignee, e.Team)
	}
	if want := "https://desk.channel.io/#/channels/7/user_chats/c"; e.DeskURL != want {
		t.Errorf("desk URL = %q, want %q", e.DeskURL, want)
	}
	want := `{"event":"push","type":"userChat","entity":{"id":"c","channelId":"7","state":"opened"},` +
		`"refers":{"user":{"id":"u","channelId":"7"},"message":{"id":"m"}}}`
	if string(e.Envelope) != want {
		t.Errorf("envelope\n got %s\nwant %s", e.Envelope, want)
	}
	other := a.open("d", "opened")
	other.AssigneeID = "nobody"
	run(t, p, poller.JobPoll)
	if e := s.event(t, openedID(other)); e.Assignee.ID != "nobody" || e.Assignee.Name != "" {
		t.Errorf("assignee = %+v", e.Assignee)
	}
	if n := a.requests["managers"]; n != 1 {
		t.Errorf("managers read %d times, want once in five minutes", n)
	}
}

func ptr[T any](v T) *T { return &v }

func many(n int, m channeltalk.Message) []channeltalk.Message {
	all := make([]channeltalk.Message, n)
	for i := range all {
		all[i] = m
	}
	return all
}

// A customer that is not there yet when the chat is, for lists and objects may come from different replicas, is looked
// for again; one that is never there is forgotten.
func TestUserThatComesAfterItsChat(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, func(c *poller.Config) { c.ContactRequestsPerMinute = 30 })
	run(t, p, poller.JobPoll)
	late, never := a.open("late", "opened"), a.open("never", "opened")
	u := a.users[late.UserID]
	u.Email = "late@example.com"
	delete(a.users, late.UserID)
	delete(a.users, never.UserID)
	run(t, p, poller.JobPoll)
	wantIDs(t, s, opened, openedID(late), openedID(never))
	a.users[late.UserID] = u
	for range 4 {
		run(t, p, poller.JobContacts)
	}
	if ids := s.ids("lead.upserted.contact"); len(ids) != 1 {
		t.Errorf("contact events %v, want the one of the late customer", ids)
	}
	if data, ok := s.entities[talkrelay.Ref{Type: talkrelay.EntityUser, ID: never.UserID}]; ok && data != nil {
		t.Errorf("still waiting for a customer that is gone: %s", data)
	}
}

// An API that gives customers too slowly costs three seconds once, not at each page of a burst.
func TestSlowDetailsHoldUpABurstOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := &slowUsers{talk: newTalk()}, newStore()
		p := newPoller(t, a, s, nil)
		run(t, p, poller.JobPoll)
		var want []string
		for i := range 2000 {
			c := a.open(fmt.Sprintf("c%04d", i), "opened")
			a.hidden[c.UserID] = true
			want = append(want, openedID(c))
		}
		start := time.Now()
		run(t, p, poller.JobPoll)
		wantIDs(t, s, opened, want...)
		if d := time.Since(start); d > 4*time.Second {
			t.Errorf("a burst took %v", d)
		}
	})
}

// slowUsers answers no question about a customer.
type slowUsers struct{ *talk }

func (a *slowUsers) User(ctx context.Context, _ string) (*channeltalk.User, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("read user: %w", ctx.Err())
}

// A daemon that is stopped while it looks for the customer's words leaves the inquiry to the next start, which has the
// time to find them.
func TestStoppedWhileReadingDetails(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	c.UserLastMessageID = "m1"
	a.last["c"] = said("m2", "c", "manager", "진상", private)
	a.messages["c"] = []channeltalk.Message{said("m1", "c", "user", "환불이요", nil)}
	ctx, stop := context.WithCancel(t.Context())
	a.fail = func(op string) error {
		if op == "messages" {
			stop()
			return ctx.Err()
		}
		return nil
	}
	if err := p.PollOnce(ctx, poller.JobPoll); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
	a.fail = nil
	run(t, newPoller(t, a, s, nil), poller.JobPoll)
	if e := s.event(t, openedID(c)); e.Message.Text != "환불이요" {
		t.Errorf("text = %q, want the customer's", e.Message.Text)
	}
}
