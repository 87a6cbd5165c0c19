// Package sinktest is the suite that every sink passes: what a destination may answer, and what must never happen then.
// It looks at a sink from both ends: at what it returns to a worker, and at what arrives at a scripted server.
package sinktest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"talkrelay/sink"
)

// Timeout is what New must set as the sink's timeout of one request.
const Timeout = 2 * time.Second

// Target is a sink that speaks HTTP, to put through Run. For others there is Place.
type Target struct {
	// New returns the sink, set up to talk to baseURL (http://127.0.0.1:port, no slash at the end) through base, with
	// Timeout as its timeout and a pace that never waits. It is called for every case.
	New func(t *testing.T, baseURL string, base http.RoundTripper) sink.Sink

	// Items are what is sent; nil = the first of Events.
	Items []sink.Item

	// Secrets must never be in an error: tokens, keys.
	Secrets []string

	// Customer must never be in an error, besides what Events holds.
	Customer []string

	// OK answers any request of the sink, look-ups and tokens included, as the service does when all is well.
	OK http.HandlerFunc

	// IsWrite reports whether r is the request that delivers. All others are answered by OK where nothing else is said.
	IsWrite func(r *http.Request) bool

	// Accepts reports whether an answer with that status is a yes, whatever its body; nil = none is.
	Accepts func(status int) bool

	// IDHeader is the header that carries the message's id; "" = the bytes of the message hold it.
	IDHeader string
}

// accepts reports whether the status alone is a yes.
func (t Target) accepts(status int) bool { return t.Accepts != nil && t.Accepts(status) }

// Run puts target through the suite.
func Run(t *testing.T, target Target) {
	if target.Items == nil {
		target.Items = items(Events()[:1])
	}
	for _, part := range []struct {
		name string
		run  func(*testing.T, Target)
	}{
		{"delivers", delivers},
		{"statuses", statuses},
		{"look-ups that fail", failedLookups},
		{"redirects", redirects},
		{"slow server", slowServer},
		{"cancelled context", cancelled},
		{"connection refused", refused},
		{"broken connections", broken},
		{"prepare", prepare},
		{"hostile texts", hostile},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.run(t, target)
		})
	}
}

// delivers: an accepted message has a receipt, took one write, and left the bytes alone.
func delivers(t *testing.T, target Target) {
	srv := newServer(t, target)
	s := srv.sink(t)
	m := message(t, s, target.Items)
	before := string(m.Body)
	for attempt := 1; attempt <= 2; attempt++ {
		m.Attempt = attempt
		receipt, err := send(t, s, m)
		if err != nil || receipt == "" {
			t.Fatalf("send to a service where all is well: receipt %q, error %v", receipt, err)
		}
	}
	writes := srv.writes()
	if len(writes) != 2 {
		t.Fatalf("two sends made %d writes", len(writes))
	}
	if writes[0].body != writes[1].body {
		t.Errorf("the second attempt sent other bytes:\n%s\n%s", writes[0].body, writes[1].body)
	}
	if string(m.Body) != before {
		t.Error("send changed the message's bytes")
	}
	for _, w := range writes {
		if target.IDHeader != "" && w.header.Get(target.IDHeader) != m.ID {
			t.Errorf("the header %s holds %q, the id is %q", target.IDHeader, w.header.Get(target.IDHeader), m.ID)
		}
		for key := range w.header {
			if strings.HasSuffix(strings.ToLower(key), "idempotency-key") {
				t.Errorf("the write has the header %s, which makes net/http repeat it", key)
			}
		}
	}
}

// message prepares items into a message, as a worker does before the first attempt.
func message(t *testing.T, s sink.Sink, items []sink.Item) sink.Message {
	t.Helper()
	id := newID()
	body, n, err := s.Prepare(id, items, "")
	if err != nil || n < 1 || n > len(items) || len(body) == 0 {
		t.Fatalf("prepare %d items: %d bytes of %d items, error %v", len(items), len(body), n, err)
	}
	return sink.Message{ID: id, Body: body, Attempt: 1, FirstSent: time.Now()}
}

// send waits for the sink's pace and sends m.
func send(t *testing.T, s sink.Sink, m sink.Message) (sink.Receipt, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*Timeout)
	defer cancel()
	if err := s.Wait(ctx); err != nil {
		t.Fatalf("wait: %v", err)
	}
	return s.Send(ctx, m)
}

func newID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}
