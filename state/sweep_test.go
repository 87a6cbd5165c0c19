package state_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// later is when everything that is settled has outlived the retention.
func later() time.Time { return time.Now().Add(10_000 * time.Hour) }

// secrets are planted in everything a customer can be in. They differ, so that none is found in place of another.
func secret(kind string, i int) string { return fmt.Sprintf("%s-010-5555-%04d", kind, i) }

// plant commits n events with snapshots of their customers, and delivers them by a batch a sink.
func plant(t *testing.T, db *state.DB, n int) {
	t.Helper()
	c := entities(db, nil)
	for i := range n {
		id := fmt.Sprintf("e%d", i)
		e := talkrelay.Event{ID: id, Seen: time.Now()}
		e.User.MobileNumber = secret("mobile", i)
		e.Message.Text = secret("text", i)
		e.Envelope = []byte(`{"x":"` + secret("envelope", i) + `"}`)
		c.Events = append(c.Events, e)
		c.Deliveries = append(c.Deliveries, talkrelay.Delivery{EventID: id, Sink: "slack"}, talkrelay.Delivery{EventID: id, Sink: "sheets"})
		c.Entities[talkrelay.Ref{Type: talkrelay.EntityUser, ID: id}] = []byte(secret("snapshot", i))
	}
	must(t, db.Commit(c))
	for _, sink := range []string{"slack", "sheets"} {
		for range n/10 + 1 {
			list, err := db.Queue(sink).Pending(10)
			must(t, err)
			if len(list) == 0 {
				break
			}
			s := shipment("s-"+list[0].Event.ID, list...)
			must(t, db.Queue(sink).Save(s))
			o := talkrelay.Outcome{Receipt: "r", At: time.Now(), Recheck: time.Now()}
			must(t, db.Queue(sink).Settle(s, o))
		}
	}
	for ref := range c.Entities {
		c.Entities[ref] = nil
	}
	c.Events, c.Deliveries = nil, nil
	must(t, db.Commit(c))
}

// planted counts what is left of the secrets in the files of a directory.
func planted(t *testing.T, dir string) (n int) {
	t.Helper()
	return countIn(t, dir, "-010-5555-")
}

// countIn counts how often what is in the files of a directory.
func countIn(t *testing.T, dir, what string) (n int) {
	t.Helper()
	for _, name := range filesIn(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		n += bytes.Count(text, []byte(what))
	}
	return n
}

