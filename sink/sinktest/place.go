package sinktest

import (
	"bytes"
	"context"
	"testing"

	"talkrelay/sink"
)

// Place is a destination that is not reached over HTTP, with nothing in it: a file, a mail server, a database.
type Place struct {
	// New returns a new sink for it, as after a restart.
	New func() sink.Sink
	// Count returns how many different deliveries it holds. What the destination itself can tell to be a repeat is one.
	Count func() int
	// Break makes it refuse everything until repair is called.
	Break   func() (repair func())
	Secrets []string // must never be in an error
}

// RunPlace puts sinks through the part of the suite that holds wherever they deliver to. open makes a new Place.
func RunPlace(t *testing.T, open func(t *testing.T) Place) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, Place)
	}{
		{"repeats", repeats},
		{"outage", outage},
		{"cancelled context", cancelledAtPlace},
		{"prepare", preparedForPlace},
		{"hostile texts", hostileToPlace},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.run(t, open(t))
		})
	}
}

func (p Place) expect(t *testing.T, n int) {
	t.Helper()
	if got := p.Count(); got != n {
		t.Errorf("the destination holds %d deliveries, want %d", got, n)
	}
}

// repeats: the same message again, by the same sink or after a restart, is no other delivery; and bytes stay what they are.
func repeats(t *testing.T, p Place) {
	set := items(Events()[:3])
	s := p.New()
	for i, item := range set {
		m := message(t, s, []sink.Item{item})
		before := bytes.Clone(m.Body)
		for attempt := 1; attempt <= 3; attempt++ {
			if attempt == 3 {
				s = p.New()
			}
			m.Attempt = attempt
			if receipt, err := send(t, s, m); err != nil || receipt == "" {
				t.Fatalf("attempt %d: receipt %q, error %v", attempt, receipt, err)
			}
			p.expect(t, i+1)
		}
		if !bytes.Equal(m.Body, before) {
			t.Error("send changed the message's bytes")
		}
	}
}

// outage: what is refused is no success, no bad message, shows nothing, and arrives once when all is well again.
func outage(t *testing.T, p Place) {
	s := p.New()
	target := Target{Items: items(Events()[:1]), Secrets: p.Secrets}
	if _, err := send(t, s, message(t, s, items(Events()[1:2]))); err != nil {
		t.Fatal(err)
	}
	m := message(t, s, target.Items)
	repair := p.Break()
	for range 2 {
		_, err := send(t, s, m)
		if verdict := checkError(t, target, "outage", err); verdict == sink.Bad || verdict == sink.Rework {
			t.Errorf("%s, though any other message would have failed too: %v", verdict, err)
		}
		s = p.New()
	}
	repair()
	if receipt, err := send(t, s, m); err != nil || receipt == "" {
		t.Errorf("after the outage: receipt %q, error %v", receipt, err)
	}
	p.expect(t, 2)
}

// cancelledAtPlace: a context that has ended sends nothing, or nobody knows.
func cancelledAtPlace(t *testing.T, p Place) {
	s := p.New()
	m := message(t, s, items(Events()[:1]))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Send(ctx, m)
	target := Target{Items: items(Events()[:1]), Secrets: p.Secrets}
	if verdict := checkError(t, target, "cancelled", err); verdict != sink.InDoubt && verdict != sink.Retry {
		t.Errorf("got %s, want in doubt or retry", verdict)
	}
	if _, found, err := s.Resolve(t.Context(), m); found || err != nil {
		t.Errorf("found what was never sent: %t, %v", found, err)
	}
}

// preparedForPlace: the bytes depend on the id and the items alone, and making them delivers nothing.
func preparedForPlace(t *testing.T, p Place) {
	samePreparation(t, p.New(), false)
	p.expect(t, 0)
}

// hostileToPlace: every event can be prepared and delivered, alone and with others.
func hostileToPlace(t *testing.T, p Place) {
	s := p.New()
	all := items(Events())
	for _, item := range all {
		item.Event.ID = "alone " + item.Event.ID
		if receipt, err := send(t, s, message(t, s, []sink.Item{item})); err != nil || receipt == "" {
			t.Errorf("%s: receipt %q, error %v", item.Event.ID, receipt, err)
		}
	}
	p.expect(t, len(all))
	for rest := all; len(rest) > 0; {
		id := newID()
		body, n, err := s.Prepare(id, rest, "")
		if err != nil || n < 1 {
			t.Fatalf("prepare from %s on: took %d, error %v", rest[0].Event.ID, n, err)
		}
		if _, err := send(t, s, sink.Message{ID: id, Body: body, Attempt: 1}); err != nil {
			t.Errorf("from %s on: %v", rest[0].Event.ID, err)
		}
		rest = rest[n:]
	}
	p.expect(t, 2*len(all))
}
