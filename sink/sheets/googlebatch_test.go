package sheets_test

import (
	"encoding/json"
	"fmt"
)

// wireCell is a cell in a request. Every kind of value is there, so that tests see what must never be sent.
type wireCell struct {
	UserEnteredValue *struct {
		StringValue  *string
		NumberValue  *float64
		BoolValue    *bool
		FormulaValue *string
	}
	UserEnteredFormat struct {
		NumberFormat struct{ Type, Pattern string }
		TextFormat   struct{ Bold bool }
	}
}

type wireRow struct{ Values []wireCell }

type wireRequest struct {
	AppendCells *struct {
		SheetID *int64
		Rows    []wireRow
		Fields  string
	}
	UpdateCells *struct {
		Start struct {
			SheetID               *int64
			RowIndex, ColumnIndex int
		}
		Rows   []wireRow
		Fields string
	}
	CreateDeveloperMetadata *struct {
		DeveloperMetadata struct {
			MetadataID                 int64
			MetadataKey, MetadataValue string
			Visibility                 string
			Location                   struct{ SheetID *int64 }
		}
	}
	DeleteDeveloperMetadata *struct {
		DataFilter struct {
			DeveloperMetadataLookup struct{ MetadataID int64 }
		}
	}
	AddSheet *struct {
		Properties struct{ Title string }
	}
	AppendDimension *struct {
		SheetID   int64
		Dimension string
		Length    int
	}
	UpdateSheetProperties *struct {
		Properties struct {
			SheetID        int64
			GridProperties struct{ FrozenRowCount int }
		}
		Fields string
	}
}

func wire(body []byte) []wireRequest {
	var b struct{ Requests []wireRequest }
	if json.Unmarshal(body, &b) != nil {
		return nil
	}
	return b.Requests
}

// batchUpdate applies all of a batch, or refuses it whole.
func (g *google) batchUpdate(body []byte) (int, string) {
	requests := wire(body)
	var replies []any
	wider := 0
	for i, r := range requests { // first what can be refused: nothing is changed yet
		if r.AppendDimension != nil && r.AppendDimension.Dimension == "COLUMNS" {
			wider += r.AppendDimension.Length
		}
		if why := g.fault(r, wider); why != "" {
			return refusal(400, "INVALID_ARGUMENT", fmt.Sprintf("Invalid requests[%d].%s", i, why))
		}
		replies = append(replies, map[string]any{})
	}
	for _, r := range requests {
		g.apply(r)
	}
	return 200, encode(map[string]any{"spreadsheetId": spreadsheet, "replies": replies})
}

// fault says why r is refused. wider is how many columns the requests before it add.
func (g *google) fault(r wireRequest, wider int) string {
	switch {
	case r.AppendCells != nil:
		if r.AppendCells.SheetID == nil || g.tab(*r.AppendCells.SheetID) == nil {
			return "appendCells: No grid with id: 1"
		}
	case r.CreateDeveloperMetadata != nil:
		m := r.CreateDeveloperMetadata.DeveloperMetadata
		if m.Location.SheetID == nil || m.MetadataID < 1 || m.MetadataID > 1<<31-1 || m.Visibility != "PROJECT" {
			g.t.Errorf("metadata %+v", m)
		}
		if _, taken := g.metadata[m.MetadataID]; taken {
			return fmt.Sprintf("createDeveloperMetadata: Cannot add developer metadata with ID [%d] because developer metadata with that ID already exists.", m.MetadataID)
		}
	case r.DeleteDeveloperMetadata != nil:
		if _, ok := g.metadata[r.DeleteDeveloperMetadata.DataFilter.DeveloperMetadataLookup.MetadataID]; !ok {
			return "deleteDeveloperMetadata: no match"
		}
	case r.UpdateCells != nil:
		tab := g.tab(*r.UpdateCells.Start.SheetID)
		if r.UpdateCells.Start.ColumnIndex+len(r.UpdateCells.Rows[0].Values) > tab.columns+wider {
			return "updateCells: Attempting to write column beyond the last requested column"
		}
	case r.AddSheet != nil:
		for _, tab := range g.tabs {
			if tab.title == r.AddSheet.Properties.Title {
				return "addSheet: A sheet with the name already exists. Please enter another name."
			}
		}
	}
	return ""
}

func (g *google) apply(r wireRequest) {
	switch {
	case r.AppendCells != nil:
		tab := g.tab(*r.AppendCells.SheetID)
		for _, row := range r.AppendCells.Rows {
			tab.cells = append(tab.cells, keep(row))
		}
	case r.CreateDeveloperMetadata != nil:
		m := r.CreateDeveloperMetadata.DeveloperMetadata
		g.metadata[m.MetadataID] = [2]string{m.MetadataKey, m.MetadataValue}
	case r.DeleteDeveloperMetadata != nil:
		delete(g.metadata, r.DeleteDeveloperMetadata.DataFilter.DeveloperMetadataLookup.MetadataID)
	case r.AddSheet != nil:
		g.tabs = append(g.tabs, &tab{id: 99, title: r.AddSheet.Properties.Title, rows: 1000, columns: 26})
	case r.AppendDimension != nil && r.AppendDimension.Dimension == "COLUMNS":
		g.tab(r.AppendDimension.SheetID).columns += r.AppendDimension.Length
	case r.AppendDimension != nil:
		g.tab(r.AppendDimension.SheetID).rows += r.AppendDimension.Length
	case r.UpdateSheetProperties != nil:
		g.tab(r.UpdateSheetProperties.Properties.SheetID).frozen = r.UpdateSheetProperties.Properties.GridProperties.FrozenRowCount
	case r.UpdateCells != nil:
		start := r.UpdateCells.Start
		tab := g.tab(*start.SheetID)
		for len(tab.cells) <= start.RowIndex {
			tab.cells = append(tab.cells, nil)
		}
		row := tab.cells[start.RowIndex]
		for len(row) < start.ColumnIndex {
			row = append(row, stored{})
		}
		tab.cells[start.RowIndex] = append(row, keep(r.UpdateCells.Rows[0])...)
	}
}

func keep(row wireRow) []stored {
	var cells []stored
	for _, c := range row.Values {
		s := stored{Format: c.UserEnteredFormat.NumberFormat.Pattern}
		if v := c.UserEnteredValue; v != nil {
			s.Text, s.Number = v.StringValue, v.NumberValue
		}
		cells = append(cells, s)
	}
	return cells
}
