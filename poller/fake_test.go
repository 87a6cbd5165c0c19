package poller_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

// store is a Store in memory.
type store struct {
	mu       sync.Mutex
	cursors  map[string][]byte
	entities map[talkrelay.Ref][]byte
	sorted   map[string][]string // ids of entities by type; rebuilt when there are none
	events   map[string]talkrelay.Event
	order    []string // event ids as committed
	again    []string // event ids committed more than once
	commits  int
	refuse   func(talkrelay.Commit) error // nil = never
}

func newStore() *store {
	return &store{
		cursors: map[string][]byte{}, entities: map[talkrelay.Ref][]byte{}, sorted: map[string][]string{},
		events: map[string]talkrelay.Event{},
	}
}

func (s *store) Cursor(_, stream string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.cursors[stream]), nil
}

func (s *store) Entity(_ string, ref talkrelay.Ref) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.entities[ref]), nil
}

func (s *store) Entities(_, typ, after string, limit int) ([]talkrelay.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sorted) == 0 {
		for ref := range s.entities {
			s.sorted[ref.Type] = append(s.sorted[ref.Type], ref.ID)
		}
		for _, ids := range s.sorted {
			slices.Sort(ids)
		}
	}
	ids := s.sorted[typ]
	at, found := slices.BinarySearch(ids, after)
	if found {
		at++
	}
	var some []talkrelay.Snapshot
	for _, id := range ids[at:min(at+limit, len(ids))] {
		some = append(some, talkrelay.Snapshot{ID: id, Data: bytes.Clone(s.entities[talkrelay.Ref{Type: typ, ID: id}])})
	}
	return some, nil
}

func (s *store) Commit(c talkrelay.Commit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		if err := s.refuse(c); err != nil {
			return err
		}
	}
	if !bytes.Equal(c.Read, s.cursors[c.Stream]) {
		return talkrelay.ErrMoved
	}
	s.commits++
	s.cursors[c.Stream] = bytes.Clone(c.Cursor)
	for ref, data := range c.Entities {
		if s.entities[ref] == nil {
			clear(s.sorted)
		}
		if s.entities[ref] = bytes.Clone(data); data == nil {
			delete(s.entities, ref)
			clear(s.sorted)
		}
	}
	for _, e := range c.Events {
		if _, known := s.events[e.ID]; known {
			s.again = append(s.again, e.ID)
			continue
		}
		s.events[e.ID], s.order = e, append(s.order, e.ID)
	}
	return nil
}

