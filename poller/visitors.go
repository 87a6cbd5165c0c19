package poller

import (
	"cmp"
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
	newest   int64 // when sighting.latest was
	chats    []int // indices of their rows on the page
	wanted   bool  // a chat of theirs is announced
}

// meet notes who is behind c, the i-th row. newcomer = a chat never seen before, and not part of the baseline. Of several chats of one
// user the one opened last counts: the rows may be in any order.
func meet(visitors map[string]*visitor, i int, c *chatRow, j judgement, newcomer bool) {
	if c.UserID == "" {
		return
	}
	v := visitors[c.UserID]
	if v == nil {
		v = &visitor{id: c.UserID}
		visitors[c.UserID] = v
	}
	v.chats = append(v.chats, i)
	for _, at := range []time.Time{c.CreatedAt, c.OpenedAt, c.QueuedAt, c.ClosedAt} {
		if at.After(v.sighting.active) {
			v.sighting.active = at
		}
	}
	opened := max(j.snap.Opened, j.snap.Queued)
	if v.sighting.latest == "" || opened > v.newest {
		v.sighting.latest, v.newest = c.ID, opened
	}
	if j.announce || newcomer {
		v.sighting.announce = true
		if v.sighting.chat == "" || opened > v.opened {
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
		news, err := s.greet(ctx, p, v, entities)
		if err != nil {
			return nil, err
		}
		events = append(events, news...)
	}
	for i := range p.rows {
		v := visitors[p.rows[i].UserID]
		s.threads.keep(p, i, v)
		events = append(events, s.story(ctx, p, i, v)...)
		events = append(events, s.waiting(ctx, p, i, v, entities)...)
	}
	return inOrder(events), nil
}

// greet compares a visitor with what is stored and returns the events that makes.
func (s *chatReader) greet(ctx context.Context, p *chatPage, v *visitor, entities map[talkrelay.Ref][]byte) ([]talkrelay.Event, error) {
	ref := talkrelay.Ref{Type: talkrelay.EntityUser, ID: v.id}
	if v.row == nil && v.wanted {
		if u := s.details.user(ctx, v.id); u != nil {
			row := newLoneUserRow(u)
			v.row = &row
		}
	}
	if v.row == nil {
		if v.sighting.announce && !v.known {
			// Stored as unread, so that whoever reads it later knows that its contact is news. Also when it is gone: it may
			// only not be there yet.
			entities[ref] = encode(userSnapshot{Unread: true, Chat: v.sighting.chat, Day: epochDay(v.sighting.active)})
		}
		return nil, nil
	}
	if v.row.updatedAt.After(v.sighting.active) {
		v.sighting.active = v.row.updatedAt
	}
	var prev *userSnapshot
	if v.known {
		prev = &v.snap
	}
	v.sighting.flags = s.events.wantsSubscriptions()
	c := compareUser(prev, *v.row, v.sighting)
	if c.store {
		entities[ref] = encode(c.snap)
	}
	if !s.events.news(*v.row, c) {
		return nil, nil
	}
	chat, err := p.chatOf(v, cmp.Or(c.snap.Chat, v.sighting.latest))
	if err != nil {
		return nil, err
	}
	return s.events.sightings(*v.row, c, chat, s.details.person(ctx, p.Managers, chat.AssigneeID)), nil
}

// chatOf returns the chat with this id as the page shows it, else as it is stored.
func (p *chatPage) chatOf(v *visitor, id string) (talkrelay.Chat, error) {
	for _, i := range v.chats {
		if c := &p.rows[i]; c.ID == id {
			return c.present(p.found[i].reopened), nil
		}
	}
	return storedChat(p.prev, id, v.id)
}

// story makes the events of one row.
func (s *chatReader) story(ctx context.Context, p *chatPage, i int, v *visitor) []talkrelay.Event {
	c, j := &p.rows[i], &p.found[i]
	changes := slices.DeleteFunc(slices.Clone(j.changes), func(c lifeChange) bool { return !s.events.wants(c.kind) })
	announce := j.announce && s.events.wants(talkrelay.UserChatOpened)
	if !announce && len(changes) == 0 {
		return nil
	}
	o := s.inquiry(ctx, p, i, v)
	var events []talkrelay.Event
	if announce {
		o.message = s.details.message(ctx, c)
		events = append(events, s.events.opened(o))
	}
	if o.message = nil; c.last != nil && showable(c.last) {
		o.message = c.last
	}
	for _, change := range changes {
		events = append(events, s.events.lived(change, j.before, o))
	}
	return events
}

// waiting makes the event of a customer who has waited too long, and adds what is remembered of that to entities.
func (s *chatReader) waiting(ctx context.Context, p *chatPage, i int, v *visitor, entities map[talkrelay.Ref][]byte) []talkrelay.Event {
	c, snap := &p.rows[i], &p.found[i].snap
	before := snap.wait
	d, is := s.ladder.look(ctx, p, c, snap)
	if snap.wait != before {
		entities[talkrelay.Ref{Type: talkrelay.EntityChat, ID: c.ID}] = encode(*snap)
	}
	if !is {
		return nil
	}
	o := s.inquiry(ctx, p, i, v)
	o.at, o.message = clock(p.ServerTime), d.message
	if o.message == nil {
		o.message = s.details.message(ctx, c)
	}
	return []talkrelay.Event{s.events.waited(d, o)}
}

// inquiry is what is known of the i-th row and of the customer behind it.
func (s *chatReader) inquiry(ctx context.Context, p *chatPage, i int, v *visitor) inquiry {
	c, j := &p.rows[i], &p.found[i]
	o := inquiry{chat: c, at: j.at, reopened: j.reopened}
	o.assignee = s.details.person(ctx, p.Managers, c.AssigneeID)
	if v != nil {
		o.user = v.row
		if v.row == nil {
			o.fallback = talkrelay.User{ID: v.id, Member: v.snap.Member, Contact: v.snap.contact()}
		}
	}
	return o
}

func sortedKeys(m map[string]*visitor) []string {
	keys := make([]string, 0, len(m))
	for id := range m {
		keys = append(keys, id)
	}
	slices.Sort(keys)
	return keys
}
