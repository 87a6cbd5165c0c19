package sheets_test

import (
	"strings"
	"testing"

	"talkrelay/sink"
	"talkrelay/sink/sheets"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	names := [][]string{{"상담ID", "Chat ID"}, {"이메일", "E-mail"}, {"태그"}}
	tests := []struct {
		name            string
		header          []string
		places, missing []int
	}{
		{"empty", nil, []int{0, 1, 2}, []int{0, 1, 2}},
		{"in order", []string{"상담ID", "이메일", "태그"}, []int{0, 1, 2}, nil},
		{"moved", []string{"비고", "태그", "상담ID", "", "이메일"}, []int{2, 4, 1}, nil},
		{"other language, case and spaces", []string{"chat id ", "e-MAIL", " 태 그"}, []int{0, 1, 2}, nil},
		{"full width, decomposed", []string{"Ｃｈａｔ　ＩＤ", "이메일", "태그"}, []int{0, 1, 2}, nil},
		{"some missing", []string{"비고", "이메일", "", "처리결과", " "}, []int{4, 1, 5}, []int{0, 2}},
		{"none of ours", []string{"x", "y"}, []int{2, 3, 4}, []int{0, 1, 2}},
		{"twice: the first counts", []string{"태그", "태그", "상담ID", "이메일"}, []int{2, 3, 0}, nil},
	}
	for _, tt := range tests {
		places, missing := sheets.Match(tt.header, names...)
		must(t, places, tt.places, tt.name+": places")
		must(t, missing, tt.missing, tt.name+": missing")
	}
}

// Two columns never share a place.
func TestMatchSharedName(t *testing.T) {
	t.Parallel()
	places, missing := sheets.Match([]string{"이메일"}, []string{"A", "이메일"}, []string{"B", "이메일"})
	must(t, places, []int{0, 1}, "places")
	must(t, missing, []int{1}, "missing")
}

// The first tab of every spreadsheet has the id 0: it must be named all the same.
func TestSheetIDZero(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	deliver(t, newSink(t, g.config()), 1, many(0, 1))
	for _, body := range g.sent() {
		if !strings.Contains(string(body), `"sheetId":0`) {
			t.Errorf("no sheetId in %s", body)
		}
	}
	must(t, strings.Count(string(g.sent()[1]), `"sheetId":0`), 2, "of rows and of metadata")
}

func TestSetUp(t *testing.T) {
	t.Parallel()
	t.Run("empty tab", func(t *testing.T) {
		t.Parallel()
		g := newGoogle(t, "문의")
		deliver(t, newSink(t, g.config()), 1, many(0, 1))
		must(t, len(g.rows("문의")), 2, "rows")
		must(t, g.tabs[0].frozen, 1, "frozen rows")
		must(t, wire(g.sent()[0])[0].UpdateCells.Rows[0].Values[0].UserEnteredFormat.TextFormat.Bold, true, "bold header")
	})
	t.Run("no tab", func(t *testing.T) {
		t.Parallel()
		g := newGoogle(t, "Sheet1")
		deliver(t, newSink(t, g.config()), 1, many(0, 1))
		must(t, g.chats("문의"), []string{"chat0000"}, "rows")
		must(t, g.rows("Sheet1"), []string(nil), "rows of the other tab")
	})
	t.Run("no tab, answer lost", func(t *testing.T) {
		t.Parallel()
		g := newGoogle(t, "Sheet1")
		s := newSink(t, g.config())
		g.script(fault{apply: true, reset: true})
		must(t, verdict(s.Wait(t.Context())), "retry", "verdict")
		deliver(t, s, 1, many(0, 1))
		must(t, len(g.tabs), 2, "tabs")
	})
	t.Run("headers lower down, in a narrow tab", func(t *testing.T) {
		t.Parallel()
		g := newGoogle(t, "문의")
		g.tabs[0].columns, g.tabs[0].rows = 5, 3
		c := g.config()
		c.HeaderRow = 3
		deliver(t, newSink(t, c), 1, many(0, 1))
		must(t, len(g.rows("문의")), 4, "rows")
		must(t, g.tabs[0].columns >= 16 && g.tabs[0].rows == 4, true, "grid grown")
	})
	t.Run("own headers moved and some missing", func(t *testing.T) {
		t.Parallel()
		g := newGoogle(t, "문의")
		g.header("비고", "E-mail", "상담 ID")
		c := g.config()
		c.Columns = []sheets.Column{
			{Header: "상담ID", Value: "{{.Chat.ID}}"}, {Header: "메일", Value: "{{.User.Email}}", Aliases: []string{"e-mail"}},
			{Header: "팀", Value: "{{.Team.Name}}"},
		}
		deliver(t, newSink(t, c), 1, many(0, 1))
		must(t, g.rows("문의"), []string{"비고 | E-mail | 상담 ID | 팀", " | hong@example.com | chat0000 | CS팀"}, "rows")
		must(t, g.tabs[0].frozen, 0, "frozen rows of somebody's own sheet")
	})
}

func (g *google) header(texts ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	row := make([]stored, len(texts))
	for i := range texts {
		row[i].Text = &texts[i]
	}
	if len(g.tabs[0].cells) == 0 {
		g.tabs[0].cells = append(g.tabs[0].cells, nil)
	}
	g.tabs[0].cells[0] = row
}

