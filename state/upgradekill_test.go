package state_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"

	"talkrelay/state"
)

// TestUpgradeInterrupted ends, fails or stalls a process at each point of an upgrade. The next one finds the file as it
// was or as it should be, with all that waits in it, and the copy from before.
func TestUpgradeInterrupted(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"begun", "half", "written", "committed"} {
		for _, fault := range []string{"kill", "error", "stall"} {
			if at == "committed" && fault == "error" {
				continue // there is nothing left to fail
			}
			t.Run(at+"/"+fault, func(t *testing.T) {
				t.Parallel()
				path := tempPath(t)
				db := mustOpen(t, state.Config{Path: path})
				must(t, db.Commit(oneEvent(db, "e1")))
				must(t, db.Close())
				interruptUpgrade(t, path, at, fault)

				upgraded, err := state.OpenWith(state.Config{Path: path}, upgrade(func(string) error { return nil }))
				must(t, err)
				defer upgraded.Close()
				must(t, upgraded.Raw(func(tx *bolt.Tx) error {
					if b := tx.Bucket([]byte("steps")); string(b.Get([]byte("1"))) != "1" || string(b.Get([]byte("2"))) != "2" {
						t.Error("a step did not run, or ran twice")
					}
					return nil
				}))
				old := mustOpen(t, state.Config{Path: path + ".before-v3"})
				for _, db := range []*state.DB{upgraded, old} {
					if got := waiting(t, db); !slices.Equal(got, []string{"e1"}) {
						t.Errorf("waiting: %v", got)
					}
				}
			})
		}
	}
}

// interruptUpgrade runs the upgrade in a process that meets the fault, and returns when it has ended.
func interruptUpgrade(t *testing.T, path, at, fault string) {
	t.Helper()
	cmd, out, in := helper(t, "upgrade "+at+" "+fault, path)
	if !out.Scan() || out.Text() != at {
		t.Fatalf("not reached: %q", out.Text())
	}
	if fault == "stall" {
		_, err := state.OpenWith(state.Config{Path: path}, upgrade(func(string) error { return nil }))
		wantError(t, err, state.ErrLocked, "another talkrelay")
	}
	must(t, in.Close())
	err := cmd.Wait()
	if good := err == nil; good != (fault == "stall") {
		t.Fatalf("the process ended with %v", err)
	}
}

// upgrade takes two steps, each of which counts how often it ran, and calls reached at three points of them.
func upgrade(reached func(at string) error) []state.Migration {
	count := func(tx *bolt.Tx, step string) error {
		b, err := tx.CreateBucketIfNotExists([]byte("steps"))
		if err != nil {
			return err
		}
		return b.Put([]byte(step), fmt.Appendf(nil, "%s%s", b.Get([]byte(step)), step))
	}
	first := func(tx *bolt.Tx) error {
		return errors.Join(reached("begun"), count(tx, "1"), reached("half"))
	}
	second := func(tx *bolt.Tx) error { return errors.Join(count(tx, "2"), reached("written")) }
	return []state.Migration{first, second}
}

// upgradeWith is the job of the helper: it upgrades the file and meets a fault, as in "half kill".
func upgradeWith(plan, path string) error {
	where, fault, _ := strings.Cut(plan, " ")
	reached := func(at string) error {
		if at != where {
			return nil
		}
		fmt.Println(at)
		switch fault {
		case "kill":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until it has come
		case "stall":
			_, err := io.Copy(io.Discard, os.Stdin)
			return err
		}
		return errors.New("an error out of nowhere")
	}
	db, err := state.OpenWith(state.Config{Path: path}, upgrade(reached))
	if err != nil {
		return err
	}
	return errors.Join(reached("committed"), db.Close())
}
