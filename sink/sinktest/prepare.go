package sinktest

import (
	"bytes"
	"testing"

	"talkrelay"
	"talkrelay/sink"
)

// prepare: the bytes depend on the id and the items alone, and making them sends nothing.
func prepare(t *testing.T, target Target) {
	srv := newServer(t, target)
	s := srv.sink(t)
	before := srv.requests()
	samePreparation(t, s, target.IDHeader != "")
	if made := srv.requests() - before; made != 0 {
		t.Errorf("prepare made %d requests", made)
	}
}

// samePreparation fails the test unless s makes the same bytes of the same id and items, with the id in them unless it
// goes elsewhere.
func samePreparation(t *testing.T, s sink.Sink, idElsewhere bool) {
	t.Helper()
	set, id := items(Events()), newID()
	body, n, err := s.Prepare(id, set, "")
	if err != nil || n < 1 || n > len(set) {
		t.Fatalf("prepare %d items: took %d, error %v", len(set), n, err)
	}
	frozen := bytes.Clone(body)
	again, m, err := s.Prepare(id, items(Events()), "")
	if err != nil || m != n || !bytes.Equal(again, frozen) {
		t.Errorf("the same id and items made other bytes (%d and %d items, error %v):\n%s\n%s", n, m, err, frozen, again)
	}
	if !bytes.Equal(body, frozen) {
		t.Error("the second prepare changed the bytes of the first")
	}
	other, _, err := s.Prepare(newID(), set, "")
	if err != nil || bytes.Equal(other, frozen) != idElsewhere {
		t.Errorf("another id made bytes that are the same: %t (error %v): the destination cannot tell the two apart, or the id is not where it is said to be",
			bytes.Equal(other, frozen), err)
	}
	if !idElsewhere && !bytes.Contains(frozen, []byte(id)) {
		t.Errorf("the bytes do not hold the id %s", id)
	}
}

// hostile: every event can be prepared and delivered, alone and with others.
func hostile(t *testing.T, target Target) {
	srv := newServer(t, target)
	s := srv.sink(t)
	for rest := items(Events()); len(rest) > 0; {
		_, n, err := s.Prepare(newID(), rest, "")
		if err != nil || n < 1 || n > len(rest) {
			t.Fatalf("prepare from %s on: took %d of %d, error %v", rest[0].Event.ID, n, len(rest), err)
		}
		rest = rest[n:]
	}
	for _, e := range Events() {
		if receipt, err := send(t, s, message(t, s, items([]talkrelay.Event{e}))); err != nil || receipt == "" {
			t.Errorf("%s: receipt %q, error %v", e.ID, receipt, err)
		}
	}
}

func items(events []talkrelay.Event) []sink.Item {
	out := make([]sink.Item, len(events))
	for i, e := range events {
		out[i] = sink.Item{Event: e, Route: "test"}
	}
	return out
}
