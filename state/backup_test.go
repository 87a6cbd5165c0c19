package state_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
	"talkrelay/state"
)

// save writes a backup of an open state to a new file and returns its path.
func save(t *testing.T, db *state.DB) string {
	t.Helper()
	s, err := db.Snapshot(t.Context())
	must(t, err)
	text, err := io.ReadAll(s)
	must(t, err)
	must(t, s.Close())
	if int64(len(text)) != s.Size {
		t.Errorf("%d bytes, said to be %d", len(text), s.Size)
	}
	path := tempPath(t)
	must(t, os.WriteFile(path, text, 0o600))
	return path
}

// backUp makes a backup of a state that nobody has open.
func backUp(t *testing.T, path string) string {
	t.Helper()
	to := tempPath(t)
	_, err := state.BackUp(t.Context(), path, to)
	must(t, err)
	return to
}

// Backups made while there is writing, delivering and sweeping are good files with all that was acknowledged before.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	plant(t, db, 20)
	var mu sync.Mutex
	acknowledged := 0
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	loop := func(f func(i int) error) {
		group.Go(func() {
			for i := 1; ctx.Err() == nil; i++ {
				if err := f(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	loop(func(i int) error {
		c := oneEvent(db, fmt.Sprintf("load%d", i))
		c.Deliveries[0].Sink = "idle"
		err := db.Commit(c)
		mu.Lock()
		defer mu.Unlock()
		acknowledged = i
		return err
	})
	loop(func(i int) error {
		return errors.Join(db.Commit(oneEvent(db, fmt.Sprintf("sent%d", i))), settleOne(db.Queue("slack")))
	})
	loop(func(int) error {
		err := db.Commit(entities(db, map[string][]byte{"u": []byte("x")}))
		err = errors.Join(err, db.Commit(entities(db, map[string][]byte{"u": nil})))
		_, sweepErr := db.Sweep(t.Context(), time.Now())
		return errors.Join(err, sweepErr)
	})
	for range 8 {
		mu.Lock()
		want := acknowledged
		mu.Unlock()
		copied := save(t, db)
		must(t, state.Verify(copied, 1<<40))
		old := mustOpen(t, state.Config{Path: copied})
		list, err := old.Queue("idle").Pending(100_000)
		must(t, err)
		if len(list) < want {
			t.Errorf("%d waiting in the backup, %d acknowledged before it", len(list), want)
		}
		for i, p := range list {
			if p.Event.ID != fmt.Sprintf("load%d", i+1) {
				t.Fatalf("delivery %d is of %s", i, p.Event.ID)
			}
		}
		must(t, old.Close())
	}
	stop()
	group.Wait()
	if got := filesIn(t, filepath.Dir(path)); slices.Contains(got, "talkrelay.db.copy") {
		t.Errorf("files: %v", got)
	}
}

// What was erased from the state does not come along in the free pages.
func TestBackupHoldsNothingErased(t *testing.T) {
	t.Parallel()
	const secret = "erased-010-5555-0000"
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	must(t, db.Memory("m").Save(bytes.Repeat([]byte(secret), 1000)))
	must(t, db.Memory("m").Save(nil))
	online := save(t, db)
	must(t, db.Close())
	for name, want := range map[string]bool{path: true, online: false, backUp(t, path): false} {
		text, err := os.ReadFile(name)
		must(t, err)
		if bytes.Contains(text, []byte(secret)) != want {
			t.Errorf("%s: the erased text is there: %t", name, !want)
		}
	}
}

// A backup of a state that nobody has open changes nothing beside it, and says what is in it.
func TestBackUp(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	plant(t, db, 3)
	must(t, db.Commit(oneEvent(db, "sent")))
	must(t, db.Commit(oneEvent(db, "waits")))
	must(t, settleOne(db.Queue("slack")))
	must(t, db.Close())
	for range 2 { // with a lock file, and without
		before, err := os.ReadFile(path)
		must(t, err)
		files := filesIn(t, filepath.Dir(path))
		to := tempPath(t)
		made, err := state.BackUp(t.Context(), path, to)
		must(t, err)
		info, err := os.Stat(to)
		must(t, err)
		if made.Waiting != 1 || made.Size != info.Size() || info.Mode().Perm() != 0o600 {
			t.Errorf("made %+v, file of %d bytes with mode %v", made, info.Size(), info.Mode())
		}
		after, err := os.ReadFile(path)
		must(t, err)
		if !bytes.Equal(before, after) || !slices.Equal(files, filesIn(t, filepath.Dir(path))) {
			t.Error("something beside the backup was changed")
		}
		_ = os.Remove(path + ".lock")
	}
}

func TestBackUpRefuses(t *testing.T) {
	t.Parallel()
	good := tempPath(t)
	must(t, mustOpen(t, state.Config{Path: good}).Close())
	held := tempPath(t)
	_, out, _ := helper(t, "hold", held)
	if !out.Scan() {
		t.Fatal("the helper has not opened the file")
	}
	text := filled(t)
	cut := tempPath(t)
	must(t, os.WriteFile(cut, text[:len(text)/2], 0o600))
	foreign := tempPath(t)
	other, err := bolt.Open(foreign, 0o600, nil)
	must(t, err)
	must(t, other.Close())
	for _, test := range []struct {
		path, to string
		kind     error
		says     string
	}{
		{held, tempPath(t), state.ErrLocked, "pid"},
		{cut, tempPath(t), state.ErrDamaged, "talkrelay backup"},
		{foreign, tempPath(t), state.ErrDamaged, "not a state file"},
		{tempPath(t), tempPath(t), os.ErrNotExist, "no such file"},
		{good, filepath.Join(tempPath(t), "x"), state.ErrUnwritable, "make its directory first"},
		{good, t.TempDir() + "/.", state.ErrUnwritable, "cannot write the copy"},
	} {
		_, err := state.BackUp(t.Context(), test.path, test.to)
		wantError(t, err, test.kind, test.says)
		if _, err := os.Stat(test.to); err == nil && !strings.HasSuffix(test.to, ".") {
			t.Errorf("%s: there is a file all the same", test.says)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := state.BackUp(ended, good, tempPath(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}

// A backup that cannot be made leaves the daemon as it was.
func TestSnapshotFails(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	must(t, os.MkdirAll(filepath.Join(path+".copy", "in the way"), 0o700))
	_, err := db.Snapshot(t.Context())
	wantError(t, err, state.ErrUnwritable, path+".copy")
	must(t, os.RemoveAll(path+".copy"))
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := db.Snapshot(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	must(t, db.Commit(oneEvent(db, "e1")))
	save(t, db)
	must(t, db.Close())
	_, err = db.Snapshot(t.Context())
	wantError(t, err, state.ErrClosed)
}

// doubts returns which of the events that wait for "slack" are in doubt, each with the receipt that it comes after.
func doubts(t *testing.T, db *state.DB) (list []string) {
	t.Helper()
	all, err := db.Queue("slack").Pending(1000)
	must(t, err)
	for _, p := range all {
		if p.Doubt {
			list = append(list, p.Event.ID+" after "+p.After)
		}
	}
	return list
}

// In a backup that was put back everything is in doubt that may have been delivered since it was made: what waited or
// was in flight then, and what is found again.
func TestRestore(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	q := db.Queue("slack")
	for _, id := range []string{"e1", "e2", "e3", "e4"} {
		must(t, db.Commit(oneEvent(db, id)))
	}
	must(t, settleOne(q))
	list, err := q.Pending(1)
	must(t, err)
	flying := shipment("s2", list...)
	flying.Phase, flying.Attempt, flying.NextAt = talkrelay.PhaseWaiting, 3, time.Now().Add(time.Minute)
	must(t, q.Save(flying))
	path := save(t, db)
	path = backUp(t, path) // a copy of a copy is one too

	log, text := logTo()
	old := mustOpen(t, state.Config{Path: path, Logger: log})
	if !strings.Contains(text.String(), "restored from a backup") || old.Epoch() <= db.Epoch() || old.Instance() != db.Instance() {
		t.Errorf("epoch %d, was %d; log: %s", old.Epoch(), db.Epoch(), text)
	}
	if s, err := old.Queue("slack").InFlight(); err != nil || s.Phase != talkrelay.PhaseSending || s.ID != "s2" {
		t.Errorf("in flight: %+v, %v", s, err)
	}
	must(t, settleOne(old.Queue("slack"))) // the receipts that come now say nothing of when the others were sent
	c := oneEvent(old, "again")
	c.Events[0].At = time.Now()
	must(t, old.Commit(c))
	c = oneEvent(old, "tomorrow")
	c.Events[0].At = time.Now().Add(25 * time.Hour)
	must(t, old.Commit(c))
	want := []string{"e3 after r", "e4 after r", "again after r"}
	if got := doubts(t, old); !slices.Equal(got, want) {
		t.Errorf("in doubt: %q, want %q", got, want)
	}
	must(t, old.Close())

	text.Reset()
	old = mustOpen(t, state.Config{Path: path, Logger: log}) // for the second time: a state like any other
	if got := doubts(t, old); !slices.Equal(got, want) || text.Len() > 0 {
		t.Errorf("in doubt: %q, want %q; log %s", got, want, text)
	}
	c = oneEvent(old, "later")
	c.Events[0].At = time.Now()
	must(t, old.Commit(c))
	if got := doubts(t, old); !slices.Equal(got, append(want, "later after r")) {
		t.Errorf("in doubt: %q", got)
	}
	if got := doubts(t, db); len(got) > 0 {
		t.Errorf("in doubt where nothing was restored: %q", got)
	}
}

func TestKeeps(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	must(t, mustOpen(t, state.Config{Path: path}).Close())
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(path, link))
	for name, want := range map[string]bool{
		path: true, link: true, path + ".lock": true, path + ".new": true, path + ".compact": true, path + ".copy": true,
		path + ".old": true, path + ".before-v2": true, path + ".bak": false, filepath.Dir(path): false,
		filepath.Join(filepath.Dir(path), "backup.db"): false, filepath.Join(path+".missing", "x"): false,
	} {
		if state.Keeps(path, name) != want {
			t.Errorf("%s: got %t", name, !want)
		}
	}
}
