package sheets

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	sheetsapi "google.golang.org/api/sheets/v4"

	"talkrelay"
	"talkrelay/sink"
)

var _ sink.Inventory = (*Sink)(nil)

// inventoryRows is how many rows one request reads: some hundred bytes each at the most.
const inventoryRows = 20_000

// ErrNoChatColumn says that rows cannot be told apart.
var ErrNoChatColumn = errors.New(`no column holds the id of the chat alone: add { header = "상담ID", value = "{{.Chat.ID}}" } to columns`)

// Holdings reads the columns that say which opening a row is about: the chat's id, and the time where there is a
// column for it. Rows of other kinds of event are passed over. What people have moved, sorted or written over is read as
// it stands. See sink.Inventory.
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
	r := reading{s: s, sheetID: tab.SheetId, each: each, chat: -1, at: -1, other: -1}
	for _, want := range []struct {
		column int
		place  *int
	}{{keys.chat, &r.chat}, {keys.at, &r.at}, {keys.other, &r.other}} {
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

// keyColumns are the columns that tell rows apart, -1 for one that there is not.
type keyColumns struct {
	chat  int // the id of the chat
	at    int // when the inquiry was received, or whatever time of an opening there is
	other int // filled in rows that are about something else than an opening
}

// keyColumns finds out by trying: columns may be the operator's own.
func (s *Sink) keyColumns() (keyColumns, error) {
	keys := keyColumns{-1, -1, -1}
	at := time.Date(2020, 2, 2, 2, 2, 0, 0, time.UTC)
	opening := talkrelay.Event{
		Kind: talkrelay.UserChatOpened, At: at, User: talkrelay.User{Contact: talkrelay.Contact{Email: "b@example.com"}},
		Chat: talkrelay.Chat{ID: "0123456789abcdef", CreatedAt: at, FirstAskedAt: at, FirstOpenedAt: at, OpenedAt: at},
	}
	change := opening
	change.Kind, change.Change, change.Old.Email = talkrelay.LeadContact, talkrelay.Updated, "a@example.com"
	probe := &Sink{config: s.config}
	openingView, changeView := probe.view(opening), probe.view(change)
	words := s.config.Language.Words()
	for i, col := range s.columns {
		cell, err := col.render(&openingView, words)
		otherwise, err2 := col.render(&changeView, words)
		if err != nil || err2 != nil {
			continue
		}
		switch {
		case keys.chat < 0 && cell.Value != nil && cell.Value.String != nil && *cell.Value.String == opening.Chat.ID:
			keys.chat = i
		case keys.at < 0 && cell.Value != nil && cell.Value.Number != nil && cell.Format == timeFormat:
			keys.at = i
		case keys.other < 0 && cell.Value == nil && otherwise.Value != nil:
			keys.other = i
		}
	}
	if keys.chat < 0 {
		return keys, ErrNoChatColumn
	}
	return keys, nil
}

// reading is one look at the rows of a tab.
type reading struct {
	s               *Sink
	sheetID         int64
	chat, at, other int // places of the key columns in the sheet, -1 for none
	each            func(sink.Holding)
}

// rows reads some of them. They count from 0, to is not among them.
func (r *reading) rows(ctx context.Context, from, to int) error {
	columns, err := r.s.account.cells(ctx, r.s.config.Spreadsheet, r.sheetID, from, to, []int{r.chat, r.at, r.other})
	if err != nil {
		return err
	}
	for i := range columns[0] {
		id, _ := columns[0][i].(string)
		if id == "" || filled(columns[2], i) {
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

func filled(column []any, i int) bool {
	return i < len(column) && column[i] != nil && fmt.Sprint(column[i]) != ""
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
