package sql_test

import (
	"bytes"
	stdsql "database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

const password = "s3cr3t-pa55"

// server is a PostgreSQL of the tests, on a socket in a directory of its own: no port is taken.
type server struct {
	dir string
	dbs atomic.Int32
}

// onServer starts a server for t and what t runs, and ends it after them. Without PostgreSQL the test is skipped.
func onServer(t *testing.T) *server {
	t.Helper()
	bin := postgresBin()
	if bin == "" {
		t.Skip("PostgreSQL is not installed (no initdb in PATH nor in /usr/lib/postgresql/*/bin): what is said of it was not tried")
	}
	dir, err := os.MkdirTemp("", "pg") // short: the path of a socket is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := ordinaryUser(t, dir)
	secretFile := filepath.Join(dir, "password")
	if err := os.WriteFile(secretFile, []byte(password), 0o644); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	run := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "admin", "-A", "scram-sha-256", "--pwfile", secretFile, "-E", "UTF8", "--locale=C", "--no-sync")
	run.SysProcAttr, run.Dir = as, dir
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	var log lockedBuffer
	serve := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=50")
	serve.SysProcAttr, serve.Dir, serve.Stderr, serve.Stdout = as, dir, &log, &log
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Signal(syscall.SIGINT) // at once, in order
		_ = serve.Wait()
	})
	s := &server{dir: dir}
	for deadline := time.Now().Add(time.Minute); ; {
		if err = s.exec(s.dsn("admin", password, "postgres"), "SELECT 1"); err == nil {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("PostgreSQL does not start: %v\n%s", err, log.String())
		}
		time.Sleep(20 * time.Millisecond) // it tells nobody when it is ready
	}
}

func postgresBin() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			found = append(found, real)
		}
	}
	for _, path := range slices.Backward(found) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "postgres")); err == nil {
			return filepath.Dir(path)
		}
	}
	return ""
}

// ordinaryUser is how a process is started that refuses to be root's, with dir given to it.
func ordinaryUser(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("PostgreSQL refuses to run as root, and there is no user nobody")
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func (s *server) dsn(user, pass, db string) string {
	return fmt.Sprintf("host=%s user=%s password=%s dbname=%s", s.dir, user, pass, db)
}

// through is dsn by way of a TCP proxy on this machine.
func (s *server) through(address, user, pass, db string) string {
	host, port, _ := strings.Cut(address, ":")
	return fmt.Sprintf("host=%s port=%s user=%s password=%s dbname=%s sslmode=disable", host, port, user, pass, db)
}

func (s *server) socket() string { return filepath.Join(s.dir, ".s.PGSQL.5432") }

func (s *server) exec(dsn string, statements ...string) error {
	db, err := stdsql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// database makes a new database with a user who owns nothing else.
func (s *server) database(t *testing.T) (dsn, name string) {
	t.Helper()
	name = fmt.Sprint("db", s.dbs.Add(1))
	if err := s.exec(s.dsn("admin", password, "postgres"), "CREATE ROLE "+name+" LOGIN PASSWORD '"+password+"'", "CREATE DATABASE "+name+" OWNER "+name); err != nil {
		t.Fatal(err)
	}
	return s.dsn(name, password, name), name
}

// lockedBuffer is a buffer that a process writes to while a test reads.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
