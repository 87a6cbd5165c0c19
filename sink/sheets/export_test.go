package sheets

import (
	"context"
	"time"
)

// What the tests in package sheets_test see of the inside.

type (
	Stored = stored
)

var (
	ErasableIDs     = erasable
	Serial          = serial
	MetadataID      = metadataID
	SpreadsheetIDOf = spreadsheetID
	UntilNextMinute = untilNextMinute
)

const (
	EraseAge     = eraseAge
	EraseAgeFull = eraseAgeFull
	KeepNewest   = keepNewest
	LookEvery    = lookEvery
	MetadataKey  = metadataKey
)

// NewMark returns the text of a mark.
func NewMark(shipment string, at time.Time, owner string, single time.Time) string {
	return mark{shipment, at, owner, single}.String()
}

func NewStored(id int64, value string) stored { return stored{id, value} }

// Match is match for columns with these names.
func Match(header []string, names ...[]string) (places, missing []int) {
	var columns []column
	for _, n := range names {
		col := column{header: n[0]}
		for _, name := range n {
			col.names = append(col.names, normal(name))
		}
		columns = append(columns, col)
	}
	return match(header, columns)
}

// FormOf reads a form and writes it again.
func FormOf(s string) string { return parseForm(s).String() }

// Hasten takes away the pauses that tests need not wait for.
func (s *Sink) Hasten() { s.lagPause = 0 }

// Stale makes the next Wait look at the sheet again.
func (s *Sink) Stale() { s.looked = time.Time{} }

func (s *Sink) Owner() string { return s.owner }

// Request returns the request in a body that Prepare made, and the number of its rows.
func Request(body []byte) (request []byte, rows int, form string) {
	f, err := thaw(body)
	if err != nil {
		return nil, 0, ""
	}
	return f.request, f.Rows, f.Form
}

// Shared returns what the account's sinks have agreed on.
func (a *Account) Shared() (timeout time.Duration, writesPerMinute float64) {
	return a.client.Timeout, float64(a.writes.limit.Limit()) * 60
}

// NoPace lets everything through at once.
func (a *Account) NoPace() {
	a.writes.limit.SetLimit(1e6)
	a.reads.limit.SetLimit(1e6)
	a.writes.limit.SetBurst(1e6)
	a.reads.limit.SetBurst(1e6)
}

// Pacer is what tests see of a pacer.
type Pacer struct{ *pacer }

func NewPacer(perMinute, burst int) Pacer { return Pacer{newPacer(perMinute, burst)} }

func (p Pacer) Wait(ctx context.Context) error { return p.wait(ctx) }
func (p Pacer) Hold(d time.Duration)           { p.hold(d) }

// Forget drops what is known of the rows written, as a restart does.
func (s *Sink) Forget() { s.wrote, s.added = nil, nil }
