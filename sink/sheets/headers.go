package sheets

import (
	"context"

	sheetsapi "google.golang.org/api/sheets/v4"

	"talkrelay/sink"
)

// addHeaders writes the headers that are missing right of those there are, all in one write, and returns the place of
// each column. It looks again first, in its turn: another sink may have added the same ones meanwhile.
func (s *Sink) addHeaders(ctx context.Context, sheetID int64) ([]int, error) {
	turn := s.account.lock(s.config.Spreadsheet)
	if err := turn.take(ctx); err != nil {
		return nil, err
	}
	defer turn.free()
	found, err := s.account.spreadsheet(ctx, s.config.Spreadsheet)
	if err != nil {
		return nil, err
	}
	header, err := s.account.header(ctx, s.config.Spreadsheet, sheetID, s.config.HeaderRow)
	if err != nil {
		return nil, err
	}
	places, missing := match(header, s.columns)
	if len(missing) == 0 {
		return places, nil
	}
	grid := gridOf(found, sheetID)
	if grid == nil {
		return nil, refuse(noTab, sink.Retry, opHeaders, "the tab went away meanwhile", nil)
	}
	return places, s.changeInTurn(ctx, opHeaders, s.headerRequests(sheetID, grid, places, missing))
}

// gridOf returns the size of a tab, nil if there is no such tab.
func gridOf(found *sheetsapi.Spreadsheet, sheetID int64) *sheetsapi.GridProperties {
	for _, sheet := range found.Sheets {
		if p := sheet.Properties; p != nil && p.SheetId == sheetID {
			if p.GridProperties == nil {
				return new(sheetsapi.GridProperties)
			}
			return p.GridProperties
		}
	}
	return nil
}

// headerRequests makes the grid large enough and writes the missing headers, which stand side by side. The first
// headers of a sheet are frozen, so that they stay in view.
func (s *Sink) headerRequests(sheetID int64, grid *sheetsapi.GridProperties, places, missing []int) []any {
	var requests []any
	start := places[missing[0]]
	if short := start + len(missing) - int(grid.ColumnCount); short > 0 && grid.ColumnCount > 0 {
		requests = append(requests, appendDimension(sheetID, "COLUMNS", short))
	}
	// One row more than the headers: a frozen row must not be the last.
	if short := s.config.HeaderRow + 1 - int(grid.RowCount); short > 0 && grid.RowCount > 0 {
		requests = append(requests, appendDimension(sheetID, "ROWS", short))
	}
	cells := make([]cell, 0, len(missing))
	for _, i := range missing {
		cells = append(cells, headerCell(s.columns[i].header))
	}
	requests = append(requests, headerCells(sheetID, s.config.HeaderRow-1, start, cells))
	if start == 0 && int(grid.FrozenRowCount) < s.config.HeaderRow {
		requests = append(requests, freezeRows(sheetID, s.config.HeaderRow))
	}
	return requests
}
