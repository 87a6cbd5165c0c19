package channeltalk

import (
	"html"
	"regexp"
	"strings"
)

// markup is what Channel Talk puts around words in a block. Other angle brackets are the writer's own.
var markup = regexp.MustCompile(`</?(?:b|i|link)(?:\s[^<>]*)?>`)

// blocksText joins an array of blocks into plain text, one line a block.
func blocksText(r *reader) string {
	var lines []string
	for range r.elements {
		if s := blockText(r); s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}

func blockText(r *reader) string {
	var typ, value, nested string
	for key := range r.members {
		switch string(key) {
		case "type":
			typ = r.text()
		case "value":
			value = r.text()
		case "blocks":
			nested = blocksText(r)
		}
	}
	if typ != "code" {
		value = markup.ReplaceAllString(value, "")
	}
	value = html.UnescapeString(value)
	if typ == "bullets" {
		nested = bulleted(nested)
	}
	if value == "" || nested == "" {
		return value + nested
	}
	return value + "\n" + nested
}

// bulleted puts a bullet before each line that has none from a list inside the list.
func bulleted(text string) string {
	if text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "• ") {
			lines[i] = "• " + line
		}
	}
	return strings.Join(lines, "\n")
}
