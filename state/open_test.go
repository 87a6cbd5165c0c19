package state_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
	"talkrelay/state"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cfg  state.Config
		keys []string
	}{
		{state.Config{Path: "a"}, nil},
		{state.Config{Path: "a", Retention: time.Hour, MaxSize: 1 << 20}, nil},
		{state.Config{}, []string{"path"}},
		{state.Config{Path: "a", Retention: time.Hour - 1, MaxSize: 1<<20 - 1}, []string{"retention", "max_size"}},
		{state.Config{Path: "a", Retention: -time.Hour, MaxSize: -1}, []string{"retention", "max_size"}},
	} {
		var keys []string
		for _, p := range test.cfg.Validate() {
			keys = append(keys, p.Key)
		}
		if !slices.Equal(keys, test.keys) {
			t.Errorf("%+v: got problems with %v, want %v", test.cfg, keys, test.keys)
		}
	}
	if _, err := state.Open(state.Config{}); err == nil || !strings.Contains(err.Error(), "path: ") {
		t.Errorf("open without a path: %v", err)
	}
}

func TestOpenMakesFile(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	if db.Epoch() != 1 {
		t.Errorf("epoch %d", db.Epoch())
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	must(t, db.Close())
	must(t, db.Close())
	if got := filesIn(t, filepath.Dir(path)); !slices.Equal(got, []string{"talkrelay.db", "talkrelay.db.lock"}) {
		t.Errorf("files: %v", got)
	}
	if _, err := db.Cursor("main", "chats"); err == nil {
		t.Error("read after Close: no error")
	}
	wantError(t, db.Commit(oneEvent(db, "e1")), state.ErrClosed)
	if _, err := db.Sweep(t.Context(), time.Now()); err == nil {
		t.Error("sweep after Close: no error")
	}
	if db := mustOpen(t, state.Config{Path: path}); db.Epoch() != 2 {
		t.Errorf("second epoch %d", db.Epoch())
	}
}

func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestOpenBadPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir:                           "is a directory",
		filepath.Join(dir, "no", "a"): "does not exist: make it",
		"/proc/talkrelay.db":          "cannot write",
	} {
		if _, err := state.Open(state.Config{Path: path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", path, err, want)
		}
	}
	if got := filesIn(t, dir); len(got) > 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestOpenUnwritableDirectory(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root may write anywhere")
	}
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o500))
	_, err := state.Open(state.Config{Path: filepath.Join(dir, "a.db")})
	wantError(t, err, state.ErrUnwritable, "permission denied", "must belong to the user")
}

func TestOpenThroughLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target.db"), filepath.Join(dir, "link.db")
	must(t, mustOpen(t, state.Config{Path: target}).Close())
	must(t, os.Symlink(target, link))
	db := mustOpen(t, state.Config{Path: link})
	if db.Epoch() != 2 {
		t.Errorf("epoch %d", db.Epoch())
	}
	if _, err := state.Open(state.Config{Path: target}); err == nil {
		t.Error("opened twice under two names")
	}
	must(t, db.Commit(entities(db, map[string][]byte{"1": []byte("x")})))
	must(t, db.Commit(entities(db, map[string][]byte{"1": nil})))
	report, err := db.Sweep(t.Context(), time.Now())
	must(t, err)
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 || !report.Compacted {
		t.Errorf("after a compaction (%v) the link is %v, %v", report.Compacted, info.Mode(), err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	cmd, out, in := helper(t, "hold", path)
	if !out.Scan() {
		t.Fatal("no word from the first process")
	}
	start := time.Now()
	_, err := state.Open(state.Config{Path: path})
	wantError(t, err, state.ErrLocked, "another talkrelay has "+path+" open", fmt.Sprintf("(pid %d)", cmd.Process.Pid))
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("refused after %v", d)
	}
	must(t, in.Close())
	must(t, cmd.Wait())
	mustOpen(t, state.Config{Path: path})
}

// The lock of a process that is just ending is waited for.
func TestOpenWaitsForEnd(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	cmd, out, _ := helper(t, "hold", path)
	out.Scan()
	killed := make(chan error)
	go func() { killed <- cmd.Process.Kill() }()
	_, err := state.Open(state.Config{Path: path})
	must(t, err)
	must(t, <-killed)
}

// A tool that does not know of the lock file is kept out by bbolt's own lock, and keeps us out.
func TestOpenInAnotherTool(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	must(t, mustOpen(t, state.Config{Path: path}).Close())
	tool, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	_, err = state.Open(state.Config{Path: path})
	wantError(t, err, state.ErrLocked, path)
	must(t, tool.Close())
	mustOpen(t, state.Config{Path: path})
}

