package sheets

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/api/googleapi"
	sheetsapi "google.golang.org/api/sheets/v4"
)

// Fields of a spreadsheet that we look at: never a cell's content.
const spreadsheetFields = "spreadsheetId,properties(title,timeZone)," +
	"sheets(properties(sheetId,title,sheetType,gridProperties(rowCount,columnCount,frozenRowCount))," +
	"basicFilter(range),protectedRanges(range,warningOnly,requestingUserCanEdit))"

// spreadsheet reads what tabs there are.
func (a *Account) spreadsheet(ctx context.Context, id string) (found *sheetsapi.Spreadsheet, err error) {
	err = a.read(ctx, opOpen, func(ctx context.Context) error {
		found, err = a.service.Spreadsheets.Get(id).Fields(googleapi.Field(spreadsheetFields)).Context(ctx).Do()
		if err == nil && (found == nil || found.SpreadsheetId != id) {
			return errStray
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	found.Sheets = slices.DeleteFunc(found.Sheets, func(tab *sheetsapi.Sheet) bool { return tab == nil })
	return found, nil
}

// errStray is an answer of 200 that answers something else, or nothing: a proxy may say null.
var errStray = errors.New("not the answer to this request")

// header reads the texts of one row, from the first column to the last one used. row counts from 1.
func (a *Account) header(ctx context.Context, spreadsheet string, sheetID int64, row int) ([]string, error) {
	filter := &sheetsapi.DataFilter{GridRange: &sheetsapi.GridRange{
		SheetId: sheetID, StartRowIndex: int64(row - 1), EndRowIndex: int64(row),
		ForceSendFields: []string{"SheetId", "StartRowIndex"}, // 0 is a value here, and would be left out
	}}
	request := &sheetsapi.BatchGetValuesByDataFilterRequest{
		DataFilters: []*sheetsapi.DataFilter{filter}, MajorDimension: "ROWS", ValueRenderOption: "FORMATTED_VALUE",
	}
	var answer *sheetsapi.BatchGetValuesByDataFilterResponse
	err := a.read(ctx, opHeader, func(ctx context.Context) (err error) {
		answer, err = a.service.Spreadsheets.Values.BatchGetByDataFilter(spreadsheet, request).Context(ctx).Do()
		if err == nil && (answer == nil || answer.SpreadsheetId != spreadsheet) {
			return errStray
		}
		return err
	})
	if err != nil || len(answer.ValueRanges) == 0 {
		return nil, err
	}
	found := answer.ValueRanges[0]
	if found == nil || found.ValueRange == nil || len(found.ValueRange.Values) == 0 {
		return nil, nil
	}
	values := found.ValueRange.Values[0]
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	return texts, nil
}

// metadata reads the value kept under an id. found is false if there is none that we can see.
func (a *Account) metadata(ctx context.Context, spreadsheet string, id int64) (value string, found bool, err error) {
	var m *sheetsapi.DeveloperMetadata
	err = a.read(ctx, opLook, func(ctx context.Context) (err error) {
		m, err = a.service.Spreadsheets.DeveloperMetadata.Get(spreadsheet, id).Context(ctx).Do()
		if err == nil && (m == nil || m.MetadataId != id) {
			return errStray
		}
		return err
	})
	switch {
	case because(err, notFound):
		return "", false, nil
	case err != nil:
		return "", false, err
	}
	return m.MetadataValue, m.MetadataKey == metadataKey, nil
}

// marks finds everything kept in the spreadsheet under our key.
func (a *Account) marks(ctx context.Context, spreadsheet string) ([]stored, error) {
	lookup := &sheetsapi.DeveloperMetadataLookup{MetadataKey: metadataKey}
	request := &sheetsapi.SearchDeveloperMetadataRequest{DataFilters: []*sheetsapi.DataFilter{{DeveloperMetadataLookup: lookup}}}
	var answer *sheetsapi.SearchDeveloperMetadataResponse
	err := a.read(ctx, opOldIDs, func(ctx context.Context) (err error) {
		answer, err = a.service.Spreadsheets.DeveloperMetadata.Search(spreadsheet, request).Context(ctx).Do()
		if err == nil && answer == nil {
			return errStray
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var found []stored
	for _, m := range answer.MatchedDeveloperMetadata {
		if m == nil || m.DeveloperMetadata == nil || m.DeveloperMetadata.MetadataKey != metadataKey {
			continue
		}
		found = append(found, stored{id: m.DeveloperMetadata.MetadataId, value: m.DeveloperMetadata.MetadataValue})
	}
	return found, nil
}
