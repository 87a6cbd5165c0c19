package talkrelay_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"talkrelay"
)

var masks = []struct {
	name string
	mask func(string) string
}{
	{"MaskPhone", talkrelay.MaskPhone},
	{"MaskEmail", talkrelay.MaskEmail},
	{"MaskName", talkrelay.MaskName},
}

func TestMaskPhone(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                  "",
		"  ":                "",
		"+821012345678":     "010-****-5678",
		"+82 10-1234-5678":  "010-****-5678",
		"+82 010-1234-5678": "010-****-5678",
		"01012345678":       "010-****-5678",
		"010-1234-5678":     "010-****-5678",
		"０１０－１２３４－５６７８":       "010-****-5678",
		"82-10-1234-5678":     "010-****-5678",
		"+82 2-555-1234":      "+82 ****-1234",
		"+819012345678":       "+81 ****-5678",
		"+14155552671":        "****-2671",
		"02-555-1234":         "****-1234",
		"1588-1234":           "****-1234",
		"0101234567890":       "****-7890",
		"112":                 "****",
		"1234567":             "****",
		"hong@example.com":    "****",
		"010-1234-5678 (mom)": "****",
		"tel 01012345678":     "****",
		"٠١٢٣٤٥٦٧٨٩":          "****",
		"010-****-5678":       "010-****-5678",
	} {
		if got := talkrelay.MaskPhone(in); got != want {
			t.Errorf("MaskPhone(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMaskEmail(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                         "",
		"hong@example.com":         "h***@example.com",
		" hong@example.co.kr ":     "h***@example.co.kr",
		"홍길동@한국.kr":                "홍***@한국.kr",
		"1234@example.com":         "1***@example.com",
		"_x@example.com":           "***@example.com",
		"hong":                     "***",
		"@example.com":             "***",
		"hong@localhost":           "***",
		"a@b@example.com":          "***",
		"Hong <hong@example.com>":  "***",
		"hong@010123456.com":       "***",
		"hong@example.com, a@b.kr": "***",
		"h***@example.com":         "h***@example.com",
	} {
		if got := talkrelay.MaskEmail(in); got != want {
			t.Errorf("MaskEmail(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMaskName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                 "",
		"홍길동":              "홍*동",
		"홍길":               "홍*",
		"홍":                "*",
		"남궁길동":             "남**동",
		"아주긴별명입니다":         "아***다",
		"Gildong Hong":     "G*** H***",
		"  Gildong   Hong": "G*** H***",
		"山田 太郎":            "山* 太*",
		"さくら":              "さ*ら",
		"スーパー":             "ス**ー",
		"Émile":            "É***",
		"홍길동01":            "홍***",
		"010-1234-5678":    "***",
		"hong@example.com": "h***",
		"🐶🐶🐶🐶":             "***",
		"홍*동":              "홍*동",
		"G*** H***":        "G*** H***",
	} {
		if got := talkrelay.MaskName(in); got != want {
			t.Errorf("MaskName(%q) = %q, want %q", in, got, want)
		}
	}
}

var fiveDigits = regexp.MustCompile(`\p{Nd}{5}`)

// FuzzMask: whatever goes in, a mask hides something of it, never shows five digits in a row, and does nothing more
// when applied again.
func FuzzMask(f *testing.F) {
	for _, s := range []string{
		"+821012345678", "010-****-5678", "hong@example.com", "h***@example.com", "홍길동", "Gildong Hong", "a@b@c.d",
		"12345@67890.12345", "\xff", "０１０１２３４", "1*****67890", "홍 ***", "ー", "* a", "\u200b", "a\u0301b", "x@y.\u0660",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, m := range masks {
			masked := m.mask(s)
			if again := m.mask(masked); again != masked {
				t.Errorf("%s(%q) = %q, and masked again %q", m.name, s, masked, again)
			}
			if fiveDigits.MatchString(masked) {
				t.Errorf("%s(%q) = %q shows more than four digits", m.name, s, masked)
			}
			if masked != "" && !strings.Contains(masked, "*") {
				t.Errorf("%s(%q) = %q hides nothing", m.name, s, masked)
			}
			if masked == "" && strings.TrimFunc(s, unicode.IsSpace) != "" {
				t.Errorf("%s(%q) is empty: it looks as if there were nothing", m.name, s)
			}
		}
	})
}
