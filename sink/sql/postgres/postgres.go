// Package postgres is what PostgreSQL does in a way of its own: addresses, types, errors.
package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	stdsql "database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"talkrelay/sink"
)

// Database is one on a server. It implements sql.Database.
type Database struct{ cfg *pgx.ConnConfig }

// New reads an address. roots are trusted unless it names others; nil = the system's. Its errors show nothing of the
// address: where a password ends in a wrong one, nobody knows.
func New(dsn string, roots *x509.CertPool) (Database, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		return Database{}, fmt.Errorf("names a file that cannot be read: %w", file.Err)
	}
	if dsn == "" || err != nil || strings.Contains(cfg.Host, "@") {
		return Database{}, errors.New("is no address like postgres://user:password@host:5432/database?sslmode=verify-full (in the password write %40 for @, %2F for /, %3A for :)")
	}
	encrypted := map[bool]bool{}
	for _, try := range tries(cfg) {
		if !strings.HasPrefix(try.Host, "/") && !sink.Loopback(try.Host) {
			encrypted[try.TLSConfig != nil] = true
		}
		if try.TLSConfig != nil && try.TLSConfig.RootCAs == nil {
			try.TLSConfig.RootCAs = roots
		}
	}
	if len(encrypted) > 1 {
		return Database{}, errors.New("leaves it to the server whether customers' data is encrypted on the way: add sslmode=verify-full (or require, or disable inside your network)")
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // unlike named statements it passes through a pooler
	return Database{cfg}, nil
}

// tries lists what a connection is tried with, in order.
func tries(cfg *pgx.ConnConfig) []*pgconn.FallbackConfig {
	first := &pgconn.FallbackConfig{Host: cfg.Host, Port: cfg.Port, TLSConfig: cfg.TLSConfig}
	return append([]*pgconn.FallbackConfig{first}, cfg.Fallbacks...)
}

// Addresses lists the servers as postgres://host:port, without user and password; none of this machine's sockets.
func (d Database) Addresses() (list []string) {
	for _, try := range tries(d.cfg) {
		if !strings.HasPrefix(try.Host, "/") {
			list = append(list, "postgres://"+net.JoinHostPort(try.Host, strconv.Itoa(int(try.Port))))
		}
	}
	return list
}

// Open opens the database. It connects to nothing yet.
func (d Database) Open() (*stdsql.DB, error) { return stdlib.OpenDB(*d.cfg), nil }

// Names is a query for the columns of a table, as a JSON array.
func (Database) Names() string {
	return "SELECT coalesce(json_agg(attname), '[]')::text FROM pg_attribute WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped"
}

var types = map[sink.ColumnType]string{
	sink.TextColumn: "text", sink.TimeColumn: "timestamptz", sink.NumberColumn: "double precision", sink.BoolColumn: "boolean", sink.JSONColumn: "jsonb",
}

// Type is what a type is called.
func (Database) Type(t sink.ColumnType) string { return types[t] }

// Select reads columns from a row of JSON. Their types are told, so that the server, and no client, finds out what does not
// fit a column that somebody changed.
func (Database) Select(columns []sink.Column) string {
	var names, typed []string
	for _, c := range columns {
		names, typed = append(names, c.Name), append(typed, c.Name+" "+types[c.Type()])
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM jsonb_to_record($1::jsonb) AS r(" + strings.Join(typed, ", ") + ")"
}

// refusals are SQLSTATEs and their classes, and what follows on them; the first that fits counts.
var refusals = []struct {
	code    string
	verdict sink.Verdict
	reason  string
}{
	{"28", sink.PauseCredential, "the log-in is refused: correct user and password in dsn"},
	{"3D", sink.PauseDestination, "the database is not there: make it, or correct dsn"},
	{"3F", sink.PauseDestination, "the schema is not there: make it, or correct search_path in dsn"},
	{"42501", sink.PauseDestination, "the user lacks a right: grant it CREATE on the schema, and SELECT, INSERT, UPDATE on the tables"},
	{"25006", sink.PauseDestination, "the database is read-only: name the primary server in dsn"},
	{"22", sink.Bad, "a value does not fit its column"},
	{"54", sink.Bad, "a value is beyond the server's limits"},
	{"42P07", sink.Retry, "somebody else made the table at the same time"},
	{"42701", sink.Retry, "somebody else added the column at the same time"},
	{"23", sink.PauseDestination, "a constraint that somebody added refuses the row: take it off the table"},
	{"42", sink.PauseDestination, "somebody changed the table: give event_id its primary key and the columns their types back, or choose another table_prefix"},
	{"0A", sink.PauseDestination, "the server cannot do that: PostgreSQL 9.5 or later is needed"},
	{"", sink.Retry, "the server refuses for now"},
}

// Judge says what follows on an error, in our own words, for PostgreSQL puts values and addresses into its, and whether
// the server answered.
func (Database) Judge(err error) (v sink.Verdict, words string, answered bool) {
	pg, cert := (*pgconn.PgError)(nil), (*tls.CertificateVerificationError)(nil)
	switch {
	case errors.As(err, &pg):
		for _, r := range refusals {
			if strings.HasPrefix(pg.Code, r.code) {
				return r.verdict, r.reason + " (SQLSTATE " + pg.Code + ")", true
			}
		}
	case errors.As(err, &cert):
		return sink.PauseDestination, "the server's certificate is not trusted: correct sslmode or sslrootcert in dsn, or network.ca_file", true
	case strings.Contains(err.Error(), "server refused TLS"):
		return sink.PauseDestination, "the server takes no encrypted connections: turn on ssl there, or correct sslmode in dsn", true
	}
	return sink.Retry, "no answer: " + cause(err), false
}

// cause tells why there was no answer.
func cause(err error) string {
	op, dns := (*net.OpError)(nil), (*net.DNSError)(nil)
	switch {
	case errors.Is(err, context.Canceled):
		return "stopped"
	case errors.Is(err, context.DeadlineExceeded):
		return "not in time"
	case errors.As(err, &dns):
		return dns.Err
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return "the connection broke"
}
