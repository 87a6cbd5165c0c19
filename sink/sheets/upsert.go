package sheets

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"talkrelay/sink"
)

// readable is how long a row that was added may not show in what is read.
const readable = time.Minute

// sendKeyed writes a batch of rows by key: where the key is, the cells of ours are changed, else a row is added. The keys are read
// just before, whatever the attempt, and once more after it. All writes of a batch carry the same metadata id, so only one of
// them is ever applied.
//
// Between reading and writing there is a moment in which people may sort or insert rows; Google has no write that forbids it.
// What is read afterwards shows it, and the batch is then written once more, to where the rows are now.
func (s *Sink) sendKeyed(ctx context.Context, m sink.Message, f frozen) (sink.Receipt, error) {
	var batch keyedBatch
	if err := json.Unmarshal(f.request, &batch); err != nil {
		return "", &sink.Error{Verdict: sink.Bad, Op: opAppend, Reason: "the stored batch cannot be read"}
	}
	if s.layout == nil {
		return "", &sink.Error{Verdict: sink.Retry, Op: opAppend, Reason: "the sheet has not been looked at yet"}
	}
	places, ok := s.placesOf(batch.Columns)
	if !ok {
		return "", &sink.Error{Verdict: sink.Rework, Op: opAppend, Reason: "the columns are others since the batch was made", Form: f.Form}
	}
	rows, err := s.keyRows(ctx)
	if err != nil {
		return "", notWritten(err)
	}
	if s.unreadable(batch, rows) {
		return "", &sink.Error{Verdict: sink.Retry, Op: opAppend, Reason: "rows written a moment ago cannot be read yet", After: 2 * time.Second}
	}
	request, replies, err := s.keyedRequest(f, batch, places, rows)
	if err != nil {
		return "", err
	}
	if _, r := s.account.write(ctx, opAppend, s.config.Spreadsheet, request, replies); r != nil {
		return s.settle(ctx, m, f, r)
	}
	s.noteAdded(batch, rows)
	if now, moved := s.moved(ctx, batch, rows); moved {
		s.restore(ctx, batch, places, rows, now)
		s.config.Logger.Warn("rows moved while they were written, written once more")
		return "", s.once(f, &refusal{&sink.Error{Op: opAppend, Reason: "rows moved meanwhile"}, exists})
	}
	s.wrote.note(batch, s.columns)
	s.old = s.old[min(len(s.old), len(batch.Erase)):]
	s.delivered(f, m.Attempt == 1)
	return f.receipt(), nil
}

// once has a batch that was written made and written anew, under an id of its own: that doubles nothing, for its rows have
// keys. That id must not be erased before.
func (s *Sink) once(f frozen, r *refusal) error {
	again := parseForm(f.Form)
	again.turn++
	return rework(r, again, "")
}

// notWritten is the error of a read without which nothing can be written.
func notWritten(err error) error {
	e := sink.VerdictOf(err)
	if e.Verdict == sink.InDoubt {
		e.Verdict = sink.Retry
	}
	return e
}

// placesOf returns where the columns called so are in the sheet. It is not ok if ours are others by now.
func (s *Sink) placesOf(headers []string) (places []int, ok bool) {
	if len(headers) != len(s.columns) {
		return nil, false
	}
	for i, header := range headers {
		if s.columns[i].header != header {
			return nil, false
		}
	}
	return s.layout.places, true
}

// keyRows reads which key is in which row, counted from 0. Of several rows with one key the first counts.
func (s *Sink) keyRows(ctx context.Context) (map[string]int, error) {
	found, err := s.account.cells(ctx, s.config.Spreadsheet, s.layout.sheetID, s.config.HeaderRow, 0, []int{s.layout.places[s.key]})
	if err != nil {
		return nil, err
	}
	rows := make(map[string]int, len(found[0]))
	for i, value := range found[0] {
		key := keyText(value)
		if _, ok := rows[key]; !ok && key != "" {
			rows[key] = s.config.HeaderRow + i
		}
	}
	return rows, nil
}

// keyText is a key as it is read. People may have turned one that looks like a number into one.
func keyText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return fmt.Sprintf("%.0f", v)
	}
	return ""
}

// unreadable reports whether a row of the batch was added a moment ago and does not show.
func (s *Sink) unreadable(batch keyedBatch, rows map[string]int) bool {
	for _, row := range batch.Rows {
		if at, ok := s.added[row.Key]; ok && time.Since(at) < readable {
			if _, ok := rows[row.Key]; !ok {
				return true
			}
		}
	}
	return false
}

func (s *Sink) noteAdded(batch keyedBatch, rows map[string]int) {
	if s.added == nil {
		s.added = map[string]time.Time{}
	}
	for key, at := range s.added {
		if time.Since(at) >= readable {
			delete(s.added, key)
		}
	}
	for _, row := range batch.Rows {
		if _, ok := rows[row.Key]; !ok && !row.Refresh {
			s.added[row.Key] = time.Now()
		}
	}
}

