package sheets_test

import (
	"testing"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/sheets"
)

// A set-up is told which tabs there are, or which trouble there is.
func TestSetupLooksAround(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*google)
		want   sheets.Trouble
	}{
		{"well", func(*google) {}, sheets.NoTrouble},
		{"key deleted", func(g *google) { g.set("/token", fault{status: 400, body: "{}"}) }, sheets.KeyRefused},
		{"not shared", func(g *google) {
			g.set("/v4/", refused(403, "PERMISSION_DENIED", "The caller does not have permission"))
		}, sheets.NotShared},
		{"API off", func(g *google) {
			g.set("/v4/", refused(403, "SERVICE_DISABLED", "Google Sheets API has not been used"))
		}, sheets.APIOff},
		{"no such spreadsheet", func(g *google) { g.set("/v4/", refused(404, "NOT_FOUND", "Requested entity was not found.")) }, sheets.NoSuchBook},
		{"Excel", func(g *google) {
			g.set("/v4/", refused(400, "FAILED_PRECONDITION", "This operation is not supported for this document"))
		}, sheets.OfficeFile},
		{"down", func(g *google) { g.Close() }, sheets.OtherTrouble},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t, "문의", "변경이력")
			tt.change(g)
			account, err := sheets.NewAccount(g.config())
			if err != nil {
				t.Fatal(err)
			}
			var book sheets.Book
			if err = account.Authorise(t.Context()); err == nil {
				book, err = account.Book(t.Context(), spreadsheet)
			}
			if got := sheets.TroubleOf(err); got != tt.want {
				t.Errorf("trouble %q (%v), want %q", got, err, tt.want)
			}
			if err == nil && len(book.Tabs) != 2 {
				t.Errorf("tabs %q", book.Tabs)
			}
		})
	}
}

func TestSpreadsheetIDOfSetup(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		" https://docs.google.com/spreadsheets/d/" + spreadsheet + "/edit?gid=0#gid=0 ": spreadsheet,
		spreadsheet: spreadsheet, "": "", "고객 문의": "", "https://docs.google.com/document/d/" + spreadsheet: "",
	} {
		if id, ok := sheets.SpreadsheetID(text); ok != (want != "") || ok && id != want {
			t.Errorf("%q: %q, %t; want %q", text, id, ok, want)
		}
	}
}

// A preview shows each cell as the sheet would, and asks nobody.
func TestPreview(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	e := sink.SampleEvents()[0]
	e.User.Name = "=1+2"
	p, err := newSink(t, g.config()).Preview(sink.Item{Event: e})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range p.Cells {
		got[c.Header] = c.Value
	}
	for header, want := range map[string]string{
		"상담ID": "6641a7e0c5", "접수일시": "2026-11-22 14:03", "고객명": "=1+2", "전화번호": talkrelay.FormatPhone("+821012345678"), "첫 응대(분)": "3",
	} {
		if got[header] != want {
			t.Errorf("%s: %q, want %q; all: %v", header, got[header], want, p.Cells)
		}
	}
	must(t, len(g.paths), 0, "requests")
}
