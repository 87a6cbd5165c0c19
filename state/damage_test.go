package state_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
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

func TestNotOurFile(t *testing.T) {
	t.Parallel()
	foreign := tempPath(t)
	db, err := bolt.Open(foreign, 0o600, nil)
	must(t, err)
	must(t, db.Close())
	bbolt, err := os.ReadFile(foreign)
	must(t, err)
	for name, content := range map[string][]byte{
		"empty":   {},
		"short":   []byte("talkrelay"),
		"zeros":   make([]byte, 64<<10),
		"text":    bytes.Repeat([]byte("poll = 5s\n"), 10_000),
		"foreign": bbolt,
	} {
		path := tempPath(t)
		must(t, os.WriteFile(path, content, 0o600))
		_, err := state.Open(state.Config{Path: path})
		wantError(t, err, state.ErrDamaged, path, "talkrelay backup", "starts afresh", "nothing is doubled")
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: the file was changed (%v)", name, err)
		}
	}
}

func TestBucketMissing(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	must(t, db.Raw(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("outbox")) }))
	must(t, db.Close())
	_, err := state.Open(state.Config{Path: path})
	wantError(t, err, state.ErrDamaged, "bucket outbox is missing")
}

// filled returns the bytes of a file with something of everything in it.
func filled(t *testing.T) []byte {
	t.Helper()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	plant(t, db, 50)
	for i := range 300 {
		must(t, db.Commit(entities(db, map[string][]byte{fmt.Sprintf("u%03d", i): bytes.Repeat([]byte{byte(i)}, 100)})))
	}
	must(t, db.Commit(oneEvent(db, "e1")))
	must(t, db.Close())
	text, err := os.ReadFile(path)
	must(t, err)
	return text
}

// use does everything with a file that may be damaged. It reports whether it could be opened; what it must not do is panic.
func use(path string) bool {
	db, err := state.Open(state.Config{Path: path})
	if err != nil {
		return false
	}
	defer db.Close()
	_, _ = db.Cursor("main", "chats")
	_, _ = db.Entities("main", talkrelay.EntityUser, "", 1000)
	for _, sink := range []string{"slack", "sheets"} {
		q := db.Queue(sink)
		_, _ = q.Pending(100)
		_, _, _, _ = q.Depth()
		_, _, _ = q.NextRecheck()
		_ = settleOne(q)
	}
	_ = db.Commit(oneEvent(db, "new"))
	_ = db.Commit(entities(db, map[string][]byte{"u001": []byte("x"), "u002": nil}))
	_, _ = db.Sweep(context.Background(), time.Now().Add(10_000*time.Hour))
	_ = db.Commit(oneEvent(db, "newer"))
	return true
}

// A file that was cut short is refused with the way out, whatever page it ends at; or, if only unused pages are missing,
// it is used as ever.
func TestTruncatedFile(t *testing.T) {
	t.Parallel()
	text := filled(t)
	dir := t.TempDir()
	for size := 0; size < len(text); size += 4096 {
		path := filepath.Join(dir, fmt.Sprint(size))
		must(t, os.WriteFile(path, text[:size], 0o600))
		if size < highWater(text) {
			_, err := state.Open(state.Config{Path: path})
			wantError(t, err, state.ErrDamaged, "talkrelay backup")
		} else if !use(path) {
			t.Errorf("cut at %d of %d bytes, of which %d are in use: refused", size, len(text), highWater(text))
		}
		must(t, os.Remove(path))
	}
}

// highWater returns how much of a bbolt file is in use, from its two meta pages.
func highWater(text []byte) int {
	a, b := binary.NativeEndian.Uint64(text[56:]), binary.NativeEndian.Uint64(text[4096+56:])
	return int(min(a, b)) * 4096
}

// Bits that were flipped neither end the process nor stop it for ever. TALKRELAY_FLIPS=20000 TALKRELAY_SEED=7 make more
// files than the usual 120, of another seed than 1.
func TestFlippedBits(t *testing.T) {
	t.Parallel()
	text := filled(t)
	dir := t.TempDir()
	opened, rounds, seed := 0, setting(t, "TALKRELAY_FLIPS", 120), setting(t, "TALKRELAY_SEED", 1)
	for i := range rounds {
		r := rand.New(rand.NewPCG(seed, i))
		bad := slices.Clone(text)
		for range 1 + r.IntN(20) {
			bad[r.IntN(highWater(text))] ^= 1 << r.IntN(8)
		}
		path := filepath.Join(dir, fmt.Sprint(i))
		must(t, os.WriteFile(path, bad, 0o600))
		if use(path) {
			opened++
		}
		must(t, os.Remove(path))
	}
	t.Logf("%d of %d could be opened", opened, rounds)
}

// A page of pointers that is overwritten by garbage is an error of what needs it, and of nothing else.
func TestGarbagePages(t *testing.T) {
	t.Parallel()
	text := filled(t)
	dir := t.TempDir()
	for page := range highWater(text) / 4096 {
		bad := slices.Clone(text)
		r := rand.New(rand.NewPCG(2, uint64(page)))
		for i := page*4096 + 16; i < (page+1)*4096; i++ {
			bad[i] = byte(r.Uint32())
		}
		path := filepath.Join(dir, fmt.Sprint(page))
		must(t, os.WriteFile(path, bad, 0o600))
		use(path)
		must(t, os.Remove(path))
	}
}

