// Package sql writes events into the tables of a PostgreSQL or SQLite database, one table for each kind, exactly once.
//
// The key of a row is the event's id, and a repeat makes the row what it is already: whatever is sent again, after an
// unclear outcome or from an older backup of the state, there is one row. A batch is one transaction on a connection of
// its own. Each begins with a look at the tables, so that nothing is remembered of what people may change.
package sql

import (
	"context"
	stdsql "database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/jackc/pgx/v5/stdlib"

	"talkrelay"
	"talkrelay/sink"
)

const (
	opWrite = "write to the database"

	// MaxItems is how many rows are written at once.
	MaxItems = 100
	maxBody  = 4 << 20 // bytes of events after which no other is added
)

// errFile is an SQLite file that cannot be made.
var errFile = errors.New("the file cannot be made")

// Sink writes to one database. It implements sink.Sink.
type Sink struct{ cfg Config }

var _ sink.Sink = (*Sink)(nil)

// New returns a sink. It connects to nothing.
func New(cfg Config) (*Sink, error) {
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, problems
	}
	cfg.Options = cfg.Defaults()
	return &Sink{cfg}, nil
}

// Wait returns at once: a database has no pace.
func (s *Sink) Wait(ctx context.Context) error { return ctx.Err() }

// entry is an event on its way. Fields are added, never renamed or reused.
type entry struct {
	Route string `json:"route,omitempty"`
	talkrelay.Event
}

// frozen is a batch in the state file. It holds events and not rows: columns of a later version suit it too.
type frozen struct {
	ID     string            `json:"id"`
	Events []json.RawMessage `json:"events"`
}

// Prepare takes as many of items as are to be written at once.
func (s *Sink) Prepare(id string, items []sink.Item, _ string) ([]byte, int, error) {
	f, size := frozen{ID: id}, 0
	for _, item := range items {
		e := item.Event
		if s.cfg.Mask {
			e = sink.MaskEvent(e)
		}
		if !s.cfg.Envelope {
			e.Envelope = nil
		}
		data, err := json.Marshal(entry{item.Route, e})
		if err != nil && len(f.Events) == 0 {
			return nil, 0, fmt.Errorf("render the event as JSON: %w", err)
		}
		if err != nil || len(f.Events) == MaxItems || size > maxBody { // it is the first of the next rows
			break
		}
		f.Events, size = append(f.Events, data), size+len(data)
	}
	if len(f.Events) == 0 {
		return nil, 0, errors.New("render rows: nothing to render")
	}
	body, err := json.Marshal(f)
	return body, len(f.Events), err
}

// Send writes the rows of m, all or none.
func (s *Sink) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	var f frozen
	err := json.Unmarshal(m.Body, &f)
	entries := make([]entry, len(f.Events))
	for i, data := range f.Events {
		err = errors.Join(err, json.Unmarshal(data, &entries[i]))
	}
	if err != nil || f.ID == "" {
		return "", &sink.Error{Verdict: sink.Rework, Op: opWrite, Reason: "the stored rows are not of this version"}
	}
	if e := s.write(ctx, entries, (*stdsql.Tx).Commit); e != nil {
		return "", e
	}
	return sink.Receipt(m.ID), nil
}

// Resolve is never asked: to write again is harmless.
func (s *Sink) Resolve(context.Context, sink.Message) (sink.Receipt, bool, error) {
	return "", false, nil
}

// write writes the rows in one transaction, which end ends.
func (s *Sink) write(ctx context.Context, entries []entry, end func(*stdsql.Tx) error) *sink.Error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	db, err := s.open()
	if err != nil {
		return s.judge(err, false)
	}
	defer func() { _ = db.Close() }() // what matters is committed
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return s.judge(err, false)
	}
	defer func() { _ = tx.Rollback() }() // no error that is not told already
	seen := map[talkrelay.Kind]bool{}
	for _, e := range entries {
		t := s.cfg.table(e.Kind)
		if !seen[e.Kind] {
			err = t.ready(ctx, tx)
			seen[e.Kind] = true
		}
		if err == nil {
			err = t.put(ctx, tx, &row{sink.NewViewIn(e.Event, s.cfg.Language, s.cfg.Location), e})
		}
		if err != nil {
			return s.judge(err, false)
		}
	}
	if err := end(tx); err != nil {
		return s.judge(err, true)
	}
	return nil
}

// open opens the database; SQLite's file is made with mode 0600 if it is not there.
func (s *Sink) open() (*stdsql.DB, error) {
	if s.cfg.Driver == Postgres {
		cfg, err := s.cfg.postgres()
		if err != nil {
			return nil, err
		}
		return stdlib.OpenDB(*cfg), nil
	}
	f, err := os.OpenFile(s.cfg.DSN, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, errFile
	}
	_ = f.Close()
	path := (&url.URL{Path: s.cfg.DSN}).EscapedPath()
	return stdsql.Open("sqlite", "file:"+path+"?mode=rw&_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)")
}

// Check tries a row of each kind that comes here, and takes it back.
func (s *Sink) Check(ctx context.Context) []sink.Finding {
	try := *s
	if _, err := os.Stat(s.cfg.DSN); s.cfg.Driver == SQLite && errors.Is(err, os.ErrNotExist) {
		if f, err := os.CreateTemp(filepath.Dir(s.cfg.DSN), ".talkrelay-check-*"); err == nil {
			_ = f.Close()
			defer os.Remove(f.Name())
			try.cfg.DSN = f.Name()
		}
	}
	var entries []entry
	for _, e := range sink.SampleEvents() {
		if slices.Contains(s.cfg.Kinds, e.Kind) {
			entries = append(entries, entry{"check", e})
		}
	}
	if e := try.write(ctx, entries, (*stdsql.Tx).Rollback); e != nil {
		return []sink.Finding{{Name: "database", Text: e.Reason, Fix: "mend that; the queue is kept meanwhile"}}
	}
	return []sink.Finding{{Name: "database", OK: true, Text: fmt.Sprintf("a row for each of %d kinds of event was tried and taken back", len(s.cfg.Kinds))}}
}
