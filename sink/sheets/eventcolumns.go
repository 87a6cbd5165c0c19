package sheets

import (
	"strings"

	"talkrelay"
	"talkrelay/sink"
)

// eventColumns say what happened, to whom, and how things stand since.
func eventColumns() []standard {
	return []standard{
		{header: func(w *sink.Words) string { return w.Events.HappenedAt }, value: func(v *sink.View, _ *sink.Words) cell { return timeCell(v.At.Time) }},
		{header: func(w *sink.Words) string { return w.Events.Event }, value: text(func(v *sink.View, w *sink.Words) string { return w.Event(v) })},
		{header: func(w *sink.Words) string { return w.Inquiries.ChatID }, value: text(func(v *sink.View, _ *sink.Words) string { return v.Chat.ID })},
		{header: func(w *sink.Words) string { return w.Inquiries.Customer }, value: text(customer)},
		{header: func(w *sink.Words) string { return w.Events.Detail }, value: text(detail)},
		{header: func(w *sink.Words) string { return w.Inquiries.Phone }, value: text(phone)},
		{header: func(w *sink.Words) string { return w.Inquiries.Email }, value: text(func(v *sink.View, _ *sink.Words) string { return v.User.Email })},
		{header: func(w *sink.Words) string { return w.Inquiries.Status }, value: text(func(v *sink.View, w *sink.Words) string { return w.State(v.Chat.State) })},
		{header: func(w *sink.Words) string { return w.Inquiries.Tags }, value: text(func(v *sink.View, _ *sink.Words) string { return v.Tags.String() })},
		{header: func(w *sink.Words) string { return w.Inquiries.Team }, value: text(func(v *sink.View, _ *sink.Words) string { return v.Team.Name })},
		{header: func(w *sink.Words) string { return w.Inquiries.Assignee }, value: text(assignee)},
		{header: func(w *sink.Words) string { return w.Inquiries.FirstReply }, value: firstReply},
		{header: func(w *sink.Words) string { return w.Inquiries.Link }, value: text(func(v *sink.View, _ *sink.Words) string { return v.DeskURL })},
	}
}

// detail is what the kind of an event alone does not say.
func detail(v *sink.View, w *sink.Words) string {
	switch {
	case len(v.Changes) > 0:
		lines := make([]string, len(v.Changes))
		for i, c := range v.Changes {
			lines[i] = c.Field + ": " + orNone(shownField(c.Name, c.Old), w) + " → " + orNone(shownField(c.Name, c.New), w)
		}
		return strings.Join(lines, "\n")
	case v.Kind == talkrelay.UserChatTagged:
		return sink.TagChanges(v)
	case v.Kind == talkrelay.UserChatReplied && v.Message.PersonType != "manager":
		return ""
	case v.Kind.MessageEvent():
		return writtenBy(v, w)
	case v.Kind == talkrelay.UserChatOpened, v.Kind == talkrelay.UserChatReplied, v.Kind == talkrelay.UserChatWaiting:
		return firstMessage(v, w)
	}
	return ""
}

// writtenBy is a message with its team chat and its author, unless that is the customer, who has a column of their own.
func writtenBy(v *sink.View, w *sink.Words) string {
	m := v.Message
	text := strings.TrimSpace(m.Log + " " + firstMessage(v, w))
	if m.PersonType != "user" && m.PersonName != "" {
		text = m.PersonName + ": " + text
	}
	return strings.TrimSpace(v.GroupName() + " " + text)
}

func orNone(s string, w *sink.Words) string {
	if s == "" {
		return w.None
	}
	return s
}
