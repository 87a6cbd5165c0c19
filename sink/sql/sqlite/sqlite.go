// Package sqlite is what SQLite does in a way of its own: files, types, errors.
package sqlite

import (
	stdsql "database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"

	"talkrelay/sink"
)

// Database is a file. It implements sql.Database.
type Database struct{ path string }

// New returns the database in the file at path. It touches no file.
func New(path string) (Database, error) {
	if base := filepath.Base(path); path == "" || strings.HasPrefix(base, "file:") || strings.HasPrefix(base, ":") {
		return Database{}, errors.New(`must be the path of a file, like "events.db"`)
	}
	return Database{path}, nil
}

// Addresses are none: it is a file of this machine.
func (Database) Addresses() []string { return nil }

// Open opens the file. One that is not there is made, for its owner alone.
func (d Database) Open() (*stdsql.DB, error) {
	f, err := sink.OpenFile(d.path)
	if err != nil {
		return nil, err
	}
	_ = f.Close()
	path := (&url.URL{Path: d.path}).EscapedPath()
	return stdsql.Open("sqlite", "file:"+path+"?mode=rw&_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)")
}

// Names is a query for the columns of a table, as a JSON array.
func (Database) Names() string { return "SELECT json_group_array(name) FROM pragma_table_info(?1)" }

// Type is what a type is called. There are neither times nor truth.
func (Database) Type(t sink.ColumnType) string {
	switch t {
	case sink.NumberColumn:
		return "real"
	case sink.BoolColumn:
		return "integer"
	}
	return "text"
}

// Select reads columns from a row of JSON.
func (Database) Select(columns []sink.Column) string {
	var values []string
	for _, c := range columns {
		values = append(values, "json_extract(?1, '$."+c.Name+"')")
	}
	return "SELECT " + strings.Join(values, ", ") + " WHERE true" // without it ON CONFLICT would be read as part of the SELECT
}

const pathAdvice = "the file cannot be written: " + sink.FileAdvice + "dsn"

// refusals are primary result codes and what follows on them.
var refusals = map[int]struct {
	verdict sink.Verdict
	reason  string
}{
	3: {sink.PauseDestination, pathAdvice}, 8: {sink.PauseDestination, pathAdvice}, 14: {sink.PauseDestination, pathAdvice}, 23: {sink.PauseDestination, pathAdvice},
	11: {sink.PauseDestination, "the file is damaged: put a copy back, or choose another dsn"},
	26: {sink.PauseDestination, "the file is no SQLite database: choose another dsn"},
	13: {sink.PauseDestination, "the disk is full: make room"},
	18: {sink.Bad, "a value is beyond SQLite's limits"},
	19: {sink.PauseDestination, "a constraint that somebody added refuses the row: take it off the table"},
	1:  {sink.PauseDestination, "somebody changed the table: give event_id its primary key back, or choose another table_prefix"},
}

// Judge says what follows on an error, in our own words, for SQLite puts values into its, and whether it is SQLite's.
func (Database) Judge(err error) (v sink.Verdict, words string, answered bool) {
	lite, file := (*sqlite.Error)(nil), (*fs.PathError)(nil)
	switch {
	case errors.As(err, &lite):
		r, ok := refusals[lite.Code()&0xff]
		if !ok {
			r.verdict, r.reason = sink.Retry, "another program holds the file, or the disk fails"
		}
		return r.verdict, fmt.Sprintf("%s (SQLite code %d)", r.reason, lite.Code()), true
	case errors.As(err, &file):
		return sink.PauseDestination, pathAdvice, true
	}
	return sink.Retry, "stopped, or not in time", false
}
