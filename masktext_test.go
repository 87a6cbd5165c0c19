package talkrelay_test

import (
	"strings"
	"testing"
	"time"

	"talkrelay"
)

func TestMaskText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                   "",
		"전화 010-1234-5678 주세요":               "전화 010-****-5678 주세요",
		"번호는01012345678입니다":                  "번호는010-****-5678입니다",
		"+82 10-1234-5678/hong@example.com":  "010-****-5678/h***@example.com",
		"010 1234 5678, 02)555-1234":         "010-****-5678, ****-1234",
		"주문 3 010-1234-5678 2":               "주문 3 010-****-5678 2",
		"1 2 3 010.1234.5678":                "1 2 3 010-****-5678",
		"010-1234-5678 010-8765-4321":        "010-****-5678 010-****-4321",
		"０１０－１２３４－５６７８":                      "010-****-5678",
		"082 1012345678 and 82-10-1234-5678": "082 ****-5678 and 010-****-5678",
		"+82 (0)10 - 12 34 - 5678":           "010-****-5678",
		"+81 90-1234-5678":                   "+81 ****-5678",
		"+1 (415) 555-2671":                  "****-2671",
		"T01012345678":                       "T010-****-5678",
		"tel:+821012345678;x":                "tel:010-****-5678;x",
		"010.1234.5678 and 02.123.45.67":     "010-****-5678 and ****-4567",
		"주민번호 900101-1234567":                "주민번호 ******-*******",
		"9001011234567":                      "******-*******",
		"card 4111 1111 1111 1111 ok":        "card **** ok",
		"card 4111-1111-1111-1111":           "card ****",
		"4111111111111111":                   "****",
		"mail a.b+c@mail.example.co.kr.":     "mail a***@mail.example.co.kr.",
		`{"email":"hong@example.com"}`:       `{"email":"h***@example.com"}`,
		"홍길동@example.com":                    "홍***@example.com",

		// What an engineer needs to read stays.
		"2026-11-22 14:03:05":                  "2026-11-22 14:03:05",
		"2026-11-22T05:03:00.123456789Z":       "2026-11-22T05:03:00.123456789Z",
		"chat 6641a7e0c50123456789ab01 opened": "chat 6641a7e0c50123456789ab01 opened",
		"550e8400-e29b-41d4-a716-446655440000": "550e8400-e29b-41d4-a716-446655440000",
		"dial tcp 127.0.0.1:43121: refused":    "dial tcp 127.0.0.1:43121: refused",
		"dial tcp 10.12.123.123:443: refused":  "dial tcp 10.12.123.123:443: refused", // ten digits from 10 on, as in a mobile number
		"ts 1763787780.123459":                 "ts 1763787780.123459",
		"ts 1763787780.000003":                 "ts 1763787780.000003", // has a card's check digit
		"openedAt 1763787780123":               "openedAt 1763787780123",
		"C0123456789":                          "C0123456789",
		"HTTP 503, attempt 12, 4096 bytes":     "HTTP 503, attempt 12, 4096 bytes",
		"010-****-5678 h***@example.com":       "010-****-5678 h***@example.com",
	} {
		if got := talkrelay.MaskText(in); got != want {
			t.Errorf("MaskText(%q) = %q, want %q", in, got, want)
		}
	}
}

// A customer writes the text: what it is made of must not make the work grow with the square of its length.
func TestMaskTextTakesTimeInProportion(t *testing.T) {
	t.Parallel()
	began := time.Now()
	talkrelay.MaskText(strings.Repeat("a1", 100_000))
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("200 kB of hexadecimal digits took %s", took)
	}
}

// FuzzMaskText: no text around them keeps a number or an address from being found.
func FuzzMaskText(f *testing.F) {
	for _, s := range []string{"", "주문 3", "a", "(", "010", "+1", "-", ": 12", "\xff", "x@y.z"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, secret := range []string{"010-1234-5678", "+821012345678", "hong.gildong@example.com", "900101-1234567"} {
			text := before + "\n" + secret + "\n" + after
			if masked := talkrelay.MaskText(text); strings.Contains(masked, secret) && !strings.Contains(before+after, secret) {
				t.Errorf("MaskText(%q) = %q shows %s", text, masked, secret)
			}
		}
	})
}
