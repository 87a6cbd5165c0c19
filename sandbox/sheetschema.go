package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// schema holds the JSON messages that the sandbox understands: for each its fields with their types. A type is a scalar,
// an enum, another message (perhaps one of which nothing more is known), or an array of one of them. Google refuses a name or a value that is not in its own.
var schema = map[string]map[string]string{
	"BatchUpdateSpreadsheetRequest": {
		"requests": "[]Request", "includeSpreadsheetInResponse": "boolean", "responseRanges": "[]string", "responseIncludeGridData": "boolean",
	},
	"Request": {
		"addSheet": "AddSheetRequest", "appendCells": "AppendCellsRequest", "updateCells": "UpdateCellsRequest",
		"repeatCell": "RepeatCellRequest", "updateSheetProperties": "UpdateSheetPropertiesRequest",
		"createDeveloperMetadata": "CreateDeveloperMetadataRequest", "deleteDeveloperMetadata": "DeleteDeveloperMetadataRequest",
	},
	"AddSheetRequest":                {"properties": "SheetProperties"},
	"AppendCellsRequest":             {"sheetId": "int32", "tableId": "string", "rows": "[]RowData", "fields": "string"},
	"UpdateCellsRequest":             {"rows": "[]RowData", "fields": "string", "start": "GridCoordinate", "range": "GridRange"},
	"RepeatCellRequest":              {"range": "GridRange", "cell": "CellData", "fields": "string"},
	"UpdateSheetPropertiesRequest":   {"properties": "SheetProperties", "fields": "string"},
	"CreateDeveloperMetadataRequest": {"developerMetadata": "DeveloperMetadata"},
	"DeleteDeveloperMetadataRequest": {"dataFilter": "DataFilter"},
	"SheetProperties": {
		"sheetId": "int32", "title": "string", "index": "int32", "sheetType": "SheetType", "gridProperties": "GridProperties",
		"hidden": "boolean", "rightToLeft": "boolean",
	},
	"GridProperties": {
		"rowCount": "int32", "columnCount": "int32", "frozenRowCount": "int32", "frozenColumnCount": "int32", "hideGridlines": "boolean",
	},
	"RowData":       {"values": "[]CellData"},
	"CellData":      {"userEnteredValue": "ExtendedValue", "userEnteredFormat": "CellFormat", "note": "string"},
	"ExtendedValue": {"stringValue": "string", "numberValue": "double", "boolValue": "boolean", "formulaValue": "string"},
	"CellFormat": {
		"numberFormat": "NumberFormat", "textFormat": "TextFormat", "horizontalAlignment": "HorizontalAlign",
		"verticalAlignment": "VerticalAlign", "wrapStrategy": "WrapStrategy", "backgroundColor": "Color",
		"backgroundColorStyle": "ColorStyle", "hyperlinkDisplayType": "HyperlinkDisplayType",
	},
	"NumberFormat": {"type": "NumberFormatType", "pattern": "string"},
	"TextFormat": {
		"bold": "boolean", "italic": "boolean", "strikethrough": "boolean", "underline": "boolean", "fontFamily": "string",
		"fontSize": "int32", "foregroundColor": "Color", "foregroundColorStyle": "ColorStyle",
	},
	"Color":          {"red": "float", "green": "float", "blue": "float", "alpha": "float"},
	"ColorStyle":     {"rgbColor": "Color", "themeColor": "string"},
	"GridCoordinate": {"sheetId": "int32", "rowIndex": "int32", "columnIndex": "int32"},
	"GridRange": {
		"sheetId": "int32", "startRowIndex": "int32", "endRowIndex": "int32", "startColumnIndex": "int32", "endColumnIndex": "int32",
	},
	"DimensionRange": {"sheetId": "int32", "dimension": "Dimension", "startIndex": "int32", "endIndex": "int32"},
	"DeveloperMetadata": {
		"metadataId": "int32", "metadataKey": "string", "metadataValue": "string", "location": "DeveloperMetadataLocation",
		"visibility": "Visibility",
	},
	"DeveloperMetadataLocation": {
		"locationType": "LocationType", "spreadsheet": "boolean", "sheetId": "int32", "dimensionRange": "DimensionRange",
	},
	"DataFilter": {"a1Range": "string", "gridRange": "GridRange", "developerMetadataLookup": "DeveloperMetadataLookup"},
	"DeveloperMetadataLookup": {
		"metadataId": "int32", "metadataKey": "string", "metadataValue": "string", "visibility": "Visibility",
		"locationType": "LocationType", "metadataLocation": "DeveloperMetadataLocation", "locationMatchingStrategy": "MatchingStrategy",
	},
	"SearchDeveloperMetadataRequest": {"dataFilters": "[]DataFilter"},
	"Spreadsheet": {
		"spreadsheetId": "string", "properties": "SpreadsheetProperties", "sheets": "[]Sheet", "spreadsheetUrl": "string",
		"developerMetadata": "[]DeveloperMetadata",
	},
	"SpreadsheetProperties": {"title": "string", "locale": "string", "autoRecalc": "string", "timeZone": "string"},
	"Sheet": {
		"properties": "SheetProperties", "data": "[]GridData", "basicFilter": "BasicFilter", "protectedRanges": "[]ProtectedRange",
		"developerMetadata": "[]DeveloperMetadata", "tables": "[]Table",
	},
	"BasicFilter": {"range": "GridRange"},
	"ProtectedRange": {
		"protectedRangeId": "int32", "range": "GridRange", "warningOnly": "boolean", "requestingUserCanEdit": "boolean", "editors": "Editors",
	},
	"BatchGetValuesByDataFilterRequest": {
		"dataFilters": "[]DataFilter", "majorDimension": "Dimension", "valueRenderOption": "ValueRender", "dateTimeRenderOption": "DateRender",
	},
}