// A write that panics leaves a store that says so and can be closed and opened again.
func TestPanicIsDamage(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	wantError(t, db.Raw(func(*bolt.Tx) error { panic("page 7 already freed") }), state.ErrDamaged, path, "page 7 already freed")
	if _, err := db.Cursor("main", "chats"); !errors.Is(err, state.ErrDamaged) {
		t.Errorf("read after it: %v", err)
	}
	must(t, db.Close())
	mustOpen(t, state.Config{Path: path})
}

// What cannot be read for ever must not hold up what is behind it.
func TestUnreadableDeliveries(t *testing.T) {
	t.Parallel()
	log, text := logTo()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path, Logger: log})
	for i := range 5 {
		must(t, db.Commit(oneEvent(db, fmt.Sprintf("e%d", i))))
	}
	must(t, db.Raw(func(tx *bolt.Tx) error {
		events, outbox := tx.Bucket([]byte("event")), tx.Bucket([]byte("outbox")).Bucket([]byte("slack"))
		return errors.Join(
			events.Delete([]byte("e0")),
			events.Put([]byte("e1"), []byte(`{"id":`)),
			events.Put([]byte("e2"), []byte(`{"id":"another"}`)),
			outbox.Put(binary.BigEndian.AppendUint64(nil, 4), []byte("garbage")),
		)
	}))
	list, err := db.Queue("slack").Pending(2)
	must(t, err)
	if len(list) != 1 || list[0].Event.ID != "e4" {
		t.Errorf("pending: %v", list)
	}
	if waiting, dead, _, err := db.Queue("slack").Depth(); waiting != 1 || dead != 4 || err != nil {
		t.Errorf("depth: %d waiting, %d dead, %v", waiting, dead, err)
	}
	var letters []string
	must(t, db.Raw(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("dead")).Bucket([]byte("slack")).ForEach(func(_, v []byte) error {
			letters = append(letters, string(v))
			return nil
		})
	}))
	if len(letters) != 4 || !strings.Contains(letters[0], `"reason":"its event is missing from the state file"`) {
		t.Errorf("dead letters: %v", letters)
	}
	if n := strings.Count(text.String(), "delivery moved to the dead letters"); n != 4 || strings.Contains(text.String(), "text of") {
		t.Errorf("log: %s", text)
	}
}

// Many of them do not make one transaction of any size.
func TestManyUnreadableDeliveries(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	c := oneEvent(db, "e0")
	for i := 1; i < 1000; i++ {
		more := oneEvent(db, fmt.Sprintf("e%d", i))
		c.Events, c.Deliveries = append(c.Events, more.Events...), append(c.Deliveries, more.Deliveries...)
	}
	must(t, db.Commit(c))
	must(t, db.Raw(func(tx *bolt.Tx) error {
		for i := range 999 {
			if err := tx.Bucket([]byte("event")).Delete(fmt.Appendf(nil, "e%d", i)); err != nil {
				return err
			}
		}
		return nil
	}))
	list, err := db.Queue("slack").Pending(10)
	must(t, err)
	if len(list) != 1 || list[0].Event.ID != "e999" {
		t.Errorf("pending: %v", list)
	}
}

func TestUnreadableRecheck(t *testing.T) {
	t.Parallel()
	log, text := logTo()
	db := mustOpen(t, state.Config{Path: tempPath(t), Logger: log})
	must(t, db.Commit(oneEvent(db, "e1")))
	q := db.Queue("slack")
	list, err := q.Pending(1)
	must(t, err)
	s := shipment("s1", list...)
	must(t, q.Save(s))
	must(t, q.Settle(s, talkrelay.Outcome{Receipt: "r", At: time.Now(), Recheck: time.Now()}))
	must(t, db.Raw(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("recheck")).Bucket([]byte("slack"))
		return errors.Join(b.Put([]byte("x"), []byte("{}")), b.Put(make([]byte, 9), []byte("garbage")))
	}))
	got, _, err := q.NextRecheck()
	must(t, err)
	if got == nil || got.ID != "s1" || strings.Count(text.String(), "unreadable recheck dropped") != 1 {
		t.Errorf("got %+v, log %s", got, text)
	}
}

// A damaged shipment in flight is not thrown away: it may have been sent.
func TestUnreadableInFlight(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	must(t, db.Commit(oneEvent(db, "e1")))
	q := db.Queue("slack")
	list, err := q.Pending(1)
	must(t, err)
	for _, garbage := range []string{"", "{", "{}", `{"id":"s1"}`} {
		must(t, db.Raw(func(tx *bolt.Tx) error { return tx.Bucket([]byte("inflight")).Put([]byte("slack"), []byte(garbage)) }))
		_, err := q.InFlight()
		wantError(t, err, state.ErrDamaged, "in flight to slack", "put back a copy", "talkrelay backup")
		_, err = q.Pending(1)
		wantError(t, err, state.ErrDamaged)
		wantError(t, q.Save(shipment("s2", list...)), state.ErrDamaged)
		wantError(t, q.Settle(shipment("s1", list...), talkrelay.Outcome{}), state.ErrDamaged)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte(`{"seq":1,"waiting":2,"receipt":"1.2"}`))
	f.Add([]byte(`{"event":"e","route":"r","reason":"x","at":"2026-03-02T09:30:00Z"}`))
	f.Add(make([]byte, 12))
	f.Add(bytes.Repeat([]byte{0xff}, 12))
	f.Fuzz(func(_ *testing.T, b []byte) { state.DecodeAll(b) })
}
