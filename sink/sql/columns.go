package sql

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// A kind of value, as PostgreSQL calls it.
type valueType string

const (
	textType   valueType = "text"
	timeType   valueType = "timestamptz"
	numberType valueType = "double precision"
	boolType   valueType = "boolean"
	jsonType   valueType = "jsonb"
)

// column is one that we write. Columns are added, never renamed or given another type: tables in use have them.
type column struct {
	name string
	typ  valueType
	of   func(r *row) any
	when func(talkrelay.Kind) bool // nil = in the table of every kind
}

// row is what columns are made of. Phone numbers and addresses are masked already, if so wished.
type row struct {
	sink.View
	entry
}

const eventID = "event_id" // the key

var columns = [...]column{
	{eventID, textType, func(r *row) any { return text(r.ID) }, nil},
	{"change", textType, func(r *row) any { return text(string(r.View.Change)) }, nil},
	{"channel", textType, func(r *row) any { return text(r.View.Channel) }, nil},
	{"route", textType, func(r *row) any { return text(r.Route) }, nil},
	{"happened_at", timeType, func(r *row) any { return moment(r.View.At) }, nil},
	{"seen_at", timeType, func(r *row) any { return moment(r.View.Seen) }, nil},

	{"chat_id", textType, func(r *row) any { return text(r.View.Chat.ID) }, nil},
	{"chat_state", textType, func(r *row) any { return text(r.View.Chat.State) }, nil},
	{"chat_medium", textType, func(r *row) any { return text(r.View.Chat.MediumType) }, nil},
	{"chat_page", textType, func(r *row) any { return text(r.View.Chat.Page) }, nil},
	{"chat_tags", jsonType, func(r *row) any { return list(r.View.Chat.Tags) }, nil},
	{"chat_reopened", boolType, func(r *row) any { return r.View.Chat.Reopened }, nil},
	{"chat_created_at", timeType, func(r *row) any { return moment(r.View.Chat.CreatedAt) }, nil},
	{"chat_opened_at", timeType, func(r *row) any { return moment(r.View.Chat.OpenedAt) }, nil},
	{"chat_asked_at", timeType, func(r *row) any { return moment(r.View.Chat.AskedAt) }, nil},
	{"chat_replied_at", timeType, func(r *row) any { return moment(r.View.Chat.FirstRepliedAt) }, nil},
	{"chat_snoozed_until", timeType, func(r *row) any { return moment(r.View.Chat.ExpiresAt) }, nil},
	{"chat_closed_at", timeType, func(r *row) any { return moment(r.View.Chat.ClosedAt) }, nil},
	{"waiting_seconds", numberType, func(r *row) any { return seconds(r.View.Chat.WaitingTime) }, nil},
	{"desk_url", textType, func(r *row) any { return text(r.View.DeskURL) }, nil},
	{"assignee_id", textType, func(r *row) any { return text(r.View.Assignee.ID) }, nil},
	{"assignee_name", textType, func(r *row) any { return text(r.View.Assignee.Name) }, nil},
	{"team_id", textType, func(r *row) any { return text(r.View.Team.ID) }, nil},
	{"team_name", textType, func(r *row) any { return text(r.View.Team.Name) }, nil},
	{"message_id", textType, func(r *row) any { return text(r.View.Message.ID) }, nil},
	{"message_by", textType, func(r *row) any { return text(r.View.Message.PersonType) }, nil},
	{"message_text", textType, func(r *row) any { return text(r.View.Message.Text) }, nil},
	{"message_files", numberType, func(r *row) any { return float64(r.View.Message.Files) }, nil},

	{"user_id", textType, func(r *row) any { return text(r.View.User.ID) }, nil},
	{"member_id", textType, func(r *row) any { return text(r.View.User.MemberID) }, nil},
	{"user_type", textType, func(r *row) any { return text(r.View.User.Type) }, nil},
	{"user_name", textType, func(r *row) any { return text(r.View.User.Name) }, nil},
	{"user_tags", jsonType, func(r *row) any { return list(r.View.User.Tags) }, nil},
	{"email", textType, func(r *row) any { return text(r.View.User.Email) }, nil},
	{"mobile_number", textType, func(r *row) any { return text(r.View.User.MobileNumber) }, nil},
	{"landline_number", textType, func(r *row) any { return text(r.View.User.LandlineNumber) }, nil},
	{"unsubscribe_email", boolType, func(r *row) any { return r.View.User.UnsubscribeEmail }, talkrelay.Kind.SubscriptionEvent},
	{"unsubscribe_texting", boolType, func(r *row) any { return r.View.User.UnsubscribeTexting }, talkrelay.Kind.SubscriptionEvent},
	{"unsubscribe_app_push", boolType, func(r *row) any { return r.View.User.UnsubscribeAppPush }, talkrelay.Kind.SubscriptionEvent},
	{"old_unsubscribe_email", boolType, func(r *row) any { return r.View.OldSubscription.UnsubscribeEmail }, talkrelay.Kind.SubscriptionEvent},
	{"old_unsubscribe_texting", boolType, func(r *row) any { return r.View.OldSubscription.UnsubscribeTexting }, talkrelay.Kind.SubscriptionEvent},
	{"old_unsubscribe_app_push", boolType, func(r *row) any { return r.View.OldSubscription.UnsubscribeAppPush }, talkrelay.Kind.SubscriptionEvent},
	{"old_email", textType, func(r *row) any { return text(r.View.Old.Email) }, talkrelay.Kind.ContactEvent},
	{"old_mobile_number", textType, func(r *row) any { return text(r.View.Old.MobileNumber) }, talkrelay.Kind.ContactEvent},
	{"old_landline_number", textType, func(r *row) any { return text(r.View.Old.LandlineNumber) }, talkrelay.Kind.ContactEvent},
	{"before_state", textType, func(r *row) any { return text(r.View.Before.State) }, talkrelay.Kind.LifeEvent},
	{"before_assignee_id", textType, func(r *row) any { return text(r.View.Before.AssigneeID) }, talkrelay.Kind.LifeEvent},
	{"before_team_id", textType, func(r *row) any { return text(r.View.Before.TeamID) }, talkrelay.Kind.LifeEvent},
	{"before_tags", jsonType, func(r *row) any { return list(r.View.Before.Tags) }, talkrelay.Kind.LifeEvent},
}

