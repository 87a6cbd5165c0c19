package slack

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/slack-go/slack/slackutilsx"

	"talkrelay/sink"
)

// Limits of a message, in UTF-16 units and after escaping: below Slack's own (150, 3,000, 4,000), whose unit is not
// documented. Above 4,000 Slack splits a text into several messages.
const (
	maxHeader  = 140
	maxSection = 2900
	maxText    = 3800
	maxFields  = 10
	maxLine    = 300 // of a field, which Slack ends at 2,000, of a changed contact field and of the last line

	maxQuote   = 300 // characters of the customer's text
	maxSummary = 150 // of it in the notification
	maxName    = 80
	maxURL     = 2000
)

const ellipsis = "…"

// empty stands for a text that is not there: Slack refuses empty ones.
const empty = "-"

// escape returns at most limit UTF-16 units of s, escaped for mrkdwn: what it returns can neither mention nor link.
// The cut never falls into a character or an entity.
func escape(s string, limit int) string {
	if escaped := slackutilsx.EscapeMessage(s); sink.LenUTF16(escaped) <= limit {
		return escaped
	}
	units := 0
	for i, r := range s {
		units += sink.LenUTF16(slackutilsx.EscapeMessage(string(r)))
		if units > limit-1 {
			return slackutilsx.EscapeMessage(s[:i]) + ellipsis
		}
	}
	return slackutilsx.EscapeMessage(s)
}

// cutMarkup returns at most limit UTF-16 units of s, which is mrkdwn. The cut never falls into <…> or an entity.
func cutMarkup(s string, limit int) string {
	if sink.LenUTF16(s) <= limit {
		return s
	}
	units, cut := 0, 0
	for i, r := range s {
		if units > limit-1 {
			break
		}
		cut = i
		units += max(utf16.RuneLen(r), 1)
	}
	s = s[:cut]
	if open := strings.LastIndexByte(s, '<'); open > strings.LastIndexByte(s, '>') {
		s = s[:open]
	}
	if amp := strings.LastIndexByte(s, '&'); amp > strings.LastIndexByte(s, ';') && len(s)-amp < len("&quot;") {
		s = s[:amp]
	}
	return s + ellipsis
}

// firstRunes returns at most n characters of s, with "…" for the rest.
func firstRunes(s string, n int) string {
	count := 0
	for i := range s {
		if count == n {
			return strings.TrimRightFunc(s[:i], unicode.IsSpace) + ellipsis
		}
		count++
	}
	return s
}

// orEmpty returns s, or a dash for a text with nothing in it to see.
func orEmpty(s string) string {
	if !visible(s) {
		return empty
	}
	return s
}

// visible reports whether there is anything in s to see.
func visible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) })
}

// linkURL returns raw, escaped, if it is fit to stand in <url|label>, else "".
func linkURL(raw string) string {
	if len(raw) > maxURL || !utf8.ValidString(raw) || strings.ContainsAny(raw, "|<>\"`\\") || strings.ContainsFunc(raw, notInURL) {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return slackutilsx.EscapeMessage(raw)
}

func notInURL(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}
