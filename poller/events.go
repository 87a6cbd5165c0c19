package poller

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// eventMaker fills in what the events of a channel have in common.
type eventMaker struct {
	kinds    map[talkrelay.Kind]bool // that somebody asks for; nil = all
	channel  string
	timeZone string
	deskURL  string
	teamURL  string
	teams    map[string]string
}

func newEventMaker(cfg *Config) eventMaker {
	m := eventMaker{channel: cfg.Name, timeZone: cfg.Location.String(), deskURL: cfg.DeskURL, teamURL: cfg.TeamDeskURL, teams: cfg.Teams}
	if cfg.Kinds != nil {
		m.kinds = make(map[talkrelay.Kind]bool, len(cfg.Kinds))
		for _, k := range cfg.Kinds {
			m.kinds[k] = true
		}
	}
	return m
}

// wants reports whether events of kind k are to be made at all.
func (m *eventMaker) wants(k talkrelay.Kind) bool {
	return m.kinds == nil && k != talkrelay.UserChatMoved || m.kinds[k]
}

func (m *eventMaker) wantsSubscriptions() bool {
	return m.wants(talkrelay.LeadSubscription) || m.wants(talkrelay.MemberSubscription)
}

// inquiry is what an event about a chat is made of: its whole present state.
type inquiry struct {
	chat     *chatRow
	at       time.Time // zero = the chat tells no time
	reopened bool
	message  *channeltalk.Message // nil = none to show
	assignee talkrelay.Person
	user     *userRow       // nil = not to be had …
	fallback talkrelay.User // … and this is what is known
}

// opened makes the event of an opening.
func (m *eventMaker) opened(o inquiry) talkrelay.Event {
	// "push" is what Channel Talk's webhook sends for a new chat (seen in receivers of it; the docs show it for messages).
	return m.aboutChat(talkrelay.UserChatOpened, strconv.FormatInt(millis(o.at), 10), "push", o)
}

// lived makes the event of a change in a chat's life.
func (m *eventMaker) lived(c lifeChange, before talkrelay.Before, o inquiry) talkrelay.Event {
	o.at = c.at
	e := m.aboutChat(c.kind, c.key, "update", o)
	e.Before = before
	return e
}

// waited makes the event of a stage of waiting.
func (m *eventMaker) waited(d due, o inquiry) talkrelay.Event {
	e := m.aboutChat(talkrelay.UserChatWaiting, fmt.Sprintf("%d-%d", d.began, d.stage), "update", o)
	e.Stage, e.Waited = d.stage, d.waited
	return e
}

// aboutChat makes an event of what is known of a chat. key is the third part of its id, event the envelope's word for
// what happened.
func (m *eventMaker) aboutChat(kind talkrelay.Kind, key, event string, o inquiry) talkrelay.Event {
	now := time.Now()
	e := talkrelay.Event{
		ID:       fmt.Sprintf("%s/%s/%s", kind, o.chat.ID, key),
		Kind:     kind,
		Channel:  m.channel,
		At:       o.at,
		Seen:     now,
		Chat:     o.chat.present(o.reopened),
		User:     o.fallback,
		Assignee: o.assignee,
		Team:     m.team(o.chat.TeamID),
		TimeZone: m.timeZone,
	}
	if e.At.IsZero() {
		e.At = now
	}
	channelID := o.chat.ChannelID
	user, message := referred{name: "user"}, referred{name: "message"}
	if o.user != nil {
		e.User, user.raw = o.user.User, o.user.raw
		if channelID == "" {
			channelID = channelOf(o.user.raw)
		}
	}
	if o.message != nil {
		e.Message, message.raw = newMessage(o.message), o.message.Raw
	}
	e.DeskURL = deskURL(m.deskURL, channelID, o.chat.ID)
	e.Envelope = newEnvelope(event, "userChat", o.chat.raw, user, message)
	return e
}

// present is c as an event shows it.
func (c *chatRow) present(reopened bool) talkrelay.Chat {
	chat := c.Chat
	chat.BotOnly, chat.Reopened = c.botOnly(), reopened
	return chat
}

func (m *eventMaker) team(id string) talkrelay.Team {
	return talkrelay.Team{ID: id, Name: m.teams[id]}
}

// sightings makes the events of what has changed about a customer. chat is the customer's latest one, as far as it is
// known: at least its id.
func (m *eventMaker) sightings(u userRow, c userChange, chat talkrelay.Chat, assignee talkrelay.Person) []talkrelay.Event {
	var events []talkrelay.Event
	if kind := contactKind(u.User); c.change != "" && m.wants(kind) {
		e := m.aboutUser(kind, contactEventID(kind, u.ID, u.Contact, c.snap.Changes), u, chat, assignee)
		e.Change, e.Old = c.change, c.old
		events = append(events, e)
	}
	if kind := subscriptionKind(u.User); c.resubscribed && m.wants(kind) {
		u.Subscription = c.snap.Flags.subscription() // a list does not show all
		e := m.aboutUser(kind, fmt.Sprintf("%s/%s/%x-%d", kind, u.ID, int(c.snap.Flags), c.snap.Changes), u, chat, assignee)
		e.Change, e.OldSubscription = talkrelay.Updated, c.oldFlags.subscription()
		events = append(events, e)
	}
	return events
}

// news reports whether sightings would make any event of c.
func (m *eventMaker) news(u userRow, c userChange) bool {
	return c.change != "" && m.wants(contactKind(u.User)) || c.resubscribed && m.wants(subscriptionKind(u.User))
}

// deleted makes the event of a customer who is gone, from what is stored of them: nobody else knows any more.
func (m *eventMaker) deleted(id string, s userSnapshot, chat talkrelay.Chat, assignee talkrelay.Person) talkrelay.Event {
	kind := deletedKind(s.Member)
	u := userRow{User: talkrelay.User{
		ID: id, Type: "lead", Member: s.Member, Name: s.Name, Contact: s.contact(), Subscription: s.Flags.subscription(),
	}}
	if s.Member {
		u.Type = "member"
	}
	e := m.aboutUser(kind, fmt.Sprintf("%s/%s/deleted", kind, id), u, chat, assignee)
	e.Envelope = newEnvelope("delete", "user", encode(u.User))
	return e
}

// aboutUser makes an event of what is known of a customer.
func (m *eventMaker) aboutUser(kind talkrelay.Kind, id string, u userRow, chat talkrelay.Chat, assignee talkrelay.Person) talkrelay.Event {
	now := time.Now()
	e := talkrelay.Event{
		ID:       id,
		Kind:     kind,
		Channel:  m.channel,
		At:       u.updatedAt,
		Seen:     now,
		Chat:     chat,
		User:     u.User,
		Assignee: assignee,
		Team:     m.team(chat.TeamID),
		DeskURL:  deskURL(m.deskURL, cmp.Or(chat.ChannelID, channelOf(u.raw)), chat.ID),
		TimeZone: m.timeZone,
		Envelope: newEnvelope("upsert", "user", u.raw),
	}
	if e.At.IsZero() {
		e.At = now
	}
	return e
}
