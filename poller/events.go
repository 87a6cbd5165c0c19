package poller

import (
	"fmt"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// eventMaker fills in what the events of a channel have in common.
type eventMaker struct {
	channel  string
	timeZone string
	deskURL  string
	teams    map[string]string
}

func newEventMaker(cfg *Config) eventMaker {
	return eventMaker{channel: cfg.Name, timeZone: cfg.Location.String(), deskURL: cfg.DeskURL, teams: cfg.Teams}
}

// inquiry is what an event of kind userChat.opened is made of.
type inquiry struct {
	chat     *chatRow
	at       time.Time // zero = the chat tells no time
	reopened bool
	message  *channeltalk.Message // nil = none to show
	assignee talkrelay.Person
	user     *userRow       // nil = not to be had …
	fallback talkrelay.User // … and this is what is known
}

func (m *eventMaker) opened(o inquiry) talkrelay.Event {
	now := time.Now()
	e := talkrelay.Event{
		ID:       fmt.Sprintf("%s/%s/%d", talkrelay.UserChatOpened, o.chat.ID, millis(o.at)),
		Kind:     talkrelay.UserChatOpened,
		Channel:  m.channel,
		At:       o.at,
		Seen:     now,
		Chat:     o.chat.Chat,
		User:     o.fallback,
		Assignee: o.assignee,
		Team:     talkrelay.Team{ID: o.chat.TeamID, Name: m.teams[o.chat.TeamID]},
		TimeZone: m.timeZone,
	}
	if e.At.IsZero() {
		e.At = now
	}
	e.Chat.BotOnly, e.Chat.Reopened = o.chat.botOnly(), o.reopened
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
	// "push" is what Channel Talk's webhook sends for a new chat (seen in receivers of it; the docs show it for messages).
	e.Envelope = newEnvelope("push", "userChat", o.chat.raw, user, message)
	return e
}

func (m *eventMaker) contact(u userRow, c userChange) talkrelay.Event {
	now := time.Now()
	kind := contactKind(u.User)
	e := talkrelay.Event{
		ID:       contactEventID(kind, u.ID, u.Contact, c.snap.Changes),
		Kind:     kind,
		Channel:  m.channel,
		At:       u.updatedAt,
		Seen:     now,
		Change:   c.change,
		Chat:     talkrelay.Chat{ID: c.snap.Chat},
		User:     u.User,
		Old:      c.old,
		DeskURL:  deskURL(m.deskURL, channelOf(u.raw), c.snap.Chat),
		TimeZone: m.timeZone,
		Envelope: newEnvelope("upsert", "user", u.raw),
	}
	if e.At.IsZero() {
		e.At = now
	}
	return e
}
