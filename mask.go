package talkrelay

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hidden stands for what a mask took away.
const hidden = "***"

// MaskPhone keeps the last four digits of a number, the 010 of a Korean mobile and the country code of Korea and
// Japan: "010-****-5678", "+81 ****-5678", "****-5678". Of what is too short or too odd to be a number it keeps
// nothing: "****". Empty stays empty. Masking twice changes nothing.
func MaskPhone(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || maskedPhone.MatchString(s) {
		return s
	}
	digits, ok := phoneDigits(s)
	if !ok || len(digits) < 8 {
		return "****"
	}
	tail := "****-" + digits[len(digits)-4:]
	if national := FormatPhone("+" + digits); strings.HasPrefix(digits, "82") && strings.HasPrefix(national, "010-") {
		return "010-" + tail
	}
	switch {
	case strings.HasPrefix(digits, "010") && len(digits) == 11 && s[0] != '+':
		return "010-" + tail
	case strings.HasPrefix(s, "+81"), strings.HasPrefix(s, "+82"):
		return s[:3] + " " + tail
	}
	return tail
}

var maskedPhone = regexp.MustCompile(`^(010-|\+8[12] )?\*{4}(-[0-9]{4})?$`)

// MaskEmail keeps the first letter and the domain: "h***@example.com". What has not the form of an address becomes
// "***". Empty stays empty. Masking twice changes nothing.
func MaskEmail(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || !plainDomain.MatchString(domain) || digitRun.MatchString(domain) {
		return hidden
	}
	first, _ := utf8.DecodeRuneInString(local)
	if !unicode.IsLetter(first) && !unicode.IsDigit(first) {
		return hidden + "@" + domain
	}
	return string(first) + hidden + "@" + domain
}

var (
	plainDomain = regexp.MustCompile(`^[\p{L}\p{M}\p{N}-]+(\.[\p{L}\p{M}\p{N}-]+)+$`)
	digitRun    = regexp.MustCompile(`\p{Nd}{5}`) // a domain with that is likelier a number than a name
)

// MaskName keeps the ends of a Korean, Japanese or Chinese name and the initials of any other: "홍길동" becomes "홍*동",
// "홍길" "홍*", "Gildong Hong" "G*** H***". Empty stays empty. Masking twice changes nothing.
func MaskName(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		words[i] = maskWord(w)
	}
	return strings.Join(words, " ")
}

func maskWord(w string) string {
	runes := []rune(w)
	n := len(runes)
	first := runes[0]
	switch {
	case n == 1 || !unicode.IsLetter(first):
		return strings.Repeat("*", min(n, 3))
	case !eastAsian(runes):
		return string(first) + hidden
	case n == 2:
		return string(first) + "*"
	default:
		return string(first) + strings.Repeat("*", min(n-2, 3)) + string(runes[n-1])
	}
}

// eastAsian reports whether all of runes are letters of Korean, Japanese or Chinese, or stars of an earlier mask.
func eastAsian(runes []rune) bool {
	for _, r := range runes {
		if r != '*' && r != 'ー' && !unicode.In(r, unicode.Hangul, unicode.Han, unicode.Hiragana, unicode.Katakana) {
			return false
		}
	}
	return unicode.IsLetter(runes[0]) && unicode.In(runes[0], unicode.Hangul, unicode.Han, unicode.Hiragana, unicode.Katakana)
}
