package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talkrelay/sandbox"
)

// text, number and so on are cells of a request.
func text(s string) string { return fmt.Sprintf(`{"userEnteredValue":{"stringValue":%q}}`, s) }

func appendRow(tab int32, cells ...string) string {
	return fmt.Sprintf(`{"appendCells":{"sheetId":%d,"fields":"userEnteredValue,userEnteredFormat.numberFormat","rows":[{"values":[%s]}]}}`,
		tab, strings.Join(cells, ","))
}

func mark(id int32, value string) string {
	return fmt.Sprintf(`{"createDeveloperMetadata":{"developerMetadata":{"metadataId":%d,"metadataKey":"talkrelay","metadataValue":%q,`+
		`"location":{"sheetId":0},"visibility":"PROJECT"}}}`, id, value)
}

func unmark(id int32) string {
	return fmt.Sprintf(`{"deleteDeveloperMetadata":{"dataFilter":{"developerMetadataLookup":{"metadataId":%d}}}}`, id)
}

// book starts a world with one spreadsheet and somebody signed in.
func book(t *testing.T) (*sandbox.World, *sandbox.Spreadsheet, *sheetsClient) {
	t.Helper()
	w := startWorld(t)
	w.Google.Set(sandbox.GoogleSettings{WritesPerMinute: -1, ReadsPerMinute: -1})
	return w, w.Google.AddSpreadsheet("문의 대장"), signIn(t, w.Google, w.Google.Account(), time.Now())
}

func TestAppendCells(t *testing.T) {
	t.Parallel()
	w, sheet, c := book(t)
	r := c.batch(sheet, appendRow(0,
		`{"userEnteredValue":{"stringValue":"=IMPORTXML(1)"},"userEnteredFormat":{"numberFormat":{"type":"TEXT"}}}`,
		`{"userEnteredValue":{"numberValue":46348.5},"userEnteredFormat":{"numberFormat":{"type":"DATE_TIME","pattern":"yyyy-mm-dd hh:mm"}}}`,
		`{"userEnteredValue":{"boolValue":true}}`, `{}`, `{"userEnteredValue":{"stringValue":""}}`,
	))
	if r.status != 200 || r.path("spreadsheetId") != sheet.ID || len(r.path("replies").([]any)) != 1 {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	want := [][]sandbox.Cell{{
		{Kind: sandbox.TextCell, Text: "=IMPORTXML(1)", Format: "TEXT"},
		{Kind: sandbox.NumberCell, Number: 46348.5, Format: "DATE_TIME", Pattern: "yyyy-mm-dd hh:mm"},
		{Kind: sandbox.BoolCell, Number: 1}, {}, {},
	}}
	if diff := cmp.Diff(want, sheet.Rows("시트1")); diff != "" {
		t.Error(diff)
	}
	if got := sheet.Texts("시트1")[0]; !slices.Equal(got, []string{"=IMPORTXML(1)", "2026-11-22 12:00", "TRUE", "", ""}) {
		t.Errorf("shown: %q", got)
	}
	seoul := time.FixedZone("KST", 9*3600)
	if at := sheet.Rows("시트1")[0][1].Time(seoul); !at.Equal(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)) {
		t.Errorf("time %v", at)
	}
	// A person's formatting below does not move the end, a person's text does.
	c.batch(sheet, `{"updateCells":{"start":{"sheetId":0,"rowIndex":5,"columnIndex":0},"fields":"userEnteredFormat.numberFormat",`+
		`"rows":[{"values":[{"userEnteredFormat":{"numberFormat":{"type":"TEXT"}}}]}]}}`)
	c.batch(sheet, appendRow(0, text("second")))
	sheet.SetRow("시트1", 4, "", "메모")
	c.batch(sheet, appendRow(0, text("third")))
	if got := sheet.Column("시트1", 0, 1); !slices.Equal(got, []string{"second", "", "third"}) {
		t.Errorf("column A: %q", got)
	}
	if rows := sheet.Rows("시트1"); len(rows) != 6 || rows[5][0].Text != "third" {
		t.Errorf("%d rows", len(rows))
	}
	wantClean(t, w)
}

