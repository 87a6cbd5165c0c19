package sheets

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"talkrelay/sink"
)

// maxCell is where a text is cut. Google's limit is 50,000 characters a cell.
const maxCell = 49_000

// Number formats. A cell with format TEXT stays text even when somebody edits it: 010… keeps its zero, =… stays put.
var (
	textFormat = &cellFormat{NumberFormat: numberFormat{Type: "TEXT"}}
	timeFormat = &cellFormat{NumberFormat: numberFormat{Type: "DATE_TIME", Pattern: "yyyy-mm-dd hh:mm"}}
)

// cell is one cell as spreadsheets.batchUpdate takes it (CellData). These few types are our own: Google's leave out a
// sheetId of 0, which is the id of everyone's first tab, and have room for formulas.
type cell struct {
	Value  *cellValue  `json:"userEnteredValue,omitempty"`
	Format *cellFormat `json:"userEnteredFormat,omitempty"`
}

// cellValue has no formulaValue: there is no way to write one.
type cellValue struct {
	String *string  `json:"stringValue,omitempty"`
	Number *float64 `json:"numberValue,omitempty"`
}

type cellFormat struct {
	NumberFormat numberFormat `json:"numberFormat"`
	TextFormat   *textStyle   `json:"textFormat,omitempty"`
}

type numberFormat struct {
	Type    string `json:"type"`
	Pattern string `json:"pattern,omitempty"`
}

type textStyle struct {
	Bold bool `json:"bold"`
}

// rowData is one row, from the first column of the sheet.
type rowData struct {
	Values []cell `json:"values"`
}

// cellFields are the parts of a cell that we write.
const cellFields = "userEnteredValue,userEnteredFormat.numberFormat"

// textCell holds s as it is, whatever it looks like.
func textCell(s string) cell {
	s = sink.TruncateUTF16(s, maxCell)
	if s == "" {
		return cell{Format: textFormat}
	}
	return cell{Value: &cellValue{String: &s}, Format: textFormat}
}

func headerCell(s string) cell {
	return cell{Value: &cellValue{String: &s}, Format: &cellFormat{NumberFormat: textFormat.NumberFormat, TextFormat: &textStyle{Bold: true}}}
}

func numberCell(f float64) cell { return cell{Value: &cellValue{Number: &f}} }

// timeCell shows the wall clock of t in t's own time zone; nothing for the zero time.
func timeCell(t time.Time) cell {
	if t.IsZero() {
		return cell{Format: timeFormat}
	}
	serial := serial(t)
	return cell{Value: &cellValue{Number: &serial}, Format: timeFormat}
}

const epochSerial = 25569 // 1970-01-01

// serial is t as spreadsheets count: days since 1899-12-30, the time of day as a fraction, to the second.
func serial(t time.Time) float64 {
	_, offset := t.Zone()
	return epochSerial + float64(t.Unix()+int64(offset))/86400
}

// columnKinds make a cell of what the template of an operator's own column gave.
var columnKinds = map[string]func(text string, zone *time.Location) cell{
	"":         func(s string, _ *time.Location) cell { return textCell(s) },
	"text":     func(s string, _ *time.Location) cell { return textCell(s) },
	"number":   func(s string, _ *time.Location) cell { return parseNumber(s) },
	"datetime": parseTime,
}

// A number a sheet can hold without change: up to 15 digits, thousands with commas or not.
var plainNumber = regexp.MustCompile(`^[+-]?(\d{1,15}|\d{1,3}(,\d{3}){1,4})(\.\d{1,10})?$`)

func parseNumber(text string) cell {
	text = strings.TrimSpace(text)
	if plainNumber.MatchString(text) && digits(text) <= 15 {
		if f, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64); err == nil && !math.IsInf(f, 0) {
			return numberCell(f)
		}
	}
	return textCell(text)
}

func digits(s string) int {
	n := 0
	for i := range len(s) {
		if '0' <= s[i] && s[i] <= '9' {
			n++
		}
	}
	return n
}

var timeLayouts = []string{
	time.RFC3339, "2006-01-02 15:04:05", sink.DateLayout, "2006-01-02T15:04:05", "2006-01-02", "2006/01/02 15:04:05", "2006/01/02 15:04", "2006/01/02",
}

// parseTime reads what templates print times as. A text with an offset is moved to zone; one without is taken as it is.
func parseTime(text string, zone *time.Location) cell {
	text = strings.TrimSpace(text)
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return timeCell(t.In(zone))
		}
	}
	return textCell(text)
}