func TestOpenSaysWhoMayRead(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	must(t, mustOpen(t, state.Config{Path: path}).Close())
	must(t, os.Chmod(path, 0o640))
	log, text := logTo()
	mustOpen(t, state.Config{Path: path, Logger: log})
	if !strings.Contains(text.String(), "readable by others") {
		t.Errorf("log: %q", text)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	newer, err := state.OpenWith(state.Config{Path: path}, []state.Migration{func(*bolt.Tx) error { return nil }})
	must(t, err)
	must(t, newer.Close())
	before, err := os.ReadFile(path)
	must(t, err)
	_, err = state.Open(state.Config{Path: path})
	wantError(t, err, state.ErrNewer, path, "schema version 2", "up to 1")
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the newer file was changed (%v)", err)
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	must(t, db.Commit(oneEvent(db, "e1")))
	must(t, db.Close())

	step := func(n string) state.Migration {
		return func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("steps"))
			if err != nil {
				return err
			}
			return b.Put([]byte(n), []byte(n))
		}
	}
	broken := func(*bolt.Tx) error { return os.ErrInvalid }
	if _, err := state.OpenWith(state.Config{Path: path}, []state.Migration{step("1"), broken}); err == nil {
		t.Fatal("broken migration: no error")
	}
	db, err := state.OpenWith(state.Config{Path: path}, []state.Migration{step("1"), step("2")})
	must(t, err)
	must(t, db.Raw(func(tx *bolt.Tx) error {
		if b := tx.Bucket([]byte("steps")); b == nil || b.Get([]byte("1")) == nil || b.Get([]byte("2")) == nil {
			t.Error("a step did not run")
		}
		return nil
	}))
	if got := waiting(t, db); !slices.Equal(got, []string{"e1"}) {
		t.Errorf("waiting after the upgrade: %v", got)
	}
	if db.Epoch() != 2 {
		t.Errorf("epoch %d: one that fails must not count", db.Epoch())
	}
	must(t, db.Close())

	old := mustOpen(t, state.Config{Path: path + ".before-v3"}) // the copy is a good file of version 1
	if got := waiting(t, old); !slices.Equal(got, []string{"e1"}) {
		t.Errorf("waiting in the copy: %v", got)
	}
}

func TestOpenRemovesLeftovers(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	must(t, mustOpen(t, state.Config{Path: path}).Close())
	for _, end := range []string{".new", ".compact", ".old"} {
		must(t, os.WriteFile(path+end, []byte("left"), 0o600))
	}
	must(t, os.WriteFile(path+".mine", []byte("not ours"), 0o600))
	db := mustOpen(t, state.Config{Path: path})
	if got := filesIn(t, filepath.Dir(path)); !slices.Equal(got, []string{"talkrelay.db", "talkrelay.db.lock", "talkrelay.db.mine"}) {
		t.Errorf("files: %v", got)
	}
	if db.Epoch() != 2 {
		t.Errorf("epoch %d", db.Epoch())
	}
}

// Every commit that a killed process acknowledged is there, and what was delivered is not there again.
func TestKilledWhileCommitting(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	acked := 0
	for round := range 10 {
		cmd, out, _ := helper(t, "commit", path)
		for range 3 + 4*round {
			if !out.Scan() {
				t.Fatal("the helper ended by itself")
			}
			acked = number(t, out)
		}
		must(t, cmd.Process.Kill())
		for out.Scan() {
			acked = number(t, out)
		}
		_ = cmd.Wait()

		db := mustOpen(t, state.Config{Path: path})
		cursor, err := db.Cursor("main", "chats")
		must(t, err)
		n := 0
		if _, err := fmt.Sscan(string(cursor), &n); err != nil || n < acked {
			t.Fatalf("round %d: cursor %q, acknowledged %d", round, cursor, acked)
		}
		ids := waiting(t, db)
		flying, err := db.Queue("slack").InFlight()
		must(t, err)
		if flying != nil {
			ids = append(slices.Clone(flying.Events), ids...)
		}
		for i, id := range ids { // a run without gaps that ends with the cursor
			if want := fmt.Sprintf("e%d", n-len(ids)+1+i); id != want {
				t.Fatalf("round %d: %s where %s belongs", round, id, want)
			}
		}
		must(t, db.Close())
	}
}

func number(t *testing.T, out *bufio.Scanner) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(out.Text(), &n); err != nil {
		t.Fatalf("%q: %v", out.Text(), err)
	}
	return n
}

func TestMemory(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	m := db.Memory("slack")
	if v, err := m.Load(); v != nil || err != nil {
		t.Errorf("at first: %q, %v", v, err)
	}
	must(t, m.Save([]byte("C012")))
	tx := db.TxID()
	must(t, m.Save([]byte("C012")))
	must(t, db.Memory("other").Save(nil))
	if db.TxID() != tx {
		t.Error("saving what is there already wrote something")
	}
	must(t, db.Close())
	db = mustOpen(t, state.Config{Path: path})
	if v, err := db.Memory("slack").Load(); string(v) != "C012" || err != nil {
		t.Errorf("after reopening: %q, %v", v, err)
	}
	must(t, db.Memory("slack").Save(nil))
	if v, err := db.Memory("slack").Load(); v != nil || err != nil {
		t.Errorf("forgotten: %q, %v", v, err)
	}
}

func TestSinks(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	c := oneEvent(db, "e1")
	c.Deliveries = append(c.Deliveries, talkrelay.Delivery{EventID: "e1", Sink: "inquiries"})
	must(t, db.Commit(c))
	if got, err := db.Sinks(); err != nil || !slices.Equal(got, []string{"inquiries", "slack"}) {
		t.Errorf("got %v, %v", got, err)
	}
}