func TestAppendGrowsTheGridDownwardsOnly(t *testing.T) {
	t.Parallel()
	w, sheet, c := book(t)
	sheet.Resize("시트1", 1, 2)
	for range 3 {
		if r := c.batch(sheet, appendRow(0, text("a"), text("b"))); r.status != 200 {
			t.Fatalf("got %d %s", r.status, r.body)
		}
	}
	if r := c.get(sheet.ID); r.path("sheets.0.properties.gridProperties.rowCount") != 3.0 {
		t.Errorf("grid: %s", r.body)
	}
	r := c.batch(sheet, appendRow(0, text("a"), text("b"), text("c")))
	if r.status != 400 || !strings.Contains(r.path("error.message").(string), "Attempting to write column: 2, beyond the last requested column of: 1") {
		t.Errorf("too wide: %d %s", r.status, r.body)
	}
	wantClean(t, w)
}

func TestBatchIsAllOrNothing(t *testing.T) {
	t.Parallel()
	w, sheet, c := book(t)
	if r := c.batch(sheet, appendRow(0, text("one")), mark(7, "batch-1")); r.status != 200 || r.path("replies.1.createDeveloperMetadata.developerMetadata.metadataId") != 7.0 {
		t.Fatalf("first: %d %s", r.status, r.body)
	}
	r := c.batch(sheet, appendRow(0, text("one")), mark(7, "batch-1"))
	want := "Invalid requests[1].createDeveloperMetadata: Cannot add developer metadata with ID 7 because developer metadata with that ID already exists"
	if r.status != 400 || r.path("error.status") != "INVALID_ARGUMENT" || r.path("error.message") != want {
		t.Errorf("again: %d %s", r.status, r.body)
	}
	if r := c.batch(sheet, appendRow(0, text("two")), mark(8, "batch-2"), unmark(99)); r.status != 400 {
		t.Errorf("deleting what is not there: %d %s", r.status, r.body)
	}
	if r := c.batch(sheet, appendRow(0, text("two")), mark(8, "batch-2"), unmark(7)); r.status != 200 ||
		r.path("replies.2.deleteDeveloperMetadata.deletedDeveloperMetadata.0.metadataId") != 7.0 {
		t.Errorf("with a clean-up: %d %s", r.status, r.body)
	}
	if got := sheet.Column("시트1", 0, 0); !slices.Equal(got, []string{"one", "two"}) || !slices.Equal(sheet.MetadataIDs(), []int32{8}) {
		t.Errorf("rows %q, metadata %v", got, sheet.MetadataIDs())
	}
	wantClean(t, w)
}

func TestBatchRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("가", 50_001)
	tests := map[string]struct {
		prepare   func(s *sandbox.Spreadsheet)
		request   string
		message   string // part of it
		violation string // part of one; "" = none
	}{
		"unknown tab": {nil, appendRow(5, text("a")), "Invalid requests[0].appendCells: No grid with id: 5", ""},
		"deleted tab": {func(s *sandbox.Spreadsheet) { s.AddTab("b"); s.DeleteTab("시트1") }, appendRow(0, text("a")), "No grid with id: 0", ""},
		"protected":   {func(s *sandbox.Spreadsheet) { s.SetProtected("시트1", true) }, appendRow(0, text("a")), "protected cell or object", ""},
		"10M cells": {
			func(s *sandbox.Spreadsheet) { s.SetRow("시트1", 399_999, "x"); s.Resize("시트1", 400_000, 25) },
			appendRow(0, text("a")), "above the limit of 10000000 cells", "",
		},
		"50,001 characters": {nil, appendRow(0, text(long)), "more than the maximum of 50000 characters", "a cell of 50001"},
		"no mask":           {nil, `{"appendCells":{"sheetId":0,"rows":[]}}`, "At least one field must be listed in 'fields'", "fields is missing"},
		"unknown in mask":   {nil, `{"appendCells":{"sheetId":0,"rows":[],"fields":"value"}}`, "Invalid field: value", "unknown name value"},
		"unknown field":     {nil, `{"appendCells":{"sheetID":0,"rows":[],"fields":"*"}}`, `Unknown name "sheetID" at 'requests[0].append_cells': Cannot find field.`, "Unknown name"},
		"unknown request":   {nil, `{"deleteSheet":{"sheetId":0}}`, `Unknown name "deleteSheet"`, "Unknown name"},
		"text for a number": {nil, `{"appendCells":{"sheetId":"0","rows":[],"fields":"*"}}`, "Invalid value at 'requests[0].append_cells.sheet_id' (TYPE_INT32)", "Invalid value"},
		"unknown enum":      {nil, strings.Replace(mark(1, "x"), "PROJECT", "SECRET", 1), "developer_metadata.visibility' (type.googleapis.com", "Invalid value"},
		"two values":        {nil, appendRow(0, `{"userEnteredValue":{"stringValue":"a","numberValue":1}}`), "oneof field", "a cell with 2 values"},
		"untyped format":    {nil, appendRow(0, `{"userEnteredFormat":{"numberFormat":{"pattern":"@"}}}`), "numberFormat.type", "numberFormat without type"},
		"empty request":     {nil, `{}`, "No request set", "empty"},
		"no location":       {nil, strings.Replace(mark(1, "x"), `{"sheetId":0}`, `{}`, 1), "exactly one location", "names 0 places"},
		"two locations":     {nil, strings.Replace(mark(1, "x"), `{"sheetId":0}`, `{"sheetId":0,"spreadsheet":true}`, 1), "exactly one location", "names 2 places"},
		"location gone":     {nil, strings.Replace(mark(1, "x"), `{"sheetId":0}`, `{"sheetId":9}`, 1), "No grid with id: 9", ""},
		"negative id":       {nil, mark(-1, "x"), "must be positive", "metadataId -1"},
		"no visibility":     {nil, strings.Replace(mark(1, "x"), `,"visibility":"PROJECT"`, "", 1), "visibility", "needs key, visibility"},
		"too much metadata": {nil, mark(1, strings.Repeat("a", 29_992)), "above the limit of 30000 characters", ""},
		"same title":        {nil, `{"addSheet":{"properties":{"title":"시트1"}}}`, `A sheet with the name "시트1" already exists.`, ""},
		"same tab id": {
			func(s *sandbox.Spreadsheet) {}, `{"addSheet":{"properties":{"sheetId":3}}},{"addSheet":{"properties":{"sheetId":3}}}`,
			"Invalid requests[1].addSheet: A sheet with the ID 3 already exists.", "",
		},
		"row outside": {nil, `{"updateCells":{"start":{"rowIndex":1000},"fields":"*","rows":[{}]}}`, "Attempting to write row: 1000", ""},
		"no place":    {nil, `{"updateCells":{"fields":"*","rows":[{}]}}`, "either start or range", "either start or range"},
		"no filter":   {nil, `{"deleteDeveloperMetadata":{}}`, "developerMetadataLookup", "without developerMetadataLookup"},
		"two in one": {
			nil, `{"addSheet":{"properties":{"title":"b"}},"appendCells":{"sheetId":0,"rows":[],"fields":"*"}}`,
			"oneof field 'kind' is already set", "oneof field 'kind'",
		},
		"empty lookup":    {nil, `{"deleteDeveloperMetadata":{"dataFilter":{"developerMetadataLookup":{}}}}`, "at least one", "would delete all"},
		"negative row":    {nil, `{"updateCells":{"start":{"rowIndex":-1},"fields":"*","rows":[{}]}}`, "must be 0 or more", "must be 0 or more"},
		"negative column": {nil, `{"repeatCell":{"range":{"sheetId":0,"startColumnIndex":-2},"cell":{},"fields":"*"}}`, "must be 0 or more", "must be 0 or more"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, sheet, c := book(t)
			if tt.prepare != nil {
				tt.prepare(sheet)
			}
			r := c.batch(sheet, tt.request)
			message, _ := r.path("error.message").(string)
			if r.status != 400 || r.path("error.status") != "INVALID_ARGUMENT" || !strings.Contains(message, tt.message) {
				t.Errorf("got %d %.300s", r.status, r.body)
			}
			if tt.violation == "" {
				wantClean(t, w)
			} else {
				wantViolation(t, w, tt.violation)
			}
		})
	}
}

