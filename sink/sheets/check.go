package sheets

import (
	"context"
	"errors"
	"fmt"
	"strings"

	sheetsapi "google.golang.org/api/sheets/v4"

	"talkrelay/sink"
)

// Spreadsheets hold 10,000,000 cells at most; from here on the check warns.
const (
	maxCells  = 10_000_000
	manyCells = 8_000_000
)

// Check looks at everything a row needs on its way, in that order, and changes nothing: token, spreadsheet, tab, header
// row, and what may get in the way. It ends early when nothing after a failure can be looked at.
func (s *Sink) Check(ctx context.Context) []sink.Finding {
	var found []sink.Finding
	if _, err := s.account.tokens.get(ctx); err != nil {
		return append(found, failed("token", err))
	}
	found = append(found, good("token", "Google gives out tokens for "+s.account.shareWith()))
	spreadsheet, err := s.account.spreadsheet(ctx, s.config.Spreadsheet)
	if err != nil {
		return append(found, failed("spreadsheet", err))
	}
	found = append(found, describe(spreadsheet), room(spreadsheet))
	tab := s.pick(spreadsheet)
	if tab == nil {
		return append(found, s.noTabFinding())
	}
	if err := s.fit(tab); err != nil {
		return append(found, failed("sheet", err))
	}
	found = append(found, s.tabFinding(tab), s.headerFinding(ctx, tab))
	return append(found, obstacles(spreadsheet, tab)...)
}

func good(name, text string) sink.Finding { return sink.Finding{Name: name, OK: true, Text: text} }

// failed takes apart an error whose reason names what to do after its first colon.
func failed(name string, err error) sink.Finding {
	var e *sink.Error
	if !errors.As(err, &e) {
		return sink.Finding{Name: name, Text: "the check was interrupted"}
	}
	text, fix, _ := strings.Cut(e.Reason, ": ")
	f := sink.Finding{Name: name, Text: e.Op + ": " + text, Fix: fix}
	if e.Err != nil {
		f.Text += ": " + e.Err.Error()
	}
	return f
}

func describe(found *sheetsapi.Spreadsheet) sink.Finding {
	title, zone := "", ""
	if p := found.Properties; p != nil {
		title, zone = p.Title, p.TimeZone
	}
	return good("spreadsheet", fmt.Sprintf("%q can be read; its time zone is %s (times are written in the channel's)", title, zone))
}

func room(found *sheetsapi.Spreadsheet) sink.Finding {
	var cells int64
	for _, sheet := range found.Sheets {
		if p := sheet.Properties; p != nil && p.GridProperties != nil {
			cells += p.GridProperties.RowCount * p.GridProperties.ColumnCount
		}
	}
	text := fmt.Sprintf("%d of %d cells are taken", cells, maxCells)
	if cells < manyCells {
		return good("cells", text)
	}
	return sink.Finding{Name: "cells", Text: text, Fix: "delete rows and unused columns, or start a new spreadsheet and change spreadsheet"}
}

func (s *Sink) noTabFinding() sink.Finding {
	if s.memory.SheetID != nil {
		return sink.Finding{Name: "sheet", Text: fmt.Sprintf("the tab was deleted, and there is none with the title %q", s.config.Sheet),
			Fix: "bring it back (File, Version history), or make one with that title, or change sheet"}
	}
	return good("sheet", fmt.Sprintf("there is no tab %q yet: it will be made", s.config.Sheet))
}

func (s *Sink) tabFinding(tab *sheetsapi.SheetProperties) sink.Finding {
	if tab.Title != s.config.Sheet {
		return good("sheet", fmt.Sprintf("the tab is called %q now, and is still used", tab.Title))
	}
	return good("sheet", fmt.Sprintf("the tab %q is there", tab.Title))
}

func (s *Sink) headerFinding(ctx context.Context, tab *sheetsapi.SheetProperties) sink.Finding {
	header, err := s.account.header(ctx, s.config.Spreadsheet, tab.SheetId, s.config.HeaderRow)
	if err != nil {
		return failed("header", err)
	}
	_, missing := match(header, s.columns)
	if s.displaced(tab.SheetId, header, missing) {
		return sink.Finding{Name: "header", Text: s.displacedText(), Fix: displacedFix}
	}
	if len(missing) == 0 {
		return good("header", fmt.Sprintf("all %d columns were found in row %d", len(s.columns), s.config.HeaderRow))
	}
	names := make([]string, len(missing))
	for i, m := range missing {
		names[i] = s.columns[m].header
	}
	return good("header", fmt.Sprintf("row %d lacks %d columns, which will be added on the right: %s", s.config.HeaderRow, len(missing), strings.Join(names, ", ")))
}

// obstacles reports what keeps rows out of a tab, or away from where people look for them.
func obstacles(found *sheetsapi.Spreadsheet, tab *sheetsapi.SheetProperties) []sink.Finding {
	var out []sink.Finding
	for _, sheet := range found.Sheets {
		if sheet.Properties == nil || sheet.Properties.SheetId != tab.SheetId {
			continue
		}
		if sheet.BasicFilter != nil {
			out = append(out, sink.Finding{Name: "filter", Text: "the tab has a filter, and rows appended under one may be hidden or misplaced",
				Fix: "use a filter view instead (Data, Create filter view): it changes only what you see"})
		}
		for _, p := range sheet.ProtectedRanges {
			if p != nil && !p.RequestingUserCanEdit && !p.WarningOnly {
				out = append(out, sink.Finding{Name: "protection", Text: "a range of the tab is protected from the service account",
					Fix: "let it edit the range (Data, Protect sheets and ranges)"})
				break
			}
		}
	}
	return out
}
