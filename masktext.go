package talkrelay

import (
	"regexp"
	"strings"
)

// MaskText masks what looks like an e-mail address, a telephone, card or resident registration number inside s. It is
// the last net under log lines and errors, not a licence to put customer data there: names and plain words go through.
// Ids, dates, times and IP addresses stay legible.
func MaskText(s string) string {
	s = emailLike.ReplaceAllStringFunc(s, MaskEmail)
	var b strings.Builder
	last := 0
	for _, span := range numberSpan.FindAllStringSubmatchIndex(s, -1) {
		harmless := span[2] >= 0 && !letterBeforeMobile.MatchString(s[span[0]:span[1]])
		if harmless || inHexID(s, span[0], span[1]) {
			continue
		}
		b.WriteString(s[last:span[0]])
		b.WriteString(maskNumbers(s[span[0]:span[1]]))
		last = span[1]
	}
	b.WriteString(s[last:])
	return b.String()
}

const (
	digitClass     = `[0-9０-９]`
	separatorClass = `[ \-.()/\x{a0}\x{2010}-\x{2014}\x{2212}\x{30fc}\x{3000}\x{ff0d}\x{ff08}\x{ff09}]`

	timeOfDay  = `[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?`
	slackID    = `\b[CDGTUWB][0-9A-Z]{8,12}\b`
	slackTS    = `\b1[0-9]{9}\.[0-9]{6}\b`                                               // names a Slack message
	ipAddress  = `\b[1-9][0-9]{0,2}(?:\.(?:0|[1-9][0-9]{0,2})){3}\b`                     // a number with dots begins with 0 or +
	harmlessRE = `(` + timeOfDay + `|` + slackID + `|` + slackTS + `|` + ipAddress + `)` // the only group of numberSpan
)

var (
	emailLike   = regexp.MustCompile(`[\p{L}\p{N}.!#$%&'*+=?^_{|}~-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+`)
	numberSpan  = regexp.MustCompile(harmlessRE + `|\+?` + digitClass + `+(?:` + separatorClass + `{1,3}\+?` + digitClass + `+)*`)
	numberGroup = regexp.MustCompile(`\+?` + digitClass + `+`)

	letterBeforeMobile = regexp.MustCompile(`^[A-Z]01[0-9]{9}$`) // "T01012345678" has the form of a Slack id
)

// maskNumbers masks the numbers in span, which is groups of digits with separators between them. A number is made of
// whole groups, the longest that makes one from the left.
func maskNumbers(span string) string {
	groups := numberGroup.FindAllStringIndex(span, -1)
	var b strings.Builder
	last := 0
	for i := 0; i < len(groups); {
		n, masked := longestNumber(span, groups[i:])
		if n == 0 {
			i++
			continue
		}
		b.WriteString(span[last:groups[i][0]])
		b.WriteString(masked)
		last = groups[i+n-1][1]
		i += n
	}
	b.WriteString(span[last:])
	return b.String()
}

// longestNumber returns how many of the first groups make one number, and that number masked; 0 if none do.
func longestNumber(span string, groups [][]int) (n int, masked string) {
	for n = min(len(groups), maxGroups); n > 0; n-- {
		text := span[groups[0][0]:groups[n-1][1]]
		digits, ok := phoneDigits(text)
		if !ok {
			continue
		}
		switch {
		case residentNumber.MatchString(digits) && (n == 1 || n == 2 && groups[0][1]-groups[0][0] == 6):
			return n, "******-*******"
		case cardNumber(digits):
			return n, "****"
		case phoneLike(text, digits):
			return n, MaskPhone(text)
		}
	}
	return 0, ""
}

const maxGroups = 6 // a number is not written in more

// residentNumber: date of birth, century and sex, six more digits.
var residentNumber = regexp.MustCompile(`^[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{7}$`)

// phoneLike reports whether digits, written as text, are a telephone number: international with a plus, national with
// its zero, or a Korean mobile that lost either (as in 82-10-1234-5678 and Excel's 1012345678).
func phoneLike(text, digits string) bool {
	n := len(digits)
	switch {
	case text[0] == '+':
		return 8 <= n && n <= 15
	case digits[0] == '0':
		return 9 <= n && n <= 11 || strings.HasPrefix(digits, "00") && n <= 15 && n >= 11
	case strings.HasPrefix(digits, "8210"), strings.HasPrefix(digits, "82010"):
		return n == len("821012345678") || n == len("8201012345678")
	}
	return strings.HasPrefix(digits, "10") && n == len("1012345678")
}

// cardNumber reports whether digits have the length and the check digit (Luhn) of a payment card.
func cardNumber(digits string) bool {
	if len(digits) < 14 || len(digits) > 19 {
		return false
	}
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// hexIDLen is how many hexadecimal digits make an id.
const hexIDLen = 16

// inHexID reports whether s[from:to] is part of a longer id of hexadecimal digits, such as Channel Talk's. It looks no
// further than the length of an id: a stranger's text may be hexadecimal digits from end to end.
func inHexID(s string, from, to int) bool {
	before, after := 0, 0
	for before < hexIDLen && before < from && hexDigit(s[from-before-1]) {
		before++
	}
	for after < hexIDLen && to+after < len(s) && hexDigit(s[to+after]) {
		after++
	}
	around := before + after
	return around > 0 && around+to-from >= hexIDLen
}

func hexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f'
}
