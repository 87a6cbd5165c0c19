// Package talkrelay holds the types that travel through the relay: what happened in Channel Talk (Event), what is
// written together (Commit), what is on its way to a destination (Shipment). It imports the standard library only.
//
// Data flows one way: channeltalk reads the API, poller finds what is new, state keeps it in one file, dispatch
// takes it from there to a sink. Start reading in ARCHITECTURE.md.
package talkrelay

import (
	"encoding/json"
	"time"
)

// Change says whether an event is about something seen for the first time.
type Change string

// The values of Event.Change.
const (
	Created Change = "created"
	Updated Change = "updated"
)

// Event is one thing that happened once. Its ID is made from the API's own values only (kind, entity, and what makes
// the occurrence unique), so the same fact seen twice is one event.
//
// Its JSON form is what the state file keeps until the retention ends: fields are added, never renamed or reused.
// Everything in it but ID, Kind, Channel and the times may be customer data.
type Event struct {
	ID      string    `json:"id"`
	Kind    Kind      `json:"kind"`
	Channel string    `json:"channel"`         // the channel's name in the config file
	At      time.Time `json:"at"`              // when it happened, by Channel Talk's clock
	Seen    time.Time `json:"seen"`            // when we saw it, by ours
	Change  Change    `json:"change,omitzero"` // created or updated; empty where the kind has no such difference

	Chat   Chat    `json:"chat,omitzero"`
	User   User    `json:"user,omitzero"`
	Old    Contact `json:"old,omitzero"`    // contact fields before an update
	Before Before  `json:"before,omitzero"` // the chat before the change, where Kind is one in a chat's life

	OldSubscription Subscription `json:"oldSubscription,omitzero"` // before a change of subscriptions

	Stage  int           `json:"stage,omitempty"`  // how often the customer's wait has been told of, this time included
	Waited time.Duration `json:"waited,omitempty"` // how long the customer has waited, in hours of business

	Group    Group   `json:"group,omitzero"`   // of a message in a team chat, which has no Chat and no User
	Message  Message `json:"message,omitzero"` // of an opening: the customer's where one is known; else the chat's last one
	Assignee Person  `json:"assignee,omitzero"`
	Team     Team    `json:"team,omitzero"`

	DeskURL  string `json:"deskUrl,omitempty"`  // opens the chat in Channel Talk
	TimeZone string `json:"timeZone,omitempty"` // IANA name; times of this event are shown in it

	// Envelope is the body Channel Talk's webhook would have posted: {event, type, entity, refers}.
	Envelope json.RawMessage `json:"envelope,omitempty"`
}

// Chat is a userChat: one conversation with one customer. Fields are named and meant as in the Open API;
// a time that the API left out is the zero time.
type Chat struct {
	ID              string        `json:"id,omitempty" expr:"id"`
	ChannelID       string        `json:"channelId,omitempty" expr:"channelId"`
	UserID          string        `json:"userId,omitempty" expr:"userId"`
	State           string        `json:"state,omitempty" expr:"state"` // opened, queued, snoozed, closed, and whatever the API adds
	Name            string        `json:"name,omitempty" expr:"name"`
	Title           string        `json:"title,omitempty" expr:"title"`
	Description     string        `json:"description,omitempty" expr:"description"`
	Priority        string        `json:"priority,omitempty" expr:"priority"`
	MediumType      string        `json:"mediumType,omitempty" expr:"mediumType"` // native, phone, email, app
	Page            string        `json:"page,omitempty" expr:"page"`             // source.page: where the customer came from
	Workflow        string        `json:"workflow,omitempty" expr:"workflow"`     // source.workflow.id
	HandlingType    string        `json:"handlingType,omitempty" expr:"handlingType"`
	AssigneeID      string        `json:"assigneeId,omitempty" expr:"assigneeId"`
	TeamID          string        `json:"teamId,omitempty" expr:"teamId"`
	ManagerIDs      []string      `json:"managerIds,omitempty" expr:"managerIds"`
	Tags            []string      `json:"tags,omitempty" expr:"tags"`
	BotOnly         bool          `json:"botOnly,omitempty" expr:"botOnly"` // only bots have written so far, as far as we positively know
	Reopened        bool          `json:"reopened,omitempty" expr:"reopened"`
	CreatedAt       time.Time     `json:"createdAt,omitzero" expr:"createdAt"`
	FirstOpenedAt   time.Time     `json:"firstOpenedAt,omitzero" expr:"firstOpenedAt"`
	OpenedAt        time.Time     `json:"openedAt,omitzero" expr:"openedAt"`
	QueuedAt        time.Time     `json:"queuedAt,omitzero" expr:"queuedAt"`
	SnoozedAt       time.Time     `json:"snoozedAt,omitzero" expr:"snoozedAt"`
	ExpiresAt       time.Time     `json:"expiresAt,omitzero" expr:"expiresAt"` // when a snooze ends
	ClosedAt        time.Time     `json:"closedAt,omitzero" expr:"closedAt"`   // perhaps still set after the chat was opened again
	FirstAskedAt    time.Time     `json:"firstAskedAt,omitzero" expr:"firstAskedAt"`
	AskedAt         time.Time     `json:"askedAt,omitzero" expr:"askedAt"`
	FirstRepliedAt  time.Time     `json:"firstRepliedAtAfterOpen,omitzero" expr:"firstRepliedAtAfterOpen"` // first answer since the last opening; zero = none yet
	WaitingTime     time.Duration `json:"waitingTime,omitempty" expr:"waitingTime"`                        // until the first answer after opening; 0 = none yet
	UserLastMessage string        `json:"userLastMessageId,omitempty" expr:"userLastMessageId"`
}

