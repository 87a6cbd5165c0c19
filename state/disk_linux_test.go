package state_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

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

// smallDisk returns a directory on a file system of so many bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fillUp makes a file that leaves so many pages of the disk free.
func fillUp(t *testing.T, name string, free int) {
	t.Helper()
	f, err := os.Create(name)
	must(t, err)
	defer f.Close()
	page := make([]byte, 4096)
	n := int64(0)
	for err == nil {
		_, err = f.Write(page)
		n += 4096
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	must(t, f.Truncate(max(0, n-4096-int64(free)*4096)))
}

// TestFullDiskAtEachWrite gives the disk one page more each time, so that it is full at every page that a day's work
// wants to write. What was acknowledged is there after a restart, in order; what was refused is told, with what to do,
// and succeeds when there is room again.
func TestFullDiskAtEachWrite(t *testing.T) {
	t.Parallel()
	refused := map[string]int{}
	dir, free := smallDisk(t, "4m"), 0
	for full := true; full; free++ {
		if free > 500 {
			t.Fatal("a day's work never fits")
		}
		full = dayOnFullDisk(t, dir, free, refused)
	}
	t.Logf("full at each of %d pages; refused: %v", free-1, refused)
	for _, job := range []string{"commit", "save", "settle", "sweep", "snapshot"} {
		if refused[job] == 0 {
			t.Errorf("the disk was never full at a %s", job)
		}
	}
}

// dayOnFullDisk works on a new state while so many pages of the disk are free, and reports whether that was too few.
func dayOnFullDisk(t *testing.T, dir string, free int, refused map[string]int) (full bool) {
	t.Helper()
	path, filler := filepath.Join(dir, "talkrelay.db"), filepath.Join(dir, "filler")
	db := mustOpen(t, state.Config{Path: path})
	must(t, db.Commit(oneEvent(db, "first")))
	fillUp(t, filler, free)
	q := db.Queue("slack")
	try := func(job string, f func() error) {
		t.Helper()
		err := f()
		if err == nil {
			return
		}
		full = true
		refused[job]++
		wantError(t, err, state.ErrUnwritable, "no space left on device", "free some space on that disk")
		must(t, db.Close())
		if again, err := state.Open(state.Config{Path: path}); err == nil {
			must(t, again.Close())
		} else {
			wantError(t, err, state.ErrUnwritable, "free some space on that disk")
		}
		must(t, os.Remove(filler))
		db = mustOpen(t, state.Config{Path: path})
		q = db.Queue("slack")
		must(t, f())
	}
	var s *talkrelay.Shipment
	for _, id := range []string{"second", "third"} {
		try("commit", func() error {
			c := oneEvent(db, id)
			c.Events[0].Message.Text = strings.Repeat("x", 20_000)
			return db.Commit(c)
		})
		list, err := q.Pending(1)
		must(t, err)
		s = shipment("s-"+id, list...)
		try("save", func() error { return q.Save(s) })
		try("settle", func() error { return q.Settle(s, talkrelay.Outcome{Receipt: "r", At: time.Now()}) })
	}
	copies := map[string]func() error{
		"sweep": func() error {
			_, err := db.Sweep(t.Context(), later())
			return err
		},
		"snapshot": func() error {
			made, err := db.Snapshot(t.Context())
			if err != nil {
				return err
			}
			return made.Close()
		},
	}
	order := []string{"sweep", "snapshot"} // both need as much: the first of them finds the disk full
	for i := range order {
		job := order[(i+free)%2]
		try(job, copies[job])
	}
	must(t, db.Close())
	must(t, state.Verify(path, 1<<40))
	db = mustOpen(t, state.Config{Path: path})
	if got := waiting(t, db); !slices.Equal(got, []string{"third"}) {
		t.Errorf("with %d pages free: waiting %v", free, got)
	}
	must(t, db.Close())
	left := filesIn(t, dir)
	if full && slices.Contains(left, "filler") || !slices.Equal(slices.DeleteFunc(left, func(n string) bool { return n == "filler" }), []string{"talkrelay.db", "talkrelay.db.lock"}) {
		t.Errorf("with %d pages free: files %v", free, left)
	}
	for _, name := range filesIn(t, dir) {
		must(t, os.Remove(filepath.Join(dir, name)))
	}
	return full
}

// A state on a disk that has become read-only cannot be worked on, but a backup of it can be made: that is when one is
// needed.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "4m")
	path := filepath.Join(dir, "talkrelay.db")
	db := mustOpen(t, state.Config{Path: path})
	must(t, db.Commit(oneEvent(db, "e1")))
	must(t, db.Close())
	must(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	_, err := state.Open(state.Config{Path: path})
	wantError(t, err, state.ErrUnwritable, "read-only file system", "change path in [state]")
	copied := backUp(t, path)
	if got := waiting(t, mustOpen(t, state.Config{Path: copied})); !slices.Equal(got, []string{"e1"}) {
		t.Errorf("waiting: %v", got)
	}
}
