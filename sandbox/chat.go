package sandbox

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// States of a chat.
const (
	StateInitial = "initial" // written to, but not yet opened: a bot is at work
	StateOpened  = "opened"
	StateQueued  = "queued" // waiting for a manager who is free
	StateSnoozed = "snoozed"
	StateClosed  = "closed"
)

// Opening says how a chat comes into being. The zero Opening is a chat opened by a customer in the shop's messenger.
type Opening struct {
	State    string // "" = StateOpened. StateSnoozed and StateClosed: it was opened before, and has got there since
	Title    string
	Page     string // source.page; "" = none
	Medium   string // "" = native, else phone, email or app
	Workflow string // id of the workflow that was at work
	ALF      bool   // the AI answerer handles it
	Tags     []string
	Priority string // "" = medium
	Assignee *Manager
	TeamID   string
	Files    int       // attached to the customer's first message
	At       time.Time // when; zero = now. For old chats, which are to be made in order of time
}

// Chat is one userChat.
type Chat struct {
	c        *Channel
	user     *Customer
	number   uint64 // in order of creation
	place    uint64 // key on its shelf
	wire     wireChat
	messages []*chatMessage
	front    *chatMessage
	json     []byte // nil = to be made
}

type chatMessage struct {
	wire wireMessage
	json []byte
}

// OpenChat makes a chat of the user with a first message by them; text "" = no message.
func (c *Channel) OpenChat(u *Customer, text string, o Opening) *Chat {
	ct := c.ct
	ct.mu.Lock()
	defer ct.mu.Unlock()
	at := ct.at(o.At)
	medium := cmp.Or(o.Medium, "native")
	ct.count++
	t := &Chat{c: c, user: u, number: uint64(ct.count), wire: wireChat{
		ID: ct.names.timed(at), ChannelID: c.ID, ContactMediumType: medium, State: StateInitial, UserID: u.wire.ID,
		XerID: ct.names.hex(16), Name: u.wire.Name, Title: o.Title, SubtextType: "incoming", Priority: cmp.Or(o.Priority, "medium"),
		TeamID: o.TeamID, GoalState: "none", CreatedAt: at, UpdatedAt: at, Version: 1,
		Source: wireSource{Page: o.Page, Medium: wireMedium{MediumType: medium, MediumID: "sandbox", Primitive: medium == "native"}},
	}}
	if o.Workflow != "" {
		t.wire.Source.Workflow = &wireWorkflow{ID: o.Workflow, RevisionID: "1", SectionPath: []string{"start"}}
	}
	if o.ALF {
		t.wire.Handling = &wireHandling{ID: ct.names.hex(16), Type: "alf", State: "respond"}
	}
	u.wire.HasChat = true
	u.json = nil
	c.chats[t.wire.ID] = t
	c.shelf(StateInitial).put(t, c.nextEntry())
	t.addTags(o.Tags)
	if text != "" || o.Files > 0 {
		t.say(at, "user", u.wire.ID, text, sayOptions{files: o.Files})
		t.asked(at)
	}
	t.begin(cmp.Or(o.State, StateOpened), at, o)
	return t
}

// begin takes a new chat to its first lasting state.
func (t *Chat) begin(state string, at int64, o Opening) {
	switch state {
	case StateInitial:
	case StateQueued:
		t.enqueue(at)
	default:
		t.open(at)
	}
	if o.Assignee != nil {
		t.assign(at, o.Assignee)
	}
	switch state {
	case StateSnoozed:
		t.snooze(at+1, time.Hour)
	case StateClosed:
		t.close(at + 1)
	}
	t.wire.UpdatedAt = at
	t.json = nil
}

// ID returns the chat's id.
func (t *Chat) ID() string { return t.wire.ID }

// State returns the present state.
func (t *Chat) State() string {
	t.c.ct.mu.Lock()
	defer t.c.ct.mu.Unlock()
	return t.wire.State
}

// OpenedAt returns when the chat was last opened; zero if never.
func (t *Chat) OpenedAt() time.Time {
	t.c.ct.mu.Lock()
	defer t.c.ct.mu.Unlock()
	if t.wire.OpenedAt == 0 {
		return time.Time{}
	}
	return time.UnixMilli(t.wire.OpenedAt)
}

// change runs f at a new moment and moves what moves with every change.
func (t *Chat) change(f func(at int64)) {
	ct := t.c.ct
	ct.mu.Lock()
	defer ct.mu.Unlock()
	at := ct.clock.tick()
	f(at)
	t.touch(at)
}

func (t *Chat) touch(at int64) {
	t.wire.UpdatedAt = at
	t.wire.Version++
	t.json = nil
}

// Touch moves updatedAt, version and the statistics, as Channel Talk does by itself long after a chat is closed.
func (t *Chat) Touch() { t.change(func(int64) { t.wire.AvgReplyTime++ }) }

// Open opens a chat that waits in the queue or with a bot, or ends a snooze. A closed one is opened by Reopen.
func (t *Chat) Open() { t.change(t.open) }

// Queue puts the chat into the queue.
func (t *Chat) Queue() { t.change(t.enqueue) }

// Reopen opens a closed chat again, with a message by the customer; text "" = by a manager, without one.
func (t *Chat) Reopen(text string) {
	t.change(func(at int64) {
		if text != "" {
			t.say(at, "user", t.wire.UserID, text, sayOptions{})
			t.asked(at)
		}
		t.open(at)
	})
}

