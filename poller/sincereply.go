package poller

import (
	"context"
	"time"

	"talkrelay/channeltalk"
)

// said is what a customer has written since the last answer.
type said struct {
	idle  bool                 // there is something, and nothing of it needs an answer
	first time.Time            // when the customer wrote what does; zero = not known
	last  *channeltalk.Message // the last that does; nil = not known
}

// sinceReply looks at what the customer has written since the team's last answer, or since the chat was closed. known is
// false if that cannot be read now.
func (d *details) sinceReply(ctx context.Context, c *chatRow) (s said, known bool) {
	q := channeltalk.MessageQuery{SortOrder: "desc", Limit: lookupLimit}
	idle := 0
	for range lookupPages {
		if !d.ready(ctx) || d.lookups == nil || !d.lookups.Allow() {
			return said{}, false
		}
		page, err := d.api.Messages(ctx, c.ID, q)
		if !d.settle(err) {
			return said{}, false
		}
		for i := range page.Messages {
			m := &page.Messages[i]
			switch {
			case m.LogAction == "close", m.PersonType == "manager" && showable(m):
				s.idle = idle > 0 && s.last == nil
				return s, true
			case m.IsLog(), m.PersonType == "bot", m.PersonType == "manager", m.State == "removed":
			case needsNoAnswer(m):
				idle++
			default:
				s.note(m)
			}
		}
		if page.Next == "" || page.Next == q.Since {
			s.idle = idle > 0 && s.last == nil
			return s, true
		}
		q.Since = page.Next
	}
	s.first = time.Time{} // there is more before it
	return s, true
}

// note adds a message that needs an answer. The latest one comes first.
func (s *said) note(m *channeltalk.Message) {
	if s.last == nil {
		s.last = m
	}
	s.first = m.CreatedAt
}
