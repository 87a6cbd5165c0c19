package sheets

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	sheetsapi "google.golang.org/api/sheets/v4"

	"talkrelay/sink"
)

var _ sink.Inventory = (*Sink)(nil)

// inventoryRows is how many rows one request reads: some hundred bytes each at the most.
const inventoryRows = 20_000

// Holdings reads the columns that say which opening a row is about: the chat's id, and the time where there is a
// column for it. Rows of other kinds of event are passed over, as far as a column tells (see keyColumns). What people have
// moved, sorted or written over is read as it stands. See sink.Inventory.
func (s *Sink) Holdings(ctx context.Context, _ time.Time, each func(sink.Holding)) error {
	keys, err := s.keyColumns()
	if err != nil {
		return &sink.Error{Verdict: sink.Bad, Op: opHoldings, Reason: err.Error()}
	}
	found, err := s.account.spreadsheet(ctx, s.config.Spreadsheet)
	if err != nil {
		return readError(ctx, err)
	}
	tab := (&Sink{config: s.config, memory: loadMemory(s.config)}).pick(found) // not s.memory, which is the worker's
	if tab == nil || s.fit(tab) != nil {
		return nil // there is no row yet
	}
	header, err := s.account.header(ctx, s.config.Spreadsheet, tab.SheetId, s.config.HeaderRow)
	if err != nil {
		return readError(ctx, err)
	}
	places, missing := match(header, s.columns)
	r := reading{s: s, sheetID: tab.SheetId, each: each, chat: -1, at: -1, other: -1, kind: -1, kinds: keys.kinds}
	for _, want := range []struct {
		column int
		place  *int
	}{{keys.chat, &r.chat}, {keys.at, &r.at}, {keys.other, &r.other}, {keys.kind, &r.kind}} {
		if want.column >= 0 && !slices.Contains(missing, want.column) {
			*want.place = places[want.column]
		}
	}
	if r.chat < 0 {
		return nil
	}
	rows := 0
	if tab.GridProperties != nil {
		rows = int(tab.GridProperties.RowCount)
	}
	for from := s.config.HeaderRow; from < rows; from += inventoryRows {
		if err := r.rows(ctx, from, min(from+inventoryRows, rows)); err != nil {
			return readError(ctx, err)
		}
	}
	return nil
}

// readError turns the error of a read into one that the sink's contract knows.
func readError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var r refusal
	if errors.As(err, &r) {
		return r.failure
	}
	return err
}

// reading is one look at the rows of a tab.
type reading struct {
	s               *Sink
	sheetID         int64
	chat, at, other int // places of the key columns in the sheet, -1 for none
	kind            int
	kinds           map[string]bool // see keyColumns
	each            func(sink.Holding)
}

// rows reads some of them. They count from 0, to is not among them.
func (r *reading) rows(ctx context.Context, from, to int) error {
	columns, err := r.s.account.cells(ctx, r.s.config.Spreadsheet, r.sheetID, from, to, []int{r.chat, r.at, r.other, r.kind})
	if err != nil {
		return err
	}
	for i := range columns[0] {
		id, _ := columns[0][i].(string)
		if id == "" || filled(columns[2], i) || r.kinds[textIn(columns[3], i)] {
			continue
		}
		h := sink.Holding{Chat: id}
		if i < len(columns[1]) {
			h.Wall = wallOf(columns[1][i])
		}
		r.each(h)
	}
	return nil
}

func filled(column []any, i int) bool { return textIn(column, i) != "" }

// textIn is what a cell of a column shows, "" for one that is not there.
func textIn(column []any, i int) string {
	if i >= len(column) || column[i] == nil {
		return ""
	}
	return fmt.Sprint(column[i])
}

// wallOf reads the time in a cell: a date as we write it, or a text as people and other tools write it.
func wallOf(cell any) time.Time {
	switch v := cell.(type) {
	case float64:
		const epoch = 25569 // see serial
		if seconds := math.Round((v - epoch) * 86400); seconds > 0 && seconds < 1<<34 {
			return time.Unix(int64(seconds), 0).UTC()
		}
	case string:
		for _, layout := range timeLayouts {
			if t, err := time.Parse(layout, v); err == nil {
				return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
			}
		}
	}
	return time.Time{}
}

// cells reads some rows of some columns, all counted from 0; to is not among them, 0 = to the end. A column of -1 is empty, and cells at
// the end that are empty are left out.
func (a *Account) cells(ctx context.Context, spreadsheet string, sheetID int64, from, to int, columns []int) ([][]any, error) {
	request := &sheetsapi.BatchGetValuesByDataFilterRequest{
		MajorDimension: "COLUMNS", ValueRenderOption: "UNFORMATTED_VALUE", DateTimeRenderOption: "SERIAL_NUMBER",
	}
	for _, column := range columns {
		if column < 0 {
			continue
		}
		request.DataFilters = append(request.DataFilters, &sheetsapi.DataFilter{GridRange: &sheetsapi.GridRange{
			SheetId: sheetID, StartRowIndex: int64(from), EndRowIndex: int64(to), StartColumnIndex: int64(column), EndColumnIndex: int64(column + 1),
			ForceSendFields: []string{"SheetId", "StartRowIndex", "StartColumnIndex"}, // 0 is a value here, and would be left out
		}})
	}
	var answer *sheetsapi.BatchGetValuesByDataFilterResponse
	err := a.read(ctx, opHoldings, func(ctx context.Context) (err error) {
		answer, err = a.service.Spreadsheets.Values.BatchGetByDataFilter(spreadsheet, request).Context(ctx).Do()
		if err == nil && (answer.SpreadsheetId != spreadsheet || len(answer.ValueRanges) != len(request.DataFilters)) {
			return errors.New("not the answer to this request")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([][]any, len(columns))
	for _, r := range answer.ValueRanges { // each says which filter it is for
		if r.ValueRange == nil || len(r.ValueRange.Values) == 0 || len(r.DataFilters) == 0 || r.DataFilters[0].GridRange == nil {
			continue
		}
		if i := slices.Index(columns, int(r.DataFilters[0].GridRange.StartColumnIndex)); i >= 0 {
			out[i] = r.ValueRange.Values[0]
		}
	}
	return out, nil
}
