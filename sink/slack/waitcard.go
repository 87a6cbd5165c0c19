package slack

import (
	"time"

	"talkrelay/sink"
)

// waitCard lays out that a customer waits for an answer: for how long, for what, and on whom.
func (s *Sink) waitCard(c *card, v sink.View, w *sink.Words, now time.Time) {
	c.emoji, c.heading, c.bare = "⏰", w.Event(&v), true
	if handledByALF(v.Chat.HandlingType) {
		v.AssigneeMention = "" // a person is not needed yet
	} else {
		c.mention = s.waitingMention(v.Stage)
	}
	v.Chat.AskedAt = sink.Time{} // the heading says how long
	c.status = chatStatus(v, w, now)
	c.quote = quote(v.Message, w)
	c.context = present(phrasesOf(v.Lang).at(w.Received, w.When(v.Message.CreatedAt.Time)), w.Medium(v.Chat.MediumType), id(v.Chat.ID))
}

// waitingMention is whom to call at a stage, counted from 1.
func (s *Sink) waitingMention(stage int) string {
	mentions := s.cfg.WaitingMentions
	if len(mentions) == 0 || stage < 1 {
		return ""
	}
	return mentions[min(stage, len(mentions))-1]
}
