package talkrelay_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"talkrelay"
)

func TestCleanText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"Korean", "안녕하세요\n배송 문의", "안녕하세요\n배송 문의"},
		{"NUL and bell", "a\x00b\x07c", "abc"},
		{"escape and delete", "\x1b[31mred\x7f", "[31mred"},
		{"C1", "a\u009bb", "ab"},
		{"tab", "a\tb", "a b"},
		{"Windows", "a\r\nb", "a\nb"},
		{"old Mac", "a\rb", "a\nb"},
		{"other line ends", "a\u2028b\u2029c\vd\u0085e", "a\nb\nc\nd\ne"},
		{"direction", "abc\u202egnp.exe\u202c \u2066x\u2069", "abcgnp.exe x"},
		{"no UTF-8", "가\xff\xfe나", "가\ufffd나"},
		{"cut in two", "가\xea\xb0", "가\ufffd"},
		{"joined emoji", "👩‍👩‍👧", "👩‍👩‍👧"},
	} {
		if got := talkrelay.CleanText(tt.in); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzCleanText(f *testing.F) {
	for _, s := range []string{"a\x00b", "\r\r\n", "\u202e", "\xff", "가"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := talkrelay.CleanText(s)
		if !utf8.ValidString(out) || strings.ContainsAny(out, "\x00\r\t\x1b\u202e\u2066\u2028") {
			t.Errorf("CleanText(%q) = %q is not clean", s, out)
		}
		if again := talkrelay.CleanText(out); again != out {
			t.Errorf("CleanText(%q) = %q, and again %q", s, out, again)
		}
	})
}