// ids returns the ids of the events of a kind, sorted.
func (s *store) ids(kind talkrelay.Kind) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, id := range s.order {
		if s.events[id].Kind == kind {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (s *store) event(t *testing.T, id string) talkrelay.Event {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.events[id]
	if !ok {
		t.Fatalf("no event %s; there are %v", id, s.order)
	}
	return e
}

// talk is a Channel Talk in memory.
type talk struct {
	mu       sync.Mutex
	now      int64 // its clock, Unix milliseconds
	chats    map[string]*channeltalk.UserChat
	users    map[string]*channeltalk.User
	hidden   map[string]bool                  // users left out of lists
	last     map[string]channeltalk.Message   // last message of a chat, as lists show it
	messages map[string][]channeltalk.Message // latest first
	groups   []channeltalk.Group
	less     func(a, b *channeltalk.UserChat) int
	random   bool // a new order at each first page
	shifts   bool // a page begins at an offset of what is there now, so rows are passed over while others leave the list
	cap      int  // most rows of a page, whatever is asked for; 0 = as asked
	overlap  int  // rows of a page that come again on the next
	circle   bool // pages go round for ever
	noClock  bool
	listings map[string][]string
	fail     func(op string) error            // before each request; nil = never
	during   func(q channeltalk.Query)        // after each page, for what happens between pages
	edit     func(page *channeltalk.ChatPage) // last word on a page
	happened map[string]bool                  // closes and snoozes, as in "closed c 1772409600000"
	requests map[string]int                   // by operation
	rows     int
}

func newTalk() *talk {
	return &talk{
		now: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).UnixMilli(), less: newestFirst,
		chats: map[string]*channeltalk.UserChat{}, users: map[string]*channeltalk.User{}, hidden: map[string]bool{},
		last: map[string]channeltalk.Message{}, messages: map[string][]channeltalk.Message{},
		listings: map[string][]string{}, requests: map[string]int{}, happened: map[string]bool{},
	}
}

func newestFirst(a, b *channeltalk.UserChat) int { return latest(b).Compare(latest(a)) }
func oldestFirst(a, b *channeltalk.UserChat) int { return latest(a).Compare(latest(b)) }
func byCreation(a, b *channeltalk.UserChat) int  { return b.CreatedAt.Compare(a.CreatedAt) }

// latest is the time a chat came into its list.
func latest(c *channeltalk.UserChat) time.Time {
	switch c.State {
	case "queued":
		return c.QueuedAt
	case "closed":
		return c.ClosedAt
	case "snoozed":
		return c.SnoozedAt
	}
	return c.OpenedAt
}

func (a *talk) UserChats(_ context.Context, q channeltalk.Query) (*channeltalk.ChatPage, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.asked("list " + q.State); err != nil {
		return nil, err
	}
	if a.cap > 0 {
		q.Limit = min(q.Limit, a.cap)
	}
	ids, at := a.listing(q)
	page := &channeltalk.ChatPage{}
	if !a.noClock {
		page.ServerTime = time.UnixMilli(a.now)
	}
	end := at
	for ; end < len(ids) && len(page.UserChats) < q.Limit; end++ {
		if c := a.chats[ids[end]]; c.State == q.State {
			a.addRow(page, c)
		}
	}
	key, _, _ := strings.Cut(q.Since, ":")
	switch {
	case end < len(ids):
		page.Next = fmt.Sprintf("%s:%d", cmp.Or(key, strconv.Itoa(len(a.listings)-1)), max(at+1, end-a.overlap))
	case a.circle:
		page.Next = fmt.Sprintf("%s:%d", cmp.Or(key, strconv.Itoa(len(a.listings)-1)), at)
		if page.Next == q.Since {
			page.Next = fmt.Sprintf("%s:%0*d", key, 1+a.requests["list "+q.State], at) // never the same cursor
		}
	}
	a.rows += len(page.UserChats)
	if a.edit != nil {
		a.edit(page)
	}
	if a.during != nil {
		a.during(q)
	}
	return page, nil
}

// listing returns the ids of a list in its order and where the page begins. The order is fixed by the first page.
func (a *talk) listing(q channeltalk.Query) (ids []string, at int) {
	if key, offset, ok := strings.Cut(q.Since, ":"); ok {
		at, _ = strconv.Atoi(offset)
		if !a.shifts {
			return a.listings[key], at
		}
	}
	var list []*channeltalk.UserChat
	for _, c := range a.chats {
		if c.State == q.State {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(x, y *channeltalk.UserChat) int { return cmp.Or(a.less(x, y), strings.Compare(x.ID, y.ID)) })
	if a.random {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	if q.SortOrder == "asc" {
		slices.Reverse(list)
	}
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	a.listings[strconv.Itoa(len(a.listings))] = ids
	return ids, min(at, len(ids))
}

func (a *talk) addRow(page *channeltalk.ChatPage, c *channeltalk.UserChat) {
	row := *c
	row.Raw = json.RawMessage(fmt.Sprintf(`{"id":%q,"channelId":"7","state":%q}`, c.ID, c.State))
	page.UserChats = append(page.UserChats, row)
	if u := a.users[c.UserID]; u != nil && !a.hidden[u.ID] {
		page.Users = append(page.Users, *u)
	}
	if m, ok := a.last[c.ID]; ok {
		page.Messages = append(page.Messages, m)
	}
}

func (a *talk) UserChat(_ context.Context, id string) (*channeltalk.UserChat, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.asked("chat"); err != nil {
		return nil, err
	}
	c := a.chats[id]
	if c == nil {
		return nil, &channeltalk.Error{Op: "read user chat", Kind: channeltalk.Gone, Status: 404}
	}
	found := *c
	found.Raw = json.RawMessage(fmt.Sprintf(`{"id":%q,"channelId":"7","state":%q}`, c.ID, c.State))
	return &found, nil
}

func (a *talk) User(_ context.Context, id string) (*channeltalk.User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.asked("user " + id); err != nil {
		return nil, err
	}
	u := a.users[id]
	if u == nil {
		return nil, &channeltalk.Error{Op: "read user", Kind: channeltalk.Gone, Status: 404}
	}
	found := *u
	return &found, nil
}

func (a *talk) Messages(_ context.Context, chatID string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.asked("messages"); err != nil {
		return nil, err
	}
	all := slices.Clone(a.messages[chatID])
	if q.SortOrder == "asc" {
		slices.Reverse(all)
	}
	at, _ := strconv.Atoi(q.Since)
	page := &channeltalk.MessagePage{Messages: all[at:min(at+q.Limit, len(all))]}
	if at+q.Limit < len(all) {
		page.Next = strconv.Itoa(at + q.Limit)
	}
	return page, nil
}

// Groups gives them by rising name.
func (a *talk) Groups(_ context.Context, since string, limit int) (*channeltalk.GroupPage, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.asked("groups"); err != nil {
		return nil, err
	}
	all := slices.Clone(a.groups)
	slices.SortFunc(all, func(x, y channeltalk.Group) int { return strings.Compare(x.Title, y.Title) })
	all = slices.DeleteFunc(all, func(g channeltalk.Group) bool { return g.Title < since || g.Scope == "private" })
	if a.cap > 0 {
		limit = min(limit, a.cap)
	}
	page := &channeltalk.GroupPage{Groups: all[:min(limit, len(all))]}
	if !a.noClock {
		page.ServerTime = time.UnixMilli(a.now)
	}
	if limit < len(all) {
		page.Next = all[limit].Title
	}
	return page, nil
}

func (a *talk) GroupMessages(ctx context.Context, groupID string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
	a.mu.Lock()
	if err := a.asked("group " + groupID); err != nil {
		a.mu.Unlock()
		return nil, err
	}
	there := slices.ContainsFunc(a.groups, func(g channeltalk.Group) bool { return g.ID == groupID && g.Scope != "private" })
	a.mu.Unlock()
	if !there {
		return nil, &channeltalk.Error{Op: "read messages of a team chat", Kind: channeltalk.Gone, Status: 404}
	}
	return a.Messages(ctx, groupID, q)
}

func (a *talk) Managers(context.Context, string, int) (*channeltalk.ManagerPage, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.asked("managers"); err != nil {
		return nil, err
	}
	return &channeltalk.ManagerPage{Managers: []channeltalk.Manager{{ID: "m1", Name: "김상담", Email: "kim@example.com"}}}, nil
}

func (a *talk) asked(op string) error {
	a.requests[op]++
	a.requests["all"]++
	if a.fail != nil {
		return a.fail(op)
	}
	return nil
}

// later changes the world after so long, safe from requests under way.
func (a *talk) later(d time.Duration, change func()) {
	time.AfterFunc(d, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		change()
	})
}

// tick moves the clock on by a second and returns it.
func (a *talk) tick() time.Time {
	a.now += 1000
	return time.UnixMilli(a.now).UTC()
}

// open adds a chat in state opened or queued, of a user of its own.
func (a *talk) open(id, state string) *channeltalk.UserChat {
	at := a.tick()
	c := &channeltalk.UserChat{ID: id, ChannelID: "7", UserID: "u-" + id, State: state, CreatedAt: at, UpdatedAt: at}
	if state == "queued" {
		c.QueuedAt, c.FirstQueuedAt = at, at
	} else {
		c.OpenedAt, c.FirstOpenedAt = at, at
	}
	a.chats[id] = c
	a.users[c.UserID] = &channeltalk.User{
		ID: c.UserID, Type: "lead", Name: "고객 " + id, Profile: map[string]string{"name": "고객"}, UpdatedAt: at,
		Raw: json.RawMessage(`{"id":"u","channelId":"7"}`),
	}
	return c
}

func (a *talk) close(c *channeltalk.UserChat) {
	c.State, c.ClosedAt = "closed", a.touch(c)
	a.happened[fmt.Sprintf("closed %s %d", c.ID, a.now)] = true
}

func (a *talk) snooze(c *channeltalk.UserChat) {
	c.State, c.SnoozedAt = "snoozed", a.touch(c)
	a.happened[fmt.Sprintf("snoozed %s %d", c.ID, a.now)] = true
}

func (a *talk) reopen(c *channeltalk.UserChat) {
	c.State, c.OpenedAt, c.FirstRepliedAtAfterOpen = "opened", a.touch(c), time.Time{}
	if c.FirstOpenedAt.IsZero() {
		c.FirstOpenedAt = c.OpenedAt
	}
}
func (a *talk) requeue(c *channeltalk.UserChat) { c.State, c.QueuedAt = "queued", a.touch(c) }

// touch moves updatedAt, as every change does.
func (a *talk) touch(c *channeltalk.UserChat) time.Time {
	c.UpdatedAt = a.tick()
	return c.UpdatedAt
}

func (a *talk) assign(c *channeltalk.UserChat, manager string) { c.AssigneeID, _ = manager, a.touch(c) }
func (a *talk) tag(c *channeltalk.UserChat, tags ...string)    { c.Tags, _ = tags, a.touch(c) }
func (a *talk) ask(c *channeltalk.UserChat)                    { c.AskedAt = a.touch(c) }

// reply lets a manager answer.
func (a *talk) reply(c *channeltalk.UserChat) {
	at := a.touch(c)
	if c.FirstRepliedAtAfterOpen.IsZero() {
		c.FirstRepliedAtAfterOpen, c.WaitingTime = at, at.Sub(c.OpenedAt)
	}
	c.AskedAt = time.Time{}
	a.last[c.ID] = channeltalk.Message{ID: "m" + strconv.FormatInt(a.now, 10), ChatID: c.ID, PersonType: "manager", Text: "네", CreatedAt: at}
}

// openedID is the event id of the latest opening of c.
func openedID(c *channeltalk.UserChat) string {
	at := c.OpenedAt
	if c.State == "queued" {
		at = c.QueuedAt
	}
	return fmt.Sprintf("userChat.opened/%s/%d", c.ID, at.UnixMilli())
}

var errDown = &channeltalk.Error{Op: "read user chats", Kind: channeltalk.Server, Status: 503}

// newPoller returns a poller on the two fakes. change may alter its settings.
func newPoller(t *testing.T, a poller.API, s poller.Store, change func(*poller.Config)) *poller.Poller {
	t.Helper()
	cfg := poller.Config{Name: "main", API: a, Store: s, MessageLookupsPerMinute: 60}
	if change != nil {
		change(&cfg)
	}
	p, err := poller.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// stumble makes requests to a and commits to s fail now and then: one of so many steps of either. The count of steps is n.
func stumble(a *talk, s *store, requests, commits int) (n *int) {
	n = new(int)
	failing := func(every int, err error) error {
		if *n++; *n%every == 0 {
			return err
		}
		return nil
	}
	a.fail = func(string) error { return failing(requests, errDown) }
	s.refuse = func(talkrelay.Commit) error { return failing(commits, errFull) }
	return n
}

func run(t *testing.T, p *poller.Poller, jobs ...string) {
	t.Helper()
	for _, job := range jobs {
		if err := p.PollOnce(t.Context(), job); err != nil {
			t.Fatal(err)
		}
	}
}

// runFailing runs a job that must fail.
func runFailing(t *testing.T, p *poller.Poller, job string) {
	t.Helper()
	if err := p.PollOnce(t.Context(), job); err == nil {
		t.Fatalf("%s: no error", job)
	}
}

func wantIDs(t *testing.T, s *store, kind talkrelay.Kind, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := s.ids(kind); !slices.Equal(got, want) {
		t.Fatalf("%s:\n got %v\nwant %v", kind, got, want)
	}
}

var errFull = errors.New("no space left on device")
