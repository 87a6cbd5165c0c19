package slack

import (
	"time"

	"talkrelay"
	"talkrelay/sink"
)

var lifeEmoji = map[talkrelay.Kind]string{
	talkrelay.UserChatAssigned: "👤",
	talkrelay.UserChatTagged:   "🏷",
	talkrelay.UserChatReplied:  "💬",
	talkrelay.UserChatSnoozed:  "💤",
	talkrelay.UserChatClosed:   "✅",
}

// lifeCard lays out what became of a chat after its opening. It mentions nobody but a new assignee: somebody of the team
// did it.
func lifeCard(c *card, v sink.View, w *sink.Words, now time.Time) {
	c.emoji, c.heading = lifeEmoji[v.Kind], w.Event(&v)
	c.bare = true
	if v.Kind != talkrelay.UserChatAssigned {
		v.AssigneeMention = ""
	}
	c.status = chatStatus(v, w, now)
	add := func(label, value string) {
		if value != "" {
			c.changes = append(c.changes, field{label: label, value: value})
		}
	}
	switch v.Kind {
	case talkrelay.UserChatTagged:
		add(w.Tags, sink.TagChanges(&v))
	case talkrelay.UserChatReplied:
		if v.Message.PersonType == "manager" {
			c.quote = quote(v.Message, w)
		}
		if v.At.Equal(v.Chat.FirstRepliedAt.Time) {
			add(w.FirstReply, w.Duration(time.Duration(v.Chat.WaitingTime)))
		}
	case talkrelay.UserChatSnoozed:
		add(w.Until, w.When(v.Chat.ExpiresAt.Time))
	case talkrelay.UserChatClosed:
		add(w.Tags, v.Tags.String())
	}
	c.context = present(w.When(v.At.Time), w.Medium(v.Chat.MediumType), id(v.Chat.ID))
}
