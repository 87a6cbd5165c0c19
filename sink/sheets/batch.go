package sheets

import (
	"bytes"
	"encoding/json"
	"fmt"

	"talkrelay"
	"talkrelay/sink"
)

// maxDeletions is how many old ids one batch erases at most.
const maxDeletions = 200

// Prepare makes one write of as many items as go into it. See sink.Sink.
func (s *Sink) Prepare(id string, items []sink.Item, note string) (body []byte, n int, err error) {
	if s.layout == nil {
		return nil, 0, &sink.Error{Verdict: sink.Retry, Op: opAppend, Reason: "the sheet has not been looked at yet"}
	}
	f := parseForm(note)
	limit := min(len(items), s.config.BatchRows)
	if f.rows > 0 {
		limit = min(limit, f.rows)
	}
	if s.config.Mode == Upsert {
		return s.prepareKeyed(id, items[:limit], f)
	}
	rows, n, err := s.rows(items[:limit])
	if err != nil {
		return nil, 0, err
	}
	out := frozen{
		MetadataID: metadataID(id, f.turn), Rows: n, Form: f.String(),
		Value: mark{shipment: id, at: s.turn, owner: s.owner, single: s.single}.String(),
	}
	others := []any{creation(out.MetadataID, out.Value, s.layout.sheetID)}
	if !f.keep {
		for _, old := range s.old[:min(len(s.old), maxDeletions)] {
			others = append(others, deletion(old))
		}
	}
	out.Replies = 1 + len(others)
	if out.request, err = appendRequest(s.layout.sheetID, rows, others...); err != nil {
		return nil, 0, err
	}
	body, err = out.bytes()
	return body, n, err
}

// rows renders items, with commas between them, until a write is full. The first always goes in.
func (s *Sink) rows(items []sink.Item) (joined []byte, n int, err error) {
	const usual = 128 // bytes a cell
	cells := make([]cell, s.layout.width)
	var b bytes.Buffer
	b.Grow(min(s.config.BatchBytes, len(items)*len(cells)*usual))
	e := encoder(&b)
	for _, item := range items {
		before := b.Len()
		if n > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(s.row(cells, item.Event)); err != nil {
			return nil, 0, fmt.Errorf("write row: %w", err)
		}
		if n > 0 && b.Len() > s.config.BatchBytes {
			b.Truncate(before)
			break
		}
		n++
	}
	return b.Bytes(), n, nil
}

// row renders one event into cells. Those that are not ours stay empty.
func (s *Sink) row(cells []cell, e talkrelay.Event) rowData {
	for i, c := range s.cells(e) {
		cells[s.layout.places[i]] = c
	}
	return rowData{cells}
}

// cells renders one event, a cell a column of ours.
func (s *Sink) cells(e talkrelay.Event) []cell {
	view, words := s.view(e), s.config.Language.Words()
	cells := make([]cell, len(s.columns))
	for i, col := range s.columns {
		c, err := col.render(&view, words)
		if err != nil {
			// The error may quote the customer, so only its place is told.
			s.config.Logger.Warn("template failed, cell left empty", "event", e.ID, "err", "column "+col.header)
			c = textCell("")
		}
		cells[i] = c
	}
	return cells
}

// encoder writes JSON without the escapes meant for HTML, which would make a shop's "A&B" five bytes longer.
func encoder(b *bytes.Buffer) *json.Encoder {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return e
}
