package poller

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

	"talkrelay"
	"talkrelay/channeltalk"
)

// messages is the stream of what is written in chats. Which chats it has to read is in the store, where the chats stream
// puts them, so it goes on after a restart and behind a budget. A step reads one chat, latest message first, until it
// meets what has been read before.
type messages struct {
	api     API
	events  eventMaker
	details *details
	threads *threads
	include []string // classes of messages that count
	health  *talkrelay.Health
	log     *slog.Logger
	beat    func()
}

const (
	messagesStream = "messages" // key of the cursor: never changes
	threadLimit    = 100        // messages in the first request for a chat: mostly one is new
)

func newMessages(cfg *Config, r *chatReader) *messages {
	m := &messages{
		api: cfg.API, events: r.events, details: r.details, log: cfg.Logger, beat: cfg.Beat,
		include: cfg.Include,
		threads: &threads{
			desk: slices.Contains(cfg.Include, talkrelay.ClassPrivate) || slices.Contains(cfg.Include, talkrelay.ClassLog),
			rows: map[string]inquiry{},
		},
		health: talkrelay.NewHealth(cfg.Logger, "messages of a chat not read", "messages of a chat read again"),
	}
	m.threads.waiting.Store(true) // there may be some from before the start
	return m
}

// Name implements Stream.
func (s *messages) Name() string { return messagesStream }

// Poll implements Stream. from is the chat read last: chats take turns, so that one which cannot be read holds up none.
func (s *messages) Poll(ctx context.Context, prev View, from Position) (Batch, error) {
	if !s.threads.waiting.Load() {
		return Batch{}, nil
	}
	some, err := prev.Entities(talkrelay.EntityUnread, string(from), 1)
	if err != nil {
		return Batch{Next: from}, fmt.Errorf("read which chats are unread: %w", err)
	}
	if len(some) == 0 {
		s.threads.waiting.Store(from != nil) // those before it may have come anew
		return Batch{}, nil
	}
	next := Position(some[0].ID)
	u, err := decodeUnread(some[0])
	if err != nil {
		return Batch{Next: from}, err
	}
	b, err := s.read(ctx, prev, some[0].ID, u)
	if err != nil && perhapsAlone(err) {
		s.health.Broken(err)
		return Batch{Next: next}, nil
	}
	if err != nil {
		return Batch{Next: from}, err
	}
	s.health.OK()
	b.Next = next
	return b, nil
}

// read makes the events of what is new in a chat.
func (s *messages) read(ctx context.Context, prev View, chatID string, u unread) (Batch, error) {
	thread, waits := talkrelay.Ref{Type: talkrelay.EntityThread, ID: chatID}, talkrelay.Ref{Type: talkrelay.EntityUnread, ID: chatID}
	known, err := readThread(prev, thread)
	if err != nil {
		return Batch{}, err
	}
	known.At = max(known.At, u.Since+1)
	fresh, bots, err := readFresh(func(q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
		defer s.beat()
		return s.api.Messages(ctx, chatID, q)
	}, threadLimit, known)
	if channeltalk.KindOf(err) == channeltalk.Gone {
		return Batch{Entities: map[talkrelay.Ref][]byte{thread: nil, waits: nil}}, nil
	}
	if err != nil {
		return Batch{}, err
	}
	b := Batch{Entities: map[talkrelay.Ref][]byte{waits: nil}}
	after := known.after(fresh)
	after.Tip = u.Tip
	b.Entities[thread] = encode(after)
	told := slices.DeleteFunc(fresh, func(m channeltalk.Message) bool { return !counts(&m, s.include) })
	if len(told) == 0 {
		return b, nil
	}
	o, err := s.context(ctx, chatID)
	if err != nil {
		return Batch{}, err
	}
	for i := range slices.Backward(told) {
		b.Events = append(b.Events, s.events.wrote(&told[i], o, s.details.author(ctx, &told[i], o.user, bots)))
	}
	return b, nil
}

func readThread(prev View, ref talkrelay.Ref) (t thread, err error) {
	_, err = readSnapshot(prev, ref, &t)
	return t, err
}

// counts reports whether m is a message to tell of where these classes are asked for; routes are choosier.
func counts(m *channeltalk.Message, include []string) bool {
	if m.State == "removed" || m.State == "failed" {
		return false
	}
	for _, class := range newMessage(m).Classes() {
		if !slices.Contains(include, class) {
			return false
		}
	}
	return true
}

