package sink

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"talkrelay"
)

// View is what a template sees of an event. Every text in it is clean, every time is in the event's time zone, and
// whatever is absent prints as nothing.
type View struct {
	Kind   talkrelay.Kind
	Change talkrelay.Change
	Chat   ViewChat
	User   ViewUser
	Old    talkrelay.Contact
	Before ViewBefore

	OldSubscription talkrelay.Subscription

	Stage  int      // of userChat.waiting: 1, 2 …
	Waited Duration // of userChat.waiting: how long, in hours of business

	Group    talkrelay.Group // of a message in a team chat
	Message  ViewMessage
	Assignee talkrelay.Person
	Team     talkrelay.Team

	AssigneeMention string // calls the assignee where the destination can do that, else their name

	Tags    List          // the chat's
	Changes []FieldChange // contact fields or subscriptions that are new or differ; none unless Kind is about them
	Channel string        // its name in the config file
	DeskURL string        // opens the chat in Channel Talk
	At      Time          // when it happened
	Seen    Time          // when talkrelay saw it
	Lang    Language
}

// ViewChat is a chat with values that print well.
type ViewChat struct {
	talkrelay.Chat
	ManagerIDs     List
	Tags           List
	CreatedAt      Time
	FirstOpenedAt  Time
	OpenedAt       Time
	QueuedAt       Time
	SnoozedAt      Time
	ExpiresAt      Time
	ClosedAt       Time
	FirstAskedAt   Time
	AskedAt        Time
	FirstRepliedAt Time
	WaitingTime    Duration
}

// ViewBefore is a chat before the change that an event tells of, with what the change made of its tags.
type ViewBefore struct {
	talkrelay.Before
	Tags    List
	Added   List // tags that the chat has got
	Removed List // tags that it has no more
}

// ViewUser is a customer with values that print well.
type ViewUser struct {
	talkrelay.User
	Tags    List
	Profile Profile
}

// ViewMessage is a message with a time that prints well.
type ViewMessage struct {
	talkrelay.Message
	CreatedAt Time
}

// FieldChange is one field of a customer that is new or differs.
type FieldChange struct {
	Name  string // in the Open API: mobileNumber, landlineNumber, email, unsubscribeEmail, unsubscribeTexting, unsubscribeAppPush
	Field string // the word for it
	Old   string // empty if it had none
	New   string // empty if it has none any more
}

// NewView returns what templates see of e in the language lang. A time zone that is not known counts as UTC.
func NewView(e talkrelay.Event, lang Language) View { return NewViewIn(e, lang, time.UTC) }

// NewViewIn is NewView with a time zone for events that name none, or none that is known. An event in just that zone
// costs a fifth, because its zone need not be read from disk.
func NewViewIn(e talkrelay.Event, lang Language, usual *time.Location) View {
	zone := usual
	if e.TimeZone != "" && e.TimeZone != usual.String() {
		if named, err := time.LoadLocation(e.TimeZone); err == nil {
			zone = named
		}
	}
	in := func(t time.Time) Time { return Time{t.In(zone)} }
	v := View{
		Kind: e.Kind, Change: e.Change, Lang: lang,
		Chat:   viewChat(e.Chat, in),
		User:   viewUser(e.User),
		Old:    cleanContact(e.Old),
		Before: viewBefore(e),

		OldSubscription: e.OldSubscription,

		Stage:  e.Stage,
		Waited: Duration(e.Waited),

		Group:    e.Group,
		Message:  viewMessage(e.Message, in),
		Assignee: e.Assignee,
		Team:     e.Team,
		Channel:  e.Channel,
		DeskURL:  e.DeskURL,
		At:       in(e.At),
		Seen:     in(e.Seen),
	}
	toOneLine(&v.Assignee.ID, &v.Assignee.Name, &v.Assignee.Email, &v.Team.ID, &v.Team.Name, &v.DeskURL, &v.Group.ID, &v.Group.Name, &v.Group.Scope)
	v.Tags, v.AssigneeMention = v.Chat.Tags, v.Assignee.Name
	switch {
	case e.Kind.ContactEvent():
		v.Changes = changes(v.Old, v.User.Contact, lang.Words())
	case e.Kind.SubscriptionEvent():
		v.Changes = resubscribed(e.OldSubscription, v.User.Subscription, lang.Words())
	}
	return v
}

