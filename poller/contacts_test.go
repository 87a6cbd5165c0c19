package poller_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

// known lets a poller know n customers, of whom every tenth was active of late.
func known(t *testing.T, a *talk, s *store, n int) {
	t.Helper()
	now := time.Now()
	for i := range n {
		c := a.open(fmt.Sprintf("c%05d", i), "closed")
		days := 300
		if i%10 == 0 {
			days = 1
		}
		c.CreatedAt, c.OpenedAt, c.ClosedAt = now.AddDate(0, 0, -days), now.AddDate(0, 0, -days), now.AddDate(0, 0, -days)
		a.users[c.UserID].UpdatedAt = c.CreatedAt
		a.users[c.UserID].Email = "a@example.com"
	}
	run(t, newPoller(t, a, s, nil), poller.JobPoll)
	clear(a.requests)
}

func rotating(c *poller.Config) {
	c.ContactRequestsPerMinute, c.Poll, c.Sweep = 30, "0 9 1 1 *", "0 9 1 1 *"
	c.Kinds = []talkrelay.Kind{talkrelay.LeadContact, talkrelay.MemberContact, talkrelay.LeadDeleted, talkrelay.MemberDeleted}
}

func TestRotationKeepsToItsBudgetAndReadsEverybody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		const n = 2000
		known(t, a, s, n)
		var first []string
		a.fail = func(op string) error {
			if strings.HasPrefix(op, "user ") && len(first) < n/10 {
				first = append(first, op)
			}
			return nil
		}
		p := newPoller(t, a, s, rotating)
		if err := live(t, p, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		if got := len(userRequests(a)); got < 250 || sum(a) > 330 {
			t.Errorf("%d customers, %d requests in ten minutes of 30 each", got, sum(a))
		}
		for _, op := range first {
			if !strings.HasSuffix(op, "0") {
				t.Fatalf("%s before all who were active of late", op)
			}
		}
		if err := live(t, p, 70*time.Minute); err != nil {
			t.Fatal(err)
		}
		if got := len(userRequests(a)); got != n {
			t.Errorf("%d of %d customers read after more time than the budget needs", got, n)
		}
		if r := p.Status().Rotation; r.Known != n || r.PerDay != 43_200 || r.Short() {
			t.Errorf("rotation = %+v", r)
		}
	})
}

func userRequests(a *talk) map[string]int {
	users := map[string]int{}
	for op, n := range a.requests {
		if strings.HasPrefix(op, "user ") {
			users[op] = n
		}
	}
	return users
}

func sum(a *talk) (n int) {
	for _, times := range userRequests(a) {
		n += times
	}
	return n
}

func TestRotationFindsChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		known(t, a, s, 100)
		u := a.users["u-c00055"]
		u.Email, u.UpdatedAt = "b@example.com", time.Now()
		delete(a.users, "u-c00054") // deleted: nothing to compare
		a.users["u-c00053"].Profile, a.users["u-c00053"].Email = nil, ""
		if err := live(t, newPoller(t, a, s, rotating), 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		ids := s.ids("lead.upserted.contact")
		if len(ids) != 1 {
			t.Fatalf("events: %v", ids)
		}
		e := s.event(t, ids[0])
		if e.Old.Email != "a@example.com" || e.User.Email != "b@example.com" || e.Change != "updated" {
			t.Errorf("event = %+v", e)
		}
		if !strings.HasPrefix(string(e.Envelope), `{"event":"upsert","type":"user","entity":{`) {
			t.Errorf("envelope = %s", e.Envelope)
		}
	})
}

// The place in the rotation survives a restart, and costs a write only now and then.
func TestRotationGoesOnAfterRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		known(t, a, s, 3000)
		commits := s.commits
		for range 5 {
			if err := live(t, newPoller(t, a, s, rotating), 8*time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(userRequests(a)); got < 1000 {
			t.Errorf("%d customers read in five runs of about 240 requests", got)
		}
		if n := s.commits - commits; n > 30 {
			t.Errorf("%d commits", n)
		}
	})
}

// A customer whom the API cannot give does not stop the rotation; an API that gives nobody does, and says so once.
func TestRotationFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		known(t, a, s, 50)
		a.fail = func(op string) error {
			if strings.HasSuffix(op, "7") {
				return errDown
			}
			return nil
		}
		var log bytes.Buffer
		p := newPoller(t, a, s, func(c *poller.Config) {
			rotating(c)
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		if err := live(t, p, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		if got := len(userRequests(a)); got != 50 || log.Len() > 0 {
			t.Errorf("%d customers asked for; log:\n%s", got, log.String())
		}
		a.fail = func(op string) error {
			if strings.HasPrefix(op, "user ") {
				return &channeltalk.Error{Op: "read user", Kind: channeltalk.Server, Status: 500}
			}
			return nil
		}
		clear(a.requests)
		if err := live(t, p, time.Hour); err != nil {
			t.Fatal(err)
		}
		if n := sum(a); n > 60 {
			t.Errorf("%d requests in an hour of failures", n)
		}
		if n := strings.Count(log.String(), "channel not read"); n < 1 || n > 4 || !strings.Contains(log.String(), "job=contacts") {
			t.Errorf("log:\n%s", log.String())
		}
	})
}

// However many customers in a row cannot be read, the rotation gets past them, ever more slowly, and says so.
func TestRotationGetsPastUnreadableCustomers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		known(t, a, s, 50)
		a.fail = func(op string) error {
			if strings.HasPrefix(op, "user u-c0002") || strings.HasPrefix(op, "user u-c0003") {
				return &channeltalk.Error{Op: "read user", Kind: channeltalk.Refused, Status: 422}
			}
			return nil
		}
		if err := live(t, newPoller(t, a, s, rotating), 2*time.Hour); err != nil {
			t.Fatal(err)
		}
		if got := len(userRequests(a)); got != 50 {
			t.Errorf("%d customers asked for, want 50", got)
		}
	})
}

func TestRotationSaysWhenTheBudgetIsShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		known(t, a, s, 1500)
		var log bytes.Buffer
		p := newPoller(t, a, s, func(c *poller.Config) {
			rotating(c)
			c.ContactRequestsPerMinute = 1
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		if err := live(t, p, 3*time.Hour); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(log.String(), "1500 customers are known and the budget is 1440 requests a day"); n != 1 {
			t.Errorf("said %d times:\n%s", n, log.String())
		}
		if !p.Status().Rotation.Short() {
			t.Error("status does not say so")
		}
	})
}

func TestNoRotationWithoutBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		known(t, a, s, 10)
		p := newPoller(t, a, s, func(c *poller.Config) { rotating(c); c.ContactRequestsPerMinute = 0 })
		if err := live(t, p, time.Hour); err != nil {
			t.Fatal(err)
		}
		if n := sum(a); n != 0 {
			t.Errorf("%d customers read", n)
		}
	})
}
