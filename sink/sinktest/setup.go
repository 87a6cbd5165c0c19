package sinktest

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"talkrelay"
	"talkrelay/sink"
)

// Must returns a sink that was made without an error.
func Must[S sink.Sink](t testing.TB, s S, err error) S {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Message prepares all of events at once into a message with that id, as a worker does before the first attempt.
func Message(t testing.TB, s sink.Sink, id string, events ...talkrelay.Event) sink.Message {
	t.Helper()
	body, n, err := s.Prepare(id, items(events), "")
	if err != nil || n != len(events) {
		t.Fatalf("prepared %d of %d: %v", n, len(events), err)
	}
	return sink.Message{ID: id, Body: body, Attempt: 1}
}

// Dir returns a new directory, and what takes it away until it is put back: a Break of a Place on a disk. Its name is one that
// people give.
func Dir(t testing.TB) (dir string, away func() (back func())) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "a b?c#d%20e")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	move := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	return dir, func() func() {
		move(dir, dir+".away")
		return func() { move(dir+".away", dir) }
	}
}

// Reply is an answer to r, which is read to its end, for a service in memory: an http.RoundTripper.
func Reply(r *http.Request, status int, header http.Header, body string) *http.Response {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}
