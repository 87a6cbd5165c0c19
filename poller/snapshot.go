package poller

import (
	"encoding/json"
	"fmt"
	"time"

	"talkrelay"
)

// chatSnapshot is what is remembered of a chat: only what its events are made from. Its JSON form is in the state file:
// fields are added, never renamed or reused.
type chatSnapshot struct {
	Opened int64  `json:"o,omitempty"` // latest openedAt seen, Unix milliseconds
	Queued int64  `json:"q,omitempty"` // latest queuedAt seen
	State  string `json:"s,omitempty"` // as last seen
	Held   int64  `json:"h,omitempty"` // an opening not announced because only a bot had spoken; 0 = none

	Inquiry int64 `json:"i,omitempty"` // the last opening that was one, where neither Opened nor Queued is it: see inquiry
	doubt
	life
	wait
}

// inquiry returns the time that the event of the last opening has in its ID. It is older than Opened when the chat has
// come out of the queue or out of a snooze since, which is no opening.
func (s *chatSnapshot) inquiry() int64 {
	if s.Inquiry != 0 {
		return s.Inquiry
	}
	return max(s.Opened, s.Queued)
}

// setInquiry is kept short: for nearly all chats it stores nothing.
func (s *chatSnapshot) setInquiry(at int64) {
	s.Inquiry = 0
	if at != s.inquiry() {
		s.Inquiry = at
	}
}

// next returns the snapshot after c was seen. A reply older than what is known lowers nothing.
func (s chatSnapshot) next(c *chatRow) chatSnapshot {
	n, stale := s, s.newer(c)
	if !stale {
		n.State = c.State
	}
	n.Opened, n.Queued = max(s.Opened, millis(c.OpenedAt)), max(s.Queued, millis(c.QueuedAt))
	n.life = s.life.next(c, stale)
	if n != s { // else updatedAt alone is not worth a write: it moves all the time
		n.Updated = max(s.Updated, millis(c.updatedAt))
	}
	return n
}

// newer reports that s was made of a later reply than c is.
func (s *chatSnapshot) newer(c *chatRow) bool {
	for _, t := range []struct {
		at    time.Time
		known int64
	}{{c.OpenedAt, s.Opened}, {c.QueuedAt, s.Queued}, {c.ClosedAt, s.Closed}, {c.updatedAt, s.Updated}} {
		if at := millis(t.at); at != 0 && at < t.known {
			return true
		}
	}
	return false
}

// chat is what s tells of the chat with this id.
func (s *chatSnapshot) chat(id, userID string) talkrelay.Chat {
	before := s.before()
	c := talkrelay.Chat{
		ID: id, UserID: userID, State: s.State, AssigneeID: s.Assignee, TeamID: s.Team, Tags: before.Tags,
		OpenedAt: fromMillis(s.Opened), QueuedAt: fromMillis(s.Queued), AskedAt: fromMillis(s.Asked),
	}
	if s.Replied >= s.Opened {
		c.FirstRepliedAt = fromMillis(s.Replied)
	}
	switch s.State {
	case stateSnoozed:
		c.SnoozedAt = fromMillis(s.Snoozed)
	case stateClosed:
		c.ClosedAt = fromMillis(s.Closed)
	}
	return c
}

// storedChat returns what is stored of a chat: its id alone if that is nothing.
func storedChat(prev View, id, userID string) (talkrelay.Chat, error) {
	if id == "" {
		return talkrelay.Chat{}, nil
	}
	var s chatSnapshot
	seen, err := readSnapshot(prev, talkrelay.Ref{Type: talkrelay.EntityChat, ID: id}, &s)
	if err != nil || !seen {
		return talkrelay.Chat{ID: id}, err
	}
	return s.chat(id, userID), nil
}

// readSnapshot decodes the snapshot of ref into v and reports whether there is one.
func readSnapshot(prev View, ref talkrelay.Ref, v any) (bool, error) {
	data, err := prev.Entity(ref)
	if err != nil {
		return false, fmt.Errorf("read snapshot of %s %s: %w", ref.Type, ref.ID, err)
	}
	if data == nil {
		return false, nil
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("decode snapshot of %s %s: %w", ref.Type, ref.ID, err)
	}
	return true, nil
}

// encode returns the stored form of a snapshot, cursor or position. These types cannot fail to encode.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // a bug in this package; the step recovers it
	}
	return data
}

// millis returns Unix milliseconds, 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMillis is the inverse of millis.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
