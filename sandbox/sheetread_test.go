package sandbox_test

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"talkrelay/sandbox"
)

func TestGetSpreadsheet(t *testing.T) {
	t.Parallel()
	w, sheet, c := book(t)
	sheet.SetRow("시트1", 0, "상담ID", "고객명")
	sheet.SetFilter("시트1", true)
	sheet.SetProtected("시트1", true)
	sheet.AddTab("둘째")
	sheet.SetTimeZone("Asia/Tokyo")
	fields := url.QueryEscape("spreadsheetId,properties.timeZone,sheets(properties(sheetId,title),basicFilter,protectedRanges,tables)")
	r := c.get(sheet.ID + "?fields=" + fields)
	want := map[string]any{
		"spreadsheetId": sheet.ID, "properties": map[string]any{"timeZone": "Asia/Tokyo"},
		"sheets": []any{
			map[string]any{
				"properties":      map[string]any{"sheetId": 0.0, "title": "시트1"},
				"basicFilter":     r.path("sheets.0.basicFilter"),
				"protectedRanges": r.path("sheets.0.protectedRanges"),
			},
			map[string]any{"properties": map[string]any{"sheetId": r.path("sheets.1.properties.sheetId"), "title": "둘째"}},
		},
	}
	if diff := cmp.Diff(want, r.json); diff != "" || r.path("sheets.0.basicFilter.range.sheetId") != 0.0 {
		t.Errorf("%s\n%s", diff, r.body)
	}
	r = c.get(sheet.ID + "?ranges=" + url.QueryEscape("'시트1'!A1:A1") + "&includeGridData=true")
	if r.path("sheets.0.data.0.rowData.0.values.0.userEnteredValue.stringValue") != "상담ID" || r.path("sheets.1") != nil ||
		len(r.path("sheets.0.data.0.rowData.0.values").([]any)) != 1 {
		t.Errorf("grid: %s", r.body)
	}
	if r := c.get(sheet.ID); r.path("sheets.0.data") != nil || r.path("properties.title") != "문의 대장" {
		t.Errorf("without grid: %s", r.body)
	}
	if r := c.get(sheet.ID + "?fields=" + url.QueryEscape("sheets(properties")); r.status != 400 {
		t.Errorf("unclosed mask: %d", r.status)
	}
	wantClean(t, w)
	for _, mask := range []string{"sheet", "sheets.propertys", "sheets(properties(sheetID))", "properties/timezone"} {
		w.Google.Forget()
		if r := c.get(sheet.ID + "?fields=" + url.QueryEscape(mask)); r.status != 400 {
			t.Errorf("%s: %d %s", mask, r.status, r.body)
		}
		wantViolation(t, w, "in fields")
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	w, sheet, c := book(t)
	sheet.SetRow("시트1", 0, "A1", "B1", "", "D1")
	sheet.SetRow("시트1", 2, "A3")
	sheet.AddTab("It's")
	sheet.SetRow("It's", 0, "x")
	c.batch(sheet, appendRow(0, `{"userEnteredValue":{"numberValue":46348},"userEnteredFormat":{"numberFormat":{"type":"DATE"}}}`))
	tests := map[string]struct{ a1, values string }{
		"tab":         {"시트1", `[["A1","B1","","D1"],[],["A3"],["2026-11-22"]]`},
		"quoted":      {"'시트1'!A1:B2", `[["A1","B1"]]`},
		"cell":        {"시트1!B1", `[["B1"]]`},
		"column":      {"시트1!A:A", `[["A1"],[],["A3"],["2026-11-22"]]`},
		"from on":     {"시트1!A2:A", `[[],["A3"],["2026-11-22"]]`},
		"row":         {"시트1!1:1", `[["A1","B1","","D1"]]`},
		"first tab":   {"A1:B1", `[["A1","B1"]]`},
		"odd title":   {"'It''s'!A1", `[["x"]]`},
		"nothing":     {"시트1!A2:B2", `null`},
		"unformatted": {"시트1!A4?valueRenderOption=UNFORMATTED_VALUE", `[[46348]]`},
		"columns":     {"시트1!A1:B3?majorDimension=COLUMNS", `[["A1","","A3"],["B1"]]`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a1, query, _ := strings.Cut(tt.a1, "?")
			r := c.get(sheet.ID + "/values/" + url.PathEscape(a1) + "?" + query)
			got, err := json.Marshal(r.path("values"))
			if err != nil || r.status != 200 || string(got) != tt.values {
				t.Errorf("got %d %s", r.status, r.body)
			}
		})
	}
	for _, a1 := range []string{"없는탭!A1", "시트1!AA1", "시트1!A0", "시트1!A1:", "시트1!", "시트1!A1001"} {
		if r := c.get(sheet.ID + "/values/" + url.PathEscape(a1)); r.status != 400 || !strings.Contains(r.path("error.message").(string), "ange") {
			t.Errorf("%s: %d %s", a1, r.status, r.body)
		}
	}
	if r := c.get(sheet.ID + "/values:batchGet?ranges=A1&ranges=" + url.QueryEscape("시트1!A3")); r.path("valueRanges.1.values.0.0") != "A3" {
		t.Errorf("batchGet: %s", r.body)
	}
	wantClean(t, w)
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	w, sheet, c := book(t)
	column := `{"dimensionRange":{"sheetId":0,"dimension":"COLUMNS","startIndex":1,"endIndex":2}}`
	sheet.SetRow("시트1", 0, "A", "B")
	sheet.SetRow("시트1", 1, "1", "2")
	c.batch(sheet, mark(7, "batch-1"), mark(9, "batch-2"), strings.Replace(mark(8, "key"), `{"sheetId":0}`, column, 1))
	r := c.get(sheet.ID + "/developerMetadata/7")
	if r.path("metadataValue") != "batch-1" || r.path("location.locationType") != "SHEET" || r.path("location.sheetId") != 0.0 {
		t.Errorf("get: %d %s", r.status, r.body)
	}
	if r := c.get(sheet.ID + "/developerMetadata/1"); r.status != 404 || r.path("error.status") != "NOT_FOUND" {
		t.Errorf("get nothing: %d %s", r.status, r.body)
	}
	search := func(lookup string) reply {
		return c.post(sheet.ID+"/developerMetadata:search", `{"dataFilters":[{"developerMetadataLookup":`+lookup+`}]}`)
	}
	r = search(`{"metadataKey":"talkrelay","locationType":"SHEET"}`)
	if m := r.path("matchedDeveloperMetadata").([]any); len(m) != 2 || r.path("matchedDeveloperMetadata.1.developerMetadata.metadataId") != 9.0 {
		t.Errorf("search: %s", r.body)
	}
	if r := search(`{"metadataValue":"none"}`); r.status != 200 || len(r.json) != 0 {
		t.Errorf("search for nothing: %d %s", r.status, r.body)
	}
	if r := c.get(sheet.ID); r.path("sheets.0.developerMetadata.2.metadataId") != 9.0 {
		t.Errorf("in the spreadsheet: %s", r.body)
	}
	r = c.post(sheet.ID+"/values:batchGetByDataFilter", `{"dataFilters":[{"developerMetadataLookup":{"metadataId":8}},`+
		`{"gridRange":{"sheetId":0,"startRowIndex":1,"endRowIndex":2}},{"a1Range":"A1"},{"developerMetadataLookup":{"metadataId":5}}]}`)
	got, err := json.Marshal([]any{r.path("valueRanges.0.valueRange.values"), r.path("valueRanges.1.valueRange.values"), r.path("valueRanges.2.valueRange.values")})
	if err != nil || string(got) != `[[["B"],["2"]],[["1","2"]],[["A"]]]` || len(r.path("valueRanges").([]any)) != 3 {
		t.Errorf("by filter: %s", r.body)
	}
	wantClean(t, w)
	if r := search(`{"metadataName":"x"}`); r.status != 400 {
		t.Errorf("unknown name: %d", r.status)
	}
}

// TestSchemaFitsGooglesOwn compares what the sandbox accepts with the discovery document in the Sheets module.
func TestSchemaFitsGooglesOwn(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		t.Skipf("no module to compare with: %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "sheets", "v4", "sheets-api.json"))
	if err != nil {
		t.Skip("no discovery document here")
	}
	for _, problem := range sandbox.CompareSchema(t, raw) {
		t.Error(problem)
	}
}
