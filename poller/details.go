package poller

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"talkrelay"
	"talkrelay/channeltalk"
)

// details reads what a list of chats leaves out: a customer missing from it, the customer's own words, the assignee's
// name. Whatever cannot be had in time is done without: an alert never waits for its trimmings.
type details struct {
	api     API
	lookups *rate.Limiter // of messages; nil = none
	health  *talkrelay.Health
	beat    func()

	quietUntil time.Time // the API asked to be left alone, or is too slow
	managers   map[string]talkrelay.Person
	managerRaw map[string]json.RawMessage // as the API gave them
	managersAt time.Time                  // of the last try to read them
}

const (
	detailTime    = 3 * time.Second  // for all details of one page of a poll
	managersFor   = 5 * time.Minute  // how long a list of managers, read or not, is good for
	quietFor      = 10 * time.Second // pause after a 429 that names none, or after no answer in time
	lookupLimit   = 50               // messages in one request
	lookupPages   = 3                // requests for one chat: a bot rarely says more in a row
	managersLimit = 500
)

func newDetails(cfg *Config) *details {
	d := &details{
		api:    cfg.API,
		health: talkrelay.NewHealth(cfg.Logger, "chat details not read", "chat details read again"),
		beat:   cfg.Beat,
	}
	if n := cfg.MessageLookupsPerMinute; n > 0 {
		d.lookups = rate.NewLimiter(rate.Every(time.Minute/time.Duration(n)), n)
	}
	return d
}

// ready reports whether a request may be made now.
func (d *details) ready(ctx context.Context) bool {
	return ctx.Err() == nil && !time.Now().Before(d.quietUntil)
}

// settle records how a request went and reports whether it brought something.
func (d *details) settle(err error) bool {
	d.beat()
	if err == nil {
		d.health.OK()
		return true
	}
	switch channeltalk.KindOf(err) {
	case channeltalk.Gone: // that is an answer
		d.health.OK()
		return false
	case channeltalk.Throttled:
		d.quietUntil = time.Now().Add(max(quietFor, retryAfter(err)))
	}
	if errors.Is(err, context.DeadlineExceeded) { // the time for details is used up: the next page is not to wait as long
		d.quietUntil = time.Now().Add(quietFor)
	}
	d.health.Broken(err)
	return false
}

// user reads one customer. nil = not to be had now.
func (d *details) user(ctx context.Context, id string) *channeltalk.User {
	if !d.ready(ctx) {
		return nil
	}
	u, err := d.api.User(ctx, id)
	if !d.settle(err) {
		return nil
	}
	return u
}

// message returns what to show of a chat: the customer's last message if it can be had, else the last one that is
// neither a private note nor a log entry. nil = none.
func (d *details) message(ctx context.Context, c *chatRow) *channeltalk.Message {
	if c.last != nil && byCustomer(c.last) {
		return c.last
	}
	if c.UserLastMessage != "" {
		if m := d.lookUp(ctx, c.ID); m != nil {
			return m
		}
	}
	if c.last != nil && showable(c.last) {
		return c.last
	}
	return nil
}

// lookUp walks back through a chat to the last message of the customer.
func (d *details) lookUp(ctx context.Context, chatID string) *channeltalk.Message {
	q := channeltalk.MessageQuery{SortOrder: "desc", Limit: lookupLimit}
	for range lookupPages {
		if !d.ready(ctx) || d.lookups == nil || !d.lookups.Allow() {
			return nil
		}
		page, err := d.api.Messages(ctx, chatID, q)
		if !d.settle(err) {
			return nil
		}
		for i := range page.Messages {
			if m := &page.Messages[i]; byCustomer(m) {
				return m
			}
		}
		if page.Next == "" || page.Next == q.Since {
			return nil
		}
		q.Since = page.Next
	}
	return nil
}

func showable(m *channeltalk.Message) bool {
	return !m.Private() && !m.IsLog() && m.State != "removed"
}

func byCustomer(m *channeltalk.Message) bool { return m.PersonType == "user" && showable(m) }

// person returns the manager with this id: from the page, else from the list of all, which is read at most every
// managersFor. Without a name it is the id alone.
func (d *details) person(ctx context.Context, page []channeltalk.Manager, id string) talkrelay.Person {
	if id == "" {
		return talkrelay.Person{}
	}
	for i := range page {
		if page[i].ID == id && page[i].Name != "" {
			return newPerson(&page[i])
		}
	}
	if _, known := d.managers[id]; !known {
		d.readManagers(ctx)
	}
	if p, known := d.managers[id]; known {
		return p
	}
	return talkrelay.Person{ID: id}
}

func newPerson(m *channeltalk.Manager) talkrelay.Person {
	return talkrelay.Person{ID: m.ID, Name: clean(m.Name), Email: clean(m.Email)}
}

// readManagers replaces the list of managers if the old one is due and all of the new one can be had.
func (d *details) readManagers(ctx context.Context) {
	if now := time.Now(); !d.ready(ctx) || now.Sub(d.managersAt) < managersFor {
		return
	}
	d.managersAt = time.Now()
	all, raw, since := map[string]talkrelay.Person{}, map[string]json.RawMessage{}, ""
	for {
		page, err := d.api.Managers(ctx, since, managersLimit)
		if !d.settle(err) {
			return
		}
		known := len(all)
		for i := range page.Managers {
			m := &page.Managers[i]
			all[m.ID], raw[m.ID] = newPerson(m), keepRaw(m.Raw)
		}
		if page.Next == "" || len(all) == known {
			d.managers, d.managerRaw = all, raw
			return
		}
		since = page.Next
	}
}
