package state_test

import (
	"os"
	"slices"
	"syscall"
	"testing"

	"talkrelay"
	"talkrelay/state"
)

// What cannot be written is refused with the reason, and the store goes on once it can.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, device string
		flag         int
		words        string
	}{
		{"no space", "/dev/full", os.O_RDWR, "no space left on device; free some space"},
		{"not writable", os.DevNull, os.O_RDONLY, "bad file descriptor"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := tempPath(t)
			db := mustOpen(t, state.Config{Path: path})
			must(t, db.Commit(entities(db, map[string][]byte{"1": make([]byte, 1<<20)}))) // so that there are free pages
			must(t, db.Commit(entities(db, map[string][]byte{"1": nil})))
			must(t, db.Commit(oneEvent(db, "e1")))
			q := db.Queue("slack")
			list, err := q.Pending(1)
			must(t, err)
			s := shipment("s1", list...)
			must(t, q.Save(s))

			mend := replaceFile(t, db.File(), test.device, test.flag)
			wantError(t, db.Commit(oneEvent(db, "e2")), state.ErrUnwritable, path, test.words)
			wantError(t, q.Settle(s, talkrelay.Outcome{Receipt: "r"}), state.ErrUnwritable, test.words)
			if got, err := q.InFlight(); err != nil || got == nil {
				t.Errorf("in flight while broken: %v, %v", got, err)
			}
			mend()
			must(t, q.Settle(s, talkrelay.Outcome{Receipt: "r"}))
			must(t, db.Commit(oneEvent(db, "e2")))
			must(t, db.Close())
			if got := waiting(t, mustOpen(t, state.Config{Path: path})); !slices.Equal(got, []string{"e2"}) {
				t.Errorf("waiting: %v", got)
			}
		})
	}
}

// replaceFile puts a device behind the descriptor of f until the function it returns is called.
func replaceFile(t *testing.T, f *os.File, device string, flag int) func() {
	t.Helper()
	good, err := syscall.Dup(int(f.Fd()))
	must(t, err)
	bad, err := os.OpenFile(device, flag, 0)
	must(t, err)
	must(t, syscall.Dup3(int(bad.Fd()), int(f.Fd()), syscall.O_CLOEXEC))
	must(t, bad.Close())
	return func() {
		must(t, syscall.Dup3(good, int(f.Fd()), syscall.O_CLOEXEC))
		must(t, syscall.Close(good))
	}
}
