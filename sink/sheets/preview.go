package sheets

import (
	"strconv"
	"time"

	"talkrelay/sink"
)

var _ sink.Previewer = (*Sink)(nil)

// Preview implements sink.Previewer. Columns that people have added to the sheet are not in it.
func (s *Sink) Preview(item sink.Item) (sink.Preview, error) {
	view, words := s.view(item.Event), s.config.Language.Words()
	cells := make([]sink.PreviewCell, 0, len(s.columns))
	for _, col := range s.columns {
		c, err := col.render(&view, words)
		if err != nil {
			c = textCell("") // as in a row
		}
		cells = append(cells, sink.PreviewCell{Header: col.header, Value: c.shown()})
	}
	return sink.Preview{Cells: cells}, nil
}

// shown is the cell as the sheet would show it.
func (c cell) shown() string {
	switch {
	case c.Value == nil:
		return ""
	case c.Value.String != nil:
		return *c.Value.String
	case c.Format == timeFormat:
		return fromSerial(*c.Value.Number).Format(sink.DateLayout)
	}
	return strconv.FormatFloat(*c.Value.Number, 'f', -1, 64)
}

// fromSerial is the wall clock that serial counted, as if it were UTC.
func fromSerial(days float64) time.Time {
	return time.Unix(int64((days-epochSerial)*86400+0.5), 0).UTC()
}
