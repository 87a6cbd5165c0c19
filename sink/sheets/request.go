package sheets

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// The requests of spreadsheets.batchUpdate that we send. A sheetId is never left out, 0 included.

type batchUpdate struct {
	Requests []any `json:"requests"`
}

type createMetadata struct {
	CreateDeveloperMetadata struct {
		DeveloperMetadata developerMetadata `json:"developerMetadata"`
	} `json:"createDeveloperMetadata"`
}

type developerMetadata struct {
	MetadataID int64  `json:"metadataId"`
	Key        string `json:"metadataKey"`
	Value      string `json:"metadataValue"`
	Visibility string `json:"visibility"`
	Location   struct {
		SheetID int64 `json:"sheetId"`
	} `json:"location"`
}

type deleteMetadata struct {
	DeleteDeveloperMetadata struct {
		DataFilter struct {
			DeveloperMetadataLookup struct {
				MetadataID int64 `json:"metadataId"`
			} `json:"developerMetadataLookup"`
		} `json:"dataFilter"`
	} `json:"deleteDeveloperMetadata"`
}

func creation(id int64, value string, sheetID int64) createMetadata {
	var r createMetadata
	m := &r.CreateDeveloperMetadata.DeveloperMetadata
	m.MetadataID, m.Key, m.Value, m.Visibility, m.Location.SheetID = id, metadataKey, value, "PROJECT", sheetID
	return r
}

func deletion(id int64) deleteMetadata {
	var r deleteMetadata
	r.DeleteDeveloperMetadata.DataFilter.DeveloperMetadataLookup.MetadataID = id
	return r
}

// appendRequest wraps rows, already in JSON, with what marks them and what erases old marks.
func appendRequest(sheetID int64, rows []byte, others ...any) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(len(rows) + 512 + 96*len(others))
	fmt.Fprintf(&b, `{"requests":[{"appendCells":{"sheetId":%d,"fields":%q,"rows":[`, sheetID, cellFields)
	b.Write(rows)
	b.WriteString(`]}}`)
	for _, r := range others {
		one, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("write batch: %w", err)
		}
		b.WriteByte(',')
		b.Write(one)
	}
	b.WriteString(`]}`)
	return b.Bytes(), nil
}

// The requests that make a tab and its headers.

func addSheet(title string) any {
	type properties struct {
		Title string `json:"title"`
	}
	type add struct {
		Properties properties `json:"properties"`
	}
	return struct {
		AddSheet add `json:"addSheet"`
	}{add{properties{title}}}
}

func appendDimension(sheetID int64, dimension string, length int) any {
	type dim struct {
		SheetID   int64  `json:"sheetId"`
		Dimension string `json:"dimension"`
		Length    int    `json:"length"`
	}
	return struct {
		AppendDimension dim `json:"appendDimension"`
	}{dim{sheetID, dimension, length}}
}

// headerCells writes a row of headers. row and column count from 0.
func headerCells(sheetID int64, row, column int, cells []cell) any {
	return updateCells(sheetID, row, column, cells, cellFields+",userEnteredFormat.textFormat.bold")
}

// updateCells writes the named parts of some cells of a row. row and column count from 0.
func updateCells(sheetID int64, row, column int, cells []cell, fields string) any {
	type coordinate struct {
		SheetID     int64 `json:"sheetId"`
		RowIndex    int   `json:"rowIndex"`
		ColumnIndex int   `json:"columnIndex"`
	}
	type update struct {
		Start  coordinate `json:"start"`
		Rows   []rowData  `json:"rows"`
		Fields string     `json:"fields"`
	}
	return struct {
		UpdateCells update `json:"updateCells"`
	}{update{coordinate{sheetID, row, column}, []rowData{{cells}}, fields}}
}

func freezeRows(sheetID int64, rows int) any {
	type grid struct {
		FrozenRowCount int `json:"frozenRowCount"`
	}
	type properties struct {
		SheetID        int64 `json:"sheetId"`
		GridProperties grid  `json:"gridProperties"`
	}
	type update struct {
		Properties properties `json:"properties"`
		Fields     string     `json:"fields"`
	}
	return struct {
		UpdateSheetProperties update `json:"updateSheetProperties"`
	}{update{properties{sheetID, grid{rows}}, "gridProperties.frozenRowCount"}}
}
