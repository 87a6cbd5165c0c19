package sql_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sandbox"
	"talkrelay/sink"
	"talkrelay/sink/sinktest"
	"talkrelay/sink/sql"
)

// TestPostgres tries everything on a real server.
func TestPostgres(t *testing.T) {
	t.Parallel()
	srv := onServer(t)
	for name, test := range both {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn, _ := srv.database(t)
			test(t, database{driver: sql.Postgres, dsn: dsn, db: opened(t, sql.Postgres, dsn)})
		})
	}
	t.Run("conformance", func(t *testing.T) {
		t.Parallel()
		sinktest.RunPlace(t, func(t *testing.T) sinktest.Place { return postgresPlace(t, srv) })
	})
	t.Run("refusals", func(t *testing.T) {
		t.Parallel()
		refusals(t, srv)
	})
	t.Run("encrypted", func(t *testing.T) {
		t.Parallel()
		encrypted(t, srv)
	})
	t.Run("cut connections", func(t *testing.T) {
		t.Parallel()
		cutConnections(t, srv)
	})
}

func postgresPlace(t *testing.T, srv *server) sinktest.Place {
	dsn, name := srv.database(t)
	db := opened(t, sql.Postgres, dsn)
	admin := opened(t, sql.Postgres, srv.dsn("admin", password, "postgres"))
	return sinktest.Place{
		New:   func() sink.Sink { return newSink(t, sql.Config{Driver: sql.Postgres, DSN: dsn}) },
		Count: func() int { return count(t, db, sql.Postgres) },
		Break: func() func() {
			must(t, admin, "ALTER ROLE "+name+" NOLOGIN")
			return func() { must(t, admin, "ALTER ROLE "+name+" LOGIN") }
		},
		Secrets: []string{password, dsn},
	}
}

// refusals: what the server says no to, told without the password and the customer.
func refusals(t *testing.T, srv *server) {
	dsn, name := srv.database(t)
	db := opened(t, sql.Postgres, dsn)
	at := func(dsn string) *sql.Sink {
		return newSink(t, sql.Config{Driver: sql.Postgres, DSN: dsn, Kinds: talkrelay.Kinds()})
	}
	expect(t, at(srv.dsn(name, password+"x", name)), sink.PauseCredential)
	expect(t, at(srv.dsn(name, password, "nowhere")), sink.PauseDestination)
	expect(t, at(dsn+" default_transaction_read_only=on"), sink.PauseDestination)
	expect(t, at(dsn+" search_path=nowhere"), sink.PauseDestination)
	expect(t, at(strings.Replace(dsn, srv.dir, srv.dir+"/none", 1)), sink.Retry)
	if err := srv.exec(srv.dsn("admin", password, "postgres"), "CREATE ROLE stranger LOGIN PASSWORD '"+password+"'"); err != nil {
		t.Fatal(err)
	}
	stranger := at(srv.dsn("stranger", password, name))
	expect(t, stranger, sink.PauseDestination)
	if f := stranger.Check(t.Context()); f[0].OK || !strings.Contains(f[0].Text, "42501") || f[0].Fix == "" {
		t.Errorf("%+v", f)
	}

	// A column that somebody made narrow refuses one row, and the others go on.
	s := at(dsn)
	send(t, s, sinktest.Message(t, s, "id", numbered(1)...))
	must(t, db, "ALTER TABLE talkrelay_userchat_opened ALTER COLUMN message_text TYPE varchar(40)")
	long := numbered(2)[1]
	long.Message.Text = strings.Repeat("홍길동 ", 20)
	_, err := s.Send(t.Context(), sinktest.Message(t, s, "id", numbered(3)[2], long))
	if e := sink.VerdictOf(err); e.Verdict != sink.Bad || strings.Contains(err.Error(), "홍길동") {
		t.Errorf("%v", err)
	}
	if n := count(t, db, sql.Postgres); n != 1 {
		t.Errorf("%d rows: half a batch was kept", n)
	}
	must(t, db, "ALTER TABLE talkrelay_userchat_opened ALTER COLUMN message_text TYPE integer USING 0")
	expect(t, s, sink.PauseDestination)
}