// envelopeColumn holds Channel Talk's own objects.
var envelopeColumn = column{"envelope", jsonType, func(r *row) any { return envelope(r.Envelope) }, nil}

// columnsOf lists the columns of a kind's table.
func (c Config) columnsOf(kind talkrelay.Kind) (of []column) {
	for _, col := range columns {
		if col.when == nil || col.when(kind) {
			of = append(of, col)
		}
	}
	if c.Envelope {
		of = append(of, envelopeColumn)
	}
	return of
}

// text is s as databases take it; what is absent is NULL.
func text(s string) any {
	if s = strings.ReplaceAll(s, "\x00", ""); s != "" {
		return s
	}
	return nil
}

func moment(t sink.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

func seconds(d sink.Duration) any {
	if d == 0 {
		return nil
	}
	return time.Duration(d).Seconds()
}

func list(l sink.List) any {
	data, _ := json.Marshal(append(sink.List{}, l...)) // texts cannot fail
	return string(data)
}

// withoutNUL takes off what no jsonb can hold, and nothing else: a backslash before it may be escaped itself.
var withoutNUL = strings.NewReplacer(`\\`, `\\`, `\u0000`, "")

// envelope is data with halves of characters, which jsonb refuses, replaced; NULL if there is none.
func envelope(data json.RawMessage) any {
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	whole, _ := json.Marshal(v) // it was JSON
	return withoutNUL.Replace(string(whole))
}
