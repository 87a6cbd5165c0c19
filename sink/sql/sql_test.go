package sql_test

import (
	stdsql "database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/sinktest"
	"talkrelay/sink/sql"
)

func newSink(t *testing.T, c sql.Config) *sql.Sink {
	t.Helper()
	c.Name = "database"
	if c.TablePrefix == "" {
		c.TablePrefix = sql.DefaultTablePrefix
	}
	s, err := sql.New(c)
	return sinktest.Must(t, s, err)
}

// opened is an open connection of the test's own, beside the sink.
func opened(t *testing.T, driver sql.Driver, dsn string) *stdsql.DB {
	t.Helper()
	db, err := stdsql.Open(map[sql.Driver]string{sql.Postgres: "pgx", sql.SQLite: "sqlite"}[driver], dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func must(t *testing.T, db *stdsql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func texts(t *testing.T, db *stdsql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s stdsql.NullString
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s.String)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// count adds up the rows of all our tables.
func count(t *testing.T, db *stdsql.DB, driver sql.Driver) (n int) {
	t.Helper()
	query := "SELECT tablename FROM pg_tables WHERE tablename LIKE 'talkrelay%'"
	if driver == sql.SQLite {
		query = "SELECT name FROM sqlite_master WHERE type = 'table'"
	}
	for _, name := range texts(t, db, query) {
		n += len(texts(t, db, "SELECT event_id FROM "+name))
	}
	return n
}

func send(t *testing.T, s sink.Sink, m sink.Message) {
	t.Helper()
	if receipt, err := s.Send(t.Context(), m); err != nil || receipt == "" {
		t.Fatalf("receipt %q, error %v", receipt, err)
	}
}

// numbered are n openings.
func numbered(n int) (events []talkrelay.Event) {
	for i := range n {
		e := sink.SampleEvents()[0]
		e.ID = fmt.Sprintf("e%03d", i)
		events = append(events, e)
	}
	return events
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	sinktest.RunPlace(t, func(t *testing.T) sinktest.Place {
		dir, away := sinktest.Dir(t)
		path := filepath.Join(dir, "events.db")
		return sinktest.Place{
			New: func() sink.Sink { return newSink(t, sql.Config{Driver: sql.SQLite, DSN: path}) },
			Count: func() int {
				if _, err := os.Stat(path); err != nil {
					return 0
				}
				return count(t, opened(t, sql.SQLite, "file:"+escaped(path)), sql.SQLite)
			},
			Break: away,
		}
	})
}

func escaped(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

// database is what holds of both: a way to a new database, and the test's own connection to it.
type database struct {
	driver sql.Driver
	dsn    string
	db     *stdsql.DB
}

func sqliteDatabase(t *testing.T) database {
	path := filepath.Join(t.TempDir(), "events.db")
	return database{sql.SQLite, path, opened(t, sql.SQLite, path)}
}

func (d database) config() sql.Config { return sql.Config{Driver: d.driver, DSN: d.dsn} }

// both are the tests that hold of both databases.
var both = map[string]func(*testing.T, database){
	"order and repeats": func(t *testing.T, d database) {
		s := newSink(t, d.config())
		events := numbered(sql.MaxItems)
		slices.Reverse(events) // so that no order of keys is taken for ours
		m := sinktest.Message(t, s, "id", events...)
		send(t, s, m)
		send(t, newSink(t, d.config()), m)
		var want []string
		for _, e := range events {
			want = append(want, e.ID)
		}
		query := "SELECT event_id FROM talkrelay_userchat_opened"
		written := map[sql.Driver]string{sql.SQLite: "rowid", sql.Postgres: "ctid"}[d.driver]
		if got := texts(t, d.db, query+" ORDER BY "+written); !slices.Equal(got, want) {
			t.Errorf("written in this order: %q", got)
		}
		if got := texts(t, d.db, query+" ORDER BY event_id DESC"); !slices.Equal(got, want) {
			t.Errorf("%d rows: %q", len(got), got)
		}
	},
	"a repeat restores the row": func(t *testing.T, d database) {
		s := newSink(t, d.config())
		m := sinktest.Message(t, s, "id", numbered(2)...)
		send(t, s, m)
		must(t, d.db, "UPDATE talkrelay_userchat_opened SET user_name = 'x' WHERE event_id = 'e000'", "DELETE FROM talkrelay_userchat_opened WHERE event_id = 'e001'")
		send(t, s, m)
		if got := texts(t, d.db, "SELECT user_name FROM talkrelay_userchat_opened"); !slices.Equal(got, []string{"홍길동", "홍길동"}) {
			t.Errorf("%q", got)
		}
	},
	"every kind, every column": func(t *testing.T, d database) {
		c := d.config()
		c.Envelope = true
		s := newSink(t, c)
		events := sink.SampleEvents()
		for i := range events {
			events[i].Envelope = []byte(`{"a\u0000b":"\\u0000 \ud800 <x>","n":123456789012345678901234567890}`)
		}
		send(t, s, sinktest.Message(t, s, "id", events...))
		if n := count(t, d.db, d.driver); n != len(talkrelay.Kinds()) {
			t.Errorf("%d rows", n)
		}
		got := texts(t, d.db, "SELECT envelope FROM talkrelay_userchat_opened")[0]
		for _, want := range []string{`"ab"`, `\\u0000`, "123456789012345678901234567890"} {
			if !strings.Contains(got, want) {
				t.Errorf("envelope %s lacks %s", got, want)
			}
		}
		if got := texts(t, d.db, "SELECT old_mobile_number FROM talkrelay_lead_upserted_contact"); !slices.Equal(got, []string{"+821087654321"}) {
			t.Errorf("old number: %q", got)
		}
		if got := texts(t, d.db, "SELECT event_id FROM talkrelay_userchat_closed WHERE happened_at > '2026-11-22T07:00:00Z' AND waiting_seconds = 180"); len(got) != 1 {
			t.Errorf("times do not compare: %q", got)
		}
	},
	"hostile texts": func(t *testing.T, d database) {
		s := newSink(t, d.config())
		for i, text := range []string{`'); DROP TABLE talkrelay_userchat_opened; --`, `"quoted" \ $1 ?1 %s`, "a\x00b"} {
			e := numbered(1)[0]
			e.ID, e.User.Name, e.Message.Text, e.Team.Name = fmt.Sprint(i, text), text, text, text
			send(t, s, sinktest.Message(t, s, "id", e))
			want := strings.ReplaceAll(text, "\x00", "")
			got := texts(t, d.db, "SELECT user_name FROM talkrelay_userchat_opened ORDER BY event_id")
			if len(got) != i+1 || got[i] != want {
				t.Errorf("%q came to %q", text, got)
			}
		}
	},
	"a schema that people changed": func(t *testing.T, d database) {
		must(t, d.db, "CREATE TABLE talkrelay_userchat_opened (note text, event_id text PRIMARY KEY)",
			"INSERT INTO talkrelay_userchat_opened (note, event_id) VALUES ('mine', 'e000')")
		s := newSink(t, d.config())
		send(t, s, sinktest.Message(t, s, "id", numbered(2)...))
		if diff := cmp.Diff([]string{"mine", ""}, texts(t, d.db, "SELECT note FROM talkrelay_userchat_opened ORDER BY event_id")); diff != "" {
			t.Error(diff)
		}
		must(t, d.db, "ALTER TABLE talkrelay_userchat_opened DROP COLUMN email")
		send(t, s, sinktest.Message(t, s, "id", numbered(1)...))
		if got := texts(t, d.db, "SELECT email FROM talkrelay_userchat_opened ORDER BY event_id"); !slices.Equal(got, []string{"hong@example.com", ""}) {
			t.Errorf("%q", got)
		}
		for statement, verdict := range map[string]sink.Verdict{
			"CREATE TABLE foreign_userchat_opened (id text PRIMARY KEY)":                          sink.PauseDestination,
			"CREATE TABLE keyless_userchat_opened (event_id text)":                                sink.PauseDestination,
			"CREATE TABLE strict_userchat_opened (event_id text PRIMARY KEY, mine text NOT NULL)": sink.PauseDestination,
		} {
			must(t, d.db, statement)
			c := d.config()
			c.TablePrefix = strings.Fields(statement)[2][:len(strings.Fields(statement)[2])-len("userchat_opened")]
			expect(t, newSink(t, c), verdict)
		}
	},
	"mask": func(t *testing.T, d database) {
		c := d.config()
		c.Mask, c.Envelope = true, true
		s := newSink(t, c)
		e := sink.SampleEvents()[1]
		e.Message.Text = "call 010-1234-5678"
		e.Envelope = []byte(`{"mobileNumber":"+821012345678"}`)
		m := sinktest.Message(t, s, "id", e)
		send(t, s, m)
		all := string(m.Body)
		for _, col := range []string{"email", "mobile_number", "old_email", "message_text", "envelope"} {
			all += strings.Join(texts(t, d.db, "SELECT "+col+" FROM talkrelay_lead_upserted_contact"), "")
		}
		for _, secret := range []string{e.User.Email, e.User.MobileNumber, e.Old.Email, "1234-5678"} {
			if strings.Contains(all, secret) {
				t.Errorf("%q in %s", secret, all)
			}
		}
	},
	"check leaves nothing": func(t *testing.T, d database) {
		c := d.config()
		c.Kinds = talkrelay.Kinds()
		if f := newSink(t, c).Check(t.Context()); len(f) != 1 || !f[0].OK {
			t.Errorf("%+v", f)
		}
		if n := len(texts(t, d.db, map[sql.Driver]string{sql.SQLite: "SELECT name FROM sqlite_master", sql.Postgres: "SELECT tablename FROM pg_tables WHERE tablename LIKE 'talkrelay%'"}[d.driver])); n != 0 {
			t.Errorf("%d tables are left", n)
		}
	},
}

// expect sends an opening, which is refused with that verdict and shows no customer and no password.
func expect(t *testing.T, s *sql.Sink, verdict sink.Verdict) {
	t.Helper()
	_, err := s.Send(t.Context(), sinktest.Message(t, s, "id", numbered(1)...))
	if err == nil {
		t.Errorf("no error, want %s", verdict)
		return
	}
	if e := sink.VerdictOf(err); e.Verdict != verdict {
		t.Errorf("%s, want %s: %v", e.Verdict, verdict, err)
	}
	for _, secret := range []string{password, "홍길동", "hong@example.com", "+8210"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows %q: %v", secret, err)
		}
	}
}

func TestBothOnSQLite(t *testing.T) {
	t.Parallel()
	for name, test := range both {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, sqliteDatabase(t))
		})
	}
}

