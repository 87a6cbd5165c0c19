package sheets

import (
	"math"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// maxFirstMessage is how much of a customer's message a default column shows.
const maxFirstMessage = 500

// column is one that we write.
type column struct {
	header string   // written if there is none of names
	names  []string // headers it is recognised by, in normal form
	once   bool     // not changed in a row that is there
	told   bool     // tells of what happened, and not only of how the chat is
	render func(v *sink.View, words *sink.Words) (cell, error)
}

// columnsOf returns the columns c asks for, in order.
func columnsOf(c Config) ([]column, error) {
	if len(c.Columns) > 0 {
		return ownColumns(c.Columns)
	}
	set := c.Defaults
	if set == Events && c.Mode == Upsert { // one row a chat: what happens to it shows in its columns
		set = Inquiries
	}
	switch set {
	case Changes:
		return defaultColumns(c.Language, changeColumns()), nil
	case Mixed:
		// The columns of a change that tell what an inquiry's row tells as well are not repeated.
		return defaultColumns(c.Language, append(inquiryColumns(), changeColumns()[3:]...)), nil
	case Events:
		return defaultColumns(c.Language, eventColumns()), nil
	}
	return defaultColumns(c.Language, inquiryColumns()), nil
}

func ownColumns(config []Column) ([]column, error) {
	columns := make([]column, 0, len(config))
	for _, c := range config {
		template, err := sink.ParseTemplate(c.Value)
		if err != nil {
			return nil, err
		}
		toCell := columnKinds[c.Type]
		col := column{header: strings.TrimSpace(c.Header), once: c.Once}
		for _, name := range append([]string{c.Header}, c.Aliases...) {
			col.names = append(col.names, normal(name))
		}
		col.render = func(v *sink.View, _ *sink.Words) (cell, error) {
			text, err := template.ExecuteShort(*v)
			if err != nil {
				return cell{}, err
			}
			return toCell(sink.Clean(text), v.At.Location()), nil
		}
		columns = append(columns, col)
	}
	return columns, nil
}

// A standard column has a header in each language and a value.
type standard struct {
	header func(*sink.Words) string
	value  func(v *sink.View, w *sink.Words) cell
	once   bool
}

// first is a standard column about how an inquiry began, which what comes of it later does not change.
func first(s standard) standard {
	s.once = true
	return s
}

func defaultColumns(lang sink.Language, standards []standard) []column {
	columns := make([]column, 0, len(standards))
	for _, s := range standards {
		col := column{header: s.header(lang.Words()), once: s.once}
		for _, l := range sink.Languages() {
			col.names = append(col.names, normal(s.header(l.Words())))
		}
		col.render = func(v *sink.View, w *sink.Words) (cell, error) { return s.value(v, w), nil }
		columns = append(columns, col)
	}
	return columns
}

func inquiryColumns() []standard {
	return []standard{
		{header: func(w *sink.Words) string { return w.Inquiries.ChatID }, value: text(func(v *sink.View, _ *sink.Words) string { return v.Chat.ID })},
		first(standard{header: func(w *sink.Words) string { return w.Inquiries.ReceivedAt }, value: func(v *sink.View, _ *sink.Words) cell { return timeCell(receivedAt(v)) }}),
		{header: func(w *sink.Words) string { return w.Inquiries.Status }, value: text(func(v *sink.View, w *sink.Words) string { return w.State(v.Chat.State) })},
		{header: func(w *sink.Words) string { return w.Inquiries.Customer }, value: text(customer)},
		{header: func(w *sink.Words) string { return w.Inquiries.Phone }, value: text(phone)},
		{header: func(w *sink.Words) string { return w.Inquiries.Email }, value: text(func(v *sink.View, _ *sink.Words) string { return v.User.Email })},
		first(standard{header: func(w *sink.Words) string { return w.Inquiries.FirstMessage }, value: text(firstMessage)}),
		{header: func(w *sink.Words) string { return w.Inquiries.Tags }, value: text(func(v *sink.View, _ *sink.Words) string { return v.Tags.String() })},
		{header: func(w *sink.Words) string { return w.Inquiries.Team }, value: text(func(v *sink.View, _ *sink.Words) string { return v.Team.Name })},
		{header: func(w *sink.Words) string { return w.Inquiries.Assignee }, value: text(assignee)},
		{header: func(w *sink.Words) string { return w.Inquiries.Service }, value: text(func(v *sink.View, w *sink.Words) string { return w.Medium(v.Chat.MediumType) })},
		{header: func(w *sink.Words) string { return w.Inquiries.Page }, value: text(func(v *sink.View, _ *sink.Words) string { return v.Chat.Page })},
		{header: func(w *sink.Words) string { return w.Inquiries.FirstReply }, value: firstReply},
		{header: func(w *sink.Words) string { return w.Inquiries.ClosedAt }, value: func(v *sink.View, _ *sink.Words) cell { return timeCell(v.Chat.ClosedAt.Time) }},
		{header: func(w *sink.Words) string { return w.Inquiries.Link }, value: text(func(v *sink.View, _ *sink.Words) string { return v.DeskURL })},
		{header: func(w *sink.Words) string { return w.Inquiries.SyncedAt }, value: func(v *sink.View, _ *sink.Words) cell { return timeCell(v.Seen.Time) }},
	}
}

func changeColumns() []standard {
	return []standard{
		{header: func(w *sink.Words) string { return w.Changes.ChangedAt }, value: func(v *sink.View, _ *sink.Words) cell { return timeCell(v.At.Time) }},
		{header: func(w *sink.Words) string { return w.Changes.ChatID }, value: text(func(v *sink.View, _ *sink.Words) string { return v.Chat.ID })},
		{header: func(w *sink.Words) string { return w.Changes.Customer }, value: text(customer)},
		{header: func(w *sink.Words) string { return w.Changes.Field }, value: changed(func(c sink.FieldChange) string { return c.Field })},
		{header: func(w *sink.Words) string { return w.Changes.Old }, value: changed(func(c sink.FieldChange) string { return shownField(c.Name, c.Old) })},
		{header: func(w *sink.Words) string { return w.Changes.New }, value: changed(func(c sink.FieldChange) string { return shownField(c.Name, c.New) })},
	}
}

func text(value func(*sink.View, *sink.Words) string) func(*sink.View, *sink.Words) cell {
	return func(v *sink.View, w *sink.Words) cell { return textCell(value(v, w)) }
}

// changed makes one cell of all changed fields, a line each, so that one event stays one row.
func changed(value func(sink.FieldChange) string) func(*sink.View, *sink.Words) cell {
	return func(v *sink.View, _ *sink.Words) cell {
		lines := make([]string, len(v.Changes))
		for i, c := range v.Changes {
			lines[i] = value(c)
		}
		if strings.Join(lines, "") == "" {
			return textCell("")
		}
		return textCell(strings.Join(lines, "\n"))
	}
}

func shownField(name, value string) string {
	switch name {
	case "mobileNumber", "landlineNumber":
		return talkrelay.FormatPhone(value)
	}
	return value
}

// receivedAt is when the customer asked; when a chat was opened again, that time; when contact fields changed, that one.
func receivedAt(v *sink.View) time.Time {
	times := []sink.Time{v.Chat.FirstAskedAt, v.Chat.CreatedAt, v.At}
	switch {
	case v.Kind.UserEvent():
		times = []sink.Time{v.At}
	case v.Chat.Reopened:
		times = []sink.Time{v.Chat.OpenedAt, v.At}
	}
	for _, t := range times {
		if !t.IsZero() {
			return t.Time
		}
	}
	return time.Time{}
}

func customer(v *sink.View, _ *sink.Words) string {
	if v.User.Name != "" {
		return v.User.Name
	}
	return v.Chat.Name
}

func phone(v *sink.View, _ *sink.Words) string {
	if v.User.MobileNumber != "" {
		return talkrelay.FormatPhone(v.User.MobileNumber)
	}
	return talkrelay.FormatPhone(v.User.LandlineNumber)
}

func firstMessage(v *sink.View, w *sink.Words) string {
	message := sink.TruncateUTF16(v.Message.Text, maxFirstMessage)
	if strings.TrimSpace(message) == "" {
		return w.Files(v.Message.Files)
	}
	return message
}

func assignee(v *sink.View, w *sink.Words) string {
	if v.Assignee.Name == "" && v.Chat.ID != "" {
		return w.Unassigned
	}
	return v.Assignee.Name
}

// firstReply is in minutes, to a tenth.
func firstReply(v *sink.View, _ *sink.Words) cell {
	waited := time.Duration(v.Chat.WaitingTime)
	if waited <= 0 {
		return cell{}
	}
	return numberCell(math.Round(waited.Minutes()*10) / 10)
}
