package statetest

import (
	"fmt"
	"testing"
	"time"

	"talkrelay"
)

// Run runs the suite. start makes an empty state for one test and returns how to open it; each call of open comes
// after the store before has been closed.
func Run(t *testing.T, start func(t *testing.T) (open func() Store)) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"empty", testEmpty},
		{"cursor is kept", testCursorKept},
		{"cursor that moved", testMoved},
		{"older epoch is fenced", testFenced},
		{"refused commit changes nothing", testAtomic},
		{"event known by id is skipped", testKnownEvent},
		{"event twice in one commit", testTwiceInCommit},
		{"delivery of an event that is not there", testStrayDelivery},
		{"snapshots are paged in order", testEntities},
		{"snapshots are copies", testCopies},
		{"channels do not mix", testChannels},
		{"queue keeps order", testOrder},
		{"sequence numbers are not reused", testSeqs},
		{"sinks do not mix", testSinks},
		{"event survives whole", testEventWhole},
		{"in flight survives reopening", testInFlight},
		{"pending leaves out what is in flight", testPendingInFlight},
		{"rework replaces", testRework},
		{"rework under the same id replaces", testReworkSameID},
		{"stale worker is refused", testStale},
		{"released waits again", testReleased},
		{"settled leaves the queue", testSettled},
		{"dead letter keeps its event", testDead},
		{"settled event is erased after the retention", testErased},
		{"rechecks come by time", testRechecks},
		{"large events come in parts", testLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{t: t, open: start(t)}
			b.Store = b.open()
			t.Cleanup(func() { _ = b.Store.Close() })
			test.run(t, b)
		})
	}
}

// day is when everything in the suite happens.
func day() time.Time { return time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC) }

// bench is a store with what the tests do to it.
type bench struct {
	Store
	t    *testing.T
	open func() Store
}

func (b *bench) reopen() {
	b.t.Helper()
	b.must(b.Store.Close())
	b.Store = b.open()
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// commit returns a commit by the present epoch of events with the given ids, each for every sink.
func (b *bench) commit(sinks []string, ids ...string) talkrelay.Commit {
	c := talkrelay.Commit{Epoch: b.Epoch(), Channel: "main", Stream: "chats"}
	for _, id := range ids {
		c.Events = append(c.Events, event(id))
		for _, sink := range sinks {
			c.Deliveries = append(c.Deliveries, talkrelay.Delivery{EventID: id, Sink: sink, Route: "all"})
		}
	}
	return c
}

// queue commits events for the sink "slack" and returns its queue.
func (b *bench) queue(ids ...string) Queue {
	b.t.Helper()
	b.must(b.Commit(b.commit([]string{"slack"}, ids...)))
	return b.Queue("slack")
}

func event(id string) talkrelay.Event {
	return talkrelay.Event{
		ID: id, Kind: talkrelay.UserChatOpened, Channel: "main", At: day(), Seen: day(),
		Chat: talkrelay.Chat{ID: "chat-of-" + id},
	}
}

// shipment returns one that has not been sent, of what is first in the queue.
func shipment(id string, items ...talkrelay.Pending) *talkrelay.Shipment {
	s := &talkrelay.Shipment{ID: id, Body: []byte("body of " + id), Phase: talkrelay.PhaseWaiting}
	for _, p := range items {
		s.Seqs = append(s.Seqs, p.Seq)
		s.Events = append(s.Events, p.Event.ID)
	}
	return s
}

func (b *bench) pending(q Queue, n int) []talkrelay.Pending {
	b.t.Helper()
	list, err := q.Pending(n)
	b.must(err)
	return list
}

// wantPending fails unless exactly the events ids wait.
func (b *bench) wantPending(q Queue, ids ...string) {
	b.t.Helper()
	got := []string{}
	for _, p := range b.pending(q, 1000) {
		got = append(got, p.Event.ID)
	}
	if fmt.Sprint(got) != fmt.Sprint(ids) {
		b.t.Errorf("pending: got %v, want %v", got, ids)
	}
}

func (b *bench) wantDepth(q Queue, waiting, dead int) {
	b.t.Helper()
	w, d, oldest, err := q.Depth()
	b.must(err)
	if w != waiting || d != dead {
		b.t.Errorf("depth: got %d waiting and %d dead, want %d and %d", w, d, waiting, dead)
	}
	if (waiting > 0) != oldest.Equal(day()) || waiting == 0 && !oldest.IsZero() {
		b.t.Errorf("depth: oldest is %v with %d waiting", oldest, waiting)
	}
}

func delivered(receipt string) talkrelay.Outcome {
	return talkrelay.Outcome{Receipt: receipt, At: day()}
}
