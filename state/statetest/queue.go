package statetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"talkrelay"
)

func testOrder(_ *testing.T, b *bench) {
	var want []string
	for i := range 300 { // past where 8 bits end
		id := fmt.Sprintf("e%d", 299-i) // not the order of ids
		want = append(want, id)
	}
	q := b.queue(want[:200]...)
	b.queue(want[200:]...)
	b.wantPending(q, want...)
	b.reopen()
	b.wantPending(b.Queue("slack"), want...)
}

func testSeqs(t *testing.T, b *bench) {
	q := b.queue("e1", "e2")
	last := uint64(0)
	for round := range 3 {
		list := b.pending(q, 10)
		for _, p := range list {
			if p.Seq <= last {
				t.Fatalf("seq %d after %d", p.Seq, last)
			}
			last = p.Seq
		}
		s := shipment("s", list...)
		b.must(q.Save(s))
		b.must(q.Settle(s, delivered("r")))
		b.reopen()
		q = b.queue(fmt.Sprintf("more%d", round))
	}
}

func testSinks(_ *testing.T, b *bench) {
	b.must(b.Commit(b.commit([]string{"a", "ab"}, "e1", "e2")))
	a, ab := b.Queue("a"), b.Queue("ab")
	s := shipment("s", b.pending(a, 1)...)
	b.must(a.Save(s))
	b.must(a.Settle(s, delivered("r")))
	b.wantPending(a, "e2")
	b.wantPending(ab, "e1", "e2")
	b.wantDepth(ab, 2, 0)
}

