package poller_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

// A flag that differs is an event, wherever the customer comes into view; one seen for the first time is not.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, func(c *poller.Config) { c.ContactRequestsPerMinute = 30 })
	c := a.open("c", "opened")
	u := a.users[c.UserID]
	u.UnsubscribeEmail = true
	run(t, p, poller.JobPoll)
	told := func(n int, want talkrelay.Subscription) {
		t.Helper()
		run(t, p, poller.JobPoll, poller.JobContacts, poller.JobContacts, poller.JobPoll)
		ids := s.order
		if len(ids) != n {
			t.Fatalf("told: %v, want %d", ids, n)
		}
		if n == 0 {
			return
		}
		e := s.events[ids[n-1]]
		if e.User.Subscription != want || e.OldSubscription == want || e.Chat.ID != "c" || e.Change != talkrelay.Updated || !json.Valid(e.Envelope) {
			t.Errorf("%s: %+v, before %+v, chat %q, %s", e.ID, e.User.Subscription, e.OldSubscription, e.Chat.ID, e.Envelope)
		}
	}
	told(0, talkrelay.Subscription{})
	at := func(change func()) { change(); u.UpdatedAt = a.tick() }
	at(func() { u.UnsubscribeEmail = false; u.UnsubscribeTexting = true })
	told(1, talkrelay.Subscription{UnsubscribeTexting: true})
	at(func() { u.UnsubscribeAppPush = true }) // only the rotation sees it
	told(2, talkrelay.Subscription{UnsubscribeTexting: true, UnsubscribeAppPush: true})
	at(func() { u.UnsubscribeTexting = false })
	told(3, talkrelay.Subscription{UnsubscribeAppPush: true})
	at(func() { u.UnsubscribeTexting = true })
	told(4, talkrelay.Subscription{UnsubscribeTexting: true, UnsubscribeAppPush: true})
	at(func() { u.Member = true; u.UnsubscribeTexting = false })
	told(5, talkrelay.Subscription{UnsubscribeAppPush: true})
	if kind := s.events[s.order[4]].Kind; kind != talkrelay.MemberSubscription {
		t.Errorf("of a member: %s", kind)
	}
	at(func() { u.Email, u.UnsubscribeEmail = "a@example.com", true })
	run(t, p, poller.JobPoll)
	if kinds := fmt.Sprint(s.events[s.order[5]].Kind, s.events[s.order[6]].Kind); kinds != "member.upserted.contactmember.upserted.subscription" {
		t.Errorf("both at once: %s", kinds)
	}
}

// A snapshot from before flags were kept, and an object that was cut short, are no change.
func TestSubscriptionBaselines(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	c := a.open("c", "opened")
	u := a.users[c.UserID]
	u.UnsubscribeEmail, u.Email = true, "a@example.com"
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	s.entities[talkrelay.Ref{Type: talkrelay.EntityUser, ID: u.ID}] = []byte(fmt.Sprintf(`{"e":"a@example.com","u":%d}`, u.UpdatedAt.UnixMilli()))
	run(t, p, poller.JobPoll)
	whole := *u
	*u = channeltalk.User{ID: u.ID, UpdatedAt: u.UpdatedAt}
	run(t, p, poller.JobPoll)
	*u = whole
	run(t, p, poller.JobPoll)
	if len(s.order) > 0 {
		t.Fatalf("told: %v", s.order)
	}
	u.UnsubscribeEmail, u.UpdatedAt = false, a.tick()
	run(t, p, poller.JobPoll)
	if len(s.ids(talkrelay.LeadSubscription)) != 1 {
		t.Errorf("told then: %v", s.order)
	}
}

// deletion runs a rotation over three customers, of whom one is to be deleted. It returns a Poller at a time when all
// of them have been read.
func deletion(t *testing.T, a *talk, s *store) *poller.Poller {
	t.Helper()
	for i := range 3 {
		c := a.open(fmt.Sprintf("c%d", i), "opened")
		c.CreatedAt, c.OpenedAt = time.Now(), time.Now()
		u := a.users[c.UserID]
		u.MobileNumber, u.Member = "+821012345678", i == 1
	}
	p := newPoller(t, a, s, rotating)
	run(t, p, poller.JobPoll)
	lived(t, p, time.Minute)
	return p
}

func lived(t *testing.T, p *poller.Poller, d time.Duration) {
	t.Helper()
	if err := live(t, p, d); err != nil {
		t.Fatal(err)
	}
}

// A customer who is not there twice, some minutes apart, is deleted or merged. Our own copy says who it was, and goes.
func TestDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		p := deletion(t, a, s)
		delete(a.users, "u-c1")
		lived(t, p, 4*time.Minute)
		if len(s.order) > 0 {
			t.Fatalf("told after one look: %v", s.order)
		}
		lived(t, p, 4*time.Minute)
		ids := s.ids(talkrelay.MemberDeleted)
		if len(ids) != 1 || len(s.order) != 1 {
			t.Fatalf("told: %v", s.order)
		}
		e := s.events[ids[0]]
		if e.ID != "member.deleted/u-c1/deleted" || e.User.MobileNumber != "+821012345678" || e.User.Name == "" || e.Chat.ID != "" && e.Chat.ID != "c1" {
			t.Errorf("%+v", e)
		}
		if !strings.Contains(string(e.Envelope), `"event":"delete","type":"user"`) || !json.Valid(e.Envelope) {
			t.Errorf("envelope: %s", e.Envelope)
		}
		if s.entities[talkrelay.Ref{Type: talkrelay.EntityUser, ID: "u-c1"}] != nil {
			t.Error("the copy is still there")
		}
		lived(t, newPoller(t, a, s, rotating), 20*time.Minute)
		if len(s.order) != 1 || len(s.again) > 0 {
			t.Errorf("told once more: %v, %v", s.order, s.again)
		}
	})
}

// A customer who is back at the second look was never deleted; and an API that has lost everybody has lost its memory.
func TestNotDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		p := deletion(t, a, s)
		gone := a.users["u-c1"]
		delete(a.users, "u-c1")
		lived(t, p, 2*time.Minute)
		a.users["u-c1"] = gone
		lived(t, p, 10*time.Minute)
		everybody := a.users
		a.users = map[string]*channeltalk.User{}
		lived(t, p, time.Hour)
		a.users = everybody
		lived(t, p, 20*time.Minute)
		if len(s.order) > 0 {
			t.Errorf("told: %v", s.order)
		}
	})
}
