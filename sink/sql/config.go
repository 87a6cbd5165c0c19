package sql

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"talkrelay"
	"talkrelay/sink"
)

// Driver says which database it is.
type Driver string

// The drivers.
const (
	Postgres Driver = "postgres"
	SQLite   Driver = "sqlite"
)

// DefaultTablePrefix of a config file.
const DefaultTablePrefix = "talkrelay_"

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
	switch c.Driver {
	case Postgres:
		if _, err := c.postgres(); err != nil {
			p.Add("dsn", "%v", err)
		}
	case SQLite:
		if base := filepath.Base(c.DSN); c.DSN == "" || strings.HasPrefix(base, "file:") || strings.HasPrefix(base, ":") {
			p.Add("dsn", "must be the path of a file, like %q", "events.db")
		}
	default:
		p.Add("driver", "%q is not known: allowed are %q and %q", c.Driver, Postgres, SQLite)
	}
	if !prefixForm.MatchString(c.TablePrefix) {
		p.Add("table_prefix", "must be of small letters, digits and _, begin with no digit, and have at most 30 characters")
	}
	c.Options.Validate(&p)
	return p
}

// postgres reads the address. Its errors show nothing of it: where a password ends in a wrong address, nobody knows.
func (c Config) postgres() (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(c.DSN)
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		return nil, fmt.Errorf("names a file that cannot be read: %w", file.Err)
	}
	if c.DSN == "" || err != nil || strings.Contains(cfg.Host, "@") {
		return nil, errors.New("is no address like postgres://user:password@host:5432/database?sslmode=verify-full (in the password write %40 for @, %2F for /, %3A for :)")
	}
	encrypted := map[bool]bool{}
	for _, try := range tries(cfg) {
		if !strings.HasPrefix(try.Host, "/") && !sink.Loopback(try.Host) {
			encrypted[try.TLSConfig != nil] = true
		}
		if try.TLSConfig != nil && try.TLSConfig.RootCAs == nil && c.Base != nil && c.Base.TLSClientConfig != nil {
			try.TLSConfig.RootCAs = c.Base.TLSClientConfig.RootCAs
		}
	}
	if len(encrypted) > 1 {
		return nil, errors.New("leaves it to the server whether customers' data is encrypted on the way: add sslmode=verify-full (or require, or disable inside your network)")
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // unlike named statements it passes through a pooler
	return cfg, nil
}

// tries lists what a connection is tried with, in order.
func tries(cfg *pgx.ConnConfig) []*pgconn.FallbackConfig {
	first := &pgconn.FallbackConfig{Host: cfg.Host, Port: cfg.Port, TLSConfig: cfg.TLSConfig}
	return append([]*pgconn.FallbackConfig{first}, cfg.Fallbacks...)
}

// Addresses lists the servers as postgres://host:port, without user and password; none of this machine's sockets and files.
func (c Config) Addresses() (list []string) {
	if c.Driver != Postgres {
		return nil
	}
	cfg, err := c.postgres()
	if err != nil {
		return nil
	}
	for _, try := range tries(cfg) {
		if !strings.HasPrefix(try.Host, "/") {
			list = append(list, "postgres://"+net.JoinHostPort(try.Host, strconv.Itoa(int(try.Port))))
		}
	}
	return list
}
