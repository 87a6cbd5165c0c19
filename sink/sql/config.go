package sql

import (
	"regexp"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/sql/postgres"
	"talkrelay/sink/sql/sqlite"
)

// Driver says which database it is.
type Driver string

// The drivers.
const (
	Postgres Driver = "postgres"
	SQLite   Driver = "sqlite"
)

const DefaultTablePrefix = "talkrelay_" // of a config file

// Config holds the settings of one [[sink.sql]].
type Config struct {
	sink.Options
	Driver      Driver
	DSN         string           // PostgreSQL's address with the password, a secret; or the path of SQLite's file
	TablePrefix string           // of tables' names; one that names a schema is not possible: search_path of the address does that
	Envelope    bool             // keep Channel Talk's own objects too, unless Mask is set
	Kinds       []talkrelay.Kind // that routes send here: Check tries them
}

// prefixForm leaves room for the longest kind in the 63 characters of PostgreSQL.
var prefixForm = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,29}$`)

// Validate returns everything that is wrong with c, keyed as in the config file.
func (c Config) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	if c.Driver != Postgres && c.Driver != SQLite {
		p.Add("driver", "%q is not known: allowed are %q and %q", c.Driver, Postgres, SQLite)
	} else if _, err := c.database(); err != nil {
		p.Add("dsn", "%v", err)
	}
	if !prefixForm.MatchString(c.TablePrefix) {
		p.Add("table_prefix", "must be of small letters, digits and _, begin with no digit, and have at most 30 characters")
	}
	c.Options.Validate(&p)
	return p
}

func (c Config) database() (Database, error) {
	if c.Driver == SQLite {
		return sqlite.New(c.DSN)
	}
	return postgres.New(c.DSN, c.Roots())
}

// Addresses lists the servers as postgres://host:port, without user and password; none of this machine's sockets and files.
func (c Config) Addresses() []string {
	if db, err := c.database(); err == nil {
		return db.Addresses()
	}
	return nil
}
