package state_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"talkrelay"
	"talkrelay/state"
)

// threeEvents commits e1 to e3 for two sinks, and u, which no route asked for.
func threeEvents(t *testing.T, db *state.DB) {
	t.Helper()
	c := entities(db, nil)
	for i, id := range []string{"e1", "e2", "e3", "u"} {
		c.Events = append(c.Events, talkrelay.Event{ID: id, Seen: time.UnixMilli(int64(1000 * i))})
		if id != "u" {
			c.Deliveries = append(c.Deliveries,
				talkrelay.Delivery{EventID: id, Sink: "slack", Route: "r"}, talkrelay.Delivery{EventID: id, Sink: "sheets", Route: "r"})
		}
	}
	must(t, db.Commit(c))
}

// settleNext sends the first delivery of a queue to its end.
func settleNext(t *testing.T, q *state.Queue, o talkrelay.Outcome) {
	t.Helper()
	list, err := q.Pending(1)
	must(t, err)
	s := shipment("s-"+list[0].Event.ID, list...)
	must(t, q.Save(s))
	must(t, q.Settle(s, o))
}

func trace(t *testing.T, db *state.DB, id string) state.Trace {
	t.Helper()
	list, err := db.Traces(1, func(have string, _ *talkrelay.Event) bool { return have == id })
	must(t, err)
	if len(list) != 1 {
		t.Fatalf("%d traces of %s", len(list), id)
	}
	return list[0]
}

func TestTraces(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	threeEvents(t, db)
	at := time.Now().UTC().Truncate(time.Millisecond)
	slack, sheets := db.Queue("slack"), db.Queue("sheets")
	settleNext(t, slack, talkrelay.Outcome{Receipt: "ts1", At: at})
	settleNext(t, slack, talkrelay.Outcome{Dead: "too long", At: at})
	list, err := sheets.Pending(1)
	must(t, err)
	s := shipment("s", list...)
	s.Phase, s.Err = talkrelay.PhaseDoubt, "no answer"
	must(t, sheets.Save(s))

	want := map[string][]state.TracedDelivery{
		"e1": {{Sink: "sheets", Route: "r", Stand: state.InDoubt, Seq: 1, Err: "no answer"}, {Sink: "slack", Route: "r", Stand: state.Delivered, Receipt: "ts1", At: at}},
		"e2": {{Sink: "sheets", Route: "r", Stand: state.Waiting, Seq: 2, Ahead: 1}, {Sink: "slack", Route: "r", Stand: state.Dead, Seq: 2, Err: "too long", At: at}},
		"e3": {{Sink: "sheets", Route: "r", Stand: state.Waiting, Seq: 3, Ahead: 2}, {Sink: "slack", Route: "r", Stand: state.Waiting, Seq: 3}},
		"u":  nil,
	}
	all, err := db.Traces(10, nil)
	must(t, err)
	var order []string
	for _, tr := range all {
		order = append(order, tr.ID)
		if diff := cmp.Diff(want[tr.ID], tr.Deliveries, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s:\n%s", tr.ID, diff)
		}
		if (tr.Event == nil) != (tr.ID == "u") {
			t.Errorf("%s: event %v", tr.ID, tr.Event)
		}
	}
	if diff := cmp.Diff([]string{"u", "e3", "e2", "e1"}, order); diff != "" {
		t.Errorf("not the latest first:\n%s", diff)
	}
	if two, err := db.Traces(2, nil); err != nil || len(two) != 2 || two[1].ID != "e3" {
		t.Errorf("two of them: %v, %v", two, err)
	}
}

// TestRetry brings a dead letter back behind what waits, and delivers it.
func TestRetry(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	threeEvents(t, db)
	q := db.Queue("slack")
	settleNext(t, q, talkrelay.Outcome{Dead: "too long", At: time.Now()})
	dead, err := q.DeadLetters()
	must(t, err)
	if len(dead) != 1 || dead[0].Event != "e1" || dead[0].Reason != "too long" || dead[0].Route != "r" {
		t.Fatalf("dead letters: %+v", dead)
	}
	if err := q.Retry(99); !errors.Is(err, state.ErrNoDelivery) {
		t.Errorf("one that is not there: %v", err)
	}
	must(t, q.Retry(dead[0].Seq))
	if err := q.Retry(dead[0].Seq); !errors.Is(err, state.ErrNoDelivery) {
		t.Errorf("twice: %v", err)
	}
	var order []string
	for range 3 {
		list, err := q.Pending(1)
		must(t, err)
		order = append(order, list[0].Event.ID)
		settleNext(t, q, talkrelay.Outcome{Receipt: "r", At: time.Now()})
	}
	if diff := cmp.Diff([]string{"e2", "e3", "e1"}, order); diff != "" {
		t.Errorf("order:\n%s", diff)
	}
	if waiting, dead, _, err := q.Depth(); err != nil || waiting+dead != 0 {
		t.Errorf("%d waiting, %d dead, %v", waiting, dead, err)
	}
}

// TestDrop gives deliveries up. What is dropped everywhere is erased like what is delivered.
func TestDrop(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	threeEvents(t, db)
	now := time.Now()
	slack := db.Queue("slack")
	settleNext(t, slack, talkrelay.Outcome{Dead: "too long", At: now})
	list, err := slack.Pending(1)
	must(t, err)
	flying := shipment("s", list...)
	must(t, slack.Save(flying))
	if err := slack.Drop(2, now); !errors.Is(err, state.ErrInHand) {
		t.Errorf("drop of what is being sent: %v", err)
	}
	must(t, slack.Drop(1, now)) // dead
	must(t, slack.Drop(3, now)) // waiting
	if err := slack.Drop(3, now); !errors.Is(err, state.ErrNoDelivery) {
		t.Errorf("drop twice: %v", err)
	}
	must(t, slack.Settle(flying, talkrelay.Outcome{Receipt: "r", At: now}))
	if tr := trace(t, db, "e1"); tr.Deliveries[1].Stand != state.Dropped {
		t.Errorf("e1: %+v", tr.Deliveries)
	}
	if n, err := db.Queue("sheets").DropAll(now); err != nil || n != 3 {
		t.Errorf("dropped %d, %v", n, err)
	}
	if sinks, err := db.Sinks(); err != nil || len(sinks) != 1 {
		t.Errorf("queues left: %v, %v", sinks, err)
	}
	report, err := db.Sweep(t.Context(), later())
	must(t, err)
	if report.Erased != 4 {
		t.Errorf("erased %d of 4 events", report.Erased)
	}
}
