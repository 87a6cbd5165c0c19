package slack

import (
	"strings"

	slackgo "github.com/slack-go/slack"

	"talkrelay/sink"
)

// content is the card as a message, with blocks unless plain.
func (c card) content(plain bool) content {
	if plain {
		return content{text: c.plain()}
	}
	return content{c.summary(), c.blocks()}
}

// blocks is the card as blocks. The customer's words stand in rich_text text elements, the name in plain_text: Slack
// parses neither. Everything else is escaped mrkdwn with verbatim set, so that Slack turns nothing into a link itself.
func (c card) blocks() []slackgo.Block {
	out := []slackgo.Block{
		slackgo.NewHeaderBlock(slackgo.NewTextBlockObject(slackgo.PlainTextType,
			orEmpty(sink.TruncateUTF16(c.title(" — "), maxHeader)), true, false)),
	}
	if status := c.statusLine(); status != "" {
		out = append(out, section(status))
	}
	if c.quote != "" {
		out = append(out, quoteBlock(c.quote))
	}
	if lines := c.changeLines(); len(lines) > 0 {
		out = append(out, section(fitLines(lines, maxSection)))
	}
	if len(c.fields) > 0 {
		out = append(out, fieldsBlock(c.fields))
	}
	if c.link != "" {
		out = append(out, section(c.linkLine()))
	}
	if len(c.context) > 0 {
		out = append(out, slackgo.NewContextBlock("", mrkdwn(c.contextLine())))
	}
	return out
}

// summary is what a phone shows, and a screen reader reads, in place of the blocks.
func (c card) summary() string {
	parts := []string{c.title(" · ")}
	if c.quote != "" {
		parts = append(parts, firstRunes(sink.OneLine(c.quote), maxSummary))
	}
	for _, ch := range c.changes {
		parts = append(parts, ch.label+" "+ch.value)
	}
	return orEmpty(escape(strings.Join(parts, " · "), maxText))
}

// plain is the card as one text without blocks, for when Slack refuses the blocks. It is as safe as they are.
func (c card) plain() string {
	lines := []string{strings.TrimSpace(c.mention + " " + bold(c.title(" — ")))}
	if len(c.status) > 0 {
		lines = append(lines, strings.Join(c.status, " · "))
	}
	if c.link != "" {
		lines = append(lines, c.linkLine()) // before the long parts, which may fill the message
	}
	if c.quote != "" {
		lines = append(lines, "> "+escape(sink.OneLine(c.quote), maxText/2))
	}
	lines = append(lines, c.changeLines()...)
	for _, f := range c.fields {
		lines = append(lines, escape(f.emoji+" "+f.label+": "+f.value, maxLine))
	}
	return orEmpty(fitLines(append(lines, c.contextLine()), maxText))
}

func (c card) title(separator string) string {
	return c.emoji + " " + c.heading + separator + c.name
}

func (c card) statusLine() string {
	return strings.TrimSpace(c.mention + " " + strings.Join(c.status, " · "))
}

func (c card) linkLine() string { return "<" + c.link + "|💬 " + c.answer + " →>" }

func (c card) contextLine() string {
	return escape(sink.OneLine(strings.Join(c.context, " · ")), maxLine)
}

func (c card) changeLines() []string {
	var lines []string
	for _, ch := range c.changes {
		lines = append(lines, bold(ch.label)+": "+escape(ch.value, maxLine))
	}
	return lines
}

// fitLines joins as many of lines as limit allows. A line is never cut: it may hold a link.
func fitLines(lines []string, limit int) string {
	var b strings.Builder
	units := 0
	for _, line := range lines {
		n := sink.LenUTF16(line) + 1
		if line == "" || units+n > limit {
			continue
		}
		if units += n; b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line)
	}
	return b.String()
}

func mrkdwn(text string) *slackgo.TextBlockObject {
	return slackgo.NewTextBlockObject(slackgo.MarkdownType, orEmpty(text), false, true)
}

func section(text string) slackgo.Block { return slackgo.NewSectionBlock(mrkdwn(text), nil, nil) }

func quoteBlock(text string) slackgo.Block {
	return slackgo.NewRichTextBlock("", &slackgo.RichTextQuote{
		Type: slackgo.RTEQuote,
		Elements: []slackgo.RichTextSectionElement{
			slackgo.NewRichTextSectionTextElement(orEmpty(sink.TruncateUTF16(text, maxSection)), nil),
		},
	})
}

func fieldsBlock(fields []field) slackgo.Block {
	objects := make([]*slackgo.TextBlockObject, 0, len(fields))
	for _, f := range fields[:min(len(fields), maxFields)] {
		label := "*" + f.emoji + " " + f.label + "*\n"
		objects = append(objects, mrkdwn(label+escape(orEmpty(f.value), maxLine)))
	}
	return slackgo.NewSectionBlock(nil, objects, nil)
}
