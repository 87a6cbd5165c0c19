package sheets

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
	sheetsapi "google.golang.org/api/sheets/v4"

	"talkrelay/sink"
)

// refresh makes sure that the layout is known and not older than relook.
func (s *Sink) refresh(ctx context.Context) error {
	if s.layout != nil && time.Since(s.looked) < relook {
		return nil
	}
	if s.layout != nil {
		err := s.lookAgain(ctx, s.layout.sheetID)
		if !because(err, noTab) {
			return err
		}
		s.layout = nil
	}
	tab, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := s.lookAgain(ctx, tab.SheetId); err != nil {
		return err
	}
	s.remember(tab.SheetId) // only now: in a tab that is remembered our headers have stood
	return nil
}

// lookAgain reads the header row and adds what is missing in it.
func (s *Sink) lookAgain(ctx context.Context, sheetID int64) error {
	header, err := s.account.header(ctx, s.config.Spreadsheet, sheetID, s.config.HeaderRow)
	if err != nil {
		return err
	}
	places, missing := match(header, s.columns)
	if s.displaced(sheetID, header, missing) {
		return &sink.Error{Verdict: sink.PauseDestination, Op: opHeader, Reason: s.displacedText() + ": " + displacedFix}
	}
	if len(missing) > 0 {
		if places, err = s.addHeaders(ctx, sheetID); err != nil {
			return err
		}
	}
	s.layout, s.looked = newLayout(sheetID, places), time.Now()
	return nil
}

// displaced reports whether the header row is no longer where it was: rows were put above it, or header_row was changed.
// New headers would then stand in the midst of something else, with the rows below them in the wrong columns.
func (s *Sink) displaced(sheetID int64, header []string, missing []int) bool {
	known := s.memory.SheetID != nil && *s.memory.SheetID == sheetID
	return known && len(missing) == len(s.columns) && normal(strings.Join(header, "")) != ""
}

func (s *Sink) displacedText() string {
	return fmt.Sprintf("row %d of the tab holds none of the headers any more", s.config.HeaderRow)
}

const displacedFix = "set header_row to the row they are in now; if all columns are to be new, empty the row or name a new tab in sheet"

// open finds the tab: by the id remembered, else by its title. If there never was one, it makes it.
func (s *Sink) open(ctx context.Context) (*sheetsapi.SheetProperties, error) {
	found, err := s.account.spreadsheet(ctx, s.config.Spreadsheet)
	if err != nil {
		return nil, err
	}
	tab := s.pick(found)
	if tab != nil {
		return tab, s.fit(tab)
	}
	if s.memory.SheetID != nil {
		return nil, &sink.Error{Verdict: sink.PauseDestination, Op: opOpen, Reason: fmt.Sprintf(
			"the tab was deleted, and there is none with the title %q: bring it back (File, Version history), or make one with that title, or change sheet", s.config.Sheet)}
	}
	if err := s.addTab(ctx); err != nil {
		return nil, err
	}
	if found, err = s.account.spreadsheet(ctx, s.config.Spreadsheet); err != nil {
		return nil, err
	}
	if tab = s.pick(found); tab == nil {
		return nil, &sink.Error{Verdict: sink.Retry, Op: opOpen, Reason: "the new tab is not there yet"}
	}
	return tab, s.fit(tab)
}

// pick returns the tab that is ours, nil if there is none.
func (s *Sink) pick(found *sheetsapi.Spreadsheet) *sheetsapi.SheetProperties {
	var byTitle *sheetsapi.SheetProperties
	for _, sheet := range found.Sheets {
		p := sheet.Properties
		switch {
		case p == nil:
		case s.memory.SheetID != nil && p.SheetId == *s.memory.SheetID:
			return p
		case norm.NFC.String(p.Title) == norm.NFC.String(s.config.Sheet):
			byTitle = p
		}
	}
	return byTitle
}

// fit reports a tab that cannot hold rows.
func (s *Sink) fit(tab *sheetsapi.SheetProperties) error {
	if tab.SheetType == "" || tab.SheetType == "GRID" {
		return nil
	}
	return &sink.Error{Verdict: sink.PauseDestination, Op: opOpen,
		Reason: fmt.Sprintf("the tab %q holds no cells (a chart, or connected data): change sheet", s.config.Sheet)}
}

// addTab makes the tab. One with the same title, made by somebody else meanwhile, is as good.
func (s *Sink) addTab(ctx context.Context) error {
	err := s.change(ctx, opAddTab, []any{addSheet(s.config.Sheet)})
	if (because(err, badRequest) || because(err, exists)) && s.exists(ctx) {
		return nil
	}
	return err
}

func (s *Sink) exists(ctx context.Context) bool {
	found, err := s.account.spreadsheet(ctx, s.config.Spreadsheet)
	return err == nil && s.pick(found) != nil
}

// change sends requests that can be repeated without harm, in their turn. After an unclear outcome they are decided on
// anew, so it is no doubt.
func (s *Sink) change(ctx context.Context, op string, requests []any) error {
	turn := s.account.lock(s.config.Spreadsheet)
	if err := turn.take(ctx); err != nil {
		return err
	}
	defer turn.free()
	return s.changeInTurn(ctx, op, requests)
}

// changeInTurn is change for a caller that holds the spreadsheet's lock.
func (s *Sink) changeInTurn(ctx context.Context, op string, requests []any) error {
	body, err := json.Marshal(batchUpdate{requests})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if err := s.account.writes.wait(ctx); err != nil {
		return err
	}
	_, r := s.account.write(ctx, op, s.config.Spreadsheet, body, len(requests))
	if r == nil {
		return nil
	}
	if r.Verdict == sink.InDoubt {
		r.Verdict = sink.Retry
	}
	return *r
}
