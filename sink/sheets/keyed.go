package sheets

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"talkrelay"
	"talkrelay/sink"
)

// keyedBatch is the request of a batch whose rows are found by their keys when it is sent: people may sort, insert and
// move between two attempts.
type keyedBatch struct {
	Columns []string   `json:"columns"` // headers
	Rows    []keyedRow `json:"rows"`    // no two with the same key
	Erase   []int64    `json:"erase,omitempty"`
}

type keyedRow struct {
	Key     string `json:"key"`
	Cells   []cell `json:"cells"`             // one a column
	Refresh bool   `json:"refresh,omitempty"` // only of how the chat is, and only if the row is there
}

// keyColumn finds the column that tells rows apart.
func (s *Sink) keyColumn() (int, error) {
	if s.config.Key == "" {
		keys, err := s.keyColumns()
		return keys.chat, err
	}
	for i, col := range s.columns {
		for _, name := range col.names {
			if name == normal(s.config.Key) {
				return i, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is the header of no column: name one of columns", s.config.Key)
}

// prepareKeyed renders items into a batch of rows by key. Several of one key become one row: the last that is said counts,
// but for what is written once.
func (s *Sink) prepareKeyed(id string, items []sink.Item, f form) (body []byte, n int, err error) {
	batch := keyedBatch{}
	for _, col := range s.columns {
		batch.Columns = append(batch.Columns, col.header)
	}
	if !f.keep {
		batch.Erase = s.old[:min(len(s.old), maxDeletions)]
	}
	places, size := map[string]int{}, 0
	for _, item := range items {
		row, err := s.keyedRow(item)
		if err != nil && item.Refresh { // no row can be there
			n++
			continue
		}
		if err != nil && n == 0 {
			return nil, 0, err
		}
		if size += sizeOf(row); err != nil || n > 0 && size > s.config.BatchBytes {
			break // one without a key is first in the next batch, and is told of there
		}
		n++
		if i, ok := places[row.Key]; ok {
			batch.Rows[i] = s.merged(batch.Rows[i], row)
			continue
		}
		places[row.Key] = len(batch.Rows)
		batch.Rows = append(batch.Rows, row)
	}
	out := frozen{
		MetadataID: metadataID(id, f.turn), Rows: n, Form: f.String(), Keyed: true,
		Value: mark{shipment: id, at: s.turn, owner: s.owner, single: s.single}.String(),
	}
	if out.request, err = json.Marshal(batch); err != nil {
		return nil, 0, fmt.Errorf("write batch: %w", err)
	}
	body, err = out.bytes()
	return body, n, err
}

// keyedRow renders a row that says how the chat is now, whenever e happened.
func (s *Sink) keyedRow(item sink.Item) (keyedRow, error) {
	e := item.Event
	if item.Latest != nil {
		e = e.AsOf(item.Latest)
		e.Seen = later(e.Seen, item.Latest.Seen)
	}
	row := keyedRow{Cells: s.cells(e), Refresh: item.Refresh}
	if v := row.Cells[s.key].Value; v != nil && v.String != nil {
		row.Key = *v.String
	}
	if row.Key == "" {
		return row, &sink.Error{Verdict: sink.Bad, Op: opAppend, Reason: fmt.Sprintf(
			"the event has nothing in the key column %q: send events of the kind %s to a tab with mode = %q", s.columns[s.key].header, e.Kind, Append)}
	}
	return row, nil
}

// merged is a row of which more is said. What a refresh makes of a new row counts for nothing.
func (s *Sink) merged(before, after keyedRow) keyedRow {
	if before.Refresh && !after.Refresh {
		return after
	}
	for i, col := range s.columns {
		if col.once && before.Cells[i].Value != nil || col.told && after.Refresh {
			after.Cells[i] = before.Cells[i]
		}
	}
	after.Refresh = before.Refresh
	return after
}

// Keeps implements sink.Keeper.
func (s *Sink) Keeps() bool { return s.config.Mode == Upsert }

// markTold finds out which columns tell of what happened, by trying: columns may be the operator's own.
func (s *Sink) markTold() {
	probe, words := &Sink{config: s.config}, s.config.Language.Words()
	samples := sink.SampleEvents()
	now := samples[0]
	quiet := talkrelay.Event{Kind: talkrelay.UserChatMoved, Channel: now.Channel, Seen: now.Seen, DeskURL: now.DeskURL, TimeZone: now.TimeZone}.AsOf(&now)
	quiet.Chat.Reopened = now.Chat.Reopened
	plain := probe.view(quiet)
	for i := range s.columns {
		col := &s.columns[i]
		want, err := col.render(&plain, words)
		col.told = err != nil || slices.ContainsFunc(samples, func(e talkrelay.Event) bool {
			e = e.AsOf(&now)
			e.Channel, e.Seen, e.DeskURL, e.TimeZone, e.Chat.Reopened = now.Channel, now.Seen, now.DeskURL, now.TimeZone, now.Chat.Reopened
			v := probe.view(e)
			got, err := col.render(&v, words)
			return err != nil || !reflect.DeepEqual(got, want)
		})
	}
}

// sizeOf is about how many bytes a row has when it is sent.
func sizeOf(row keyedRow) (n int) {
	const frame = 160
	for _, c := range row.Cells {
		n += frame
		if c.Value != nil && c.Value.String != nil {
			n += len(*c.Value.String)
		}
	}
	return n
}
