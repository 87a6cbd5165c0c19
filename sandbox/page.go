package sandbox

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// Page is what WritePage shows.
type Page struct {
	Title    string
	Channels []*SlackChannel
	Sheets   []*Spreadsheet
	Location *time.Location // of the times shown; nil = UTC
}

type pageData struct {
	Title    string
	Channels []pageChannel
	Sheets   []pageSheet
}

type pageChannel struct {
	Name     string
	Messages []pageMessage
}

type pageMessage struct {
	Time   string
	Edited bool
	Thread bool
	Parts  []Part
}

type pageSheet struct {
	Title string
	Tabs  []pageTab
}

type pageTab struct {
	Title   string
	Letters []string
	Rows    []pageRow
}

type pageRow struct {
	Number int // as a sheet counts, from 1
	Cells  []pageCell
}

type pageCell struct {
	Text    string
	Numeric bool
	Bold    bool
}

// WritePage writes one HTML page, with nothing to load from elsewhere: the Slack channels as they look, beside the
// spreadsheets as tables. Everything in it is escaped; links lead only to http and https addresses.
func WritePage(w io.Writer, p Page) error {
	d := pageData{Title: p.Title}
	loc := p.Location
	if loc == nil {
		loc = time.UTC
	}
	for _, c := range p.Channels {
		pc := pageChannel{Name: c.Name}
		for _, m := range c.Messages() {
			pc.Messages = append(pc.Messages, pageMessage{
				Time: m.Posted.In(loc).Format("15:04:05"), Edited: m.Edited != "", Thread: m.ThreadTS != "", Parts: m.Shown(),
			})
		}
		d.Channels = append(d.Channels, pc)
	}
	for _, s := range p.Sheets {
		ps := pageSheet{Title: s.Title}
		for _, title := range s.Tabs() {
			if rows := s.Rows(title); len(rows) > 0 {
				ps.Tabs = append(ps.Tabs, pageTabOf(title, rows))
			}
		}
		d.Sheets = append(d.Sheets, ps)
	}
	return pageTemplate.Execute(w, d)
}

func pageTabOf(title string, rows [][]Cell) pageTab {
	t := pageTab{Title: title}
	width := 1
	for _, r := range rows {
		width = max(width, len(r))
	}
	for i := range width {
		t.Letters = append(t.Letters, columnName(i))
	}
	for number, r := range rows {
		cells := make([]pageCell, width)
		for i, c := range r {
			cells[i] = pageCell{visible(c.String()), c.Kind == NumberCell, c.Bold}
		}
		t.Rows = append(t.Rows, pageRow{number + 1, cells})
	}
	return t
}

// Link returns where a span leads, "" if nowhere.
func (s Span) Link() string {
	if (s.Kind == SpanLink || s.Kind == SpanAutoLink) && (strings.HasPrefix(s.Target, "https://") || strings.HasPrefix(s.Target, "http://")) {
		return s.Target
	}
	return ""
}

// Shown returns the span's text with control characters made visible.
func (s Span) Shown() string { return visible(s.Text) }
