package sandbox

import (
	"fmt"
	"slices"
)

// Google's limits.
const (
	maxCell       = 50_000     // characters
	maxCells      = 10_000_000 // in a spreadsheet
	maxSheetMeta  = 30_000     // characters of keys and values, for each tab and again for the spreadsheet
	advisedUpload = 2 << 20    // bytes
)

// batch applies subrequests to a copy of a book.
type batch struct {
	book book
	warn func(format string, args ...any) // notes a violation
}

// batchUpdate answers :batchUpdate. If one subrequest cannot be done, none is.
func (s *Spreadsheet) batchUpdate(r *Request) (any, *googleError) {
	if len(r.Body) > advisedUpload {
		s.g.violate(r, "body of %d bytes; Google advises 2 MB at most", len(r.Body))
	}
	warn := func(format string, args ...any) { s.g.violate(r, format, args...) }
	var req batchRequest
	if err := decode(r.Body, "BatchUpdateSpreadsheetRequest", &req); err != nil {
		warn("%s", err.message)
		return nil, err
	}
	if len(req.Requests) == 0 {
		warn("no requests in the batch")
		return nil, badRequest("Must specify at least one request.")
	}
	b := &batch{book: s.book.copy(), warn: warn}
	replies := []any{}
	for i, sub := range req.Requests {
		name, reply, err := b.apply(sub)
		if err != nil {
			err.message = fmt.Sprintf("Invalid requests[%d].%s: %s", i, name, err.message)
			return nil, err
		}
		if reply == nil {
			reply = object{}
		}
		replies = append(replies, reply)
	}
	s.book = b.book
	return object{"spreadsheetId": s.ID, "replies": replies}, nil
}

// apply does one subrequest and returns its name and its reply, nil for an empty one.
func (b *batch) apply(sub subrequest) (name string, reply any, err *googleError) {
	switch {
	case sub.AddSheet != nil:
		reply, err = b.addSheet(sub.AddSheet)
		return "addSheet", reply, err
	case sub.AppendCells != nil:
		return "appendCells", nil, b.appendCells(sub.AppendCells)
	case sub.UpdateCells != nil:
		return "updateCells", nil, b.updateCells(sub.UpdateCells)
	case sub.RepeatCell != nil:
		return "repeatCell", nil, b.repeatCell(sub.RepeatCell)
	case sub.UpdateSheetProperties != nil:
		return "updateSheetProperties", nil, b.updateProperties(sub.UpdateSheetProperties)
	case sub.CreateMetadata != nil:
		reply, err = b.createMetadata(sub.CreateMetadata)
		return "createDeveloperMetadata", reply, err
	case sub.DeleteMetadata != nil:
		reply, err = b.deleteMetadata(sub.DeleteMetadata)
		return "deleteDeveloperMetadata", reply, err
	}
	b.warn("a request in the batch is empty")
	return "", nil, badRequest("No request set.")
}

// tab finds the tab with a numeric id, for writing.
func (b *batch) tab(id int32) (*tab, *googleError) {
	t := b.book.numbered(id)
	switch {
	case t == nil:
		return nil, badRequest("No grid with id: %d", id)
	case t.protected:
		return nil, badRequest("You are trying to edit a protected cell or object. Please contact the spreadsheet owner to " +
			"remove protection if you need to edit.")
	}
	return t, nil
}

func (b *batch) addSheet(q *addSheet) (any, *googleError) {
	p := q.Properties
	t := &tab{id: p.SheetID, title: p.Title, rowCount: 1000, colCount: 26, hidden: p.Hidden}
	if t.title == "" {
		t.title = fmt.Sprintf("시트%d", len(b.book.tabs)+1)
	}
	if b.book.titled(t.title) != nil {
		return nil, badRequest("A sheet with the name \"%s\" already exists. Please enter another name.", t.title)
	}
	if p.SheetID < 0 {
		return nil, badRequest("Invalid sheet id: %d", p.SheetID)
	}
	if p.SheetID != 0 && b.book.numbered(p.SheetID) != nil {
		return nil, badRequest("A sheet with the ID %d already exists.", p.SheetID)
	}
	if g := p.Grid; g != nil {
		t.frozen, t.frozenCol = g.FrozenRowCount, g.FrozenColumnCount
		if g.RowCount > 0 {
			t.rowCount = g.RowCount
		}
		if g.ColumnCount > 0 {
			t.colCount = g.ColumnCount
		}
	}
	b.book.addTab(t)
	if err := b.room(); err != nil {
		return nil, err
	}
	return object{"addSheet": object{"properties": t.properties()}}, nil
}

