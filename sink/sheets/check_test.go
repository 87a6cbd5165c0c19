package sheets_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*google)
		want   []string // name, mark, and part of text or fix
	}{
		{"empty tab", func(*google) {}, []string{"token ✓ " + robot, "spreadsheet ✓ America/New_York", "cells ✓", "sheet ✓ 문의", "header ✓ lacks 16"}},
		{"no tab", func(g *google) { g.tabs[0].title = "x" }, []string{"token ✓", "spreadsheet ✓", "cells ✓", "sheet ✓ will be made"}},
		{"ready", func(g *google) {
			g.header("상담ID", "접수일시", "상태", "고객명", "전화번호", "이메일", "첫 문의 내용", "상담 태그", "팀", "담당자", "서비스", "유입 페이지", "첫 응대(분)", "종료일시", "상담 링크", "최종 반영")
		}, []string{"token ✓", "spreadsheet ✓", "cells ✓", "sheet ✓", "header ✓ all 16"}},
		{"no token", func(g *google) { g.set("/token", fault{status: 400, body: "{}"}) }, []string{"token ✗ make a new key"}},
		{"not shared", func(g *google) {
			g.set("/v4/", refused(403, "PERMISSION_DENIED", "The caller does not have permission"))
		}, []string{"token ✓", "spreadsheet ✗ share the spreadsheet with " + robot}},
		{"no such spreadsheet", func(g *google) {
			g.set("/v4/", refused(404, "NOT_FOUND", "Requested entity was not found."))
		}, []string{"token ✓", "spreadsheet ✗ check spreadsheet"}},
		{"Excel", func(g *google) {
			g.set("/v4/", refused(400, "FAILED_PRECONDITION", "This operation is not supported for this document"))
		}, []string{"token ✓", "spreadsheet ✗ Save as Google Sheets"}},
		{"nearly full", func(g *google) { g.tabs[0].rows = 400_000 }, []string{"token ✓", "spreadsheet ✓", "cells ✗ delete rows", "sheet ✓", "header ✓"}},
		{"filter and protection", func(g *google) {
			g.extra = map[string]any{"basicFilter": map[string]any{"range": map[string]any{}}, "protectedRanges": []any{map[string]any{"requestingUserCanEdit": false}}}
		}, []string{"token ✓", "spreadsheet ✓", "cells ✓", "sheet ✓", "header ✓", "filter ✗ filter view", "protection ✗ let it edit"}},
		{"only a warning", func(g *google) {
			g.extra = map[string]any{"protectedRanges": []any{map[string]any{"warningOnly": true}}}
		}, []string{"token ✓", "spreadsheet ✓", "cells ✓", "sheet ✓", "header ✓"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t, "문의")
			s := newSink(t, g.config())
			tt.change(g)
			var got []string
			for _, f := range s.Check(t.Context()) {
				mark := map[bool]string{true: "✓", false: "✗"}[f.OK]
				got = append(got, fmt.Sprintf("%s %s %s %s", f.Name, mark, f.Text, f.Fix))
				if !f.OK && f.Fix == "" {
					t.Errorf("%s: nothing to do about it: %s", f.Name, f.Text)
				}
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				name, text, _ := strings.Cut(want, " ")
				mark, text, _ := strings.Cut(text, " ")
				if !strings.HasPrefix(got[i], name+" "+mark+" ") || !strings.Contains(got[i], text) {
					t.Errorf("got %q, want %q", got[i], want)
				}
			}
			must(t, len(g.sent()), 0, "writes")
		})
	}
}
