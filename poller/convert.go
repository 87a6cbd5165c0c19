package poller

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// chatRow is one row of a list of chats, in our own types.
type chatRow struct {
	talkrelay.Chat
	answered  bool // somebody of the team has replied since the last opening
	updatedAt time.Time
	last      *channeltalk.Message
	raw       json.RawMessage

	firstQueuedAt time.Time
	front, desk   moved // the last message that the customer can see, and the last of all
}

// moved is a message that a row names.
type moved struct {
	id string
	at time.Time // zero = not told
}

// userRow is one user of a reply, in our own types.
type userRow struct {
	talkrelay.User
	updatedAt  time.Time
	hasProfile bool
	alone      bool // read by its id: then everything is shown
	raw        json.RawMessage
}

// chatRows returns the chats of page, each once, with its last message.
func chatRows(page *channeltalk.ChatPage) []chatRow {
	last := make(map[string]*channeltalk.Message, len(page.Messages))
	for i := range page.Messages {
		m := &page.Messages[i]
		if known := last[m.ChatID]; known == nil || m.CreatedAt.After(known.CreatedAt) {
			last[m.ChatID] = m
		}
	}
	rows := make([]chatRow, 0, len(page.UserChats))
	seen := make(map[string]bool, len(page.UserChats))
	for i := range page.UserChats {
		c := &page.UserChats[i]
		if c.ID == "" || seen[c.ID] {
			continue
		}
		seen[c.ID] = true
		rows = append(rows, newChatRow(c, last[c.ID]))
	}
	return rows
}

func newChatRow(c *channeltalk.UserChat, last *channeltalk.Message) chatRow {
	return chatRow{
		Chat: talkrelay.Chat{
			ID:              c.ID,
			ChannelID:       c.ChannelID,
			UserID:          c.UserID,
			State:           c.State,
			Name:            clean(c.Name),
			Title:           clean(c.Title),
			Description:     clean(c.Description),
			Priority:        c.Priority,
			MediumType:      c.MediumType,
			Page:            clean(c.Page),
			Workflow:        c.WorkflowID,
			HandlingType:    c.HandlingType,
			AssigneeID:      c.AssigneeID,
			TeamID:          c.TeamID,
			ManagerIDs:      c.ManagerIDs,
			Tags:            c.Tags,
			CreatedAt:       c.CreatedAt,
			FirstOpenedAt:   c.FirstOpenedAt,
			OpenedAt:        c.OpenedAt,
			QueuedAt:        c.QueuedAt,
			SnoozedAt:       c.SnoozedAt,
			ExpiresAt:       c.ExpiresAt,
			ClosedAt:        c.ClosedAt,
			FirstAskedAt:    c.FirstAskedAt,
			AskedAt:         c.AskedAt,
			FirstRepliedAt:  c.FirstRepliedAtAfterOpen,
			WaitingTime:     c.WaitingTime,
			UserLastMessage: c.UserLastMessageID,
		},
		answered:  !c.FirstRepliedAtAfterOpen.IsZero() || c.WaitingTime > 0,
		updatedAt: c.UpdatedAt,
		last:      last,
		raw:       c.Raw,

		firstQueuedAt: c.FirstQueuedAt,
		front:         moved{c.FrontMessageID, c.FrontUpdatedAt},
		desk:          moved{c.DeskMessageID, c.DeskUpdatedAt},
	}
}

func newUserRow(u *channeltalk.User) userRow {
	row := userRow{
		User: talkrelay.User{
			ID:       u.ID,
			MemberID: u.MemberID,
			Type:     u.Type,
			Member:   u.Member || u.Type == "member",
			Name:     clean(u.Name),
			Contact: talkrelay.Contact{
				Email:          clean(u.Email),
				MobileNumber:   clean(u.MobileNumber),
				LandlineNumber: clean(u.LandlineNumber),
			},
			Subscription: talkrelay.Subscription{
				UnsubscribeEmail:   u.UnsubscribeEmail,
				UnsubscribeTexting: u.UnsubscribeTexting,
				UnsubscribeAppPush: u.UnsubscribeAppPush,
			},
			Tags:     u.Tags,
			Language: u.Language,
			Country:  u.Country,
			Profile:  maps.Clone(u.Profile),
		},
		updatedAt:  u.UpdatedAt,
		hasProfile: u.Profile != nil,
		raw:        u.Raw,
	}
	for key, value := range row.Profile {
		row.Profile[key] = clean(value)
	}
	return row
}

// newLoneUserRow is newUserRow for a user who was read by its id.
func newLoneUserRow(u *channeltalk.User) userRow {
	row := newUserRow(u)
	row.alone = true
	return row
}

func newMessage(m *channeltalk.Message) talkrelay.Message {
	return talkrelay.Message{
		ID:         m.ID,
		PersonType: m.PersonType,
		PersonID:   m.PersonID,
		Text:       clean(m.Text),
		Files:      m.Files,
		Private:    m.Private(),
		Log:        m.LogAction,
		CreatedAt:  m.CreatedAt,
	}
}

// clean makes a text of a stranger's fit to be compared and shown.
func clean(s string) string { return strings.TrimSpace(talkrelay.CleanText(s)) }

// referred is one object that an envelope refers to.
type referred struct {
	name string
	raw  json.RawMessage // nil = not at hand, left out
}

// newEnvelope makes the body that Channel Talk's webhook would have posted, with the objects exactly as the API gave
// them. It copies them: they share memory with their page. nil = the entity itself is not at hand.
func newEnvelope(event, typ string, entity json.RawMessage, refers ...referred) json.RawMessage {
	if entity == nil {
		return nil
	}
	size := len(event) + len(typ) + len(entity) + 64
	for _, r := range refers {
		size += len(r.name) + len(r.raw) + 8
	}
	b := fmt.Appendf(make([]byte, 0, size), `{"event":%q,"type":%q,"entity":%s,"refers":{`, event, typ, entity)
	comma := ""
	for _, r := range refers {
		if r.raw != nil {
			b = fmt.Appendf(b, `%s%q:%s`, comma, r.name, r.raw)
			comma = ","
		}
	}
	return append(b, "}}"...)
}

// channelOf returns the id of the channel that a chat or user belongs to, "" if it does not say.
func channelOf(raw json.RawMessage) string {
	var entity struct {
		ChannelID string `json:"channelId"`
	}
	if err := json.Unmarshal(raw, &entity); err != nil {
		return ""
	}
	return entity.ChannelID
}

// deskURL fills in the address of a chat. "" if an id it needs is unknown.
func deskURL(template, channelID, chatID string) string {
	if chatID == "" || channelID == "" && strings.Contains(template, "{channelId}") {
		return ""
	}
	return strings.NewReplacer("{channelId}", url.PathEscape(channelID), "{chatId}", url.PathEscape(chatID)).Replace(template)
}
