package poller

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

const (
	groupsFor   = 5 * time.Minute // how long a list of team chats is good for
	groupMargin = time.Minute     // by which the times of messages may be off those of the list
	maxPages    = 1000            // of the list: far more than there can be
)

// groupCursor is what the groups stream keeps. Its JSON form is in the state file: fields are added, never renamed or reused.
type groupCursor struct {
	Version int    `json:"v"`
	Listed  int64  `json:"l,omitempty"` // when the groups were last listed, up to sweptStep behind, Channel Talk's clock; 0 = nobody asks
	Choice  string `json:"c,omitempty"` // which groups were asked for then
}

func readGroupCursor(data []byte) (groupCursor, error) {
	c := groupCursor{Version: cursorVersion}
	if len(data) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("decode cursor of team chats: %w", err)
	}
	if c.Version > cursorVersion {
		return c, fmt.Errorf("decode cursor of team chats: written by a newer version (%d); install that one", c.Version)
	}
	return c, nil
}

// look lists the groups and gives those that are new a snapshot. Where somebody has just begun to ask for a group, what is
// there is its baseline; in a group that an earlier list did not show, everything since that list is news.
func (s *groups) look(ctx context.Context, prev View, t turn) (Batch, error) {
	cur, err := readGroupCursor(prev.Cursor())
	if err != nil {
		return Batch{}, err
	}
	all, at, asked, err := s.readList(ctx)
	if err != nil && s.list != nil && perhapsAlone(err) { // the old list is better than none
		s.listed = time.Now()
		s.settle("", err)
		return Batch{Next: turn{After: t.After}.position()}, nil
	}
	if err != nil {
		return Batch{}, err
	}
	s.settle("", nil)
	chosen := s.choose(all)
	next := groupCursor{Version: cursorVersion, Listed: at, Choice: fingerprint(s.choice)}
	started := groupThread{thread: thread{At: max(cur.Listed-groupMargin.Milliseconds(), 0)}}
	if cur.Listed == 0 || cur.Choice != next.Choice {
		started = groupThread{thread: thread{At: at + 1}, Base: true}
	}
	b, err := enroll(prev, all, chosen, started)
	if err != nil {
		return Batch{}, err
	}
	if len(b.Entities) > 0 || cur.Choice != next.Choice || at >= cur.Listed+sweptStep.Milliseconds() {
		b.Cursor = encode(next)
	}
	s.list, s.listed = chosen, time.Now()
	for id := range s.broken {
		if !slices.ContainsFunc(chosen, func(g group) bool { return g.ID == id }) {
			s.settle(id, nil)
		}
	}
	b.Next = turn{After: t.After, Owed: asked - 1, Done: len(chosen) == 0}.position()
	return b, nil
}

// enroll gives the chosen groups that have no snapshot this one, and takes the snapshots of those that nobody asks for.
func enroll(prev View, all, chosen []group, started groupThread) (Batch, error) {
	b := Batch{Entities: map[talkrelay.Ref][]byte{}}
	for _, g := range all {
		ref := talkrelay.Ref{Type: talkrelay.EntityGroup, ID: g.ID}
		known, err := prev.Entity(ref)
		if err != nil {
			return Batch{}, fmt.Errorf("read how far team chat %s is read: %w", g.ID, err)
		}
		wanted := slices.ContainsFunc(chosen, func(c group) bool { return c.ID == g.ID })
		switch {
		case wanted && known == nil:
			b.Entities[ref] = encode(started)
		case !wanted && known != nil:
			b.Entities[ref] = nil
		}
	}
	return b, nil
}

// readList returns all groups, each once, in order of id. at is Channel Talk's clock before the first one could be missed.
func (s *groups) readList(ctx context.Context) (all []group, at int64, asked int, err error) {
	seen, since, again := map[string]bool{}, "", false
	for asked < maxPages {
		page, err := s.api.Groups(ctx, since, pageLimit)
		s.beat()
		asked++
		if err != nil {
			return nil, 0, asked, err
		}
		if at == 0 {
			at = millis(page.ServerTime)
		}
		before := len(all)
		for i := range page.Groups {
			if g := newGroup(&page.Groups[i]); !seen[g.ID] {
				seen[g.ID] = true
				all = append(all, g)
			}
		}
		if len(page.Groups) == 0 && !again { // an answer without anything in it may be no answer
			again = true
			continue
		}
		if page.Next == "" || page.Next == since || len(all) == before {
			break
		}
		since = page.Next
	}
	if at == 0 {
		at = millis(time.Now())
	}
	slices.SortFunc(all, func(a, b group) int { return strings.Compare(a.ID, b.ID) })
	return all, at, asked, nil
}

