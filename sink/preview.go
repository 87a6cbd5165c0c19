package sink

import "encoding/json"

// Previewer is a Sink that can show what it would make of a delivery. It sends nothing, and needs no Wait before.
type Previewer interface {
	Preview(item Item) (Preview, error)
}

// Preview is what a sink would make of one delivery: a message or a row.
type Preview struct {
	Text   string          // of a message, in the destination's own mark-up; where it has blocks, what stands in for them
	Blocks json.RawMessage // Slack's blocks, a JSON array; nil = none
	Cells  []PreviewCell   // of a row, in the order of the columns
}

// PreviewCell is one cell as a spreadsheet would show it.
type PreviewCell struct {
	Header string `json:"header"`
	Value  string `json:"value"`
}
