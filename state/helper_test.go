package state_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"talkrelay"
	"talkrelay/state"
)

// helperEnv makes the test binary a process that does one thing to the file at helperPath.
const (
	helperEnv   = "TALKRELAY_STATE_HELPER"
	helperPath  = "TALKRELAY_STATE_PATH"
	helperOrder = "TALKRELAY_STATE_ORDER" // of the job "work", see shiftOrder
)

func TestMain(m *testing.M) {
	job := os.Getenv(helperEnv)
	if job == "" {
		goleak.VerifyTestMain(m)
	}
	if err := help(job, os.Getenv(helperPath)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// help says a line on stdout when something is done, and ends when killed or when stdin does.
func help(job, path string) error {
	if job == "work" {
		return work(path, os.Getenv(helperOrder))
	}
	if fault, ok := strings.CutPrefix(job, "upgrade "); ok {
		return upgradeWith(fault, path)
	}
	db, err := state.Open(state.Config{Path: path})
	if err != nil {
		return err
	}
	switch job {
	case "hold":
		fmt.Println("open")
		_, err = io.Copy(io.Discard, os.Stdin)
		return errors.Join(err, db.Close())
	case "commit":
		return commitForEver(db)
	case "memory":
		return printMemory()
	}
	return fmt.Errorf("no job %q", job)
}

// commitForEver commits, sends and sweeps; it says the cursor after each commit that was acknowledged.
func commitForEver(db *state.DB) error {
	q := db.Queue("slack")
	for {
		cursor, err := db.Cursor("main", "chats")
		if err != nil {
			return err
		}
		n := 0
		if cursor != nil {
			if _, err := fmt.Sscan(string(cursor), &n); err != nil {
				return err
			}
		}
		c := oneEvent(db, fmt.Sprintf("e%d", n+1))
		c.Read, c.Cursor = cursor, fmt.Append(nil, n+1)
		if err := db.Commit(c); err != nil {
			return err
		}
		fmt.Println(n + 1)
		if n%5 == 4 {
			if err := settleOne(q); err != nil {
				return err
			}
			if _, err := db.Sweep(context.Background(), time.Now().Add(10_000*time.Hour)); err != nil {
				return err
			}
		}
	}
}

func settleOne(q *state.Queue) error {
	s, err := q.InFlight()
	if err != nil {
		return err
	}
	if s == nil {
		list, err := q.Pending(1)
		if err != nil || len(list) == 0 {
			return err
		}
		s = shipment("s"+list[0].Event.ID, list...)
		if err := q.Save(s); err != nil {
			return err
		}
	}
	return q.Settle(s, talkrelay.Outcome{Receipt: "r", At: time.Now()})
}

// helper starts this test binary as a process with a job, and returns its output. It is killed at the end of the test.
func helper(t testing.TB, job, path string) (*exec.Cmd, *bufio.Scanner, io.WriteCloser) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperEnv+"="+job, helperPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	in, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out), in
}

// setting returns a number from the environment, by which a test is made longer or repeated.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	must(t, err)
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func tempPath(t testing.TB) string { return filepath.Join(t.TempDir(), "talkrelay.db") }

func mustOpen(t testing.TB, cfg state.Config) *state.DB {
	t.Helper()
	db, err := state.Open(cfg)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func oneEvent(db *state.DB, id string) talkrelay.Commit {
	return talkrelay.Commit{
		Epoch: db.Epoch(), Channel: "main", Stream: "chats",
		Events:     []talkrelay.Event{{ID: id, Kind: talkrelay.UserChatOpened, Seen: time.Now(), Message: talkrelay.Message{Text: "text of " + id}}},
		Deliveries: []talkrelay.Delivery{{EventID: id, Sink: "slack", Route: "all"}},
	}
}

func entities(db *state.DB, data map[string][]byte) talkrelay.Commit {
	c := talkrelay.Commit{Epoch: db.Epoch(), Channel: "main", Stream: "contacts", Entities: map[talkrelay.Ref][]byte{}}
	for id, v := range data {
		c.Entities[talkrelay.Ref{Type: talkrelay.EntityUser, ID: id}] = v
	}
	return c
}

func shipment(id string, items ...talkrelay.Pending) *talkrelay.Shipment {
	s := &talkrelay.Shipment{ID: id, Phase: talkrelay.PhaseWaiting}
	for _, p := range items {
		s.Seqs = append(s.Seqs, p.Seq)
		s.Events = append(s.Events, p.Event.ID)
		s.Body = append(s.Body, p.Event.Message.Text...)
	}
	return s
}

// waiting returns the IDs of what waits for the sink "slack".
func waiting(t testing.TB, db *state.DB) (ids []string) {
	t.Helper()
	list, err := db.Queue("slack").Pending(100_000)
	must(t, err)
	for _, p := range list {
		ids = append(ids, p.Event.ID)
	}
	return ids
}

// wantError fails unless err is of the kind and has all of words in its text.
func wantError(t testing.TB, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got %v, want %v", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in: %v", w, err)
		}
	}
}

// logTo returns a logger and what it has written.
func logTo() (*slog.Logger, *strings.Builder) {
	var b strings.Builder
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}
