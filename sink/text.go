package sink

import (
	"strings"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"

	"talkrelay"
)

// Clean returns s fit to be shown: without control characters and marks that reverse the order of text, in Unicode's
// composed form (NFC), so that Korean typed on a Mac looks and compares like Korean typed elsewhere.
func Clean(s string) string {
	return norm.NFC.String(talkrelay.CleanText(s))
}

// OneLine is Clean with every run of spaces and line breaks as one space, and none at the ends.
func OneLine(s string) string {
	return strings.Join(strings.Fields(Clean(s)), " ")
}

// TruncateUTF16 returns s if it has at most limit UTF-16 units (what Slack and Google count in), else as much of its
// start as fits with "…" at the end. It never cuts a character in two.
func TruncateUTF16(s string, limit int) string {
	if len(s) <= limit { // UTF-8 is never shorter than UTF-16
		return s
	}
	if limit < 1 {
		return ""
	}
	units, cut := 0, 0
	for i, r := range s {
		if units < limit {
			cut = i
		}
		units += max(utf16.RuneLen(r), 1)
		if units > limit {
			return s[:cut] + ellipsis
		}
	}
	return s
}

const ellipsis = "…" // one UTF-16 unit

// LenUTF16 counts the UTF-16 units of s.
func LenUTF16(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}
