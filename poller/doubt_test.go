package poller_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay/channeltalk"
	"talkrelay/poller"
)

// logClose is what a close leaves among a chat's messages.
func (a *talk) logClose(c *channeltalk.UserChat, action string) {
	a.close(c)
	m := channeltalk.Message{ID: fmt.Sprintf("l%d", a.now), ChatID: c.ID, PersonType: "manager", LogAction: action, CreatedAt: c.ClosedAt}
	a.messages[c.ID] = append([]channeltalk.Message{m}, a.messages[c.ID]...)
}

// forget clears closedAt, as Channel Talk may when a chat is opened again.
func forget(c *channeltalk.UserChat) { c.ClosedAt = time.Time{} }

// A chat that was last seen in the queue or laid aside, and was closed and opened again before the next look, is a new
// inquiry, although nothing in the row says so. Out of the queue or the snooze without a close it is the same one.
func TestCloseBetweenLooks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		state string // as last seen
		then  func(a *talk, c *channeltalk.UserChat)
		told  bool
		asks  int
	}{
		{"queued, answered", "queued", (*talk).reopen, false, 1},
		{"queued, answered and closed", "queued", func(a *talk, c *channeltalk.UserChat) { a.reopen(c); a.logClose(c, "close") }, false, 1},
		{"queued, closed, opened again", "queued", func(a *talk, c *channeltalk.UserChat) { a.logClose(c, "close"); a.reopen(c); forget(c) }, true, 1},
		{"queued, closed by itself, opened again", "queued", func(a *talk, c *channeltalk.UserChat) { a.logClose(c, "autoClose"); a.reopen(c); forget(c) }, true, 1},
		{"queued, closed, opened again, closedAt kept", "queued", func(a *talk, c *channeltalk.UserChat) { a.logClose(c, "close"); a.reopen(c) }, true, 0},
		{"queued, closed, opened again, closed again", "queued", func(a *talk, c *channeltalk.UserChat) {
			a.logClose(c, "close")
			a.reopen(c)
			a.logClose(c, "close")
		}, true, 1},
		{"snoozed, over", "snoozed", (*talk).reopen, false, 1},
		{"snoozed, closed, opened again", "snoozed", func(a *talk, c *channeltalk.UserChat) { a.logClose(c, "close"); a.reopen(c); forget(c) }, true, 1},
		{"snoozed, closed, opened again, closedAt kept", "snoozed", func(a *talk, c *channeltalk.UserChat) { a.logClose(c, "close"); a.reopen(c) }, true, 0},
		{"snoozed, long ago closed, over", "snoozed", func(a *talk, c *channeltalk.UserChat) { c.ClosedAt = c.CreatedAt; a.reopen(c) }, false, 0},
		{"snoozed, over, after a long talk", "snoozed", func(a *talk, c *channeltalk.UserChat) { a.chatter(c, 120); a.reopen(c) }, false, 3},
		{"snoozed, closed, opened again, long talk since", "snoozed", func(a *talk, c *channeltalk.UserChat) {
			a.logClose(c, "close")
			a.reopen(c)
			forget(c)
			a.chatter(c, 120)
		}, true, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, s := newTalk(), newStore()
			p := newPoller(t, a, s, nil)
			run(t, p, poller.JobPoll)
			c := a.open("c", "opened")
			if tt.state == "queued" {
				c = a.open("c", "queued")
			}
			run(t, p, poller.JobPoll)
			first := openedID(c)
			if tt.state == "snoozed" {
				a.snooze(c)
				run(t, p, poller.JobSweep)
			}
			tt.then(a, c)
			want := []string{first}
			if tt.told {
				want = append(want, fmt.Sprintf("userChat.opened/c/%d", c.OpenedAt.UnixMilli()))
			}
			for range 2 {
				run(t, p, poller.JobPoll, poller.JobSweep)
				wantIDs(t, s, opened, want...)
			}
			if n := a.requests["messages"]; n != tt.asks {
				t.Errorf("%d looks at the log, want %d", n, tt.asks)
			}
			if last := s.order[len(s.order)-1]; tt.told && !s.event(t, want[1]).Chat.Reopened {
				t.Errorf("%s does not say that the chat was opened again", last)
			}
		})
	}
}