// enums holds the values that may be sent, by type.
var enums = map[string]string{
	"SheetType":            "GRID OBJECT DATA_SOURCE",
	"NumberFormatType":     "TEXT NUMBER PERCENT CURRENCY DATE TIME DATE_TIME SCIENTIFIC",
	"HorizontalAlign":      "LEFT CENTER RIGHT",
	"VerticalAlign":        "TOP MIDDLE BOTTOM",
	"WrapStrategy":         "OVERFLOW_CELL LEGACY_WRAP CLIP WRAP",
	"HyperlinkDisplayType": "LINKED PLAIN_TEXT",
	"Dimension":            "ROWS COLUMNS",
	"Visibility":           "DOCUMENT PROJECT",
	"LocationType":         "ROW COLUMN SHEET SPREADSHEET",
	"MatchingStrategy":     "EXACT_LOCATION INTERSECTING_LOCATION",
	"ValueRender":          "FORMATTED_VALUE UNFORMATTED_VALUE FORMULA",
	"DateRender":           "SERIAL_NUMBER FORMATTED_STRING",
}

// decode checks raw against a message of the schema and reads it into to. It refuses what Google refuses, in its words.
func decode(raw []byte, message string, to any) *googleError {
	var v any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return badRequest("Invalid JSON payload received. %s", err)
	}
	if d.More() {
		return badRequest("Invalid JSON payload received. Expected end of string.")
	}
	if err := checkValue("", v, message); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return badRequest("Invalid JSON payload received. %s", err)
	}
	return nil
}

// checkValue checks v against a type. at is the path in Google's spelling.
func checkValue(at string, v any, kind string) *googleError {
	if v == nil {
		return nil // as if left out
	}
	if item, ok := strings.CutPrefix(kind, "[]"); ok {
		list, ok := v.([]any)
		if !ok {
			return wrongValue(at, kind, v)
		}
		for i, e := range list {
			if err := checkValue(fmt.Sprintf("%s[%d]", at, i), e, item); err != nil {
				return err
			}
		}
		return nil
	}
	if fields, ok := schema[kind]; ok {
		return checkMessage(at, v, kind, fields)
	}
	if values, ok := enums[kind]; ok {
		if s, isText := v.(string); !isText || !slices.Contains(strings.Fields(values), s) {
			return wrongValue(at, "type.googleapis.com/google.apps.sheets.v4."+kind, v)
		}
		return nil
	}
	if !scalar(v, kind) {
		return wrongValue(at, "TYPE_"+strings.ToUpper(kind), v)
	}
	return nil
}

func checkMessage(at string, v any, kind string, fields map[string]string) *googleError {
	o, ok := v.(object)
	if !ok {
		return wrongValue(at, kind, v)
	}
	set := ""
	for name, value := range o {
		t, known := fields[name]
		if !known {
			if at == "" {
				return badRequest("Invalid JSON payload received. Unknown name %q: Cannot find field.", name)
			}
			return badRequest("Invalid JSON payload received. Unknown name %q at '%s': Cannot find field.", name, at)
		}
		here := strings.TrimPrefix(at+"."+snake(name), ".")
		if err := checkValue(here, value, t); err != nil {
			return err
		}
		if n, ok := value.(json.Number); ok && strings.HasSuffix(name, "Index") && strings.HasPrefix(n.String(), "-") {
			return badRequest("%s[%s] must be 0 or more.", here, n)
		}
		if kind == "Request" && value != nil {
			if set != "" {
				return badRequest("Invalid value at '%s' (oneof), oneof field 'kind' is already set. Cannot set '%s'", at, name)
			}
			set = name
		}
	}
	return nil
}

func scalar(v any, kind string) bool {
	text, isText := v.(string)
	if n, ok := v.(json.Number); ok {
		text = n.String()
	}
	switch kind {
	case "string":
		return isText
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "int32":
		n, err := strconv.ParseFloat(text, 64)
		return err == nil && !isText && n == math.Trunc(n) && math.Abs(n) <= math.MaxInt32
	}
	_, err := strconv.ParseFloat(text, 64)
	return err == nil && !isText
}

func wrongValue(at, kind string, v any) *googleError {
	shown := string(encode(v))
	return badRequest("Invalid value at '%s' (%s), %s", at, kind, shown[:min(len(shown), 100)])
}

// snake turns a JSON name into the one of the protocol buffer, which Google's errors use.
func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
