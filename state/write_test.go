package state_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"talkrelay"
	"talkrelay/state"
)

func TestNothingNewWritesNothing(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	c := oneEvent(db, "e1")
	c.Cursor = []byte("one")
	c.Entities = entities(db, map[string][]byte{"1": []byte("x"), "2": {}}).Entities
	must(t, db.Commit(c))
	tx := db.TxID()

	must(t, db.Commit(talkrelay.Commit{Epoch: db.Epoch(), Channel: "main", Stream: "chats"}))
	c.Read = c.Cursor
	must(t, db.Commit(c))
	gone := entities(db, map[string][]byte{"never there": nil})
	must(t, db.Commit(gone))
	if db.TxID() != tx {
		t.Errorf("%d transactions", db.TxID()-tx)
	}
	c.Entities[talkrelay.Ref{Type: talkrelay.EntityUser, ID: "1"}] = []byte("y")
	must(t, db.Commit(c))
	if db.TxID() != tx+1 {
		t.Errorf("a changed snapshot made %d transactions", db.TxID()-tx)
	}
}

// A queue that is fenced changes nothing.
func TestFenced(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	must(t, db.Commit(oneEvent(db, "e1")))
	q := db.Queue("slack")
	list, err := q.Pending(1)
	must(t, err)
	s := shipment("s1", list...)
	must(t, q.Save(s))
	must(t, db.Raw(func(tx *bolt.Tx) error { // as a process would that the lock did not keep out
		return tx.Bucket([]byte("meta")).Put([]byte("epoch"), []byte{0, 0, 0, 0, 0, 0, 0, 2})
	}))
	tx := db.TxID()
	wantError(t, q.Save(s), talkrelay.ErrFenced)
	wantError(t, q.Settle(s, talkrelay.Outcome{Receipt: "r"}), talkrelay.ErrFenced)
	wantError(t, q.DropRecheck("s1"), talkrelay.ErrFenced)
	wantError(t, db.Commit(oneEvent(db, "e2")), talkrelay.ErrFenced)
	wantError(t, db.Memory("slack").Save([]byte("x")), talkrelay.ErrFenced)
	if db.TxID() != tx {
		t.Error("something was written")
	}
}

// A file that has reached its limit takes no more events, but what it holds can be delivered, and then it takes more.
func TestFullBySize(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t), MaxSize: 4 << 20})
	var last error
	n := 0
	for _, size := range []int{256 << 10, 32 << 10, 4 << 10, 1} { // to the last page
		for last = nil; last == nil; n++ {
			if n > 10_000 {
				t.Fatal("never full")
			}
			c := oneEvent(db, fmt.Sprintf("e%04d", n))
			c.Events[0].Message.Text = strings.Repeat("x", size)
			last = db.Commit(c)
		}
		n-- // the last was refused
	}
	wantError(t, last, state.ErrUnwritable, "maximum size of 4 MiB", "raise max_size_mb")
	if got := waiting(t, db); len(got) != n {
		t.Errorf("%d waiting, %d committed", len(got), n)
	}
	q := db.Queue("slack")
	for range n {
		must(t, settleOne(q))
	}
	must(t, db.Memory("slack").Save([]byte("C012")))
	report, err := db.Sweep(t.Context(), time.Now().Add(10_000*time.Hour))
	must(t, err)
	if report.Erased != n || !report.Compacted || report.After >= report.Before {
		t.Errorf("report: %+v", report)
	}
	must(t, db.Commit(oneEvent(db, "after")))
	if got := waiting(t, db); !slices.Equal(got, []string{"after"}) {
		t.Errorf("waiting: %v", got)
	}
}

// Whoever lowers max_size_mb below what is there is told so. What is in the file is delivered, and erased at night.
func TestMaxSizeLowered(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	must(t, db.Commit(oneEvent(db, "e1")))
	must(t, db.Memory("filler").Save(make([]byte, 40<<20)))
	must(t, db.Close())

	log, text := logTo()
	db = mustOpen(t, state.Config{Path: path, MaxSize: 1 << 20, Logger: log})
	if !strings.Contains(text.String(), "level=WARN") || !strings.Contains(text.String(), "max_size_mb") {
		t.Errorf("log: %s", text)
	}
	err := db.Commit(entities(db, map[string][]byte{"u": make([]byte, 1<<20)}))
	wantError(t, err, state.ErrUnwritable, "maximum size of 1 MiB", "raise max_size_mb")
	must(t, settleOne(db.Queue("slack")))
	report, err := db.Sweep(t.Context(), time.Now().Add(10_000*time.Hour))
	must(t, err)
	if report.Erased != 1 || !report.Compacted {
		t.Errorf("report: %+v", report)
	}
	must(t, db.Memory("filler").Save(nil))
	must(t, db.Memory("slack").Save([]byte("C012"))) // after a compaction nothing is free: the file has to grow for it
	_, err = db.Sweep(t.Context(), time.Now())
	must(t, err)
	must(t, db.Commit(oneEvent(db, "e2")))
}

func TestUnwritableSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cause error
		words string
	}{
		{syscall.ENOSPC, "free some space on that disk"},
		{syscall.EDQUOT, "free some space on that disk"},
		{fmt.Errorf("file resize error: %s", &os.PathError{Op: "truncate", Path: "x", Err: syscall.ENOSPC}), "free some space"},
		{&os.PathError{Op: "open", Path: "a.db.compact", Err: syscall.EROFS}, "make its file system writable"},
		{syscall.EACCES, "must belong to the user that talkrelay runs as, or change path in [state]"},
		{syscall.ENOENT, "make its directory, or change path in [state]"},
		{syscall.ENOTDIR, "make its directory, or change path in [state]"},
		{syscall.EIO, "input/output error"},
		{berrors.ErrMaxSizeReached, "maximum size of 7 MiB"},
	} {
		err := state.Unwritable("/srv/a.db", 7<<20, test.cause)
		wantError(t, err, state.ErrUnwritable, "/srv/a.db", test.words)
		if !errors.Is(err, test.cause) || strings.Contains(err.Error(), ".compact") {
			t.Errorf("%v: %v", test.cause, err)
		}
	}
}
