package state_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talkrelay"
	"talkrelay/state"
)

// plantTwo commits events of two customers, in turn, for two sinks, with their snapshots.
func plantTwo(t *testing.T, db *state.DB) {
	t.Helper()
	c := entities(db, map[string][]byte{"kim": []byte(secret("kim-snapshot", 1)), "lee": []byte("lee")})
	for i, user := range []string{"kim", "lee", "kim", "lee", "kim", "kim"} {
		e := talkrelay.Event{ID: string(rune('a' + i)), Seen: time.Now()}
		e.User.ID, e.Message.Text, e.Envelope = user, user+secret("text", i), []byte(user+secret("envelope", i))
		c.Events = append(c.Events, e)
		c.Deliveries = append(c.Deliveries, talkrelay.Delivery{EventID: e.ID, Sink: "slack"}, talkrelay.Delivery{EventID: e.ID, Sink: "sheets"})
	}
	must(t, db.Commit(c))
}

func isKim(e *talkrelay.Event) bool { return e.User.ID == "kim" }

var kim = []state.Customer{{Channel: "main", ID: "kim"}}

// TestForget erases a customer whose events are delivered, dead, in doubt and waiting, and nobody else.
func TestForget(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	plantTwo(t, db)
	now := time.Now().UTC()
	slack, sheets := db.Queue("slack"), db.Queue("sheets")
	settleNext(t, slack, talkrelay.Outcome{Receipt: "ts", At: now, Recheck: now.Add(time.Hour)}) // a
	settleNext(t, slack, talkrelay.Outcome{Receipt: "ts2", At: now})                             // b
	settleNext(t, slack, talkrelay.Outcome{Dead: "too long", At: now})                           // c
	settleNext(t, slack, talkrelay.Outcome{Receipt: "ts4", At: now})                             // d
	fly := func(q *state.Queue, n int, phase talkrelay.Phase) *talkrelay.Shipment {
		list, err := q.Pending(n)
		must(t, err)
		s := shipment("s", list...)
		s.Phase = phase
		must(t, q.Save(s))
		return s
	}
	fly(slack, 1, talkrelay.PhaseDoubt)    // e
	fly(sheets, 4, talkrelay.PhaseWaiting) // a to d

	want := state.Forgotten{Events: 4, Waiting: 6, Dead: 1, Snapshots: 1, Delivered: []state.TracedDelivery{{Sink: "slack", Stand: state.Delivered, Receipt: "ts", At: now}}}
	for _, dry := range []bool{true, false} {
		got, err := db.Forget(t.Context(), isKim, kim, now, dry)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("dry %t:\n%s", dry, diff)
		}
	}
	_, err := db.Sweep(t.Context(), now)
	must(t, err)
	if n := countIn(t, filepath.Dir(path), "kim"); n > 0 {
		t.Errorf("%d traces of the customer in the file", n)
	}
	if n := countIn(t, filepath.Dir(path), "lee"); n < 3 {
		t.Errorf("only %d traces of the other one", n)
	}
	list, err := sheets.Pending(10)
	must(t, err)
	if len(list) != 2 || list[0].Event.ID != "b" || list[1].Event.ID != "d" {
		t.Errorf("the sheet waits for %v", list)
	}
	plantTwo(t, db) // the next poll finds the same events
	if waiting, dead, _, err := slack.Depth(); err != nil || waiting+dead != 0 {
		t.Errorf("%d wait, %d are dead, %v", waiting, dead, err)
	}
	db2, err := db.Forget(t.Context(), isKim, nil, now, false)
	if err != nil || db2.Events != 0 {
		t.Errorf("again: %+v, %v", db2, err)
	}
}

// TestForgetLeavesABatchInDoubt: to take a row out of a batch that may have been written would write the others twice.
func TestForgetLeavesABatchInDoubt(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	plantTwo(t, db)
	q := db.Queue("sheets")
	list, err := q.Pending(2)
	must(t, err)
	s := shipment("s", list...)
	s.Phase = talkrelay.PhaseSending
	must(t, q.Save(s))
	got, err := db.Forget(t.Context(), isKim, kim, time.Now(), false)
	must(t, err)
	if diff := cmp.Diff([]string{"sheets"}, got.Busy); diff != "" || got.Events != 3 {
		t.Errorf("%+v", got)
	}
	must(t, q.Settle(s, talkrelay.Outcome{Receipt: "r", At: time.Now()}))
	if got, err := db.Forget(t.Context(), isKim, kim, time.Now(), false); err != nil || got.Events != 1 || len(got.Delivered) != 1 || len(got.Busy) != 0 {
		t.Errorf("when it is settled: %+v, %v", got, err)
	}
}
