package sandbox

import (
	"cmp"
	"net/url"
)

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
