package slack

import (
	"strings"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// card is the default message before it takes a form. Its texts are clean and, where the sink masks, masked. Those
// called markup are mrkdwn and safe as they are; the others must be escaped or go where nothing is parsed.
type card struct {
	emoji   string
	heading string   // what happened
	bare    bool     // the heading is needed to see what happened
	name    string   // of the customer
	mention string   // markup: the operator's own
	status  []string // markup: team, assignee, waiting
	quote   string   // the customer's words
	changes []field  // contact fields that are new or differ
	fields  []field
	link    string // markup: URL of the chat; "" = none
	answer  string // its label
	context []string
}

type field struct{ emoji, label, value string }

// newCard lays out the default message about an event. now is the time that waiting is counted to.
func (s *Sink) newCard(v sink.View, now time.Time) card {
	w := v.Lang.Words()
	c := card{name: v.User.Name, link: linkURL(v.DeskURL), answer: w.Answer}
	if c.name == "" {
		c.name = w.NoName
	}
	c.name = firstRunes(c.name, maxName)
	switch {
	case v.Kind.UserEvent():
		userCard(&c, v, w)
	case v.Kind.LifeEvent():
		lifeCard(&c, v, w, now)
	case v.Kind == talkrelay.UserChatWaiting:
		s.waitCard(&c, v, w, now)
	case v.Kind.MessageEvent():
		messageCard(&c, v, w)
	default:
		s.chatCard(&c, v, w, now)
	}
	return c
}

func (s *Sink) chatCard(c *card, v sink.View, w *sink.Words, now time.Time) {
	p := phrasesOf(v.Lang)
	switch {
	case handledByALF(v.Chat.HandlingType):
		c.emoji, c.heading = "🤖", p.alf // a person is not needed yet: no mention
		v.AssigneeMention = ""
	case v.Chat.Reopened:
		c.emoji, c.heading, c.mention = "🔄", w.Reopened, s.cfg.Mention
	default:
		c.emoji, c.heading, c.mention = "🆕", w.NewInquiry, s.cfg.Mention
	}
	c.status = chatStatus(v, w, now)
	c.quote = quote(v.Message, w)
	if len(v.Tags) > 0 {
		c.fields = append(c.fields, field{"🏷", w.Tags, v.Tags.String()})
	}
	if v.Chat.Page != "" {
		c.fields = append(c.fields, field{"📄", w.Page, v.Chat.Page})
	}
	c.fields = append(c.fields, contactFields(v.User.Contact, w)...)
	c.context = present(p.at(w.Received, w.When(v.At.Time)), w.Medium(v.Chat.MediumType), id(v.Chat.ID))
}

// chatStatus says who has the chat and how long the customer has been waiting.
func chatStatus(v sink.View, w *sink.Words, now time.Time) []string {
	var parts []string
	if v.Team.Name != "" {
		parts = append(parts, bold(v.Team.Name))
	}
	if v.AssigneeMention != "" {
		parts = append(parts, w.Assignee+" "+v.AssigneeMention)
	} else {
		parts = append(parts, phrasesOf(v.Lang).assignee(w, v.Assignee.Name))
	}
	switch waited := now.Sub(v.Chat.AskedAt.Time); {
	case v.Chat.State == "closed", v.Chat.State == "snoozed":
		parts = append(parts, w.State(v.Chat.State))
	case !v.Chat.AskedAt.IsZero() && waited >= time.Minute:
		parts = append(parts, "⏱ "+w.Waiting(waited))
	}
	return parts
}

// quote is what the customer wrote. The last message of the chat stands in where that is not known, and shows who
// wrote it.
func quote(m sink.ViewMessage, w *sink.Words) string {
	text := firstRunes(strings.TrimSpace(m.Text), maxQuote)
	if files := w.Files(m.Files); files != "" {
		text = strings.TrimPrefix(text+"\n📎 "+files, "\n")
	}
	if text == "" {
		return w.NoText
	}
	switch m.PersonType {
	case "bot":
		return "🤖 " + text
	case "manager":
		return "🎧 " + text
	}
	return text
}

func contactFields(c talkrelay.Contact, w *sink.Words) []field {
	var fields []field
	switch {
	case c.MobileNumber != "":
		fields = append(fields, field{"📞", w.Phone, talkrelay.FormatPhone(c.MobileNumber)})
	case c.LandlineNumber != "":
		fields = append(fields, field{"📞", w.Landline, talkrelay.FormatPhone(c.LandlineNumber)})
	}
	if c.Email != "" {
		fields = append(fields, field{"✉️", w.Email, c.Email})
	}
	return fields
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}

func id(s string) string {
	if s == "" {
		return ""
	}
	return "ID " + s
}

// present returns those of parts that are not empty.
func present(parts ...string) []string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}

// handledByALF reports whether Channel Talk's AI answers. The Open API documents handling.type as a string without
// listing its values; the schema of this one is called HandlingAlf.
func handledByALF(handling string) bool { return strings.Contains(strings.ToLower(handling), "alf") }
