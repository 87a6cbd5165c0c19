package sql

import (
	"context"
	stdsql "database/sql"
	"encoding/json"
	"slices"
	"strings"

	"talkrelay"
	"talkrelay/sink"
)

// table is the one of a kind of event. Its names are ours: nothing that a customer wrote is ever part of a statement.
type table struct {
	columns []sink.Column
	insert  string // a statement whose parameter is a row of JSON
}

// table makes the table of a kind, and those of its columns that are missing. What others added stays.
func (s *Sink) table(ctx context.Context, tx *stdsql.Tx, kind talkrelay.Kind) (*table, error) {
	name := s.cfg.TablePrefix + strings.ToLower(strings.ReplaceAll(string(kind), ".", "_"))
	columns := sink.Columns(kind)
	if s.cfg.Envelope {
		columns = append(columns, sink.EnvelopeColumn)
	}
	var list []byte
	var have, names, updates, missing []string
	err := tx.QueryRowContext(ctx, s.db.Names(), name).Scan(&list)
	if err == nil {
		err = json.Unmarshal(list, &have)
	}
	for _, c := range columns {
		names, updates = append(names, c.Name), append(updates, c.Name+" = excluded."+c.Name)
		if !slices.Contains(have, c.Name) {
			missing = append(missing, c.Name+" "+s.db.Type(c.Type()))
		}
	}
	if err == nil && len(have) == 0 {
		_, err = tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+name+" ("+strings.Join(missing, ", ")+", PRIMARY KEY ("+sink.KeyColumn+"))")
		missing = nil
	}
	for _, column := range missing {
		if err == nil {
			_, err = tx.ExecContext(ctx, "ALTER TABLE "+name+" ADD COLUMN "+column)
		}
	}
	return &table{columns, "INSERT INTO " + name + " (" + strings.Join(names, ", ") + ") " + s.db.Select(columns) +
		" ON CONFLICT (" + sink.KeyColumn + ") DO UPDATE SET " + strings.Join(updates, ", ")}, err
}
