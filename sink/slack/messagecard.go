package slack

import (
	"strings"

	"talkrelay"
	"talkrelay/sink"
)

// messageCard lays out what somebody wrote. It mentions nobody: an answer is no alarm, and a customer who waits for one is.
func messageCard(c *card, v sink.View, w *sink.Words) {
	m, entity := v.Message, v.Chat.ID
	c.emoji, c.heading, c.bare = "✉️", w.Event(&v), true
	switch {
	case m.Log != "":
		c.emoji = "📋"
		c.changes = []field{{label: c.heading, value: m.Log}}
	case m.Private:
		c.emoji = "🔒"
	case v.Kind == talkrelay.TeamChatMessage:
		c.emoji = "👥"
	}
	if v.Kind == talkrelay.TeamChatMessage {
		c.name, entity = firstRunes(v.GroupName(), maxName), v.Group.ID
	}
	if m.PersonType != "user" && m.PersonName != "" {
		c.status = []string{bold(m.PersonName)}
	}
	if m.Log == "" || strings.TrimSpace(m.Text) != "" {
		c.quote = quote(m, w)
	}
	c.context = present(w.When(v.At.Time), w.Medium(v.Chat.MediumType), id(entity))
}
