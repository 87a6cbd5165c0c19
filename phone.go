package talkrelay

import "strings"

// FormatPhone returns a Korean or Japanese number as people there write it: "+821012345678" becomes "010-1234-5678",
// "+81312345678" becomes "03-1234-5678". Spaces, hyphens and a zero too many after the country code do not matter.
// Anything it does not know for certain is returned as it is, without the spaces around it.
func FormatPhone(s string) string {
	s = strings.TrimSpace(s)
	digits, ok := phoneDigits(s)
	if !ok || s[0] != '+' {
		return s
	}
	var plans []plan
	switch {
	case strings.HasPrefix(digits, "82"):
		plans = korea
	case strings.HasPrefix(digits, "81"):
		plans = japan
	}
	if plans == nil {
		return s
	}
	number := strings.TrimPrefix(digits[2:], "0")
	for _, p := range plans {
		if out, ok := p.format(number); ok {
			return out
		}
	}
	return s
}

// A plan is one way numbers of a country are grouped. Numbers are without country code and trunk zero.
type plan struct {
	prefixes string // space-separated; a number starts with one of them
	bare     bool   // written without the trunk zero
	groups   [3]int // lengths; the sum is the length of the number. A first length of 0 leaves the group out.
}

// korea: Ministry of Science and ICT, numbering plan; mobile, Seoul, area codes, internet, personal, free, company.
var korea = []plan{
	{prefixes: "10", groups: [3]int{2, 4, 4}},
	{prefixes: "11 16 17 18 19", groups: [3]int{2, 3, 4}},
	{prefixes: "11 16 17 18 19", groups: [3]int{2, 4, 4}},
	{prefixes: "2", groups: [3]int{1, 3, 4}},
	{prefixes: "2", groups: [3]int{1, 4, 4}},
	{prefixes: "31 32 33 41 42 43 44 51 52 53 54 55 61 62 63 64 80", groups: [3]int{2, 3, 4}},
	{prefixes: "31 32 33 41 42 43 44 51 52 53 54 55 61 62 63 64 70 80", groups: [3]int{2, 4, 4}},
	{prefixes: "50", groups: [3]int{3, 3, 4}}, // 0505-123-4567
	{prefixes: "50", groups: [3]int{3, 4, 4}},
	{prefixes: "15 16 18", bare: true, groups: [3]int{0, 4, 4}}, // 1588-1234
}

// japan: Ministry of Internal Affairs and Communications, numbering plan. Of the area codes only those are here that
// are not the start of a longer one; how another number divides takes the whole table to know.
var japan = []plan{
	{prefixes: "120 570", groups: [3]int{3, 3, 3}},
	{prefixes: "800", groups: [3]int{3, 3, 4}}, // before 080, which never goes on with a zero
	{prefixes: "60 70 80 90 50", groups: [3]int{2, 4, 4}},
	{prefixes: "3 6", groups: [3]int{1, 4, 4}},
	{prefixes: "11 44 45 52 75 78", groups: [3]int{2, 3, 4}},
}

func (p plan) format(number string) (string, bool) {
	if len(number) != p.groups[0]+p.groups[1]+p.groups[2] || !p.matches(number) {
		return "", false
	}
	a, b := p.groups[0], p.groups[0]+p.groups[1]
	if p.bare {
		return number[:b] + "-" + number[b:], true
	}
	return "0" + number[:a] + "-" + number[a:b] + "-" + number[b:], true
}

func (p plan) matches(number string) bool {
	for prefix := range strings.FieldsSeq(p.prefixes) {
		if strings.HasPrefix(number, prefix) {
			return true
		}
	}
	return false
}

// phoneDigits returns the digits of s. ok is false if s holds anything that is not part of a telephone number.
func phoneDigits(s string) (digits string, ok bool) {
	var b strings.Builder
	for i, r := range s {
		switch {
		case '0' <= r && r <= '9':
			b.WriteRune(r)
		case '０' <= r && r <= '９': // full width, as Japanese keyboards type them
			b.WriteRune(r - '０' + '0')
		case r == '+' && i == 0:
		case strings.ContainsRune(phoneSeparators, r):
		default:
			return "", false
		}
	}
	return b.String(), b.Len() > 0
}

// phoneSeparators are what people put between the groups of a number: hyphens, dashes, dots, brackets and spaces.
const phoneSeparators = " -.()/\u00a0\u2010\u2011\u2012\u2013\u2014\u2212\u30fc\u3000\uff0d\uff08\uff09"
