package sink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"talkrelay"
)

// Record is one delivery for destinations that keep data and show no messages: files, databases. Fields are added, never
// renamed or reused.
type Record struct {
	Delivery string `json:"delivery"` // all records written at once have the same
	Route    string `json:"route,omitempty"`
	talkrelay.Event
}

const maxRecords = 4 << 20 // bytes after which no other record is added

// Records is a Prepare: it renders as many of items as are to be written at once, at most limit, a line of JSON each.
func (o Options) Records(id string, items []Item, limit int) (body []byte, n int, err error) {
	for n < len(items) && n < limit && len(body) < maxRecords {
		e := items[n].Event
		if o.Mask {
			e = MaskEvent(e)
		}
		line, err := json.Marshal(Record{id, items[n].Route, e})
		if err != nil && n == 0 {
			return nil, 0, fmt.Errorf("render the event as JSON: %w", err)
		}
		if err != nil { // it is the first of the next records, and fails alone
			break
		}
		body = append(append(body, line...), '\n')
		n++
	}
	if n == 0 {
		return nil, 0, errors.New("render records: nothing to render")
	}
	return body, n, nil
}

// SampleRecords are those of SampleEvents that are of these kinds.
func SampleRecords(kinds []talkrelay.Kind) (records []Record) {
	for _, e := range SampleEvents() {
		if slices.Contains(kinds, e.Kind) {
			records = append(records, Record{"sample", "sample", e})
		}
	}
	return records
}

// ReadRecords reads what Records made, and nothing else.
func ReadRecords(body []byte) (records []Record, err error) {
	for d := json.NewDecoder(bytes.NewReader(body)); ; {
		var r Record
		switch err := d.Decode(&r); {
		case errors.Is(err, io.EOF) && len(records) > 0:
			return records, nil
		case err != nil:
			return nil, fmt.Errorf("read records: %w", err)
		case r.Delivery == "":
			return nil, errors.New("read records: one belongs to no delivery")
		}
		records = append(records, r)
	}
}