// Before is what an event in a chat's life found stored of the chat: what it was when last looked at.
type Before struct {
	State      string   `json:"state,omitempty" expr:"state"`
	AssigneeID string   `json:"assigneeId,omitempty" expr:"assigneeId"`
	TeamID     string   `json:"teamId,omitempty" expr:"teamId"`
	Tags       []string `json:"tags,omitempty" expr:"tags"` // in alphabetical order
}

// User is a customer.
type User struct {
	ID       string `json:"id,omitempty" expr:"id"`
	MemberID string `json:"memberId,omitempty" expr:"memberId"`
	Type     string `json:"type,omitempty" expr:"type"` // member, lead, unified, and whatever the API adds
	Member   bool   `json:"member,omitempty" expr:"member"`
	Name     string `json:"name,omitempty" expr:"name"`
	Contact
	Subscription
	Tags     []string          `json:"tags,omitempty" expr:"tags"`
	Language string            `json:"language,omitempty" expr:"language"`
	Country  string            `json:"country,omitempty" expr:"country"`
	Profile  map[string]string `json:"profile,omitempty" expr:"profile"` // scalar profile fields, as text
}

// Contact holds the fields whose change is an event. Numbers are as Channel Talk gives them, usually E.164.
type Contact struct {
	Email          string `json:"email,omitempty" expr:"email"`
	MobileNumber   string `json:"mobileNumber,omitempty" expr:"mobileNumber"`
	LandlineNumber string `json:"landlineNumber,omitempty" expr:"landlineNumber"`
}

// Subscription holds what a customer does not want to be sent.
type Subscription struct {
	UnsubscribeEmail   bool `json:"unsubscribeEmail,omitempty" expr:"unsubscribeEmail"`
	UnsubscribeTexting bool `json:"unsubscribeTexting,omitempty" expr:"unsubscribeTexting"`
	UnsubscribeAppPush bool `json:"unsubscribeAppPush,omitempty" expr:"unsubscribeAppPush"` // lists do not show it
}

// Message is one message of a chat. Text is plain, without mark-up and control characters.
type Message struct {
	ID         string    `json:"id,omitempty" expr:"id"`
	PersonType string    `json:"personType,omitempty" expr:"personType"` // user, manager, bot
	PersonID   string    `json:"personId,omitempty" expr:"personId"`
	PersonName string    `json:"personName,omitempty" expr:"personName"` // "" = not known
	Text       string    `json:"text,omitempty" expr:"text"`
	Files      int       `json:"files,omitempty" expr:"files"`     // how many are attached
	Private    bool      `json:"private,omitempty" expr:"private"` // an internal note: the customer does not see it
	Log        string    `json:"log,omitempty" expr:"log"`         // what was done to the chat, where nobody wrote anything: open, close, assign …
	CreatedAt  time.Time `json:"createdAt,omitzero" expr:"createdAt"`
}

// Classes returns what makes a message one of those that are left out unless somebody asks for all of it: ClassBot,
// ClassPrivate, ClassLog; none = an ordinary message. A log entry is nothing else, whoever did what it records.
func (m Message) Classes() []string {
	var classes []string
	if m.Log != "" {
		return append(classes, ClassLog)
	}
	if m.PersonType == "bot" {
		classes = append(classes, ClassBot)
	}
	if m.Private {
		classes = append(classes, ClassPrivate)
	}
	return classes
}

// Classes of messages, see Message.Classes.
const (
	ClassBot     = "bot"     // written by a bot, the AI answerer included
	ClassPrivate = "private" // an internal note, whoever wrote it
	ClassLog     = "log"     // a record of what was done to the chat
)

// Person is a manager of the support team.
type Person struct {
	ID    string `json:"id,omitempty" expr:"id"`
	Name  string `json:"name,omitempty" expr:"name"`
	Email string `json:"email,omitempty" expr:"email"`
}

// Group is a team chat: a place where the support team talks among itself.
type Group struct {
	ID    string `json:"id,omitempty" expr:"id"`
	Name  string `json:"name,omitempty" expr:"name"`   // title in the Open API
	Scope string `json:"scope,omitempty" expr:"scope"` // all, public, private
}

// Team is a team of managers. The Open API names only its id; the name comes from the config file.
type Team struct {
	ID   string `json:"id,omitempty" expr:"id"`
	Name string `json:"name,omitempty" expr:"name"`
}
