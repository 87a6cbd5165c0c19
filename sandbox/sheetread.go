package sandbox

import (
	"net/http"
	"strings"
)

// method answers one method of the spreadsheet.
func (s *Spreadsheet) method(r *Request, name string) (any, *googleError) {
	var reply any
	var err *googleError
	number, isMetadata := strings.CutPrefix(name, "developerMetadata/")
	a1, isValues := strings.CutPrefix(name, "values/")
	switch call := r.Method + " " + name; {
	case call == "GET ":
		if path := unknownField(r.Query.Get("fields"), "Spreadsheet"); path != "" {
			s.g.violate(r, "unknown name %s in fields", path)
			return nil, badRequest("Request contains an invalid argument.")
		}
		reply, err = s.get(r)
	case call == "POST :batchUpdate":
		reply, err = s.batchUpdate(r)
	case call == "POST developerMetadata:search":
		reply, err = s.searchMetadata(r)
	case call == "GET values:batchGet":
		reply, err = s.batchGet(r)
	case call == "POST values:batchGetByDataFilter":
		reply, err = s.batchGetByFilter(r)
	case isMetadata && r.Method == http.MethodGet:
		reply, err = s.getMetadata(number)
	case isValues && r.Method == http.MethodGet:
		reply, err = s.values(a1, r.Query)
	default:
		// Among them values.append, which guesses where a table ends, and writes twice when it is sent twice.
		s.g.violate(r, "method is not simulated")
		err = &googleError{http.StatusNotImplemented, "UNIMPLEMENTED", "The sandbox does not simulate this method.", nil}
	}
	if err != nil {
		return nil, err
	}
	return masked(reply, r.Query.Get("fields"))
}

// get answers spreadsheets.get.
func (s *Spreadsheet) get(r *Request) (any, *googleError) {
	grid := r.Query.Get("includeGridData") == "true" || strings.Contains(r.Query.Get("fields"), "data")
	wanted := make(map[*tab][]area)
	for _, a1 := range r.Query["ranges"] {
		t, a, err := s.book.parseA1(a1)
		if err != nil {
			return nil, err
		}
		wanted[t] = append(wanted[t], a)
	}
	sheets := []any{}
	for i, t := range s.book.tabs {
		t.index = i
		areas := wanted[t]
		if len(wanted) > 0 && areas == nil {
			continue
		}
		if len(wanted) == 0 {
			areas = []area{t.all()}
		}
		o := object{"properties": t.properties()}
		if m := s.book.metadataOf(t.id, true); m != nil {
			o["developerMetadata"] = m
		}
		if t.protected {
			o["protectedRanges"] = []any{object{
				"protectedRangeId": 1, "range": object{"sheetId": t.id}, "requestingUserCanEdit": false, "editors": object{},
			}}
		}
		if t.filter {
			o["basicFilter"] = object{"range": object{
				"sheetId": t.id, "startRowIndex": 0, "endRowIndex": t.rowCount, "startColumnIndex": 0, "endColumnIndex": t.colCount,
			}}
		}
		if grid {
			var data []any
			for _, a := range areas {
				data = append(data, t.gridData(a))
			}
			o["data"] = data
		}
		sheets = append(sheets, o)
	}
	reply := object{
		"spreadsheetId": s.ID, "sheets": sheets, "spreadsheetUrl": "https://docs.google.com/spreadsheets/d/" + s.ID + "/edit",
		"properties": object{"title": s.Title, "locale": "ko_KR", "autoRecalc": "ON_CHANGE", "timeZone": s.book.zone},
	}
	if m := s.book.metadataOf(0, false); m != nil {
		reply["developerMetadata"] = m
	}
	return reply, nil
}

func (t *tab) properties() sheetProperties {
	return sheetProperties{
		SheetID: t.id, Title: t.title, Index: t.index, Type: "GRID", Hidden: t.hidden,
		Grid: &gridProperties{RowCount: t.rowCount, ColumnCount: t.colCount, FrozenRowCount: t.frozen, FrozenColumnCount: t.frozenCol},
	}
}

func (t *tab) gridData(a area) object {
	rows := []any{}
	for i := a.row; i < min(a.endRow, len(t.rows)); i++ {
		values := []any{}
		for j := a.column; j < min(a.endColumn, len(t.rows[i])); j++ {
			values = append(values, t.rows[i][j].wire())
		}
		rows = append(rows, object{"values": values})
	}
	o := object{"rowData": rows}
	if a.row > 0 {
		o["startRow"] = a.row
	}
	if a.column > 0 {
		o["startColumn"] = a.column
	}
	return o
}

func (c Cell) wire() object {
	o := object{}
	if c.Kind != EmptyCell {
		o["userEnteredValue"], o["effectiveValue"], o["formattedValue"] = c.entered(), c.entered(), c.String()
	}
	if c.Format != "" || c.Bold {
		f := cellFormat{}
		if c.Format != "" {
			f.Number = &numberFormat{c.Format, c.Pattern}
		}
		if c.Bold {
			f.Text = &textFormat{true}
		}
		o["userEnteredFormat"], o["effectiveFormat"] = f, f
	}
	return o
}

func (c Cell) entered() extendedValue {
	switch c.Kind {
	case NumberCell:
		return extendedValue{Number: &c.Number}
	case BoolCell:
		yes := c.Number != 0
		return extendedValue{Bool: &yes}
	case FormulaCell:
		return extendedValue{Formula: &c.Text}
	}
	return extendedValue{String: &c.Text}
}
