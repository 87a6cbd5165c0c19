package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDisplayWidth(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "abc": 3, "홍길동": 6, "佐藤さん": 8, "👨‍👩‍👧": 2, "🙏ok": 4, "é": 1, "▁█": 2} {
		if got := displayWidth(text); got != want {
			t.Errorf("%q: %d columns, want %d", text, got, want)
		}
	}
}

func TestTruncateTo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"홍길동", 6, "홍길동"}, {"홍길동", 5, "홍길…"}, {"홍길동", 4, "홍…"}, {"홍길동", 1, "…"}, {"홍길동", 0, ""},
		{"가족 👨‍👩‍👧 문의", 8, "가족 👨‍👩‍👧…"}, {"abc", 2, "a…"},
	} {
		if got := truncateTo(test.text, test.width); got != test.want || displayWidth(got) > test.width {
			t.Errorf("%q to %d: %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	list := table{titles: []string{"NAME", "WAITING", "STATE"}}
	list.add("문의", "3", "BROKEN: token revoked, put\na new one")
	list.add("cs-alerts", "0", "ok")
	for _, test := range []struct {
		width int
		want  string
	}{
		{0, `NAME       WAITING  STATE
문의       3        BROKEN: token revoked, put a new one
cs-alerts  0        ok
`},
		{40, `문의
  WAITING  3
  STATE    BROKEN: token revoked, put a
           new one
cs-alerts
  WAITING  0
  STATE    ok
`},
	} {
		var b bytes.Buffer
		if err := list.print(&b, test.width); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, b.String()); diff != "" {
			t.Errorf("%d columns:\n%s", test.width, diff)
		}
	}
}

// FuzzWrap: nothing but spaces is lost, and no line is too wide.
func FuzzWrap(f *testing.F) {
	f.Add("배송이 아직 안 왔어요 https://example.com/very/long", 12)
	f.Add("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 2)
	f.Fuzz(func(t *testing.T, text string, width int) {
		if width < 2 || width > 200 || len(text) > 1000 {
			return
		}
		lines := wrap(text, width)
		if got, want := strings.Join(lines, ""), strings.Join(strings.Fields(text), ""); strings.ReplaceAll(got, " ", "") != want {
			t.Errorf("%q became %q", text, lines)
		}
		for _, l := range lines {
			if displayWidth(l) > width {
				t.Errorf("%q of %q is wider than %d", l, text, width)
			}
		}
	})
}
