package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"talkrelay"
)

// errForeign is a table that has our name and not our key.
var errForeign = errors.New("a table of that name is not ours")

// table is the one of a kind of event. Its names are ours: nothing that a customer wrote is ever part of a statement.
type table struct {
	driver  Driver
	name    string
	columns []column
}

func (c Config) table(kind talkrelay.Kind) table {
	name := c.TablePrefix + strings.ToLower(strings.ReplaceAll(string(kind), ".", "_"))
	return table{c.Driver, name, c.columnsOf(kind)}
}

// typeOf is a column's type in the database. SQLite has neither times nor truth.
func (t table) typeOf(col column) string {
	if t.driver == Postgres {
		return string(col.typ)
	}
	return map[valueType]string{timeType: "text", jsonType: "text", textType: "text", numberType: "real", boolType: "integer"}[col.typ]
}

// ready makes the table and those of its columns that are missing. What others added stays.
func (t table) ready(ctx context.Context, tx *stdsql.Tx) error {
	have, err := t.existing(ctx, tx)
	switch {
	case err != nil:
		return err
	case len(have) == 0:
		var lines []string
		for _, col := range t.columns {
			lines = append(lines, quoted(col.name)+" "+t.typeOf(col))
		}
		_, err = tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+quoted(t.name)+" ("+strings.Join(lines, ", ")+", PRIMARY KEY ("+quoted(eventID)+"))")
		return err
	case !have[eventID]:
		return errForeign
	}
	for _, col := range t.columns {
		if have[col.name] {
			continue
		}
		if _, err := tx.ExecContext(ctx, "ALTER TABLE "+quoted(t.name)+" ADD COLUMN "+quoted(col.name)+" "+t.typeOf(col)); err != nil {
			return err
		}
	}
	return nil
}

// existing returns the names of the columns that the table has, none if it is not there.
func (t table) existing(ctx context.Context, tx *stdsql.Tx) (map[string]bool, error) {
	query := "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped"
	if t.driver == SQLite {
		query = "SELECT name FROM pragma_table_info(?1)"
	}
	rows, err := tx.QueryContext(ctx, query, t.name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	have := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		have[name] = true
	}
	return have, rows.Err()
}

// put inserts r, or makes the row with its key the same again. The types of values are told to PostgreSQL, so that it, and
// no client, finds out what does not fit a column that somebody changed.
func (t table) put(ctx context.Context, tx *stdsql.Tx, r *row) error {
	var names, places, updates []string
	var values []any
	for i, col := range t.columns {
		name, place := quoted(col.name), fmt.Sprintf("?%d", i+1)
		if t.driver == Postgres {
			place = fmt.Sprintf("$%d::%s", i+1, col.typ)
		}
		names, places, updates = append(names, name), append(places, place), append(updates, name+" = excluded."+name)
		values = append(values, t.value(col.of(r)))
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO "+quoted(t.name)+" ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(places, ", ")+
		") ON CONFLICT ("+quoted(eventID)+") DO UPDATE SET "+strings.Join(updates, ", "), values...)
	return err
}

// value is v as the driver takes it. SQLite gets times as a text that sorts.
func (t table) value(v any) any {
	if at, ok := v.(time.Time); ok && t.driver == SQLite {
		return at.Format("2006-01-02T15:04:05.000Z")
	}
	return v
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