// Two sinks that meet an empty tab at the same time write its headers once.
func TestHeadersOnce(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	c := g.config()
	account, err := sheets.NewAccount(c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 4 {
		s, err := sheets.New(c, account)
		if err != nil {
			t.Fatal(err)
		}
		account.NoPace()
		go func() { done <- s.Wait(t.Context()) }()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	must(t, len(g.sent()), 1, "writes")
	must(t, len(strings.Split(g.rows("문의")[0], " | ")), 16, "headers")
}

// People rename tabs, move columns and sort rows; rows go on to where they belong.
func TestPeopleAtWork(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "첫 탭", "문의")
	c := g.config()
	s := newSink(t, c)
	deliver(t, s, 1, many(0, 1))
	g.mu.Lock()
	g.tabs[1].title = "8월 문의"
	for _, row := range g.tabs[1].cells {
		row[0], row[1] = row[1], row[0]
	}
	g.mu.Unlock()
	s.Stale()
	deliver(t, s, 2, many(1, 2))
	deliver(t, newSink(t, c), 3, many(2, 3)) // a restart finds it by its id
	rows := g.rows("8월 문의")
	must(t, len(rows), 4, "rows")
	for i, row := range rows[1:] {
		must(t, strings.Split(row, " | ")[1], opened(i).Chat.ID, "second column")
	}
}

// A row put above the headers stops the rows, in this run and after a restart, until it is gone or header_row says so.
// Headers written into it would send the rows to other columns.
func TestRowAboveHeaders(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	c := g.config()
	s := newSink(t, c)
	deliver(t, s, 1, many(0, 1))
	g.mu.Lock()
	title := "9월 문의"
	g.tabs[0].cells = append([][]stored{{{Text: &title}}}, g.tabs[0].cells...)
	g.mu.Unlock()
	s.Stale()
	for _, at := range []*sheets.Sink{s, newSink(t, c)} {
		err := at.Wait(t.Context())
		must(t, verdict(err), "destination paused", "verdict")
		if err != nil && !strings.Contains(err.Error(), "header_row") {
			t.Errorf("error: %v", err)
		}
		for _, f := range at.Check(t.Context()) {
			must(t, f.OK, f.Name != "header", "check of "+f.Name)
		}
	}
	must(t, g.rows("문의")[0], title, "the row above")
	c.HeaderRow = 2
	deliver(t, newSink(t, c), 2, many(1, 2))
	rows := g.rows("문의")
	must(t, len(rows), 4, "rows")
	must(t, strings.HasPrefix(rows[3], "chat0001 | "), true, "last row "+rows[3])
}

// A tab that people emptied gets its headers again.
func TestTabEmptied(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	s := newSink(t, g.config())
	deliver(t, s, 1, many(0, 1))
	g.mu.Lock()
	g.tabs[0].cells = nil
	g.mu.Unlock()
	s.Stale()
	deliver(t, s, 2, many(1, 2))
	must(t, len(g.rows("문의")), 2, "rows")
}

// A tab that was deleted is not made again in silence: one with its title takes over, else the destination pauses.
func TestTabDeleted(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "첫 탭", "문의")
	s := newSink(t, g.config())
	deliver(t, s, 1, many(0, 1))
	m, _ := prepare(t, s, id(2), many(1, 2), "")
	g.mu.Lock()
	g.tabs = g.tabs[:1]
	g.mu.Unlock()
	_, err := s.Send(t.Context(), m)
	must(t, verdict(err), "rework", "verdict of Send")
	err = s.Wait(t.Context())
	must(t, verdict(err), "destination paused", "verdict of Wait")
	if !strings.Contains(err.Error(), "change sheet") {
		t.Errorf("error: %v", err)
	}
	g.mu.Lock()
	g.tabs = append(g.tabs, &tab{id: 5, title: "문의", rows: 10, columns: 30})
	g.mu.Unlock()
	deliver(t, s, 2, many(1, 2))
	must(t, g.chats("문의"), []string{"chat0001"}, "rows of the new tab")
}

// The header row is read once a minute, not once a batch.
func TestFewReads(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	s := newSink(t, g.config())
	for n := range 5 {
		deliver(t, s, n+1, many(n, n+1))
	}
	reads := 0
	for _, path := range g.seen() {
		if !strings.Contains(path, "batchUpdate") && !strings.Contains(path, "token") {
			reads++
		}
	}
	if reads > 6 {
		t.Errorf("%d reads for 5 batches: %v", reads, g.seen())
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "id:2": "id:2", "rows:50,id:1": "id:1,rows:50", "keep:1": "keep:1", "id:0": "", "rows:-3": "", "what": "", "rows:x,keep:1": "keep:1",
	} {
		must(t, sheets.FormOf(in), want, in)
	}
}

// Prepare without a layout must not cost an event.
func TestPrepareBeforeWait(t *testing.T) {
	t.Parallel()
	_, _, err := newSink(t, newGoogle(t, "문의").config()).Prepare(id(1), many(0, 1), "")
	must(t, verdict(err), sink.Retry.String(), "verdict")
}
