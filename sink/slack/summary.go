package slack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"talkrelay"
	"talkrelay/sink"
)

// maxHeldLines is how many chats a summary has a line for.
const maxHeldLines = 40

// heldChat is a chat, or a customer without one, of which quiet hours have held back something.
type heldChat struct {
	item  sink.Item // the opening, else what came last
	now   talkrelay.Event
	known bool      // now is more than what the last event held back says
	asked time.Time // since when the customer waits; zero = does not
	group int
}

// Groups of a summary, in its order.
const (
	groupToAnswer = iota
	groupDone
	groupALF
	groupOthers
	groups
)

// summary makes the one message about what quiet hours have held back, each chat as it is now.
func (s *Sink) summary(id string, items []sink.Item, plain bool, now time.Time) ([]byte, error) {
	chats := heldChats(items)
	p, w := phrasesOf(s.cfg.Language), s.cfg.Language.Words()
	names := [groups]string{p.toAnswer, p.done, p.alf, p.others}
	title := "🌙 " + fmt.Sprintf(p.held, len(chats))
	var lines, counts []string
	mention, shown := "", 0
	for group, name := range names {
		of := slices.DeleteFunc(slices.Clone(chats), func(c heldChat) bool { return c.group != group })
		if len(of) == 0 {
			continue
		}
		counts = append(counts, fmt.Sprintf("%s %d", name, len(of)))
		if shown < maxHeldLines {
			lines = append(lines, fmt.Sprintf("%s %d", bold(name), len(of)))
		}
		for _, c := range of {
			card := s.newCard(s.view(c.event()), now)
			if group == groupToAnswer {
				mention = cmp.Or(card.mention, mention)
			}
			if shown < maxHeldLines {
				lines, shown = append(lines, c.line(card, p, w, now)), shown+1
			}
		}
	}
	if rest := len(chats) - shown; rest > 0 {
		lines = append(lines, fmt.Sprintf(p.more, rest))
	}
	title = sink.TruncateUTF16(title+" · "+strings.Join(counts, " · "), maxHeader)
	if plain {
		return makeBody(id, s.knownChannel(), "", content{text: fitLines(append([]string{strings.TrimSpace(mention + " " + bold(title))}, lines...), maxText)})
	}
	blocks := []slackgo.Block{slackgo.NewHeaderBlock(slackgo.NewTextBlockObject(slackgo.PlainTextType, title, true, false))}
	if mention != "" {
		blocks = append(blocks, section(mention))
	}
	for _, text := range pack(lines, maxSection) {
		blocks = append(blocks, section(text))
	}
	return makeBody(id, s.knownChannel(), "", content{escape(title, maxText), blocks})
}

// heldChats sorts what was held back by chat: those that wait longest first, the others as they came.
func heldChats(items []sink.Item) []heldChat {
	var chats []heldChat
	at := map[string]int{}
	for _, item := range items {
		key := item.Event.Channel + "\x00" + item.Event.Chat.ID
		i, known := at[key]
		if !known || !item.Event.Kind.ChatEvent() {
			i = len(chats)
			chats = append(chats, heldChat{item: item, now: item.Event})
			if !item.Event.Kind.ChatEvent() {
				continue // news of its own
			}
			at[key] = i
		}
		c := &chats[i]
		if c.item.Event.Kind != talkrelay.UserChatOpened || item.Event.Kind == talkrelay.UserChatOpened {
			c.item = item
		}
		switch {
		case item.Latest != nil && item.Latest.Chat.ID != "":
			c.now, c.known = *item.Latest, true
		case !c.known:
			c.now = item.Event
		}
	}
	for i := range chats {
		chats[i].judge()
	}
	slices.SortStableFunc(chats, func(a, b heldChat) int {
		if a.group != groupToAnswer || b.group != groupToAnswer {
			return cmp.Compare(a.group, b.group)
		}
		return a.asked.Compare(b.asked)
	})
	return chats
}

// judge says which group c belongs to.
func (c *heldChat) judge() {
	chat := &c.now.Chat
	switch {
	case !c.item.Event.Kind.ChatEvent():
		c.group = groupOthers
	case chat.State == "closed", chat.State == "snoozed", chat.AskedAt.IsZero() && !chat.FirstRepliedAt.IsZero():
		c.group = groupDone
	case handledByALF(chat.HandlingType):
		c.group = groupALF
	default:
		c.asked = chat.AskedAt
		for _, at := range []time.Time{chat.OpenedAt, c.item.Event.At} {
			if c.asked.IsZero() {
				c.asked = at
			}
		}
	}
}

// event is what c shows: what was held back, with the chat as it is now.
func (c *heldChat) event() talkrelay.Event {
	e := c.item.Event
	reopened := e.Chat.Reopened
	e.Chat, e.Assignee, e.Team = c.now.Chat, c.now.Assignee, c.now.Team
	e.Chat.Reopened = reopened
	return e
}

// line is c as one line of mrkdwn.
func (c *heldChat) line(card card, p phrases, w *sink.Words, now time.Time) string {
	name := firstRunes(c.event().Assignee.Name, maxName)
	add := func(text string) { card.changes = append(card.changes, field{label: "·", value: text}) }
	switch {
	case c.group == groupOthers:
		return card.digestLine()
	case c.now.Chat.State == "closed":
		card.emoji = "✅"
		add(p.closed)
	case c.now.Chat.State == "snoozed":
		card.emoji = "💤"
		add(p.snoozed)
	case c.group == groupDone:
		card.emoji = "💬"
		add(p.replied)
	case c.group == groupToAnswer:
		if waited := now.Sub(c.asked); waited >= time.Minute {
			add("⏱ " + w.Waiting(waited))
		}
	}
	card.bare = false
	if name != "" {
		add(w.Assignee + " " + sink.OneLine(name))
	}
	return card.digestLine()
}
