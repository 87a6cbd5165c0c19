package poller

import (
	"context"
	"slices"
	"time"

	"talkrelay"
)

// visitor is a user on a page of chats.
type visitor struct {
	id       string
	row      *userRow // nil = not to be had
	snap     userSnapshot
	known    bool // snap was stored before
	sighting sighting
	opened   int64 // when sighting.chat was, Unix milliseconds
	wanted   bool  // a chat of theirs is announced
}

// meet notes who is behind c. newcomer = a chat never seen before, and not part of the baseline. Of several chats of one
// user the one opened last counts: the rows may be in any order.
func meet(visitors map[string]*visitor, c *chatRow, j judgement, newcomer bool) {
	if c.UserID == "" {
		return
	}
	v := visitors[c.UserID]
	if v == nil {
		v = &visitor{id: c.UserID}
		visitors[c.UserID] = v
	}
	for _, at := range []time.Time{c.CreatedAt, c.OpenedAt, c.QueuedAt, c.ClosedAt} {
		if at.After(v.sighting.active) {
			v.sighting.active = at
		}
	}
	if j.announce || newcomer {
		v.sighting.announce = true
		if opened := max(j.snap.Opened, j.snap.Queued); v.sighting.chat == "" || opened > v.opened {
			v.sighting.chat, v.opened = c.ID, opened
		}
	}
	v.wanted = v.wanted || j.announce
}

// tell makes the events of a page, oldest first, and adds the users' snapshots to entities.
func (s *chatReader) tell(ctx context.Context, p *chatPage, visitors map[string]*visitor, entities map[talkrelay.Ref][]byte) ([]talkrelay.Event, error) {
	for i := range p.Users {
		u := newUserRow(&p.Users[i])
		if u.ID == "" {
			continue
		}
		if visitors[u.ID] == nil {
			visitors[u.ID] = &visitor{id: u.ID}
		}
		visitors[u.ID].row = &u
	}
	ctx, cancel := context.WithTimeout(ctx, s.detailTime)
	defer cancel()
	var events []talkrelay.Event
	for _, id := range sortedKeys(visitors) {
		v := visitors[id]
		known, err := readSnapshot(p.prev, talkrelay.Ref{Type: talkrelay.EntityUser, ID: id}, &v.snap)
		if err != nil {
			return nil, err
		}
		v.known = known
		if e := s.greet(ctx, v, entities); e != nil {
			events = append(events, *e)
		}
	}
	for i := range p.rows {
		if j := p.found[i]; j.announce {
			events = append(events, s.inquiry(ctx, p, &p.rows[i], j, visitors[p.rows[i].UserID]))
		}
	}
	return inOrder(events), nil
}

// greet compares a visitor with what is stored and returns the event if there is one.
func (s *chatReader) greet(ctx context.Context, v *visitor, entities map[talkrelay.Ref][]byte) *talkrelay.Event {
	ref := talkrelay.Ref{Type: talkrelay.EntityUser, ID: v.id}
	if v.row == nil && v.wanted {
		if u := s.details.user(ctx, v.id); u != nil {
			row := newUserRow(u)
			v.row = &row
		}
	}
	if v.row == nil {
		if v.sighting.announce && !v.known {
			// Stored as unread, so that whoever reads it later knows that its contact is news. Also when it is gone: it may
			// only not be there yet.
			entities[ref] = encode(userSnapshot{Unread: true, Chat: v.sighting.chat, Day: epochDay(v.sighting.active)})
		}
		return nil
	}
	if v.row.updatedAt.After(v.sighting.active) {
		v.sighting.active = v.row.updatedAt
	}
	var prev *userSnapshot
	if v.known {
		prev = &v.snap
	}
	c := compareUser(prev, *v.row, v.sighting)
	if c.store {
		entities[ref] = encode(c.snap)
	}
	if c.change == "" {
		return nil
	}
	e := s.events.contact(*v.row, c)
	return &e
}

// inquiry makes the event of an opening.
func (s *chatReader) inquiry(ctx context.Context, p *chatPage, c *chatRow, j judgement, v *visitor) talkrelay.Event {
	o := inquiry{chat: c, at: j.at, reopened: j.reopened, message: s.details.message(ctx, c)}
	o.assignee = s.details.person(ctx, p.Managers, c.AssigneeID)
	if v != nil {
		o.user = v.row
		if v.row == nil {
			o.fallback = talkrelay.User{ID: v.id, Member: v.snap.Member, Contact: v.snap.contact()}
		}
	}
	return s.events.opened(o)
}

func sortedKeys(m map[string]*visitor) []string {
	keys := make([]string, 0, len(m))
	for id := range m {
		keys = append(keys, id)
	}
	slices.Sort(keys)
	return keys
}
