package sandbox

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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

// masked applies a partial-response mask; "" and "*" keep everything.
func masked(reply any, fields string) (any, *googleError) {
	if fields == "" || fields == "*" {
		return reply, nil
	}
	mask, rest, ok := parseMask(fields)
	if !ok || rest != "" {
		return nil, badRequest("Request contains an invalid argument.")
	}
	var v any
	d := json.NewDecoder(strings.NewReader(string(encode(reply))))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, badRequest("%s", err)
	}
	return mask.apply(v), nil
}

// mask is a tree of field names; a leaf keeps everything below it.
type mask map[string]mask

// parseMask reads a,b(c,d),e/f up to the end or a closing bracket.
func parseMask(s string) (m mask, rest string, ok bool) {
	m = make(mask)
	for {
		end := strings.IndexAny(s, ",()/.")
		if end < 0 {
			end = len(s)
		}
		name := strings.TrimSpace(s[:end])
		if name == "" {
			return nil, "", false
		}
		s = s[end:]
		if m[name] == nil {
			m[name] = mask{}
		}
		at := m[name]
		for strings.HasPrefix(s, "/") || strings.HasPrefix(s, ".") {
			end := 1 + strings.IndexAny(s[1:]+",", ",()/.")
			next := mask{}
			at[s[1:end]] = next
			at, s = next, s[end:]
		}
		if strings.HasPrefix(s, "(") {
			inner, after, ok := parseMask(s[1:])
			if !ok || !strings.HasPrefix(after, ")") {
				return nil, "", false
			}
			maps.Copy(at, inner)
			s = after[1:]
		}
		if !strings.HasPrefix(s, ",") {
			return m, s, true
		}
		s = s[1:]
	}
}

func (m mask) apply(v any) any {
	if len(m) == 0 || m["*"] != nil {
		return v
	}
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = m.apply(e)
		}
		return out
	case object:
		out := object{}
		for name, sub := range m {
			if e, ok := v[name]; ok {
				out[name] = sub.apply(e)
			}
		}
		return out
	}
	return v
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

// metadataOf returns the metadata of a tab, or of the spreadsheet itself, by rising id.
func (b *book) metadataOf(tab int32, onTab bool) []*developerMetadata {
	var found []*developerMetadata
	for _, id := range slices.Sorted(maps.Keys(b.metadata)) {
		m := b.metadata[id]
		if at, ok := m.sheet(); ok == onTab && at == tab {
			found = append(found, m)
		}
	}
	return found
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

// values answers values.get.
func (s *Spreadsheet) values(a1 string, q url.Values) (any, *googleError) {
	t, a, err := s.book.parseA1(a1)
	if err != nil {
		return nil, err
	}
	return t.valueRange(a, q.Get("valueRenderOption"), q.Get("majorDimension")), nil
}

func (s *Spreadsheet) batchGet(r *Request) (any, *googleError) {
	ranges := []any{}
	for _, a1 := range r.Query["ranges"] {
		v, err := s.values(a1, r.Query)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, v)
	}
	return object{"spreadsheetId": s.ID, "valueRanges": ranges}, nil
}

// batchGetByFilter answers values:batchGetByDataFilter.
func (s *Spreadsheet) batchGetByFilter(r *Request) (any, *googleError) {
	var q struct {
		Filters []dataFilter `json:"dataFilters"`
		Render  string       `json:"valueRenderOption"`
		Major   string       `json:"majorDimension"`
	}
	if err := decode(r.Body, "BatchGetValuesByDataFilterRequest", &q); err != nil {
		s.g.violate(r, "%s", err.message)
		return nil, err
	}
	ranges := []any{}
	for _, f := range q.Filters {
		t, a, err := s.book.filtered(f)
		if err != nil {
			return nil, err
		}
		if t != nil {
			ranges = append(ranges, object{"valueRange": t.valueRange(a, q.Render, q.Major), "dataFilters": []dataFilter{f}})
		}
	}
	return object{"spreadsheetId": s.ID, "valueRanges": ranges}, nil
}

