package sink_test

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"talkrelay/sink"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                               "",
		"\u1112\u1169\u11bc a\x00\tb\nc": "홍 a b\nc",
		"cafe\u0301":                     "café",
	} {
		if got := sink.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", " \n\t\u3000": "", "a\r\n\r\n b\u00a0\tc ": "a b c",
	} {
		if got := sink.OneLine(in); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTruncateUTF16(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"abcd", 1, "…"},
		{"abcd", 0, ""},
		{"abcd", -1, ""},
		{"가나다", 3, "가나다"},
		{"가나다라", 3, "가나…"},
		{"😀😀", 4, "😀😀"},
		{"😀😀", 3, "😀…"},
		{"😀😀", 2, "…"},
		{"a😀b", 3, "a…"},
		{"\xff\xff\xff", 2, "\xff…"},
	} {
		if got := sink.TruncateUTF16(tt.in, tt.limit); got != tt.want {
			t.Errorf("TruncateUTF16(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

func FuzzTruncateUTF16(f *testing.F) {
	f.Add("가나다😀", 3)
	f.Add("\xff", 0)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		out := sink.TruncateUTF16(s, limit)
		units := len(utf16.Encode([]rune(out)))
		if units != sink.LenUTF16(out) {
			t.Errorf("LenUTF16(%q) = %d, want %d", out, sink.LenUTF16(out), units)
		}
		if units > max(limit, 0) {
			t.Errorf("TruncateUTF16(%q, %d) has %d units", s, limit, units)
		}
		if utf8.ValidString(s) && !utf8.ValidString(out) {
			t.Errorf("TruncateUTF16(%q, %d) = %q cuts a character", s, limit, out)
		}
		if !strings.HasPrefix(s, strings.TrimSuffix(out, "…")) && out != s {
			t.Errorf("TruncateUTF16(%q, %d) = %q is not its start", s, limit, out)
		}
	})
}