// Close closes the chat.
func (t *Chat) Close() { t.change(t.close) }

// Snooze lays the chat aside for d.
func (t *Chat) Snooze(d time.Duration) { t.change(func(at int64) { t.snooze(at, d) }) }

// Assign makes m the assignee; nil = nobody.
func (t *Chat) Assign(m *Manager) { t.change(func(at int64) { t.assign(at, m) }) }

// SetTeam gives the chat to a team; "" = none.
func (t *Chat) SetTeam(id string) { t.change(func(int64) { t.wire.TeamID = id }) }

// SetALF hands the chat to the AI answerer, or takes it away from it.
func (t *Chat) SetALF(on bool) {
	t.change(func(int64) {
		t.wire.Handling = nil
		if on {
			t.wire.Handling = &wireHandling{ID: t.c.ct.names.hex(16), Type: "alf", State: "respond"}
		}
	})
}

// Tag adds tags.
func (t *Chat) Tag(tags ...string) {
	t.change(func(at int64) {
		t.addTags(tags)
		t.log(at, "addTags", tags...)
	})
}

// Untag removes tags.
func (t *Chat) Untag(tags ...string) {
	t.change(func(at int64) {
		t.wire.Tags = slices.DeleteFunc(slices.Clone(t.wire.Tags), func(s string) bool { return slices.Contains(tags, s) })
		t.log(at, "removeTags", tags...)
	})
}

func (t *Chat) addTags(tags []string) {
	for _, tag := range tags {
		if !slices.Contains(t.wire.Tags, tag) {
			t.wire.Tags = append(slices.Clone(t.wire.Tags), tag)
		}
		if t.c.tags[tag] == nil {
			id := strconv.Itoa(t.c.ct.nextID())
			t.c.tags[tag] = &wireTag{
				ID: id, ChannelID: t.c.ID, ColorVariant: "cobalt", Name: tag, Key: t.c.ID + "-" + tag, CreatedAt: t.wire.CreatedAt,
			}
		}
	}
}

func (t *Chat) open(at int64) {
	reopened := t.wire.State == StateClosed
	t.move(StateOpened)
	w := &t.wire
	w.OpenedAt = at
	w.FirstOpenedAt = cmp.Or(w.FirstOpenedAt, at)
	w.SnoozedAt, w.ExpiresAt, w.QueuedAt = 0, 0, 0
	w.FirstRepliedAtAfterOpen, w.WaitingTime, w.FirstAssigneeIDAfter = 0, 0, w.AssigneeID
	if !t.c.quirks.KeepClosedAt {
		w.ClosedAt = 0
	}
	t.log(at, "open")
	t.opening(at, reopened)
}

func (t *Chat) enqueue(at int64) {
	reopened := t.wire.State == StateClosed
	t.move(StateQueued)
	t.wire.QueuedAt = at
	t.wire.FirstQueuedAt = cmp.Or(t.wire.FirstQueuedAt, at)
	t.log(at, "enqueue")
	t.opening(at, reopened)
}

// opening notes what a watcher must notice: the first time a chat is opened or queued, and each time after it was closed.
func (t *Chat) opening(at int64, reopened bool) {
	h := Happening{Kind: ChatOpened, ChatID: t.wire.ID, UserID: t.wire.UserID, At: time.UnixMilli(at)}
	first := (t.wire.FirstOpenedAt == at || t.wire.FirstOpenedAt == 0) && (t.wire.FirstQueuedAt == at || t.wire.FirstQueuedAt == 0)
	switch {
	case reopened:
		h.Kind = ChatReopened
	case !first:
		return
	}
	t.c.happened(h)
}

func (t *Chat) close(at int64) {
	t.move(StateClosed)
	w := &t.wire
	w.ClosedAt = at
	w.AskedAt, w.SnoozedAt, w.ExpiresAt, w.QueuedAt = 0, 0, 0, 0
	w.ResolutionTime = at - cmp.Or(w.OpenedAt, w.CreatedAt)
	w.OneStop = w.FirstOpenedAt == w.OpenedAt
	t.log(at, "close")
}

func (t *Chat) snooze(at int64, d time.Duration) {
	t.move(StateSnoozed)
	t.wire.SnoozedAt = at
	t.wire.ExpiresAt = at + d.Milliseconds()
	t.log(at, "snooze")
}

func (t *Chat) assign(at int64, m *Manager) {
	if m == nil {
		t.wire.AssigneeID = ""
		t.log(at, "unassign")
		return
	}
	t.wire.AssigneeID = m.wire.ID
	t.wire.FirstAssigneeIDAfter = cmp.Or(t.wire.FirstAssigneeIDAfter, m.wire.ID)
	if !slices.Contains(t.wire.ManagerIDs, m.wire.ID) {
		t.wire.ManagerIDs = append(slices.Clone(t.wire.ManagerIDs), m.wire.ID)
	}
	t.log(at, "assign", m.wire.ID)
}

// move puts the chat on another shelf, at its end.
func (t *Chat) move(state string) {
	t.c.shelf(t.wire.State).take(t)
	t.wire.State = state
	t.c.shelf(state).put(t, t.c.nextEntry())
	t.json = nil
}

func (c *Channel) shelf(state string) *shelf {
	s := c.shelves[state]
	if s == nil {
		s = &shelf{}
		c.shelves[state] = s
	}
	return s
}

func (c *Channel) nextEntry() uint64 {
	c.entries++
	return c.entries
}