// What keeps a file of SQLite from being written is told, and mended without a restart.
func TestSQLiteRefusals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "events.db")
	s := newSink(t, sql.Config{Driver: sql.SQLite, DSN: path, Options: sink.Options{Timeout: time.Second}})
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, s, sink.PauseDestination)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	send(t, s, sinktest.Message(t, s, "id", numbered(1)...))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	db := opened(t, sql.SQLite, path)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("DELETE FROM talkrelay_userchat_opened"); err != nil {
		t.Fatal(err)
	}
	expect(t, s, sink.Retry)
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	send(t, s, sinktest.Message(t, s, "id", numbered(2)...))
	if n := count(t, db, sql.SQLite); n != 2 {
		t.Errorf("%d rows", n)
	}
	away := newSink(t, sql.Config{Driver: sql.SQLite, DSN: filepath.Join(dir, "no", "x.db"), Kinds: talkrelay.Kinds()})
	if f := away.Check(t.Context()); f[0].OK || f[0].Fix == "" {
		t.Errorf("%+v", f)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := "postgres://u:" + password + "@db.example.com/x?sslmode=verify-full"
	for name, tt := range map[string]struct {
		key string // "" = nothing is wrong
		c   sql.Config
	}{
		"good":                  {"", sql.Config{Driver: sql.Postgres, DSN: good}},
		"good, this machine":    {"", sql.Config{Driver: sql.Postgres, DSN: "postgres://u:" + password + "@127.0.0.1/x"}},
		"good, socket":          {"", sql.Config{Driver: sql.Postgres, DSN: "host=/run/postgresql user=u"}},
		"good, own network":     {"", sql.Config{Driver: sql.Postgres, DSN: "postgres://u:" + password + "@10.0.0.1/x?sslmode=disable"}},
		"driver":                {"driver", sql.Config{Driver: "mysql", DSN: good}},
		"no dsn":                {"dsn", sql.Config{Driver: sql.Postgres}},
		"no file":               {"dsn", sql.Config{Driver: sql.SQLite}},
		"memory":                {"dsn", sql.Config{Driver: sql.SQLite, DSN: ":memory:"}},
		"perhaps encrypted":     {"dsn", sql.Config{Driver: sql.Postgres, DSN: "postgres://u:" + password + "@db.example.com/x"}},
		"@ in the password":     {"dsn", sql.Config{Driver: sql.Postgres, DSN: "postgres://u:x@" + password + "@127.0.0.1/x"}},
		"/ in the password":     {"dsn", sql.Config{Driver: sql.Postgres, DSN: "postgres://u:x/" + password + "@127.0.0.1/x"}},
		"blank in the password": {"dsn", sql.Config{Driver: sql.Postgres, DSN: "host=127.0.0.1 password=x " + password}},
		"certificate":           {"dsn", sql.Config{Driver: sql.Postgres, DSN: good + "&sslrootcert=/no/such/file"}},
		"prefix":                {"table_prefix", sql.Config{Driver: sql.Postgres, DSN: good, TablePrefix: `x"; DROP`}},
		"timeout":               {"timeout", sql.Config{Driver: sql.Postgres, DSN: good, Options: sink.Options{Timeout: time.Hour}}},
	} {
		if tt.c.TablePrefix == "" {
			tt.c.TablePrefix = sql.DefaultTablePrefix
		}
		p := tt.c.Validate()
		if tt.key == "" && len(p) > 0 || tt.key != "" && (len(p) != 1 || p[0].Key != tt.key) {
			t.Errorf("%s: %v", name, p)
		}
		if strings.Contains(fmt.Sprint(p), password) {
			t.Errorf("%s: the password is shown: %v", name, p)
		}
	}
	c := sql.Config{Driver: sql.Postgres, DSN: good}
	if got := c.Addresses(); !slices.Equal(got, []string{"postgres://db.example.com:5432"}) {
		t.Errorf("addresses: %q", got)
	}
}
