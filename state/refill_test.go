package state_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/state"
)

// old is an event of long ago for these sinks, known under ids.
func old(ids []string, sinks ...string) state.OldEvent {
	o := state.OldEvent{IDs: ids, Event: talkrelay.Event{ID: ids[0], Seen: time.Now(), User: talkrelay.User{Name: "as it is now"}}}
	for _, s := range sinks {
		o.Routes = append(o.Routes, talkrelay.Delivery{EventID: ids[0], Sink: s, Route: "r"})
	}
	return o
}

func refill(t *testing.T, db *state.DB, list ...state.OldEvent) map[string]int {
	t.Helper()
	added, err := db.Refill(state.Refill{Epoch: db.Epoch(), Channel: "main", Job: "backfill", Cursor: []byte("1"), Events: list})
	must(t, err)
	return added
}

func waitingIDs(t *testing.T, db *state.DB, sink string) (ids []string) {
	t.Helper()
	list, err := db.Queue(sink).Pending(100)
	must(t, err)
	for _, p := range list {
		ids = append(ids, p.Event.ID+" "+p.Event.User.Name)
	}
	return ids
}

// What a sink has, waits for, refused or was spared is not put into its queue again, whatever name the event goes by.
func TestRefillDoublesNothing(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	threeEvents(t, db)
	slack, sheets := db.Queue("slack"), db.Queue("sheets")
	settleNext(t, slack, talkrelay.Outcome{Receipt: "ts1", At: time.Now()}) // e1
	settleNext(t, slack, talkrelay.Outcome{Dead: "too long", At: time.Now()})
	must(t, slack.Drop(3, time.Now()))

	all := []state.OldEvent{old([]string{"e1"}, "slack", "sheets"), old([]string{"e2"}, "slack"), old([]string{"other", "e3"}, "slack", "sheets")}
	if added := refill(t, db, all...); len(added) != 0 {
		t.Errorf("added %v, want nothing", added)
	}
	stands, err := db.Stands("slack", [][]string{{"e1"}, {"e2"}, {"other", "e3"}, {"other"}})
	must(t, err)
	var got []state.Stand
	for _, s := range stands {
		got = append(got, s.Stand)
	}
	if want := []state.Stand{state.Delivered, state.Dead, state.Dropped, ""}; !slices.Equal(got, want) || stands[0].Receipt != "ts1" {
		t.Errorf("stands %v, want %v", stands, want)
	}
	if n, _, err := sheets.Left(2); n != 2 || err != nil {
		t.Errorf("%d left up to 2, want 2 (%v)", n, err)
	}
}

// What a sink lacks is put into its queue: as it was stored where it was, and under the name it has.
func TestRefillAddsWhatIsMissing(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	c := entities(db, nil)
	c.Events = []talkrelay.Event{{ID: "kept", Seen: time.UnixMilli(1), User: talkrelay.User{Name: "as it was then"}}, {ID: "unasked", Seen: time.UnixMilli(1)}}
	c.Deliveries = []talkrelay.Delivery{{EventID: "kept", Sink: "slack"}}
	must(t, db.Commit(c))
	list := []state.OldEvent{
		old([]string{"new", "kept"}, "slack", "sheets"), old([]string{"new2", "unasked"}, "sheets"), old([]string{"unknown"}, "sheets", "sheets"), old([]string{"unknown"}, "sheets"),
	}
	if added := refill(t, db, list...); len(added) != 1 || added["sheets"] != 3 {
		t.Errorf("added %v, want 3 for sheets", added)
	}
	want := []string{"kept as it was then", "unasked as it is now", "unknown as it is now"}
	if got := waitingIDs(t, db, "sheets"); !slices.Equal(got, want) {
		t.Errorf("waiting %v, want %v", got, want)
	}
	if added := refill(t, db, list...); len(added) != 0 {
		t.Errorf("again: added %v", added)
	}
	for range 3 {
		settleNext(t, db.Queue("sheets"), talkrelay.Outcome{Receipt: "r", At: time.Now()})
	}
	settleNext(t, db.Queue("slack"), talkrelay.Outcome{Receipt: "r", At: time.Now()})
	if added := refill(t, db, list...); len(added) != 0 {
		t.Errorf("after delivery: added %v", added)
	}
	// What was delivered so is never delivered later either, and what was seen long ago is kept as long as what was seen now.
	c = entities(db, nil)
	c.Events = []talkrelay.Event{{ID: "unknown", Seen: time.Now()}}
	c.Deliveries = []talkrelay.Delivery{{EventID: "unknown", Sink: "slack"}}
	must(t, db.Commit(c))
	if got := waitingIDs(t, db, "slack"); len(got) != 0 {
		t.Errorf("a poll delivers it again: %v", got)
	}
	report, err := db.Sweep(t.Context(), time.Now().Add(719*time.Hour))
	must(t, err)
	if known, err := db.Known("un"); report.Erased != 0 || !slices.Equal(known, []string{"unasked", "unknown"}) || err != nil {
		t.Errorf("erased %d, known %v (%v)", report.Erased, known, err)
	}
	if report, err = db.Sweep(t.Context(), time.Now().Add(721*time.Hour)); report.Erased != 3 || err != nil {
		t.Errorf("erased %d of 3 when the retention was over (%v)", report.Erased, err)
	}
}

// The cursor of a job is written with what was found up to it, or not at all, and goes with the job's end.
func TestRefillCursor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	db := mustOpen(t, state.Config{Path: path})
	refill(t, db, old([]string{"e1"}, "sheets"))
	if _, err := db.Refill(state.Refill{Epoch: db.Epoch() - 1, Channel: "main", Job: "backfill", Cursor: []byte("2")}); !errors.Is(err, talkrelay.ErrFenced) {
		t.Errorf("an older process: %v", err)
	}
	must(t, db.Close())
	db = mustOpen(t, state.Config{Path: path})
	if cursor, err := db.Cursor("main", "backfill"); string(cursor) != "1" || err != nil {
		t.Errorf("cursor %q after a restart (%v)", cursor, err)
	}
	if _, err := db.Refill(state.Refill{Epoch: db.Epoch(), Channel: "main", Job: "backfill"}); err != nil {
		t.Error(err)
	}
	if cursor, _ := db.Cursor("main", "backfill"); cursor != nil {
		t.Errorf("cursor %q after the end", cursor)
	}
	if n, err := db.Count("main", talkrelay.EntityChat); n != 0 || err != nil {
		t.Errorf("%d chats (%v)", n, err)
	}
}