func viewChat(c talkrelay.Chat, in func(time.Time) Time) ViewChat {
	toOneLine(
		&c.ID, &c.ChannelID, &c.UserID, &c.State, &c.Name, &c.Title, &c.Priority, &c.MediumType, &c.Page, &c.Workflow,
		&c.HandlingType, &c.AssigneeID, &c.TeamID, &c.UserLastMessage,
	)
	c.Description = Clean(c.Description)
	c.Tags, c.ManagerIDs = cleanList(c.Tags), cleanList(c.ManagerIDs)
	return ViewChat{
		Chat:           c,
		ManagerIDs:     c.ManagerIDs,
		Tags:           c.Tags,
		CreatedAt:      in(c.CreatedAt),
		FirstOpenedAt:  in(c.FirstOpenedAt),
		OpenedAt:       in(c.OpenedAt),
		QueuedAt:       in(c.QueuedAt),
		SnoozedAt:      in(c.SnoozedAt),
		ExpiresAt:      in(c.ExpiresAt),
		ClosedAt:       in(c.ClosedAt),
		FirstAskedAt:   in(c.FirstAskedAt),
		AskedAt:        in(c.AskedAt),
		FirstRepliedAt: in(c.FirstRepliedAt),
		WaitingTime:    Duration(c.WaitingTime),
	}
}

func viewBefore(e talkrelay.Event) ViewBefore {
	if !e.Kind.LifeEvent() {
		return ViewBefore{}
	}
	b := e.Before
	toOneLine(&b.State, &b.AssigneeID, &b.TeamID)
	b.Tags = cleanList(b.Tags)
	tags := cleanList(e.Chat.Tags)
	return ViewBefore{Before: b, Tags: b.Tags, Added: without(tags, b.Tags), Removed: without(b.Tags, tags)}
}

// without returns those of list that are not in others.
func without(list, others []string) []string {
	var rest []string
	for _, s := range list {
		if !slices.Contains(others, s) {
			rest = append(rest, s)
		}
	}
	return rest
}

func viewUser(u talkrelay.User) ViewUser {
	toOneLine(&u.ID, &u.MemberID, &u.Type, &u.Name, &u.Language, &u.Country)
	u.Contact = cleanContact(u.Contact)
	u.Tags = cleanList(u.Tags)
	profile := make(Profile, len(u.Profile))
	for key, value := range u.Profile {
		profile[OneLine(key)] = Clean(value)
	}
	u.Profile = profile
	return ViewUser{User: u, Tags: u.Tags, Profile: profile}
}

// GroupName is what people call the team chat, "" if there is none.
func (v View) GroupName() string {
	name := cmp.Or(v.Group.Name, v.Group.ID)
	if name == "" {
		return ""
	}
	return "#" + strings.TrimPrefix(name, "#")
}

func viewMessage(m talkrelay.Message, in func(time.Time) Time) ViewMessage {
	toOneLine(&m.ID, &m.PersonType, &m.PersonID, &m.PersonName, &m.Log)
	m.Text = Clean(m.Text)
	return ViewMessage{Message: m, CreatedAt: in(m.CreatedAt)}
}

func cleanContact(c talkrelay.Contact) talkrelay.Contact {
	toOneLine(&c.Email, &c.MobileNumber, &c.LandlineNumber)
	return c
}

// toOneLine makes OneLine of each of texts.
func toOneLine(texts ...*string) {
	for _, text := range texts {
		*text = OneLine(*text)
	}
}

func cleanList(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		if s = OneLine(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Masked is c with a phone number or an e-mail address partly hidden.
func (c FieldChange) Masked() FieldChange {
	switch c.Name {
	case "mobileNumber", "landlineNumber":
		c.Old, c.New = talkrelay.MaskPhone(c.Old), talkrelay.MaskPhone(c.New)
	case "email":
		c.Old, c.New = talkrelay.MaskEmail(c.Old), talkrelay.MaskEmail(c.New)
	}
	return c
}

func resubscribed(before, after talkrelay.Subscription, w *Words) []FieldChange {
	var out []FieldChange
	add := func(name string, from, to bool) {
		if from != to {
			out = append(out, FieldChange{Name: name, Field: w.Field(name), Old: w.Consent(from), New: w.Consent(to)})
		}
	}
	add("unsubscribeEmail", before.UnsubscribeEmail, after.UnsubscribeEmail)
	add("unsubscribeTexting", before.UnsubscribeTexting, after.UnsubscribeTexting)
	add("unsubscribeAppPush", before.UnsubscribeAppPush, after.UnsubscribeAppPush)
	return out
}

func changes(before, after talkrelay.Contact, w *Words) []FieldChange {
	var out []FieldChange
	add := func(name, from, to string) {
		if from != to {
			out = append(out, FieldChange{Name: name, Field: w.Field(name), Old: from, New: to})
		}
	}
	add("mobileNumber", before.MobileNumber, after.MobileNumber)
	add("landlineNumber", before.LandlineNumber, after.LandlineNumber)
	add("email", before.Email, after.Email)
	return out
}
