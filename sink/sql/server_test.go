package sql_test

import (
	"crypto/x509"
	stdsql "database/sql"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

const password = "s3cr3t-pa55"

// server is a PostgreSQL of the tests, on a socket in a directory of its own, and on a port that speaks TLS.
type server struct {
	dir, port string
	roots     string // file with the certificate of whom to trust
	dbs       atomic.Int32
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
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := &server{dir: dir, port: freePort(t)}
	cert, key := certificate(t, dir, as)
	s.roots = cert
	serve := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "port="+s.port,
		"-c", "ssl=on", "-c", "ssl_cert_file="+cert, "-c", "ssl_key_file="+key, "-c", "fsync=off", "-c", "max_connections=50")
	serve.SysProcAttr, serve.Dir, serve.Stderr, serve.Stdout = as, dir, log, log
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Signal(syscall.SIGINT) // at once, in order
		_ = serve.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; {
		if err = s.exec(s.dsn("admin", password, "postgres"), "SELECT 1"); err == nil {
			return s
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("PostgreSQL does not start: %v\n%s", err, said)
		}
		time.Sleep(20 * time.Millisecond) // it tells nobody when it is ready
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// certificate writes one that vouches for itself and for 127.0.0.1, and its key, which is readable by the server alone.
func certificate(t *testing.T, dir string, as *syscall.SysProcAttr) (cert, key string) {
	t.Helper()
	donor := httptest.NewTLSServer(nil)
	defer donor.Close()
	secret, err := x509.MarshalPKCS8PrivateKey(donor.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"server.crt": {Type: "CERTIFICATE", Bytes: donor.Certificate().Raw},
		"server.key": {Type: "PRIVATE KEY", Bytes: secret},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if as != nil {
			if err := os.Chown(path, int(as.Credential.Uid), int(as.Credential.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key")
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
	return fmt.Sprintf("host=%s port=%s user=%s password=%s dbname=%s", s.dir, s.port, user, pass, db)
}

// encrypted is dsn over TCP, with the settings of TLS.
func (s *server) encrypted(name, tls string) string {
	return fmt.Sprintf("host=127.0.0.1 port=%s user=%s password=%s dbname=%s %s", s.port, name, password, name, tls)
}

// through is dsn by way of a TCP proxy on this machine.
func (s *server) through(address, user, pass, db string) string {
	host, port, _ := strings.Cut(address, ":")
	return fmt.Sprintf("host=%s port=%s user=%s password=%s dbname=%s sslmode=disable", host, port, user, pass, db)
}

func (s *server) socket() string { return filepath.Join(s.dir, ".s.PGSQL."+s.port) }

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
