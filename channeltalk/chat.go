package channeltalk

import (
	"encoding/json"
	"time"
)

// UserChat is one conversation with one customer, with the fields and meanings of the Open API. Any of them but ID may
// be missing, and is zero then. State, Priority, MediumType and HandlingType are open sets: expect unknown values.
type UserChat struct {
	ID           string
	ChannelID    string
	UserID       string
	State        string // opened, queued, snoozed, closed, initial, missed
	Name         string
	Title        string
	Description  string
	Priority     string // low, medium, high
	MediumType   string // native, phone, email, app; from source.medium or contactMediumType if the chat itself has none
	Page         string // source.page: address of the page the customer wrote from
	WorkflowID   string // source.workflow.id
	HandlingType string // handling.type: who has the chat before a person does
	AssigneeID   string
	TeamID       string
	ManagerIDs   []string
	Tags         []string

	CreatedAt               time.Time // may precede the opening by a long talk with a bot
	FirstOpenedAt           time.Time // never reset
	OpenedAt                time.Time // reset each time the chat is opened again
	FirstQueuedAt           time.Time // never reset
	QueuedAt                time.Time // reset each time the chat is queued again
	SnoozedAt               time.Time
	ExpiresAt               time.Time     // when a snooze ends
	ClosedAt                time.Time     // perhaps still set after the chat was opened again
	FirstAskedAt            time.Time     // never reset
	AskedAt                 time.Time     // the customer's last message that waits for an answer; zero = none does
	FirstRepliedAtAfterOpen time.Time     // reset each time the chat is opened again
	WaitingTime             time.Duration // from opening to first answer; 0 = no answer yet
	UpdatedAt               time.Time     // also moves on statistics, long after a close: no sign of a change, but of age

	FrontUpdatedAt time.Time // of the last message the customer can see
	DeskUpdatedAt  time.Time // of the last message on the desk

	FrontMessageID    string // last message the customer can see, by anyone, bots too
	DeskMessageID     string // last message on the desk, private notes and logs too
	UserLastMessageID string // last message by the customer

	// Raw is the object as it came, without NULs. It shares memory with its whole page: copy what outlives that.
	Raw json.RawMessage
}

func readUserChat(r *reader) (c UserChat, ok bool) {
	at := r.start()
	var mediumType, contactMediumType string
	for key := range r.members {
		switch string(key) {
		case "contactMediumType":
			contactMediumType = r.text()
		case "source":
			mediumType = c.readSource(r)
		case "handling":
			c.HandlingType = r.member("type")
		default:
			if f := c.textField(key); f != nil {
				*f = r.text()
			} else if f := c.timeField(key); f != nil {
				*f = r.time()
			} else {
				c.readOther(r, key)
			}
		}
	}
	c.MediumType = firstOf(c.MediumType, mediumType, contactMediumType)
	c.Raw = r.since(at)
	return c, c.ID != ""
}

func (c *UserChat) textField(key []byte) *string {
	switch string(key) {
	case "id":
		return &c.ID
	case "channelId":
		return &c.ChannelID
	case "userId":
		return &c.UserID
	case "state":
		return &c.State
	case "name":
		return &c.Name
	case "title":
		return &c.Title
	case "description":
		return &c.Description
	case "priority":
		return &c.Priority
	case "mediumType":
		return &c.MediumType
	case "assigneeId":
		return &c.AssigneeID
	case "teamId":
		return &c.TeamID
	case "frontMessageId":
		return &c.FrontMessageID
	case "deskMessageId":
		return &c.DeskMessageID
	case "userLastMessageId":
		return &c.UserLastMessageID
	}
	return nil
}

func (c *UserChat) timeField(key []byte) *time.Time {
	switch string(key) {
	case "createdAt":
		return &c.CreatedAt
	case "firstOpenedAt":
		return &c.FirstOpenedAt
	case "openedAt":
		return &c.OpenedAt
	case "firstQueuedAt":
		return &c.FirstQueuedAt
	case "queuedAt":
		return &c.QueuedAt
	case "snoozedAt":
		return &c.SnoozedAt
	case "expiresAt":
		return &c.ExpiresAt
	case "closedAt":
		return &c.ClosedAt
	case "firstAskedAt":
		return &c.FirstAskedAt
	case "askedAt":
		return &c.AskedAt
	case "firstRepliedAtAfterOpen":
		return &c.FirstRepliedAtAfterOpen
	case "updatedAt":
		return &c.UpdatedAt
	case "frontUpdatedAt":
		return &c.FrontUpdatedAt
	case "deskUpdatedAt":
		return &c.DeskUpdatedAt
	}
	return nil
}

func (c *UserChat) readOther(r *reader, key []byte) {
	switch string(key) {
	case "managerIds":
		c.ManagerIDs = r.texts()
	case "tags":
		c.Tags = r.texts()
	case "waitingTime":
		c.WaitingTime = r.duration()
	}
}

// readSource reads where the chat came from and returns source.medium.mediumType.
func (c *UserChat) readSource(r *reader) (mediumType string) {
	for key := range r.members {
		switch string(key) {
		case "page":
			c.Page = r.text()
		case "workflow":
			c.WorkflowID = r.member("id")
		case "medium":
			mediumType = r.member("mediumType")
		}
	}
	return mediumType
}

// firstOf returns the first text that is not empty.
func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
