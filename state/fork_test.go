package state_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"talkrelay/state"
)

// A child just forked has our files open until it execs. None of the locks that Open takes and lets go of may stay with it:
// in virtual time nobody waits for it.
func TestOpenWhileForking(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := mustOpen(t, state.Config{Path: path})
	if err := errors.Join(db.Commit(users(db, 0, 5000)), db.Close()); err != nil { // so many that it takes a while to verify
		t.Fatal(err)
	}
	var forks sync.WaitGroup
	var enough atomic.Bool
	for range 4 {
		forks.Go(func() {
			for !enough.Load() {
				_ = exec.Command(os.Args[0], "-test.run", "^$").Run()
			}
		})
	}
	defer forks.Wait()
	defer enough.Store(true)
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			db, err := state.Open(state.Config{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
