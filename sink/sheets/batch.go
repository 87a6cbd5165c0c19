package sheets

import (
	"bytes"
	"encoding/json"

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
	rows, err := s.rows(items[:limit])
	if err != nil {
		return nil, 0, err
	}
	out := frozen{
		MetadataID: metadataID(id, f.turn), SheetID: s.layout.sheetID, Rows: len(rows), Form: f.String(),
		Value: mark{shipment: id, at: s.turn, owner: s.owner, single: s.single}.String(),
	}
	others := []any{creation(out.MetadataID, out.Value, out.SheetID)}
	if !f.keep {
		for _, old := range s.old[:min(len(s.old), maxDeletions)] {
			others = append(others, deletion(old))
		}
	}
	out.Replies = 1 + len(others)
	if out.request, err = appendRequest(out.SheetID, rows, others...); err != nil {
		return nil, 0, err
	}
	body, err = out.bytes()
	return body, len(rows), err
}

// rows renders items until a write is full. The first always goes in.
func (s *Sink) rows(items []sink.Item) ([][]byte, error) {
	rows, size := make([][]byte, 0, len(items)), 0
	for _, item := range items {
		row, err := s.row(item.Event)
		if err != nil {
			return nil, err
		}
		if size += len(row) + 1; size > s.config.BatchBytes && len(rows) > 0 {
			break
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// row renders one event as RowData.
func (s *Sink) row(e talkrelay.Event) ([]byte, error) {
	view, words := viewOf(&s.config, e), s.config.Language.Words()
	cells := make([]cell, s.layout.width)
	for i, col := range s.columns {
		c, err := col.render(&view, words)
		if err != nil {
			// The error may quote the customer, so only its place is told.
			s.config.Logger.Warn("template failed, cell left empty", "sink", s.config.Name, "event", e.ID, "err", "column "+col.header)
			c = textCell("")
		}
		cells[s.layout.places[i]] = c
	}
	return encode(rowData{cells})
}

// encode is json.Marshal without the escapes meant for HTML, which would make Korean shops' "A&B" six bytes longer.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
