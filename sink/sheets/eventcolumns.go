package sheets

import (
	"strings"

	"talkrelay"
	"talkrelay/sink"
)

// eventColumns say what happened, to whom, and how things stand since.
func eventColumns() []standard {
	return []standard{
		{func(w *sink.Words) string { return w.Events.HappenedAt }, func(v *sink.View, _ *sink.Words) cell { return timeCell(v.At.Time) }},
		{func(w *sink.Words) string { return w.Events.Event }, text(func(v *sink.View, w *sink.Words) string { return w.Event(v) })},
		{func(w *sink.Words) string { return w.Inquiries.ChatID }, text(func(v *sink.View, _ *sink.Words) string { return v.Chat.ID })},
		{func(w *sink.Words) string { return w.Inquiries.Customer }, text(customer)},
		{func(w *sink.Words) string { return w.Events.Detail }, text(detail)},
		{func(w *sink.Words) string { return w.Inquiries.Phone }, text(phone)},
		{func(w *sink.Words) string { return w.Inquiries.Email }, text(func(v *sink.View, _ *sink.Words) string { return v.User.Email })},
		{func(w *sink.Words) string { return w.Inquiries.Status }, text(func(v *sink.View, w *sink.Words) string { return w.State(v.Chat.State) })},
		{func(w *sink.Words) string { return w.Inquiries.Tags }, text(func(v *sink.View, _ *sink.Words) string { return v.Tags.String() })},
		{func(w *sink.Words) string { return w.Inquiries.Team }, text(func(v *sink.View, _ *sink.Words) string { return v.Team.Name })},
		{func(w *sink.Words) string { return w.Inquiries.Assignee }, text(assignee)},
		{func(w *sink.Words) string { return w.Inquiries.FirstReply }, firstReply},
		{func(w *sink.Words) string { return w.Inquiries.Link }, text(func(v *sink.View, _ *sink.Words) string { return v.DeskURL })},
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
	case v.Kind == talkrelay.UserChatOpened, v.Kind == talkrelay.UserChatReplied:
		return firstMessage(v, w)
	}
	return ""
}

func orNone(s string, w *sink.Words) string {
	if s == "" {
		return w.None
	}
	return s
}
