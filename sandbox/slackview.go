package sandbox

import (
	"encoding/json"
	"strings"
)

// PartKind says how a part of a message is laid out.
type PartKind string

// The kinds of part.
const (
	PartFallback PartKind = "fallback" // the message's text: the notification, and all there is without blocks
	PartHeader   PartKind = "header"
	PartSection  PartKind = "section"
	PartFields   PartKind = "fields"
	PartQuote    PartKind = "quote"
	PartCode     PartKind = "code"
	PartList     PartKind = "list"
	PartContext  PartKind = "context"
	PartButtons  PartKind = "buttons"
	PartDivider  PartKind = "divider"
)

// Part is a part of a message: one or more runs of text.
type Part struct {
	Kind PartKind
	Runs [][]Span
}

// Parts returns the message as it is laid out. The fallback comes first; Slack shows it only in notifications when
// there are blocks.
func (m SlackMessage) Parts() []Part {
	fallback := parseMrkdwn(m.Text, !m.noLinks)
	if m.noMarkup {
		fallback = []Span{{Kind: SpanText, Text: unescape.Replace(m.Text)}}
	}
	parts := []Part{{PartFallback, [][]Span{fallback}}}
	var blocks []object
	if json.Unmarshal(m.Blocks, &blocks) != nil { // no blocks; those there are were checked
		return parts
	}
	for _, b := range blocks {
		parts = append(parts, blockParts(b)...)
	}
	return parts
}

// Shown returns the parts that are seen in the channel.
func (m SlackMessage) Shown() []Part {
	parts := m.Parts()
	if len(parts) > 1 {
		return parts[1:]
	}
	return parts
}

func blockParts(b object) []Part {
	switch b["type"] {
	case "header":
		return []Part{{PartHeader, [][]Span{textSpans(b["text"])}}}
	case "section":
		var parts []Part
		if t, ok := b["text"]; ok {
			parts = append(parts, Part{PartSection, [][]Span{textSpans(t)}})
		}
		if fields := objects(b["fields"]); len(fields) > 0 {
			parts = append(parts, Part{PartFields, runs(fields)})
		}
		if button, ok := b["accessory"].(object); ok {
			parts = append(parts, buttons([]object{button}))
		}
		return parts
	case "context":
		return []Part{{PartContext, runs(objects(b["elements"]))}}
	case "divider":
		return []Part{{Kind: PartDivider}}
	case "actions":
		return []Part{buttons(objects(b["elements"]))}
	case "markdown":
		s, _ := b["text"].(string)
		return []Part{{PartSection, [][]Span{parseMrkdwn(s, true)}}}
	case "rich_text":
		var parts []Part
		for _, e := range objects(b["elements"]) {
			parts = append(parts, richPart(e))
		}
		return parts
	}
	return nil
}

func richPart(e object) Part {
	switch e["type"] {
	case "rich_text_list":
		p := Part{Kind: PartList}
		for _, item := range objects(e["elements"]) {
			p.Runs = append(p.Runs, richSpans(item))
		}
		return p
	case "rich_text_quote":
		return Part{PartQuote, [][]Span{richSpans(e)}}
	case "rich_text_preformatted":
		return Part{PartCode, [][]Span{richSpans(e)}}
	}
	return Part{PartSection, [][]Span{richSpans(e)}}
}

func richSpans(e object) []Span {
	var spans []Span
	for _, leaf := range objects(e["elements"]) {
		get := func(key string) string { s, _ := leaf[key].(string); return s }
		var s Span
		switch leaf["type"] {
		case "text":
			s = Span{Kind: SpanText, Text: get("text")}
		case "link":
			s = Span{Kind: SpanLink, Text: get("text"), Target: get("url")}
			if s.Text == "" {
				s.Text = s.Target
			}
		case "user":
			s = Span{Kind: SpanUser, Text: "@" + get("user_id"), Target: get("user_id")}
		case "usergroup":
			s = Span{Kind: SpanGroup, Text: "@" + get("usergroup_id"), Target: get("usergroup_id")}
		case "channel":
			s = Span{Kind: SpanRoom, Text: "#" + get("channel_id"), Target: get("channel_id")}
		case "broadcast":
			s = Span{Kind: SpanBroadcast, Text: "@" + get("range"), Target: get("range")}
		case "emoji":
			s = Span{Kind: SpanEmoji, Text: ":" + get("name") + ":", Target: get("name")}
		case "date":
			s = Span{Kind: SpanDate, Text: get("fallback"), Target: get("format")}
		}
		if style, ok := leaf["style"].(object); ok {
			s.Bold, s.Italic, s.Strike, s.Code = style["bold"] == true, style["italic"] == true, style["strike"] == true, style["code"] == true
		}
		spans = append(spans, s)
	}
	return spans
}

func buttons(elements []object) Part {
	p := Part{Kind: PartButtons}
	for _, e := range elements {
		spans := textSpans(e["text"])
		if url, ok := e["url"].(string); ok {
			spans = []Span{{Kind: SpanLink, Text: plain(spans), Target: url}}
		}
		p.Runs = append(p.Runs, spans)
	}
	return p
}

func runs(texts []object) [][]Span {
	var all [][]Span
	for _, t := range texts {
		all = append(all, textSpans(t))
	}
	return all
}

// textSpans reads a text object.
func textSpans(v any) []Span {
	o, _ := v.(object)
	s, _ := o["text"].(string)
	if o["type"] == "mrkdwn" {
		return parseMrkdwn(s, o["verbatim"] != true)
	}
	return []Span{{Kind: SpanText, Text: s}}
}

func objects(v any) []object {
	list, _ := v.([]any)
	var all []object
	for _, e := range list {
		if o, ok := e.(object); ok {
			all = append(all, o)
		}
	}
	return all
}

func plain(spans []Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Plain returns all text of the message, fallback included, one part a line.
func (m SlackMessage) Plain() string {
	var lines []string
	for _, p := range m.Parts() {
		for _, run := range p.Runs {
			lines = append(lines, plain(run))
		}
	}
	return strings.Join(lines, "\n")
}

// Ping is something live in a message: a mention that rings, a link that can be followed.
type Ping struct {
	TS   string
	Part PartKind
	Span
}

// Pings returns everything live in the channel's visible messages, fallback texts included. A customer's text must
// never be the reason for one.
func (c *SlackChannel) Pings() []Ping {
	var pings []Ping
	for _, m := range c.Messages() {
		for _, p := range m.Parts() {
			for _, run := range p.Runs {
				for _, s := range run {
					if s.Kind.Mention() || s.Kind == SpanLink || s.Kind == SpanAutoLink || s.Kind == SpanRoom {
						pings = append(pings, Ping{m.TS, p.Kind, s})
					}
				}
			}
		}
	}
	return pings
}
