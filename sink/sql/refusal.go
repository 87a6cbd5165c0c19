package sql

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"talkrelay/sink"
)

// refusal is what follows on an error whose code begins with code. Databases put values and addresses into their texts,
// so that only our own words and the code are ever shown.
type refusal struct {
	code    string
	verdict sink.Verdict
	reason  string
}

// postgresRefusals are SQLSTATEs and their classes; the first that fits counts.
var postgresRefusals = []refusal{
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

// sqliteRefusals are primary result codes.
var sqliteRefusals = []refusal{
	{"3.", sink.PauseDestination, pathAdvice},
	{"8.", sink.PauseDestination, pathAdvice},
	{"14.", sink.PauseDestination, pathAdvice},
	{"23.", sink.PauseDestination, pathAdvice},
	{"11.", sink.PauseDestination, "the file is damaged: put a copy back, or choose another dsn"},
	{"26.", sink.PauseDestination, "the file is no SQLite database: choose another dsn"},
	{"13.", sink.PauseDestination, "the disk is full: make room"},
	{"18.", sink.Bad, "a value is beyond SQLite's limits"},
	{"19.", sink.PauseDestination, "a constraint that somebody added refuses the row: take it off the table"},
	{"1.", sink.PauseDestination, "somebody changed the table: give event_id its primary key back, or choose another table_prefix"},
	{"", sink.Retry, "another program holds the file, or the disk fails"},
}

const pathAdvice = "the file cannot be written: let the user that runs talkrelay write there (under systemd: below the state directory), or correct dsn"

// judge says what follows on err. committing: the transaction may have been made true all the same.
func (s *Sink) judge(err error, committing bool) *sink.Error {
	r, code := refusal{"", sink.Retry, "no answer: " + cause(err)}, ""
	pg, lite, cert := (*pgconn.PgError)(nil), (*sqlite.Error)(nil), (*tls.CertificateVerificationError)(nil)
	switch {
	case errors.As(err, &pg):
		r, code = find(postgresRefusals, pg.Code), " (SQLSTATE "+pg.Code+")"
	case errors.As(err, &lite):
		r, code = find(sqliteRefusals, fmt.Sprintf("%d.", lite.Code()&0xff)), fmt.Sprintf(" (SQLite code %d)", lite.Code())
	case errors.As(err, &cert):
		r = refusal{"", sink.PauseDestination, "the server's certificate is not trusted: correct sslmode or sslrootcert in dsn, or network.ca_file"}
	case errors.Is(err, errForeign):
		r = refusal{"", sink.PauseDestination, "a table of that name has no column event_id: choose another table_prefix"}
	case errors.Is(err, errFile):
		r = refusal{"", sink.PauseDestination, pathAdvice}
	}
	e := &sink.Error{Verdict: r.verdict, Op: opWrite, Reason: fmt.Sprintf("%s%s, of sink.sql %q", r.reason, code, s.cfg.Name)}
	if committing && e.Verdict == sink.Retry {
		e.Verdict, e.Answered = sink.InDoubt, code != ""
	}
	return e
}

func find(all []refusal, code string) refusal {
	for _, r := range all {
		if strings.HasPrefix(code, r.code) {
			return r
		}
	}
	return refusal{}
}

// cause tells in safe words why there was no answer.
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