func TestBatchBodies(t *testing.T) {
	t.Parallel()
	w, sheet, c := book(t)
	for _, body := range []string{`{`, `[]`, `{"requests":{}}`, `{"requests":[]}`, `{} {}`, `{"request":[]}`} {
		if r := c.post(sheet.ID+":batchUpdate", body); r.status != 400 || r.path("error.status") != "INVALID_ARGUMENT" {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	w.Google.Forget()
	c.batch(sheet, appendRow(0, text("a"), text(strings.Repeat("a", 49_000))), `{"repeatCell":{"range":{"sheetId":0},"cell":null,"fields":"note"}}`)
	wantClean(t, w)
	c.batch(sheet, slices.Repeat([]string{appendRow(0, text(strings.Repeat("a", 49_000)))}, 45)...)
	wantViolation(t, w, "Google advises 2 MB")
	c.batch(sheet, appendRow(0, `{"userEnteredValue":{"formulaValue":"=1+1"}}`))
	wantViolation(t, w, "a formula was written")
	if got := sheet.Rows("시트1"); got[len(got)-1][0].Kind != sandbox.FormulaCell {
		t.Error("the formula is not in the sheet")
	}
}

func TestMetadataHasRoomOnEachTabAndForTheSpreadsheet(t *testing.T) {
	t.Parallel()
	w, sheet, c := book(t)
	big := strings.Repeat("a", 29_991) // with the key's nine exactly 30,000
	onSpreadsheet := strings.Replace(mark(2, big), `{"sheetId":0}`, `{"spreadsheet":true}`, 1)
	if r := c.batch(sheet, mark(1, big), onSpreadsheet); r.status != 200 {
		t.Errorf("both full: %d %.200s", r.status, r.body)
	}
	if r := c.batch(sheet, mark(3, "")); r.status != 400 {
		t.Errorf("one more: %d", r.status)
	}
	if r := c.batch(sheet, unmark(1), mark(3, big)); r.status != 200 {
		t.Errorf("after a clean-up: %d %.200s", r.status, r.body)
	}
	wantClean(t, w)
	sheet.AddTab("other")
	sheet.DeleteTab("시트1")
	if !slices.Equal(sheet.MetadataIDs(), []int32{2}) {
		t.Errorf("a deleted tab keeps metadata: %v", sheet.MetadataIDs())
	}
}

func TestTabs(t *testing.T) {
	t.Parallel()
	w, sheet, c := book(t)
	r := c.batch(sheet, `{"addSheet":{"properties":{"title":"변경이력","gridProperties":{"frozenRowCount":1,"columnCount":6}}}}`)
	id, _ := r.path("replies.0.addSheet.properties.sheetId").(float64)
	if id == 0 || r.path("replies.0.addSheet.properties.gridProperties.rowCount") != 1000.0 {
		t.Fatalf("added: %d %s", r.status, r.body)
	}
	sheet.RenameTab("변경이력", "Changes")
	if r := c.batch(sheet, appendRow(int32(id), text("a"))); r.status != 200 || len(sheet.Rows("Changes")) != 1 {
		t.Errorf("after the rename: %d %s", r.status, r.body)
	}
	r = c.batch(sheet, fmt.Sprintf(`{"updateSheetProperties":{"properties":{"sheetId":%v,"title":"x","gridProperties":{"frozenRowCount":2}},`+
		`"fields":"gridProperties.frozenRowCount"}}`, id))
	if got := c.get(sheet.ID); r.status != 200 || got.path("sheets.1.properties.gridProperties.frozenRowCount") != 2.0 ||
		got.path("sheets.1.properties.title") != "Changes" {
		t.Errorf("only what the mask names changes: %s", got.body)
	}
	if got := sheet.Tabs(); !slices.Equal(got, []string{"시트1", "Changes"}) {
		t.Errorf("tabs %q", got)
	}
	wantClean(t, w)
}

func TestUpdateAndRepeat(t *testing.T) {
	t.Parallel()
	w, sheet, c := book(t)
	sheet.SetRow("시트1", 0, "A", "B", "C")
	sheet.SetRow("시트1", 1, "1", "2", "3")
	r := c.batch(sheet,
		`{"updateCells":{"range":{"sheetId":0,"startRowIndex":1,"startColumnIndex":1},"fields":"userEnteredValue","rows":[{"values":[`+text("zwei")+`]}]}}`,
		`{"repeatCell":{"range":{"sheetId":0,"endRowIndex":1},"cell":{"userEnteredFormat":{"textFormat":{"bold":true}}},"fields":"userEnteredFormat.textFormat.bold"}}`)
	rows := sheet.Rows("시트1")
	if r.status != 200 || !slices.Equal(sheet.Texts("시트1")[1], []string{"1", "zwei", "3"}) || !rows[0][0].Bold || !rows[0][2].Bold || rows[1][0].Bold {
		t.Errorf("got %d %s: %+v", r.status, r.body, rows)
	}
	sheet.SetRow("시트1", 2, "0", "null", "nichts")
	sheet.SortRows("시트1", 0)
	if got := sheet.Column("시트1", 0, 0); !slices.Equal(got, []string{"A", "0", "1"}) {
		t.Errorf("sorted: %q", got)
	}
	sheet.DeleteRow("시트1", 1)
	if got := sheet.Column("시트1", 0, 0); !slices.Equal(got, []string{"A", "1"}) {
		t.Errorf("deleted: %q", got)
	}
	wantClean(t, w)
}