// readFresh returns the messages of a chat that were written since known, latest first, and the bots among their authors.
// limit is how many are asked for at first. Pages can show a message twice, a list that goes round in a circle ends, and a
// page that is empty though the one before had a next is asked for once more.
func readFresh(ask func(channeltalk.MessageQuery) (*channeltalk.MessagePage, error), limit int, known thread) (list []channeltalk.Message, bots []channeltalk.Bot, err error) {
	q := channeltalk.MessageQuery{SortOrder: "desc", Limit: limit}
	seen, again := map[string]bool{}, false
	for {
		page, err := ask(q)
		if err != nil {
			return nil, nil, err
		}
		if len(page.Messages) == 0 && q.Since != "" && !again {
			again = true
			continue
		}
		bots = append(bots, page.Bots...)
		before, met := len(seen), false
		for _, m := range page.Messages {
			if known.has(&m) {
				met = true
				continue
			}
			if !seen[m.ID] {
				seen[m.ID] = true
				list = append(list, m)
			}
		}
		if met || page.Next == "" || page.Next == q.Since || len(seen) == before {
			return list, bots, nil
		}
		q.Since, q.Limit = page.Next, pageLimit
	}
}

// has reports whether m has been read, or is older than what has.
func (t *thread) has(m *channeltalk.Message) bool {
	at := millis(m.CreatedAt)
	return at < t.At || at == t.At && slices.Contains(t.IDs, m.ID)
}

// after returns t once fresh has been read as well.
func (t thread) after(fresh []channeltalk.Message) thread {
	for i := range fresh {
		switch at := millis(fresh[i].CreatedAt); {
		case at > t.At:
			t.At, t.IDs = at, []string{fresh[i].ID}
		case at == t.At:
			t.IDs = append(slices.Clone(t.IDs), fresh[i].ID)
		}
	}
	return t
}

// context returns the chat that messages stand in: as a list has shown it, else as it is now.
func (s *messages) context(ctx context.Context, chatID string) (inquiry, error) {
	if o, ok := s.threads.take(chatID); ok {
		o.assignee = s.details.person(ctx, nil, o.chat.AssigneeID)
		return o, nil
	}
	chat, err := s.api.UserChat(ctx, chatID)
	s.beat()
	if err != nil {
		return inquiry{}, err
	}
	row := newChatRow(chat, nil)
	row.ID = chatID
	o := inquiry{chat: &row, assignee: s.details.person(ctx, nil, row.AssigneeID)}
	if row.UserID == "" {
		return o, nil
	}
	o.fallback = talkrelay.User{ID: row.UserID}
	if u := s.details.user(ctx, row.UserID); u != nil {
		user := newLoneUserRow(u)
		o.user = &user
	}
	return o, nil
}

// author is who wrote m, under the name that the envelope has for them. user is the customer of its chat; nil = not known.
func (d *details) author(ctx context.Context, m *channeltalk.Message, user *userRow, bots []channeltalk.Bot) author {
	switch m.PersonType {
	case "manager":
		p := d.person(ctx, nil, m.PersonID)
		return author{p.Name, referred{"manager", d.managerRaw[m.PersonID]}}
	case "bot":
		for _, b := range bots {
			if b.ID == m.PersonID {
				return author{clean(b.Name), referred{"bot", b.Raw}}
			}
		}
	case "user":
		if user != nil {
			return author{user.Name, referred{"user", user.raw}}
		}
	}
	return author{}
}

// author is somebody who wrote a message.
type author struct {
	name  string
	refer referred
}

// wrote makes the event of a message.
func (m *eventMaker) wrote(msg *channeltalk.Message, o inquiry, by author) talkrelay.Event {
	o.at, o.message = msg.CreatedAt, msg
	e := m.aboutChat(talkrelay.UserChatMessage, msg.ID, "push", o)
	e.Message.PersonName = by.name
	e.Envelope = newEnvelope("push", "message", msg.Raw, referred{"userChat", o.chat.raw}, by.refer)
	return e
}

// keepRaw returns a copy of raw that holds no page in memory.
func keepRaw(raw json.RawMessage) json.RawMessage { return bytes.Clone(raw) }
