package main

import (
	"context"
	"slices"
	"time"

	"talkrelay/channeltalk"
)

// do lets one thing happen.
func (m *model) do(d deed) {
	switch d.What {
	case "rest": // seconds, or long enough for a retry
		time.Sleep(time.Duration(1+d.N*(1+d.Who%3)) * time.Second)
	case "work": // minutes
		time.Sleep(time.Duration(1+d.N%9) * time.Minute)
	case "kill":
		m.daemon.stop(errKilled)
	case "kill at":
		m.mu.Lock()
		m.killIn = 1 + d.N%20
		m.mu.Unlock()
	case "stop":
		m.daemon.stop(context.Canceled)
	case "disk full":
		m.mu.Lock()
		m.full += 1 + d.N%4
		m.mu.Unlock()
	case "fate of slack":
		m.slack.doom(d)
	case "fate of sheet":
		m.sheet.doom(d)
	case "history unreadable":
		m.slack.mu.Lock()
		m.slack.blind += 1 + d.N%3
		m.slack.mu.Unlock()
	case "history lags": // by less than the last look-up waits for
		m.slack.mu.Lock()
		m.slack.lag = time.Duration(d.N%8) * time.Second
		m.slack.mu.Unlock()
	default:
		m.shop.mu.Lock()
		defer m.shop.mu.Unlock()
		if !m.shop.trouble(d) {
			m.happen(d)
		}
	}
}

// doom says what happens to a send to come.
func (b *modelBox) doom(d deed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fates = append(b.fates, modelFates[d.N%len(modelFates)])
}

// trouble makes the API behave oddly, if d says so.
func (s *modelShop) trouble(d deed) bool {
	switch d.What {
	case "shuffle":
		s.shuffle = uint64(1 + d.N)
	case "sort":
		s.shuffle = 0
	case "closes are forgotten":
		s.forgets = d.N%2 == 0
	case "overlap":
		s.overlap = d.N % 3
	case "list is empty":
		s.empty += 1 + d.N%3
	case "channel is slow":
		s.slow += 1 + d.N%3
	case "channel fails":
		kinds := []channeltalk.Error{{Kind: channeltalk.Server, Status: 503}, {Kind: channeltalk.Throttled, Status: 429, RetryAfter: time.Duration(d.N) * time.Second},
			{Kind: channeltalk.NotJSON, Status: 200}, {Kind: channeltalk.Unreachable}, {Kind: channeltalk.Credentials, Status: 401}, {Kind: channeltalk.Refused, Status: 307}}
		for range 1 + d.N%6 {
			fault := kinds[d.Who%len(kinds)]
			s.faults = append(s.faults, &fault)
		}
	default:
		return false
	}
	return true
}

// happen changes the shop.
func (m *model) happen(d deed) {
	s := m.shop
	c, u := s.chats[(d.Who*7+d.N)%len(s.chats)], s.users[d.Who%len(s.users)]
	switch d.What {
	case "open", "queue":
		s.open(d.Who, d.What == "queue")
	case "burst":
		for i := range 2 + d.N%4 {
			s.open(d.Who+i, i%2 == 0)
		}
	case "answer":
		if c.State == sandboxQueued {
			s.answer(c)
		}
	case "close":
		if c.State != sandboxClosed {
			s.close(c)
		}
	case "snooze":
		if c.State == sandboxOpened {
			c.State, c.SnoozedAt = sandboxSnoozed, s.now()
		}
	case "wake":
		if c.State == sandboxSnoozed {
			s.wake(c)
		}
	case "reopen", "requeue":
		if c.State == sandboxClosed && m.seen(c, d.Who%3 == 0) {
			s.enter(c, d.What == "requeue")
		}
	case "edit":
		c.Name, c.Tags = time.Now().String(), append(c.Tags, "태그")
	case "renumber":
		s.renumber(u)
	}
}

// seen reports whether the last opening of a chat is committed, so that another one may come. The impatient do not wait: then
// nobody may ever have been shown the one before.
func (m *model) seen(c *modelChat, impatient bool) bool {
	last := &c.openings[len(c.openings)-1]
	if m.isTold(c, last) {
		return true
	}
	last.maybe = last.maybe || impatient
	return impatient || last.maybe
}

func (m *model) isTold(c *modelChat, o *modelOpening) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(o.at, func(at int64) bool { return m.committed[openingID(c.ID, at)] })
}