func testEventWhole(t *testing.T, b *bench) {
	want := event("e1")
	want.User = talkrelay.User{ID: "u", Name: "김하나 \u2028", Contact: talkrelay.Contact{Email: "a@example.com"}, Profile: map[string]string{"k": "v"}}
	want.Message = talkrelay.Message{Text: "줄\n바꿈 <!channel>", CreatedAt: day().Add(123 * time.Millisecond)}
	want.Envelope = json.RawMessage(`{"event":"upsert","entity":{"id":"1"}}`)
	c := b.commit([]string{"slack"}, "e1")
	c.Events[0] = want
	b.must(b.Commit(c))
	got := b.pending(b.Queue("slack"), 1)
	if len(got) != 1 || got[0].Route != "all" || !reflect.DeepEqual(got[0].Event, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func testInFlight(t *testing.T, b *bench) {
	q := b.queue("e1", "e2")
	want := shipment("s1", b.pending(q, 2)...)
	b.must(q.Save(want))
	want.Phase, want.Attempt, want.FirstSent, want.Sent = talkrelay.PhaseSending, 1, day(), day()
	b.must(q.Save(want))
	b.reopen()
	got, err := b.Queue("slack").InFlight()
	b.must(err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func testPendingInFlight(t *testing.T, b *bench) {
	q := b.queue("e1", "e2", "e3")
	b.must(q.Save(shipment("s1", b.pending(q, 2)...)))
	b.wantPending(q, "e3")
	b.wantDepth(q, 3, 0)
	if got := b.pending(q, 0); len(got) != 0 {
		t.Errorf("pending(0): got %v", got)
	}
}

func testRework(t *testing.T, b *bench) {
	q := b.queue("e1", "e2")
	list := b.pending(q, 2)
	b.must(q.Save(shipment("s1", list...)))
	b.must(q.Save(shipment("s2", list[:1]...)))
	b.wantPending(q, "e2")
	if s, err := q.InFlight(); err != nil || s == nil || s.ID != "s2" {
		t.Errorf("in flight: got %v, %v", s, err)
	}
}

// testReworkSameID takes a shipment of several apart where its id follows from its first delivery.
func testReworkSameID(t *testing.T, b *bench) {
	q := b.queue("e1", "e2", "e3")
	list := b.pending(q, 3)
	b.must(q.Save(shipment("s1", list...)))
	b.must(q.Save(shipment("s1", list[:1]...)))
	b.wantPending(q, "e2", "e3")
	b.must(q.Settle(shipment("s1", list[0]), delivered("r")))
	b.wantPending(q, "e2", "e3")
	b.wantDepth(q, 2, 0)
}

func testStale(t *testing.T, b *bench) {
	q := b.queue("e1", "e2", "e3")
	list := b.pending(q, 3)
	current := shipment("s1", list[0])
	b.must(q.Save(current))
	refused := func(what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	refused("settle of another", q.Settle(shipment("s2", list[0]), delivered("r")))
	refused("save of another with another first delivery", q.Save(shipment("s2", list[1])))
	refused("save of the same with more deliveries", q.Save(shipment("s1", list[:2]...)))
	b.wantDepth(q, 3, 0)
	b.must(q.Settle(current, delivered("r")))
	refused("settle twice", q.Settle(current, delivered("r")))
	refused("save of one that is settled", q.Save(current))
	b.wantPending(q, "e2", "e3")
}

func testReleased(t *testing.T, b *bench) {
	q := b.queue("e1", "e2", "e3")
	b.must(q.Save(shipment("s1", b.pending(q, 2)...)))
	b.wantPending(q, "e3")
	for _, id := range []string{"", "s0"} { // from a worker that does not know of s1
		if err := q.Save(&talkrelay.Shipment{ID: id}); err == nil {
			t.Errorf("release of %q while s1 is in flight: no error", id)
		}
	}
	b.wantPending(q, "e3")
	b.must(q.Save(&talkrelay.Shipment{ID: "s1"}))
	b.reopen()
	q = b.Queue("slack")
	if s, err := q.InFlight(); err != nil || s != nil {
		t.Errorf("in flight after the release: got %v, %v", s, err)
	}
	b.wantPending(q, "e1", "e2", "e3")
	b.wantDepth(q, 3, 0)
	b.must(q.Save(&talkrelay.Shipment{ID: "s1"})) // nothing to release: no harm
	b.wantPending(q, "e1", "e2", "e3")
}

func testSettled(t *testing.T, b *bench) {
	q := b.queue("e1", "e2", "e3")
	s := shipment("s1", b.pending(q, 2)...)
	b.must(q.Save(s))
	b.must(q.Settle(s, delivered("receipt-1")))
	b.reopen()
	q = b.Queue("slack")
	b.wantPending(q, "e3")
	b.wantDepth(q, 1, 0)
	if s, err := q.InFlight(); err != nil || s != nil {
		t.Errorf("in flight: got %v, %v", s, err)
	}
	if r, err := q.LastReceipt(); err != nil || r != "receipt-1" {
		t.Errorf("last receipt: got %q, %v", r, err)
	}
	b.must(b.Commit(b.commit([]string{"slack"}, "e1"))) // still known
	b.wantPending(q, "e3")
}

func testDead(t *testing.T, b *bench) {
	q := b.queue("e1", "e2")
	s := shipment("s1", b.pending(q, 1)...)
	b.must(q.Save(s))
	b.must(q.Settle(s, talkrelay.Outcome{Dead: "too long", At: day()}))
	b.wantPending(q, "e2")
	b.wantDepth(q, 1, 1)
	if r, _ := q.LastReceipt(); r != "" {
		t.Errorf("last receipt: got %q", r)
	}
	b.must(b.Sweep(day().Add(10_000 * time.Hour)))
	b.must(b.Commit(b.commit([]string{"slack"}, "e1"))) // known, because the letter and its event were kept
	b.wantPending(q, "e2")
	b.wantDepth(q, 1, 1)
}

func testErased(_ *testing.T, b *bench) {
	q := b.queue("e1", "e2")
	s := shipment("s1", b.pending(q, 1)...)
	b.must(q.Save(s))
	b.must(q.Settle(s, delivered("r")))
	b.must(b.Sweep(day().Add(719 * time.Hour)))
	b.must(b.Commit(b.commit([]string{"slack"}, "e1", "e2")))
	b.wantPending(q, "e2")
	b.must(b.Sweep(day().Add(721 * time.Hour)))
	b.must(b.Commit(b.commit([]string{"slack"}, "e1", "e2"))) // e1 is forgotten, e2 was never settled
	b.wantPending(q, "e2", "e1")
}

func testRechecks(t *testing.T, b *bench) {
	q := b.queue("e1", "e2", "e3")
	for i, due := range []time.Duration{20, 10, 0} {
		s := shipment(fmt.Sprintf("s%d", i), b.pending(q, 1)...)
		b.must(q.Save(s))
		o := delivered("r")
		if due > 0 {
			o.Recheck = day().Add(due * time.Minute)
		}
		b.must(q.Settle(s, o))
	}
	b.reopen()
	q = b.Queue("slack")
	next := func(want string, due time.Time) {
		t.Helper()
		s, at, err := q.NextRecheck()
		b.must(err)
		if s == nil || s.ID != want || !at.Equal(due) || string(s.Body) != "body of "+want {
			t.Errorf("got %+v at %v, want %s at %v", s, at, want, due)
		}
	}
	next("s1", day().Add(10*time.Minute))
	next("s1", day().Add(10*time.Minute)) // looking changes nothing
	b.must(q.DropRecheck("s1"))
	b.must(q.DropRecheck("s1"))
	next("s0", day().Add(20*time.Minute))
	b.must(q.DropRecheck("s0"))
	if s, _, err := q.NextRecheck(); s != nil || err != nil {
		t.Errorf("got %v, %v", s, err)
	}
}

func testLarge(t *testing.T, b *bench) {
	c := b.commit([]string{"slack"}, "e1", "e2", "e3", "e4")
	for i := range c.Events {
		c.Events[i].Message.Text = strings.Repeat("가", 1<<20) // 3 MiB
	}
	b.must(b.Commit(c))
	q := b.Queue("slack")
	for i := range 4 {
		list := b.pending(q, 100)
		if len(list) == 0 || len(list) > 3 {
			t.Fatalf("%d deliveries at once", len(list))
		}
		if want := fmt.Sprintf("e%d", i+1); list[0].Event.ID != want {
			t.Fatalf("got %s, want %s", list[0].Event.ID, want)
		}
		s := shipment(fmt.Sprintf("s%d", i), list[0])
		b.must(q.Save(s))
		b.must(q.Settle(s, delivered("r")))
	}
	b.wantPending(q)
}
