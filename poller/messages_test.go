package poller_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

const wrote = talkrelay.UserChatMessage

// write adds a message to a chat, as Channel Talk does.
func (a *talk) write(c *channeltalk.UserChat, person string, change func(*channeltalk.Message)) string {
	at := a.touch(c)
	m := said(fmt.Sprintf("m%d", a.now), c.ID, person, "text", change)
	m.CreatedAt, m.PersonID = at, map[string]string{"user": c.UserID, "manager": "m1", "bot": "b1"}[person]
	a.messages[c.ID] = append([]channeltalk.Message{m}, a.messages[c.ID]...)
	c.DeskMessageID, c.DeskUpdatedAt = m.ID, at
	if !m.Private() && !m.IsLog() {
		c.FrontMessageID, c.FrontUpdatedAt = m.ID, at
		if person == "user" {
			c.UserLastMessageID = m.ID
		}
	}
	return "message.created.userChat/" + c.ID + "/" + m.ID
}

// readChats lets p find the unread chats and read them all.
func readChats(t *testing.T, a *talk, p *poller.Poller) {
	t.Helper()
	run(t, p, poller.JobPoll, poller.JobSweep)
	for range 2 * len(a.chats) {
		run(t, p, poller.JobMessages)
	}
}

// A chat is read when somebody has written in it, and only then, back to what has been read before.
func TestMessages(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	old := a.open("old", "opened")
	for range 30 {
		a.write(old, "user", nil)
	}
	p := newPoller(t, a, s, func(c *poller.Config) { c.MessageLookupsPerMinute, c.Include = 0, []string{"bot"} })
	readChats(t, a, p)
	if len(s.order) > 0 || a.requests["messages"] > 0 {
		t.Fatalf("at the first look: %v, %v", s.order, a.requests)
	}
	want := []string{a.write(old, "user", nil), a.write(old, "manager", nil), a.write(old, "bot", nil)}
	a.write(old, "manager", private)
	a.write(old, "bot", logged)
	a.write(old, "user", func(m *channeltalk.Message) { m.State = "removed" })
	answer := want[1]
	c := a.open("c", "opened")
	want = append(want, a.write(c, "user", nil))
	readChats(t, a, p)
	wantIDs(t, s, wrote, want...)
	if n := a.requests["messages"]; n != 2 || a.requests["chat"] > 0 {
		t.Errorf("%d requests for messages of two chats, %d for the chats", n, a.requests["chat"])
	}
	e := s.event(t, answer)
	if e.Message.PersonName != "김상담" || e.Message.PersonType != "manager" || e.Chat.State != "opened" || e.User.Name == "" || e.DeskURL == "" {
		t.Errorf("%+v", e)
	}
	a.messages["old"][2].Text = "edited"
	commits, requests := s.commits, a.requests["messages"]
	readChats(t, a, p)
	if len(s.again) > 0 || s.commits != commits || a.requests["messages"] != requests {
		t.Errorf("again %v, %d writes, %d requests though nobody wrote", s.again, s.commits-commits, a.requests["messages"]-requests)
	}
	// Two in one millisecond, of which one is seen later.
	want = append(want, a.write(old, "user", nil))
	readChats(t, a, p)
	a.now -= 1000
	a.write(old, "user", func(m *channeltalk.Message) { m.ID += "b" })
	old.FrontMessageID = a.messages["old"][0].ID
	want = append(want, "message.created.userChat/old/"+old.FrontMessageID)
	readChats(t, a, p)
	wantIDs(t, s, wrote, want...)
}

// Private notes and log entries count where somebody asks for them.
func TestMessagesOfTheDesk(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, func(c *poller.Config) { c.Include = []string{"bot", "private", "log"} })
	run(t, p, poller.JobPoll)
	c := a.open("c", "opened")
	want := []string{a.write(c, "user", nil)}
	readChats(t, a, p)
	want = append(want, a.write(c, "manager", private), a.write(c, "bot", logged))
	readChats(t, a, p)
	wantIDs(t, s, wrote, want...)
	if note, log := s.event(t, want[1]).Message, s.event(t, want[2]).Message; !note.Private || !slices.Equal(note.Classes(), []string{"private"}) || log.Log != "open" || !slices.Equal(log.Classes(), []string{"log"}) {
		t.Errorf("%+v, %+v", note, log)
	}
}