// chatter adds messages of the customer.
func (a *talk) chatter(c *channeltalk.UserChat, n int) {
	for range n {
		m := channeltalk.Message{ID: fmt.Sprintf("t%d", a.now), ChatID: c.ID, PersonType: "user", Text: "네", CreatedAt: a.touch(c)}
		a.messages[c.ID] = append([]channeltalk.Message{m}, a.messages[c.ID]...)
	}
}

// While the log cannot be read the question stays open, over restarts, and holds up nothing. After a day it is answered
// with an alert, for that is the smaller harm.
func TestCloseBetweenLooksUnreadable(t *testing.T) {
	t.Parallel()
	for _, readable := range []bool{true, false} {
		t.Run(fmt.Sprint(readable), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a, s := newTalk(), newStore()
				a.now = time.Now().UnixMilli()
				run(t, newPoller(t, a, s, nil), poller.JobPoll)
				c := a.open("c", "queued")
				run(t, newPoller(t, a, s, nil), poller.JobPoll)
				first := openedID(c)
				a.reopen(c)
				down := func(op string) error {
					if op == "messages" {
						return errDown
					}
					return nil
				}
				a.fail = down
				other := openedID(a.open("other", "opened"))
				for range 23 {
					run(t, newPoller(t, a, s, nil), poller.JobPoll, poller.JobSweep)
					wantIDs(t, s, opened, first, other)
					a.now += time.Hour.Milliseconds()
					time.Sleep(time.Hour)
				}
				if readable {
					a.fail = nil
					run(t, newPoller(t, a, s, nil), poller.JobPoll)
					a.fail = down
				}
				a.now += 2 * time.Hour.Milliseconds()
				time.Sleep(2 * time.Hour)
				run(t, newPoller(t, a, s, nil), poller.JobPoll, poller.JobSweep)
				want := []string{first, other}
				if !readable {
					want = append(want, openedID(c))
				}
				wantIDs(t, s, opened, want...)
			})
		})
	}
}

// After an outage of days many chats have left the queue long ago, and the budget is not enough for all at once. None of them is
// told as news for that.
func TestCloseBetweenLooksAfterAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		a.now = time.Now().UnixMilli()
		p := newPoller(t, a, s, func(c *poller.Config) { c.MessageLookupsPerMinute = 10 })
		run(t, p, poller.JobPoll)
		const many = 20
		for i := range many {
			a.open(fmt.Sprintf("c%d", i), "queued")
		}
		run(t, p, poller.JobPoll)
		for i := range many {
			a.reopen(a.chats[fmt.Sprintf("c%d", i)])
		}
		a.now += 60 * time.Hour.Milliseconds()
		time.Sleep(60 * time.Hour)
		for range 10 {
			run(t, p, poller.JobPoll, poller.JobSweep)
			if n := len(s.ids(opened)); n != many {
				t.Fatalf("%d openings are told, want %d", n, many)
			}
			time.Sleep(time.Minute)
		}
		if n := a.requests["messages"]; n != many {
			t.Errorf("%d looks at logs, want one at each of %d", n, many)
		}
	})
}

// Looks at logs leave half of the budget to the customers' words, and none is made where the operator wants none.
func TestCloseBetweenLooksBudget(t *testing.T) {
	t.Parallel()
	for _, budget := range []int{0, 1, 10} {
		a, s := newTalk(), newStore()
		p := newPoller(t, a, s, func(c *poller.Config) { c.MessageLookupsPerMinute = budget })
		run(t, p, poller.JobPoll)
		var chats []*channeltalk.UserChat
		for i := range 20 {
			chats = append(chats, a.open(fmt.Sprintf("c%d", i), "queued"))
		}
		run(t, p, poller.JobPoll)
		for _, c := range chats {
			a.reopen(c)
		}
		run(t, p, poller.JobPoll, poller.JobSweep, poller.JobPoll)
		if n, most := a.requests["messages"], budget/2+1; n > most || budget == 0 && n > 0 {
			t.Errorf("%d looks of a budget of %d", n, budget)
		}
		if n := len(s.ids(opened)); n != 20 {
			t.Errorf("%d openings, want 20", n)
		}
	}
}
