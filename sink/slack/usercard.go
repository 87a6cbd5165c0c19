package slack

import (
	"talkrelay"
	"talkrelay/sink"
)

// userCard lays out what changed about a customer.
func userCard(c *card, v sink.View, w *sink.Words) {
	c.emoji, c.heading = "📇", w.Event(&v)
	when := phrasesOf(v.Lang).at(w.Changed, w.When(v.At.Time))
	if v.Change == talkrelay.Created {
		when = w.When(v.At.Time)
	}
	switch {
	case v.Kind.SubscriptionEvent():
		c.emoji = "🔕"
	case v.Kind.DeletionEvent():
		c.emoji, c.bare, when = "🗑", true, w.When(v.At.Time)
		c.fields = contactFields(v.User.Contact, w)
	}
	for _, change := range v.Changes {
		value := talkrelay.FormatPhone(change.New) // leaves anything else as it is
		if v.Change != talkrelay.Created {
			value = orWord(talkrelay.FormatPhone(change.Old), w.None) + " → " + orWord(value, w.None)
		}
		c.changes = append(c.changes, field{label: change.Field, value: value})
	}
	entity := v.Chat.ID
	if entity == "" {
		entity = v.User.ID
	}
	c.context = present(when, id(entity))
}