// A burst of messages over several pages, with failures, lost commits and a restart after every step: each is told
// once, in order.
func TestMessageBurst(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	c, d := a.open("c", "opened"), a.open("d", "opened")
	run(t, newPoller(t, a, s, nil), poller.JobPoll)
	n := stumble(a, s, 3, 5)
	var want []string
	for _, burst := range []int{1, 501, 99, 100, 101, 1700} {
		for i := range burst {
			want = append(want, a.write([]*channeltalk.UserChat{c, d}[i%7/6], "user", nil))
		}
		for range 40 {
			_ = newPoller(t, a, s, nil).PollOnce(t.Context(), []string{poller.JobPoll, poller.JobMessages}[*n%2])
		}
	}
	a.fail, s.refuse = nil, nil
	for range 5 {
		p := newPoller(t, a, s, nil)
		run(t, p, poller.JobPoll, poller.JobMessages, poller.JobMessages, poller.JobMessages)
	}
	wantIDs(t, s, wrote, want...)
	if len(s.again) > 0 {
		t.Errorf("found again: %d", len(s.again))
	}
	for _, chat := range []string{"/c/", "/d/"} {
		var times []string
		for _, id := range s.order {
			if strings.Contains(id, chat) && s.events[id].Kind == wrote {
				times = append(times, id)
			}
		}
		if !slices.IsSortedFunc(times, func(x, y string) int { return s.events[x].At.Compare(s.events[y].At) }) {
			t.Errorf("messages of %s are out of order", chat)
		}
	}
}

// Asked for later, or again, messages begin with what is written then, in chats that nobody has looked at since as well.
func TestMessagesAskedForLater(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	without := func(c *poller.Config) { c.Kinds = []talkrelay.Kind{talkrelay.UserChatClosed} }
	c, d := a.open("c", "opened"), a.open("d", "opened")
	a.write(c, "user", nil)
	a.write(d, "user", nil)
	a.close(d)
	p := newPoller(t, a, s, without)
	run(t, p, poller.JobPoll, poller.JobSweep)
	var want []string
	for range 2 {
		a.write(c, "user", nil)
		run(t, newPoller(t, a, s, without), poller.JobPoll)
		readChats(t, a, newPoller(t, a, s, nil))
		wantIDs(t, s, wrote, want...)
		a.reopen(d)
		want = append(want, a.write(c, "user", nil), a.write(d, "user", nil))
		readChats(t, a, newPoller(t, a, s, nil))
		wantIDs(t, s, wrote, want...)
		a.write(c, "user", nil)
		a.close(d)
		run(t, newPoller(t, a, s, without), poller.JobPoll, poller.JobSweep)
		if err := newPoller(t, a, s, without).PollOnce(t.Context(), poller.JobMessages); err == nil {
			t.Fatal("there is a job for messages that nobody asks for")
		}
	}
}

// One chat that cannot be read holds up no other, and is read when it can be.
func TestMessagesOfAChatThatCannotBeRead(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	bad := &brokenChat{talk: a, id: "a"}
	p := newPoller(t, bad, s, nil)
	run(t, p, poller.JobPoll)
	first := a.write(a.open("a", "opened"), "user", nil)
	second := a.write(a.open("b", "opened"), "user", nil)
	readChats(t, a, p)
	wantIDs(t, s, wrote, second)
	bad.id = ""
	readChats(t, a, p)
	wantIDs(t, s, wrote, first, second)
	third := a.write(a.chats["a"], "user", nil)
	run(t, p, poller.JobPoll)
	delete(a.chats, "b")
	if err := p.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, s, wrote, first, second, third)
}

type brokenChat struct {
	*talk
	id string
}

func (a *brokenChat) Messages(ctx context.Context, chatID string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
	if chatID == a.id {
		return nil, &channeltalk.Error{Op: "read messages", Kind: channeltalk.Server, Status: 500}
	}
	return a.talk.Messages(ctx, chatID, q)
}

// The budget is kept, and what is over it is read later.
func TestMessageBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		p := newPoller(t, a, s, func(c *poller.Config) { c.MessageRequestsPerMinute, c.MessageLookupsPerMinute = 30, 0 })
		run(t, p, poller.JobPoll)
		var want []string
		for i := range 100 {
			want = append(want, a.write(a.open(fmt.Sprintf("c%03d", i), "opened"), "user", nil))
		}
		lived(t, p, 2*time.Minute)
		if n := a.requests["messages"]; n < 50 || n > 70 {
			t.Errorf("%d requests for messages in two minutes of 30", n)
		}
		lived(t, p, 3*time.Minute)
		wantIDs(t, s, wrote, want...)
	})
}