// room fails when the spreadsheet has become too large.
func (b *batch) room() *googleError {
	if b.book.cells() > maxCells {
		return badRequest("This action would increase the number of cells in the workbook above the limit of %d cells.", maxCells)
	}
	return nil
}

// appendCells writes rows below the last one that has a value, whatever stands there by way of formats.
func (b *batch) appendCells(q *appendCells) *googleError {
	if q.TableID != "" {
		b.warn("tableId is not simulated")
		return badRequest("Table %s not found.", q.TableID)
	}
	t, err := b.tab(q.SheetID)
	if err != nil {
		return err
	}
	at := t.dataRows()
	t.rowCount = max(t.rowCount, at+len(q.Rows))
	if err := b.room(); err != nil {
		return err
	}
	return b.write(t, at, 0, q.Rows, q.Fields)
}

func (b *batch) updateCells(q *updateCells) *googleError {
	var at gridCoordinate
	switch {
	case q.Start != nil && q.Range == nil:
		at = *q.Start
	case q.Range != nil && q.Start == nil:
		at = gridCoordinate{q.Range.SheetID, q.Range.StartRow, q.Range.StartColumn}
	default:
		b.warn("updateCells needs either start or range")
		return badRequest("Must specify either start or range.")
	}
	t, err := b.tab(at.SheetID)
	if err != nil {
		return err
	}
	return b.write(t, at.Row, at.Column, q.Rows, q.Fields)
}

func (b *batch) repeatCell(q *repeatCell) *googleError {
	if q.Range == nil {
		b.warn("repeatCell without range")
		return badRequest("range is required.")
	}
	t, err := b.tab(q.Range.SheetID)
	if err != nil {
		return err
	}
	// A whole column of formats matters to nobody who looks at the rows: only rows that are there get theirs.
	endRow, endColumn := len(t.rows), t.colCount
	if q.Range.EndRow != nil {
		endRow = min(endRow, *q.Range.EndRow)
	}
	if q.Range.EndColumn != nil {
		endColumn = min(endColumn, *q.Range.EndColumn)
	}
	width := max(0, endColumn-q.Range.StartColumn)
	rows := make([]rowData, max(0, endRow-q.Range.StartRow))
	for i := range rows {
		rows[i].Values = slices.Repeat([]cellData{q.Cell}, width)
	}
	return b.write(t, q.Range.StartRow, q.Range.StartColumn, rows, q.Fields)
}

// write puts rows at a place, of each cell only what the mask names.
func (b *batch) write(t *tab, row, column int, rows []rowData, fields string) *googleError {
	mask, err := b.mask(fields)
	if err != nil {
		return err
	}
	for i, r := range rows {
		if row+i >= t.rowCount {
			return badRequest("Attempting to write row: %d, beyond the last requested row of: %d", row+i, t.rowCount-1)
		}
		if last := column + len(r.Values) - 1; last >= t.colCount {
			return badRequest("Attempting to write column: %d, beyond the last requested column of: %d", last, t.colCount-1)
		}
		var old []Cell
		if row+i < len(t.rows) {
			old = t.rows[row+i]
		}
		cells := make([]Cell, max(len(old), column+len(r.Values)))
		copy(cells, old)
		for j, v := range r.Values {
			if err := b.cell(&cells[column+j], v, mask); err != nil {
				return err
			}
		}
		t.set(row+i, cells)
	}
	return nil
}

func (b *batch) updateProperties(q *updateProperties) *googleError {
	t, err := b.tab(q.Properties.SheetID)
	if err != nil {
		return err
	}
	mask, err := b.mask(q.Fields)
	if err != nil {
		return err
	}
	p := q.Properties
	grid := gridProperties{}
	if p.Grid != nil {
		grid = *p.Grid
	}
	if mask("title") {
		if other := b.book.titled(p.Title); other != nil && other != t {
			return badRequest("A sheet with the name \"%s\" already exists. Please enter another name.", p.Title)
		}
		t.title = p.Title
	}
	if mask("hidden") {
		t.hidden = p.Hidden
	}
	if mask("gridProperties.frozenRowCount") {
		t.frozen = grid.FrozenRowCount
	}
	if mask("gridProperties.frozenColumnCount") {
		t.frozenCol = grid.FrozenColumnCount
	}
	if mask("gridProperties.rowCount") {
		t.rowCount = grid.RowCount
	}
	if mask("gridProperties.columnCount") {
		t.colCount = grid.ColumnCount
	}
	if t.rowCount < max(1, len(t.rows)) || t.colCount < 1 {
		b.warn("grid cut to %d rows, %d columns", t.rowCount, t.colCount)
		return badRequest("You can't delete all the rows or columns, nor those with data.")
	}
	return b.room()
}