func TestSweepErasesFromFile(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	plant(t, db, 200)
	must(t, db.Commit(oneEvent(db, "stays")))

	report, err := db.Sweep(t.Context(), time.Now().Add(719*time.Hour))
	must(t, err)
	if report.Erased != 0 {
		t.Errorf("before the retention has passed: %+v", report)
	}
	if n := planted(t, filepath.Dir(path)); n < 600 {
		t.Fatalf("only %d secrets to erase: this test could not fail", n)
	}
	report, err = db.Sweep(t.Context(), later())
	must(t, err)
	if report.Erased != 200 || !report.Compacted || report.After > report.Before {
		t.Errorf("report: %+v", report)
	}
	if n := planted(t, filepath.Dir(path)); n > 0 {
		t.Errorf("%d secrets can still be read", n)
	}
	must(t, db.Raw(func(tx *bolt.Tx) error {
		for _, sink := range []string{"slack", "sheets"} {
			if n := tx.Bucket([]byte("receipt")).Bucket([]byte(sink)).Stats().KeyN; n > 0 {
				t.Errorf("%d receipts of %s left", n, sink)
			}
		}
		return nil
	}))
	if hours, err := db.Queue("slack").Delivered(time.Now()); err != nil || hours[22]+hours[23] != 200 {
		t.Errorf("delivered in the last hours: %v, %v", hours, err)
	}
	if got := waiting(t, db); !slices.Equal(got, []string{"stays"}) {
		t.Errorf("waiting: %v", got)
	}
	if got := filesIn(t, filepath.Dir(path)); !slices.Equal(got, []string{"talkrelay.db", "talkrelay.db.lock"}) {
		t.Errorf("files: %v", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
	must(t, db.Close())
	if got := waiting(t, mustOpen(t, state.Config{Path: path})); !slices.Equal(got, []string{"stays"}) {
		t.Errorf("waiting after reopening: %v", got)
	}
}

// The old file is overwritten, not only unlinked: a descriptor on it reads zeros.
func TestSweepOverwritesOldFile(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	plant(t, db, 20)
	backup := path + ".hardlink"
	must(t, os.Link(path, backup)) // a copy made by linking must not be harmed
	_, err := db.Sweep(t.Context(), later())
	must(t, err)
	if text, err := os.ReadFile(backup); err != nil || len(bytes.Trim(text, "\x00")) == 0 {
		t.Errorf("the linked copy was overwritten (%v)", err)
	}
	must(t, os.Remove(backup))

	must(t, db.Commit(entities(db, map[string][]byte{"1": []byte(secret("again", 1))})))
	must(t, db.Commit(entities(db, map[string][]byte{"1": nil})))
	second, err := os.Open(path)
	must(t, err)
	defer second.Close()
	_, err = db.Sweep(t.Context(), later())
	must(t, err)
	text := make([]byte, 16<<10)
	if _, err := second.ReadAt(text, 0); err != nil || len(bytes.Trim(text, "\x00")) > 0 {
		t.Errorf("the old file still holds something (%v)", err)
	}
}

// A sweep with nothing to do leaves the file alone.
func TestSweepNothing(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	must(t, db.Commit(oneEvent(db, "e1")))
	before, tx := fileID(t, path), db.TxID()
	report, err := db.Sweep(t.Context(), later())
	must(t, err)
	if report.Erased != 0 || report.Compacted || report.Before != report.After || report.Before == 0 {
		t.Errorf("report: %+v", report)
	}
	if !os.SameFile(before, fileID(t, path)) || db.TxID() != tx {
		t.Error("the file was touched")
	}
}

func fileID(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info
}

// Killed after it has erased and before it has compacted, a sweep is finished by the next one.
func TestSweepFinishesWhatAnotherBegan(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	plant(t, db, 200)
	dir := filepath.Join(t.TempDir(), "copy")
	db.OnStep(func(step string) {
		if step == "unsynced" {
			copyDir(t, filepath.Dir(path), dir)
		}
	})
	_, err := db.Sweep(t.Context(), later())
	must(t, err)
	if planted(t, dir) < 20 {
		t.Fatal("the copy holds nothing to erase")
	}
	db = mustOpen(t, state.Config{Path: filepath.Join(dir, filepath.Base(path))})
	report, err := db.Sweep(t.Context(), later())
	must(t, err)
	if report.Erased != 0 || !report.Compacted || planted(t, dir) > 0 {
		t.Errorf("report: %+v, %d secrets left", report, planted(t, dir))
	}
}

// At every step of a compaction, what is on disk is a good file with everything in it.
func TestSweepKilledAtEachStep(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	plant(t, db, 20)
	must(t, db.Commit(oneEvent(db, "stays")))
	must(t, db.Commit(entities(db, map[string][]byte{"u": []byte("known")})))
	copies, steps := t.TempDir(), []string{}
	db.OnStep(func(step string) {
		steps = append(steps, step)
		copyDir(t, filepath.Dir(path), filepath.Join(copies, step))
	})
	_, err := db.Sweep(t.Context(), later())
	must(t, err)
	if want := []string{"unsynced", "copied", "linked", "renamed", "replaced", "removed"}; !slices.Equal(steps, want) {
		t.Fatalf("steps: got %v, want %v", steps, want)
	}
	for _, step := range steps {
		dir := filepath.Join(copies, step)
		db := mustOpen(t, state.Config{Path: filepath.Join(dir, filepath.Base(path))})
		user, err := db.Entity("main", talkrelay.Ref{Type: talkrelay.EntityUser, ID: "u"})
		must(t, err)
		if got := waiting(t, db); !slices.Equal(got, []string{"stays"}) || string(user) != "known" {
			t.Errorf("%s: waiting %v, user %q", step, got, user)
		}
		if got := filesIn(t, dir); !slices.Equal(got, []string{"talkrelay.db", "talkrelay.db.lock"}) {
			t.Errorf("%s: files %v", step, got)
		}
		must(t, db.Commit(oneEvent(db, "more")))
		_, err = db.Sweep(t.Context(), later())
		must(t, err)
		if n := planted(t, dir); n > 0 {
			t.Errorf("%s: %d secrets left", step, n)
		}
		must(t, db.Close())
	}
}

// copyDir copies files, and names of one file as names of one file.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	must(t, os.Mkdir(to, 0o700))
	for _, name := range filesIn(t, from) {
		text, err := os.ReadFile(filepath.Join(from, name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(to, name), text, 0o600))
	}
	a, errA := os.Stat(filepath.Join(from, "talkrelay.db"))
	b, errB := os.Stat(filepath.Join(from, "talkrelay.db.old"))
	if errA == nil && errB == nil && os.SameFile(a, b) {
		old := filepath.Join(to, "talkrelay.db.old")
		must(t, os.Remove(old))
		must(t, os.Link(filepath.Join(to, "talkrelay.db"), old))
	}
}

// A compaction that fails leaves the file in use, and a later one succeeds.
func TestSweepThatFails(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	plant(t, db, 20)
	must(t, os.MkdirAll(filepath.Join(path+".compact", "in the way"), 0o700))
	report, err := db.Sweep(t.Context(), later())
	wantError(t, err, state.ErrUnwritable, path)
	if report.Erased != 20 || report.Compacted {
		t.Errorf("report: %+v", report)
	}
	must(t, db.Commit(oneEvent(db, "e1")))
	must(t, os.RemoveAll(path+".compact"))
	report, err = db.Sweep(t.Context(), later())
	must(t, err)
	if !report.Compacted {
		t.Errorf("report: %+v", report)
	}
	if got := waiting(t, db); !slices.Equal(got, []string{"e1"}) {
		t.Errorf("waiting: %v", got)
	}
}

// While files are swapped, readers and writers see no error and lose nothing.
func TestSweepUnderLoad(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	plant(t, db, 100)
	stop := make(chan struct{})
	var group sync.WaitGroup
	loop := func(f func(i int) error) {
		group.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := f(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var last int
	loop(func(i int) error {
		last = i
		return db.Commit(oneEvent(db, fmt.Sprintf("load%d", i)))
	})
	loop(func(int) error { return settleOne(db.Queue("slack")) })
	loop(func(int) error {
		_, _, _, err := db.Queue("slack").Depth()
		_, readErr := db.Cursor("main", "chats")
		return errors.Join(err, readErr)
	})
	for i := range 10 {
		must(t, db.Commit(entities(db, map[string][]byte{"u": fmt.Append(nil, i)})))
		must(t, db.Commit(entities(db, map[string][]byte{"u": nil})))
		report, err := db.Sweep(t.Context(), time.Now())
		must(t, err)
		if !report.Compacted {
			t.Errorf("sweep %d: %+v", i, report)
		}
	}
	close(stop)
	group.Wait()
	must(t, db.Close())
	db = mustOpen(t, state.Config{Path: path})
	if ids := waiting(t, db); len(ids) > 0 && ids[len(ids)-1] != fmt.Sprintf("load%d", last) {
		t.Errorf("last waiting is %s, last committed load%d", ids[len(ids)-1], last)
	}
	must(t, db.Commit(oneEvent(db, fmt.Sprintf("load%d", last)))) // known, if nothing was lost
	if _, dead, _, err := db.Queue("slack").Depth(); err != nil || dead > 0 {
		t.Errorf("%d dead, %v", dead, err)
	}
}

// A file that is mostly free is compacted though nothing was erased.
func TestSweepShrinks(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	big := strings.Repeat("x", 4<<20)
	must(t, db.Commit(entities(db, map[string][]byte{"1": []byte(big)})))
	must(t, db.Commit(entities(db, map[string][]byte{"1": []byte("small")})))
	must(t, db.Commit(entities(db, map[string][]byte{"1": []byte("smaller")}))) // makes the pages free
	report, err := db.Sweep(t.Context(), time.Now())
	must(t, err)
	if !report.Compacted || report.After > report.Before/10 {
		t.Errorf("report: %+v", report)
	}
}

func TestSweepRemovesOldBackups(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "odd [name]*.db")
	db := mustOpen(t, state.Config{Path: path})
	backup := path + ".before-v2"
	must(t, os.WriteFile(backup, []byte("copy"), 0o600))
	_, err := db.Sweep(t.Context(), time.Now().Add(719*time.Hour))
	must(t, err)
	if _, err := os.Stat(backup); err != nil {
		t.Errorf("removed too early: %v", err)
	}
	_, err = db.Sweep(t.Context(), time.Now().Add(721*time.Hour))
	must(t, err)
	if _, err := os.Stat(backup); err == nil {
		t.Error("still there")
	}
}

// More events than one transaction of a sweep takes.
func TestSweepMany(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	c := talkrelay.Commit{Epoch: db.Epoch(), Channel: "main", Stream: "chats"}
	for i := range 2_345 {
		c.Events = append(c.Events, talkrelay.Event{ID: fmt.Sprintf("e%d", i), Seen: time.Now()})
		if i%1000 == 0 {
			c.Deliveries = append(c.Deliveries, talkrelay.Delivery{EventID: c.Events[i].ID, Sink: "slack"})
		}
	}
	must(t, db.Commit(c))
	report, err := db.Sweep(t.Context(), later())
	must(t, err)
	if report.Erased != 2_345-3 {
		t.Errorf("report: %+v", report)
	}
	if got := waiting(t, db); len(got) != 3 {
		t.Errorf("waiting: %v", got)
	}
	must(t, db.Raw(func(tx *bolt.Tx) error {
		for _, name := range []string{"event", "done"} {
			if n := tx.Bucket([]byte(name)).Stats().KeyN; n != 3 {
				t.Errorf("%d keys in %s", n, name)
			}
		}
		return nil
	}))
}

// A sweep that is told to end leaves a good file and says so; the next one does the rest.
func TestSweepIsEnded(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	plant(t, db, 20)
	must(t, db.Commit(oneEvent(db, "stays")))
	for _, step := range []string{"", "unsynced", "renamed"} {
		ctx, cancel := context.WithCancel(t.Context())
		db.OnStep(func(at string) {
			if at == step {
				cancel()
			}
		})
		if step == "" {
			cancel()
		}
		report, err := db.Sweep(ctx, later())
		if step == "renamed" { // too late to go back: only the old file is left to be overwritten
			must(t, err)
		} else {
			wantError(t, err, context.Canceled)
		}
		if report.Compacted != (step == "renamed") {
			t.Errorf("ended at %q: %+v", step, report)
		}
		if _, err := os.Stat(path + ".compact"); err == nil {
			t.Errorf("ended at %q: the unfinished copy is still there", step)
		}
		cancel()
	}
	db.OnStep(nil)
	_, err := db.Sweep(t.Context(), later())
	must(t, err)
	if n := planted(t, filepath.Dir(path)); n > 0 {
		t.Errorf("%d secrets left", n)
	}
	if got := waiting(t, db); !slices.Equal(got, []string{"stays"}) {
		t.Errorf("waiting: %v", got)
	}
}