func newGroup(g *channeltalk.Group) group {
	return group{
		Group:     talkrelay.Group{ID: g.ID, Name: clean(g.Title), Scope: g.Scope},
		channelID: g.ChannelID,
		archived:  !g.ArchivedAt.IsZero(),
		raw:       keepRaw(g.Raw),
	}
}

// choose returns those of all that are to be read, never nil, and says which of the choice are not there.
func (s *groups) choose(all []group) []group {
	chosen := []group{}
	for _, g := range all {
		if len(s.choice) == 0 || slices.ContainsFunc(s.choice, g.called) {
			chosen = append(chosen, g)
		}
	}
	if f := searchGroups(s.choice, all); len(f.Missing) > 0 {
		s.missing.Broken(fmt.Errorf("no public team chat is called %s; correct groups of the channel, there are: %s", f.Shown(f.Missing), f.Shown(f.There)))
	} else {
		s.missing.OK()
	}
	return chosen
}

// called reports whether g has this name or id.
func (g group) called(name string) bool {
	name = clean(name)
	return name == g.ID || strings.EqualFold(strings.TrimPrefix(name, "#"), strings.TrimPrefix(g.Name, "#"))
}

// GroupSearch says which names belong to no public team chat.
type GroupSearch struct {
	All     int      // how many public team chats there are
	Missing []string // names of none
	There   []string // what they are called, by name
}

// FindGroups looks for the team chats of these names or ids.
func FindGroups(ctx context.Context, api API, names []string) (GroupSearch, error) {
	s := groups{api: api, beat: func() {}}
	all, _, _, err := s.readList(ctx)
	return searchGroups(names, all), err
}

func searchGroups(names []string, all []group) GroupSearch {
	f := GroupSearch{All: len(all)}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(g group) bool { return g.called(name) }) {
			f.Missing = append(f.Missing, name)
		}
	}
	for _, g := range all {
		f.There = append(f.There, cmp.Or(g.Name, g.ID))
	}
	slices.Sort(f.There)
	return f
}

const maxShownGroups = 20

// Shown quotes names, at most so many as a line has room for; "none" if there are none.
func (GroupSearch) Shown(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	var parts []string
	for _, name := range names[:min(len(names), maxShownGroups)] {
		parts = append(parts, fmt.Sprintf("%q", name))
	}
	if more := len(names) - maxShownGroups; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// fingerprint tells one choice of groups from another, in whatever order.
func fingerprint(choice []string) string {
	h := fnv.New64a()
	for _, name := range slices.Sorted(slices.Values(choice)) {
		h.Write([]byte(name + "\x00"))
	}
	return fmt.Sprintf("%x", h.Sum64())
}

// unaskedGroups forgets the team chats where nobody asks for them, so that asking again begins with what is written then. It
// makes no request.
type unaskedGroups struct{}

// Name implements Stream.
func (unaskedGroups) Name() string { return groupsStream }

// Poll implements Stream.
func (unaskedGroups) Poll(_ context.Context, prev View, _ Position) (Batch, error) {
	const step = 500
	cur, err := readGroupCursor(prev.Cursor())
	if err != nil {
		return Batch{}, err
	}
	some, err := prev.Entities(talkrelay.EntityGroup, "", step)
	if err != nil {
		return Batch{}, fmt.Errorf("read which team chats are known: %w", err)
	}
	if cur.Listed == 0 && len(some) == 0 {
		return Batch{}, nil
	}
	b := Batch{Entities: map[talkrelay.Ref][]byte{}, Cursor: encode(groupCursor{Version: cursorVersion})}
	for _, e := range some {
		b.Entities[talkrelay.Ref{Type: talkrelay.EntityGroup, ID: e.ID}] = nil
	}
	if len(some) == step {
		b.Next = Position("more")
	}
	return b, nil
}
