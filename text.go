package talkrelay

import (
	"strings"
	"unicode/utf8"
)

// CleanText returns s without what a stranger can put into a text to break what shows it: control characters, and the
// marks that reverse the order of what follows. Line breaks of every kind become \n, a tab becomes a space, bytes that
// are no UTF-8 become U+FFFD. Zero-width joiners stay, because emoji need them.
func CleanText(s string) string {
	if isClean(s) {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(cleanRune, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

func isClean(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if cleanRune(r) != r {
			return false
		}
	}
	return true
}

// cleanRune maps r to what may stay of it; -1 is nothing.
func cleanRune(r rune) rune {
	switch {
	case r == '\n':
		return r
	case r == '\t':
		return ' '
	case r == '\r', r == '\v', r == '\f', r == '\u0085', r == '\u2028', r == '\u2029':
		return '\n'
	case r < ' ', '\u007f' <= r && r <= '\u009f':
		return -1
	case '\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
		return -1
	}
	return r
}
