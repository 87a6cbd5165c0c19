// Package sql writes events into the tables of a PostgreSQL or SQLite database, one table for each kind, exactly once.
//
// The key of a row is the event's id, and a repeat makes the row what it is already: whatever is sent again, after an
// unclear outcome or from an older backup of the state, there is one row. A batch is one transaction on a connection of
// its own. Each begins with a look at the tables, so that nothing is remembered of what people may change.
package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"

	"talkrelay"
	"talkrelay/sink"
)

const (
	block   = "sink.sql" // in the config file
	opWrite = "write to the database"

	// MaxItems is how many rows are written at once.
	MaxItems = 100
)

// Database is what one does differently from another.
type Database interface {
	Open() (*stdsql.DB, error)
	Addresses() []string         // servers as scheme://host:port
	Names() string               // a query for the columns of a table, its parameter, as a JSON array of names
	Type(sink.ColumnType) string // what the type is called
	Select([]sink.Column) string // a query for columns from its parameter, a row of JSON

	// Judge says what follows on an error, in words that show no value and no address, and whether the database answered.
	Judge(error) (v sink.Verdict, words string, answered bool)
}

// Sink writes to one database. It implements sink.Sink.
type Sink struct {
	cfg Config
	db  Database
}

var _ sink.Sink = (*Sink)(nil)

// New returns a sink. It connects to nothing.
func New(cfg Config) (*Sink, error) {
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, problems
	}
	cfg.Options = cfg.Defaults()
	db, err := cfg.database()
	return &Sink{cfg, db}, err
}

// Wait returns at once: a database has no pace.
func (s *Sink) Wait(ctx context.Context) error { return ctx.Err() }

// Prepare takes as many of items as are to be written at once. It holds events and not rows: columns of a later version
// suit it too.
func (s *Sink) Prepare(id string, items []sink.Item, _ string) ([]byte, int, error) {
	return s.cfg.Records(id, items, MaxItems)
}

// Send writes the rows of m, all or none.
func (s *Sink) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	records, err := sink.ReadRecords(m.Body)
	if err != nil {
		return "", &sink.Error{Verdict: sink.Rework, Op: opWrite, Reason: "the stored rows are not of this version"}
	}
	if e := s.write(ctx, records, (*stdsql.Tx).Commit); e != nil {
		return "", e
	}
	return sink.Receipt(m.ID), nil
}

// Resolve is never asked: to write again is harmless.
func (s *Sink) Resolve(context.Context, sink.Message) (sink.Receipt, bool, error) {
	return "", false, nil
}

// write writes the rows in one transaction, which end ends.
func (s *Sink) write(ctx context.Context, records []sink.Record, end func(*stdsql.Tx) error) *sink.Error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	db, err := s.db.Open()
	if err != nil {
		return s.judge(err, false)
	}
	defer func() { _ = db.Close() }() // what matters is committed
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return s.judge(err, false)
	}
	defer func() { _ = tx.Rollback() }() // no error that is not told already
	tables := map[talkrelay.Kind]*table{}
	for _, r := range records {
		if tables[r.Kind] == nil {
			tables[r.Kind], err = s.table(ctx, tx, r.Kind)
		}
		if t := tables[r.Kind]; err == nil {
			_, err = tx.ExecContext(ctx, t.insert, string(s.cfg.Row(r, t.columns)))
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

// judge says what follows on err. committing: the transaction may have been made true all the same.
func (s *Sink) judge(err error, committing bool) *sink.Error {
	verdict, words, answered := s.db.Judge(err)
	if committing && verdict == sink.Retry {
		verdict = sink.InDoubt
	}
	return &sink.Error{Verdict: verdict, Op: opWrite, Reason: words + ", of " + s.cfg.Named(block), Answered: answered && verdict == sink.InDoubt}
}

// Check tries a row of each kind that comes here, and takes it back.
func (s *Sink) Check(ctx context.Context) []sink.Finding {
	try := *s
	if s.cfg.Driver == SQLite {
		path, done, _ := sink.TryFile(s.cfg.DSN) // what is wrong with it, the try will tell
		defer done()
		try.cfg.DSN = path
		try.db, _ = try.cfg.database()
	}
	if e := try.write(ctx, sink.SampleRecords(s.cfg.Kinds), (*stdsql.Tx).Rollback); e != nil {
		return []sink.Finding{{Name: "database", Text: e.Reason, Fix: "mend that; the queue is kept meanwhile"}}
	}
	return []sink.Finding{{Name: "database", OK: true, Text: fmt.Sprintf("a row for each of %d kinds of event was tried and taken back", len(s.cfg.Kinds))}}
}
