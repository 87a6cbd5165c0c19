package sink

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"talkrelay"
)

// Column is one of a table of events. Columns are added, never renamed or given another type: tables in use have them.
type Column struct {
	Name string
	of   func(r *row) any
}

// ColumnType is a kind of value.
type ColumnType int

// The types of columns.
const (
	TextColumn   ColumnType = iota
	TimeColumn              // a text like 2026-11-22T05:03:00.000Z, which sorts
	NumberColumn            // durations are in seconds
	BoolColumn
	JSONColumn
)

// row is what columns are made of. Phone numbers and addresses are masked already, if so wished.
type row struct {
	View
	Record
}

// KeyColumn is the name of the column that no two rows have the same value in.
const KeyColumn = "event_id"

var (
	eventColumns = []Column{
		{KeyColumn, func(r *row) any { return r.ID }},
		{"change", func(r *row) any { return string(r.Change) }},
		{"channel", func(r *row) any { return r.Channel }},
		{"route", func(r *row) any { return r.Route }},
		{"happened_at", func(r *row) any { return r.At }},
		{"seen_at", func(r *row) any { return r.Seen }},

		{"chat_id", func(r *row) any { return r.Chat.ID }},
		{"chat_state", func(r *row) any { return r.Chat.State }},
		{"chat_medium", func(r *row) any { return r.Chat.MediumType }},
		{"chat_page", func(r *row) any { return r.Chat.Page }},
		{"chat_tags", func(r *row) any { return r.Chat.Tags }},
		{"chat_reopened", func(r *row) any { return r.Chat.Reopened }},
		{"chat_created_at", func(r *row) any { return r.Chat.CreatedAt }},
		{"chat_opened_at", func(r *row) any { return r.Chat.OpenedAt }},
		{"chat_asked_at", func(r *row) any { return r.Chat.AskedAt }},
		{"chat_replied_at", func(r *row) any { return r.Chat.FirstRepliedAt }},
		{"chat_snoozed_until", func(r *row) any { return r.Chat.ExpiresAt }},
		{"chat_closed_at", func(r *row) any { return r.Chat.ClosedAt }},
		{"waiting_seconds", func(r *row) any { return r.Chat.WaitingTime }},
		{"desk_url", func(r *row) any { return r.DeskURL }},
		{"assignee_id", func(r *row) any { return r.Assignee.ID }},
		{"assignee_name", func(r *row) any { return r.Assignee.Name }},
		{"team_id", func(r *row) any { return r.Team.ID }},
		{"team_name", func(r *row) any { return r.Team.Name }},
		{"message_id", func(r *row) any { return r.Message.ID }},
		{"message_by", func(r *row) any { return r.Message.PersonType }},
		{"message_text", func(r *row) any { return r.Message.Text }},
		{"message_files", func(r *row) any { return r.Message.Files }},

		{"user_id", func(r *row) any { return r.User.ID }},
		{"member_id", func(r *row) any { return r.User.MemberID }},
		{"user_type", func(r *row) any { return r.User.Type }},
		{"user_name", func(r *row) any { return r.User.Name }},
		{"user_tags", func(r *row) any { return r.User.Tags }},
		{"email", func(r *row) any { return r.User.Email }},
		{"mobile_number", func(r *row) any { return r.User.MobileNumber }},
		{"landline_number", func(r *row) any { return r.User.LandlineNumber }},
	}
	subscriptionColumns = []Column{
		{"unsubscribe_email", func(r *row) any { return r.User.UnsubscribeEmail }},
		{"unsubscribe_texting", func(r *row) any { return r.User.UnsubscribeTexting }},
		{"unsubscribe_app_push", func(r *row) any { return r.User.UnsubscribeAppPush }},
		{"old_unsubscribe_email", func(r *row) any { return r.OldSubscription.UnsubscribeEmail }},
		{"old_unsubscribe_texting", func(r *row) any { return r.OldSubscription.UnsubscribeTexting }},
		{"old_unsubscribe_app_push", func(r *row) any { return r.OldSubscription.UnsubscribeAppPush }},
	}
	contactColumns = []Column{
		{"old_email", func(r *row) any { return r.Old.Email }},
		{"old_mobile_number", func(r *row) any { return r.Old.MobileNumber }},
		{"old_landline_number", func(r *row) any { return r.Old.LandlineNumber }},
	}
	lifeColumns = []Column{
		{"before_state", func(r *row) any { return r.Before.State }},
		{"before_assignee_id", func(r *row) any { return r.Before.AssigneeID }},
		{"before_team_id", func(r *row) any { return r.Before.TeamID }},
		{"before_tags", func(r *row) any { return r.Before.Tags }},
	}
	messageColumns = []Column{
		{"message_by_name", func(r *row) any { return r.Message.PersonName }},
	}
	groupColumns = []Column{
		{"group_id", func(r *row) any { return r.Group.ID }},
		{"group_name", func(r *row) any { return r.Group.Name }},
	}

	// EnvelopeColumn holds Channel Talk's own objects.
	EnvelopeColumn = Column{"envelope", func(r *row) any { return r.Envelope }}
)

// Columns lists those of events of a kind, without EnvelopeColumn. The first is the key.
func Columns(kind talkrelay.Kind) []Column {
	columns := eventColumns[:len(eventColumns):len(eventColumns)]
	switch {
	case kind.SubscriptionEvent():
		return append(columns, subscriptionColumns...)
	case kind.ContactEvent():
		return append(columns, contactColumns...)
	case kind.LifeEvent():
		return append(columns, lifeColumns...)
	case kind == talkrelay.TeamChatMessage:
		return append(append(columns, messageColumns...), groupColumns...)
	case kind.MessageEvent():
		return append(columns, messageColumns...)
	}
	return columns
}

// Type is that of the column's values.
func (c Column) Type() ColumnType {
	switch c.of(new(row)).(type) {
	case Time:
		return TimeColumn
	case Duration, int:
		return NumberColumn
	case bool:
		return BoolColumn
	case List, json.RawMessage:
		return JSONColumn
	}
	return TextColumn
}

// Row is r as a JSON object with the names of columns. Absent values are left out, and so is the character NUL, which no
// database takes.
func (o Options) Row(r Record, columns []Column) []byte {
	values := map[string]any{}
	source := &row{NewViewIn(r.Event, o.Language, o.Defaults().Location), r}
	for _, c := range columns {
		if v := cell(c.of(source)); v != nil {
			values[c.Name] = v
		}
	}
	text, _ := json.Marshal(values) // of texts, numbers and what was JSON: cannot fail
	return []byte(withoutNUL.Replace(string(text)))
}

// withoutNUL takes off what no jsonb can hold, and nothing else: a backslash before it may be escaped itself.
var withoutNUL = strings.NewReplacer(`\\`, `\\`, `\u0000`, "")

// cell is v as JSON has it; nil if it is absent.
func cell(v any) any {
	switch v := v.(type) {
	case Time:
		if !v.IsZero() {
			return v.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		return nil
	case Duration:
		if v != 0 {
			return time.Duration(v).Seconds()
		}
		return nil
	case List:
		return append(List{}, v...)
	case json.RawMessage: // decoded, so that halves of characters, which jsonb refuses, are replaced
		var whole any
		d := json.NewDecoder(bytes.NewReader(v))
		d.UseNumber()
		if d.Decode(&whole) != nil {
			return nil
		}
		return whole
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}