// moved reports whether rows that were changed are no longer where they were just before, and which key is in which row now.
// What cannot be read again is believed to have stayed.
func (s *Sink) moved(ctx context.Context, batch keyedBatch, rows map[string]int) (now map[string]int, moved bool) {
	changed := slices.ContainsFunc(batch.Rows, func(row keyedRow) bool { _, ok := rows[row.Key]; return ok })
	if !changed {
		return nil, false
	}
	now, err := s.keyRows(ctx)
	if err != nil {
		return nil, false
	}
	return now, slices.ContainsFunc(batch.Rows, func(row keyedRow) bool {
		at, ok := rows[row.Key]
		return ok && now[row.Key] != at
	})
}

// restore puts right the rows that stood where others were thought to be, as far as we know what we wrote there last. What
// it cannot restore it tells of.
func (s *Sink) restore(ctx context.Context, batch keyedBatch, places []int, rows, now map[string]int) {
	ours := map[string]bool{}
	hit := map[int]bool{}
	for _, row := range batch.Rows {
		ours[row.Key] = true
		if at, ok := rows[row.Key]; ok && now[row.Key] != at {
			hit[at] = true
		}
	}
	var requests []any
	var unknown []int
	for key, at := range now {
		if !hit[at] || ours[key] { // ours are written again anyway
			continue
		}
		cells, ok := s.wrote.cells(key)
		if !ok || len(cells) != len(places) {
			unknown = append(unknown, at+1)
			continue
		}
		requests = append(requests, s.changes(at, keyedRow{Key: key, Cells: cells}, places)...)
	}
	if len(requests) > 0 {
		body, err := json.Marshal(batchUpdate{requests})
		if err == nil {
			_, r := s.account.write(ctx, opAppend, s.config.Spreadsheet, body, len(requests))
			if r != nil {
				s.config.Logger.Warn("rows that moved could not be put right", "err", r.Error())
			}
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		s.config.Logger.Warn("rows show the values of others, which stood there a moment before", "err", fmt.Sprintf("rows %v: undo with File, Version history", unknown))
	}
}

// maxWritten is how many rows we remember having written.
const maxWritten = 2000

// written is what we wrote last into the rows of some keys.
type written map[string][]cell

// note remembers batch. Of a refresh it is that only together with what was known of the row before.
func (w *written) note(batch keyedBatch, columns []column) {
	if *w == nil {
		*w = written{}
	}
	for _, row := range batch.Rows {
		if !row.Refresh {
			(*w)[row.Key] = row.Cells
			continue
		}
		known, ok := (*w)[row.Key]
		if !ok || len(known) != len(row.Cells) {
			continue
		}
		cells := slices.Clone(row.Cells)
		for i, col := range columns {
			if col.told {
				cells[i] = known[i]
			}
		}
		(*w)[row.Key] = cells
	}
	for key := range *w { // whichever
		if len(*w) <= maxWritten {
			return
		}
		delete(*w, key)
	}
}

func (w written) cells(key string) ([]cell, bool) { cells, ok := w[key]; return cells, ok }

// keyedRequest makes the write: changes, then new rows, then the marks.
func (s *Sink) keyedRequest(f frozen, batch keyedBatch, places []int, rows map[string]int) (request []byte, replies int, err error) {
	var requests []any
	var added bytes.Buffer
	e := encoder(&added)
	for _, row := range batch.Rows {
		if len(row.Cells) != len(places) {
			return nil, 0, &sink.Error{Verdict: sink.Bad, Op: opAppend, Reason: "the stored batch cannot be read"}
		}
		if at, ok := rows[row.Key]; ok {
			requests = append(requests, s.changes(at, row, places)...)
			continue
		}
		if row.Refresh {
			continue
		}
		if added.Len() > 0 {
			added.WriteByte(',')
		}
		cells := make([]cell, s.layout.width)
		for i, c := range row.Cells {
			cells[places[i]] = c
		}
		if err := e.Encode(rowData{cells}); err != nil {
			return nil, 0, fmt.Errorf("write row: %w", err)
		}
	}
	requests = append(requests, creation(f.MetadataID, f.Value, s.layout.sheetID))
	for _, old := range batch.Erase {
		requests = append(requests, deletion(old))
	}
	if added.Len() > 0 {
		request, err = appendRequest(s.layout.sheetID, added.Bytes(), requests...)
		return request, 1 + len(requests), err
	}
	request, err = json.Marshal(batchUpdate{requests})
	return request, len(requests), err
}

// changes writes the cells of a row that is there: those of ours that may change, side by side where they stand so.
func (s *Sink) changes(at int, row keyedRow, places []int) (requests []any) {
	byPlace := map[int]cell{}
	var order []int
	for i, place := range places {
		if i != s.key && !s.columns[i].once && !(row.Refresh && s.columns[i].told) {
			byPlace[place] = row.Cells[i]
			order = append(order, place)
		}
	}
	slices.Sort(order)
	for len(order) > 0 {
		n := 1
		for n < len(order) && order[n] == order[0]+n {
			n++
		}
		cells := make([]cell, 0, n)
		for _, place := range order[:n] {
			cells = append(cells, byPlace[place])
		}
		requests = append(requests, updateCells(s.layout.sheetID, at, order[0], cells, cellFields))
		order = order[n:]
	}
	return requests
}
