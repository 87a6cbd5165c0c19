package sandbox

import (
	"regexp"
	"strings"
)

// SpanKind says what a piece of a message is.
type SpanKind string

// The kinds of span. Those that Mention reports make somebody's phone ring or name a place.
const (
	SpanText      SpanKind = "text"
	SpanLink      SpanKind = "link"
	SpanAutoLink  SpanKind = "bare link" // text that looks like an address, which Slack makes a link of
	SpanBroadcast SpanKind = "broadcast" // @channel, @here, @everyone
	SpanUser      SpanKind = "user"
	SpanGroup     SpanKind = "usergroup"
	SpanRoom      SpanKind = "channel"
	SpanEmoji     SpanKind = "emoji"
	SpanDate      SpanKind = "date"
)

// Mention reports whether the span calls somebody.
func (k SpanKind) Mention() bool { return k == SpanBroadcast || k == SpanUser || k == SpanGroup }

// Span is a piece of a message as Slack shows it.
type Span struct {
	Kind   SpanKind
	Text   string // as shown
	Target string // address of a link, id of who or what is named
	Bold   bool
	Italic bool
	Strike bool
	Code   bool
}

var (
	unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
	bareLink = regexp.MustCompile(`https?://[^\s<>|]+`)
	// A mark counts only where a word could begin and end.
	styled = regexp.MustCompile("(^|[\\s(\\[{])(?:\\*([^*\\n]+)\\*|_([^_\\n]+)_|~([^~\\n]+)~|`([^`\\n]+)`)")
)

// parseMrkdwn reads Slack's mark-up as Slack does: <…> is special, the three escapes are decoded once and last.
// autoLink says whether bare addresses become links.
func parseMrkdwn(text string, autoLink bool) []Span {
	var spans []Span
	for text != "" {
		before, rest, open := strings.Cut(text, "<")
		spans = append(spans, styledSpans(before, autoLink)...)
		if !open {
			break
		}
		inside, after, closed := strings.Cut(rest, ">")
		if !closed || inside == "" || strings.ContainsAny(inside, "\n<") {
			spans = append(spans, Span{Kind: SpanText, Text: "<"})
			text = rest
			continue
		}
		spans = append(spans, control(inside))
		text = after
	}
	return spans
}

// control reads what stands between < and >.
func control(inside string) Span {
	target, label, labelled := strings.Cut(inside, "|")
	shown := unescape.Replace(label)
	or := func(s string) string {
		if labelled && shown != "" {
			return shown
		}
		return s
	}
	switch {
	case strings.HasPrefix(target, "@"):
		return Span{Kind: SpanUser, Text: or(target), Target: target[1:]}
	case strings.HasPrefix(target, "#"):
		return Span{Kind: SpanRoom, Text: or(target), Target: target[1:]}
	case strings.HasPrefix(target, "!subteam^"):
		id := strings.TrimPrefix(target, "!subteam^")
		return Span{Kind: SpanGroup, Text: or("@" + id), Target: id}
	case strings.HasPrefix(target, "!date^"):
		return Span{Kind: SpanDate, Text: or(target), Target: target[1:]}
	case strings.HasPrefix(target, "!"):
		return Span{Kind: SpanBroadcast, Text: or("@" + target[1:]), Target: target[1:]}
	}
	return Span{Kind: SpanLink, Text: or(unescape.Replace(target)), Target: unescape.Replace(target)}
}

func styledSpans(text string, autoLink bool) []Span {
	var spans []Span
	for text != "" {
		m := styled.FindStringSubmatchIndex(text)
		if m == nil {
			return append(spans, plainSpans(text, autoLink)...)
		}
		at := m[0]
		if m[3] > m[2] {
			at = m[3] // the character before the mark is not part of it
		}
		spans = append(spans, plainSpans(text[:at], autoLink)...)
		for i, style := range []Span{{Bold: true}, {Italic: true}, {Strike: true}, {Code: true}} {
			if from := m[4+2*i]; from >= 0 {
				style.Kind, style.Text = SpanText, unescape.Replace(text[from:m[5+2*i]])
				spans = append(spans, style)
			}
		}
		text = text[m[1]:]
	}
	return spans
}

func plainSpans(text string, autoLink bool) []Span {
	if text == "" {
		return nil
	}
	m := bareLink.FindStringIndex(text)
	if m == nil || !autoLink {
		return []Span{{Kind: SpanText, Text: unescape.Replace(text)}}
	}
	address := unescape.Replace(text[m[0]:m[1]])
	spans := plainSpans(text[:m[0]], false)
	spans = append(spans, Span{Kind: SpanAutoLink, Text: address, Target: address})
	return append(spans, plainSpans(text[m[1]:], true)...)
}
