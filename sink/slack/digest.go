package slack

import (
	"fmt"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"talkrelay/sink"
)

// MaxDigest is how many events one digest holds.
const MaxDigest = 40

// digestWindow is the time in which events count as one flood.
const digestWindow = time.Minute

// flood returns how many of items, at least two, go into one digest; 0 = none do. Events are a flood when more than
// DigestAbove of them were seen within a minute. What is left of a flood goes into a digest too, however little it is.
func (s *Sink) flood(items []sink.Item) int {
	if s.cfg.DigestAbove == 0 {
		return 0
	}
	first := items[0].Event.Seen
	n := 0
	for n < len(items) && items[n].Event.Seen.Sub(first).Abs() < digestWindow && s.thread(items[n]) == "" {
		n++
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case n > s.cfg.DigestAbove:
		s.flooded = first
	case n < 2 || first.Sub(s.flooded).Abs() >= digestWindow:
		return 0
	}
	return min(n, MaxDigest)
}

// digest makes the one message about all of items.
func (s *Sink) digest(id string, items []sink.Item, now time.Time) ([]byte, error) {
	var lines []string
	mention := ""
	for _, item := range items {
		c := s.newCard(s.view(item.Event), now)
		lines = append(lines, c.digestLine())
		if c.mention != "" {
			mention = c.mention
		}
	}
	title := "📚 " + fmt.Sprintf(phrasesOf(s.cfg.Language).flood, len(items))
	blocks := []slackgo.Block{slackgo.NewHeaderBlock(slackgo.NewTextBlockObject(slackgo.PlainTextType, title, true, false))}
	if mention != "" {
		blocks = append(blocks, section(mention))
	}
	for _, text := range pack(lines, maxSection) {
		blocks = append(blocks, section(text))
	}
	return makeBody(id, s.knownChannel(), "", content{escape(title, maxText), blocks})
}

// maxDigestQuote is how much of a customer's words a line of a digest shows.
const maxDigestQuote = 60

// digestLine is the card as one line of mrkdwn, with a link to the chat.
func (c card) digestLine() string {
	line := "• " + c.emoji + " " + bold(c.name)
	if c.bare {
		line += " " + escape(c.heading, maxLine)
	}
	if c.quote != "" {
		line += " " + escape(firstRunes(sink.OneLine(c.quote), maxDigestQuote), maxLine)
	}
	for _, ch := range c.changes {
		line += " " + escape(ch.label+" "+ch.value, maxLine)
	}
	if link := " <" + c.link + "|→>"; c.link != "" && sink.LenUTF16(line+link) <= maxSection {
		line += link
	}
	return line
}

// pack joins lines into texts of at most limit UTF-16 units each. No line is cut, and none is longer than limit.
func pack(lines []string, limit int) []string {
	var texts []string
	var b strings.Builder
	for _, line := range lines {
		if b.Len() > 0 && sink.LenUTF16(b.String())+1+sink.LenUTF16(line) > limit {
			texts = append(texts, b.String())
			b.Reset()
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line)
	}
	return append(texts, b.String())
}
