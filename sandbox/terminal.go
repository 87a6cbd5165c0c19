package sandbox

import (
	"fmt"
	"strings"
	"unicode"
)

// Terminal returns the message as lines of plain text for a terminal. Control characters are made visible, so that
// what a customer wrote cannot move the cursor.
func (m SlackMessage) Terminal() string {
	var b strings.Builder
	for _, p := range m.Shown() {
		for i, run := range p.Runs {
			text := terminalSpans(run)
			switch p.Kind {
			case PartHeader:
				fmt.Fprintf(&b, "■ %s\n", text)
			case PartQuote:
				for line := range strings.SplitSeq(text, "\n") {
					fmt.Fprintf(&b, "│ %s\n", line)
				}
			case PartList:
				fmt.Fprintf(&b, "• %s\n", text)
			case PartFields:
				fmt.Fprintf(&b, "  %s\n", strings.Join(strings.Split(text, "\n"), "  "))
			case PartContext:
				fmt.Fprintf(&b, "%s%s", map[bool]string{true: "  ", false: " · "}[i == 0], text)
			default:
				fmt.Fprintf(&b, "%s\n", text)
			}
		}
		switch p.Kind {
		case PartContext:
			b.WriteByte('\n')
		case PartDivider:
			b.WriteString("────────\n")
		}
	}
	if m.Edited != "" {
		b.WriteString("  (edited)\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func terminalSpans(spans []Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(visible(s.Text))
		if s.Kind == SpanLink && s.Target != s.Text {
			b.WriteString(" <" + visible(s.Target) + ">")
		}
	}
	return b.String()
}

// visible replaces what a terminal would obey.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return '\uFFFD'
		}
		return r
	}, s)
}