// encrypted: rows go to a server whose certificate is vouched for, by the dsn or by network.ca_file, and to no other.
func encrypted(t *testing.T, srv *server) {
	dsn, name := srv.database(t)
	db := opened(t, sql.Postgres, dsn)
	pem, err := os.ReadFile(srv.roots)
	if err != nil {
		t.Fatal(err)
	}
	other, err := sandbox.CertificatePEM()
	if err != nil {
		t.Fatal(err)
	}
	others := filepath.Join(t.TempDir(), "others.pem")
	if err := os.WriteFile(others, other, 0o600); err != nil {
		t.Fatal(err)
	}
	full := srv.encrypted(name, "sslmode=verify-full")
	proxy := newProxy(t, srv.socket()) // on its socket a server takes no encrypted connections
	for i, tt := range []struct {
		dsn string
		ca  []byte // of network.ca_file
		no  string // what the refusal says; "" = none is expected
	}{
		{full + " sslrootcert=" + srv.roots, nil, ""},
		{full, pem, ""},
		{full + " sslrootcert=" + srv.roots, other, ""},
		{srv.encrypted(name, "sslmode=require"), other, ""},
		{full + " sslrootcert=" + others, pem, "certificate is not trusted"},
		{full, other, "certificate is not trusted"},
		{full, nil, "certificate is not trusted"},
		{strings.Replace(full, "127.0.0.1", "localhost", 1), pem, "certificate is not trusted"}, // it is made out to the number
		{strings.Replace(srv.through(proxy.address(), name, password, name), "disable", "require", 1), nil, "takes no encrypted connections"},
	} {
		base, err := sink.BaseTransport(tt.ca, "")
		if err != nil {
			t.Fatal(err)
		}
		s := newSink(t, sql.Config{Driver: sql.Postgres, DSN: tt.dsn, Options: sink.Options{Base: base}, Kinds: talkrelay.Kinds()})
		if tt.no == "" {
			send(t, s, sinktest.Message(t, s, "id", numbered(i + 1)[i]))
			continue
		}
		expect(t, s, sink.PauseDestination)
		if f := s.Check(t.Context()); f[0].OK || !strings.Contains(f[0].Text, tt.no) || strings.Contains(f[0].Text, password) {
			t.Errorf("%d: %+v", i, f)
		}
	}
	if n := count(t, db, sql.Postgres); n != 4 {
		t.Errorf("%d rows", n)
	}
}

// cutConnections: wherever the connection breaks, before, in or after the COMMIT, each row is there once after the next
// tries, and a cut between COMMIT and its answer is no success and no refusal.
func cutConnections(t *testing.T, srv *server) {
	dsn, name := srv.database(t)
	db := opened(t, sql.Postgres, dsn)
	p := newProxy(t, srv.socket())
	s := newSink(t, sql.Config{Driver: sql.Postgres, DSN: srv.through(p.address(), name, password, name), Options: sink.Options{Timeout: 10 * time.Second}})
	for round := range 12 {
		events := numbered(3)
		for i := range events {
			events[i].ID = fmt.Sprintf("r%d %s", round, events[i].ID)
		}
		m := sinktest.Message(t, s, "id", events...)
		want := sink.InDoubt
		switch {
		case round%3 == 0:
			p.cut.Store(afterCommit)
		case round%3 == 1:
			p.cut.Store(beforeCommit)
		default:
			p.cut.Store(beforeInsert)
			want = sink.Retry
		}
		_, err := s.Send(t.Context(), m)
		if err == nil || sink.VerdictOf(err).Verdict != want {
			t.Fatalf("round %d: got %v, want %s", round, err, want)
		}
		if strings.Contains(err.Error(), password) {
			t.Errorf("the password is shown: %v", err)
		}
		if round%3 == 0 {
			if n := count(t, db, sql.Postgres); n != 3*(round+1) {
				t.Fatalf("round %d: %d rows: the cut was not between COMMIT and answer", round, n)
			}
		}
		send(t, s, m)
		send(t, s, m)
		if n := count(t, db, sql.Postgres); n != 3*(round+1) {
			t.Fatalf("round %d: %d rows", round, n)
		}
	}
	// A server that says nothing is left after the timeout.
	p.cut.Store(silent)
	s = newSink(t, sql.Config{Driver: sql.Postgres, DSN: srv.through(p.address(), name, password, name), Options: sink.Options{Timeout: time.Second}})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := s.Send(ctx, sinktest.Message(t, s, "id", numbered(1)...)); sink.VerdictOf(err).Verdict != sink.Retry || ctx.Err() != nil {
		t.Errorf("%v", err)
	}
}

// What a proxy does to the next connection.
const (
	pass int32 = iota
	beforeInsert
	beforeCommit
	afterCommit // the server has answered, and nobody hears it
	silent      // nothing comes through, and nothing breaks
)

// proxy stands before the server and cuts one connection as it is told.
type proxy struct {
	listener net.Listener
	cut      atomic.Int32
	socket   string
	open     sync.WaitGroup
}

func newProxy(t *testing.T, socket string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, socket: socket}
	p.open.Add(1)
	go func() {
		defer p.open.Done()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.open.Add(1)
			go p.serve(conn)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		p.open.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) serve(client net.Conn) {
	defer p.open.Done()
	defer client.Close()
	if p.cut.CompareAndSwap(silent, silent) {
		_, _ = io.Copy(io.Discard, client)
		return
	}
	server, err := net.Dial("unix", p.socket)
	if err != nil {
		return
	}
	defer server.Close()
	var deaf atomic.Bool // the server's answers go nowhere
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 32<<10)
		for {
			n, err := server.Read(buf)
			if n > 0 && deaf.Load() {
				_ = client.Close() // it has answered, so it has done it
				return
			}
			if _, werr := client.Write(buf[:n]); err != nil || werr != nil {
				return
			}
		}
	}()
	defer func() { <-done }()
	buf := make([]byte, 32<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			_ = server.Close()
			return
		}
		said := func(word string) bool { return bytes.Contains(bytes.ToLower(buf[:n]), []byte(word)) }
		switch {
		case said("insert into") && p.cut.CompareAndSwap(beforeInsert, pass), said("commit\x00") && p.cut.CompareAndSwap(beforeCommit, pass):
			_ = client.Close()
			_ = server.Close()
			return
		case said("commit\x00") && p.cut.CompareAndSwap(afterCommit, pass):
			deaf.Store(true)
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}