// filtered finds what a data filter means; nil if nothing.
func (b *book) filtered(f dataFilter) (*tab, area, *googleError) {
	switch {
	case f.A1 != "":
		return b.parseA1(f.A1)
	case f.Grid != nil:
		t := b.numbered(f.Grid.SheetID)
		if t == nil {
			return nil, area{}, badRequest("No grid with id: %d", f.Grid.SheetID)
		}
		a := t.all()
		a.row, a.column = f.Grid.StartRow, f.Grid.StartColumn
		if f.Grid.EndRow != nil {
			a.endRow = *f.Grid.EndRow
		}
		if f.Grid.EndColumn != nil {
			a.endColumn = *f.Grid.EndColumn
		}
		return t, a, nil
	case f.Lookup != nil:
		for _, m := range b.match(f.Lookup) {
			id, onTab := m.sheet()
			if !onTab {
				continue
			}
			t := b.numbered(id)
			a := t.all()
			if d := m.Location.Dimension; d != nil && d.Dimension == "ROWS" {
				a.row, a.endRow = d.Start, d.End
			} else if d != nil {
				a.column, a.endColumn = d.Start, d.End
			}
			return t, a, nil
		}
		return nil, area{}, nil
	}
	return nil, area{}, badRequest("A data filter must have exactly one field set.")
}

// valueRange reads an area as Google does: rows and cells at the end that are empty are left out.
func (t *tab) valueRange(a area, render, major string) object {
	rows := [][]any{}
	for i := a.row; i < min(a.endRow, len(t.rows)); i++ {
		row := []any{}
		for j := a.column; j < min(a.endColumn, len(t.rows[i])); j++ {
			row = append(row, t.rows[i][j].rendered(render))
		}
		for len(row) > 0 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		rows = append(rows, row)
	}
	for len(rows) > 0 && len(rows[len(rows)-1]) == 0 {
		rows = rows[:len(rows)-1]
	}
	if major == "COLUMNS" {
		rows = turned(rows)
	}
	o := object{"range": t.a1(a), "majorDimension": cmp.Or(major, "ROWS")}
	if len(rows) > 0 {
		o["values"] = rows
	}
	return o
}

func turned(rows [][]any) [][]any {
	columns := [][]any{}
	for i, row := range rows {
		for j, v := range row {
			for len(columns) <= j {
				columns = append(columns, []any{})
			}
			for len(columns[j]) < i {
				columns[j] = append(columns[j], "")
			}
			columns[j] = append(columns[j], v)
		}
	}
	return columns
}

func (c Cell) rendered(how string) any {
	switch {
	case c.Kind == NumberCell && how != "" && how != "FORMATTED_VALUE":
		return c.Number
	case c.Kind == BoolCell && how != "" && how != "FORMATTED_VALUE":
		return c.Number != 0
	}
	return c.String()
}

// getMetadata answers developerMetadata.get.
func (s *Spreadsheet) getMetadata(number string) (any, *googleError) {
	id, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		return nil, badRequest("Invalid value at 'metadata_id' (TYPE_INT32), %q", number)
	}
	m := s.book.metadata[int32(id)]
	if m == nil {
		return nil, &googleError{http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.", nil}
	}
	return m, nil
}

// searchMetadata answers developerMetadata:search.
func (s *Spreadsheet) searchMetadata(r *Request) (any, *googleError) {
	var q struct {
		Filters []dataFilter `json:"dataFilters"`
	}
	if err := decode(r.Body, "SearchDeveloperMetadataRequest", &q); err != nil {
		s.g.violate(r, "%s", err.message)
		return nil, err
	}
	matched := []any{}
	for _, f := range q.Filters {
		if f.Lookup == nil {
			s.g.violate(r, "only developerMetadataLookup is simulated here")
			return nil, badRequest("dataFilters must have a developerMetadataLookup.")
		}
		for _, m := range s.book.match(f.Lookup) {
			matched = append(matched, object{"developerMetadata": m, "dataFilters": []dataFilter{f}})
		}
	}
	if len(matched) == 0 {
		return object{}, nil
	}
	return object{"matchedDeveloperMetadata": matched}, nil
}

// match returns the metadata that a lookup means, by rising id.
func (b *book) match(l *metadataLookup) []*developerMetadata {
	var found []*developerMetadata
	for _, id := range slices.Sorted(maps.Keys(b.metadata)) {
		m := b.metadata[id]
		if l.ID != 0 && l.ID != m.ID || l.Key != "" && l.Key != m.Key || l.Value != "" && l.Value != m.Value ||
			l.Visibility != "" && l.Visibility != m.Visibility || l.LocationType != "" && l.LocationType != m.Location.Type {
			continue
		}
		if at := l.Location; at != nil && at.SheetID != nil && !m.on(*at.SheetID) {
			continue
		}
		found = append(found, m)
	}
	return found
}
