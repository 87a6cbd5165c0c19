package sinktest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"talkrelay/sink"
)

// server answers as the service would, except where a case has scripted something else.
type server struct {
	*httptest.Server
	target Target
	base   http.RoundTripper

	mu      sync.Mutex
	script  http.HandlerFunc // for writes; nil = OK
	lookups http.HandlerFunc // for everything else; nil = OK
	seen    []write
	others  int
}

// write is a write that arrived.
type write struct {
	body   string
	header http.Header
}

func newServer(t *testing.T, target Target) *server {
	t.Helper()
	base, err := sink.BaseTransport(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{target: target, base: base}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		base.CloseIdleConnections()
		s.Close()
	})
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away while sending
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	isWrite := s.target.IsWrite(r)
	r.Body = io.NopCloser(bytes.NewReader(body)) // IsWrite may have read it
	s.mu.Lock()
	handle := s.lookups
	if isWrite {
		handle = s.script
		s.seen = append(s.seen, write{string(body), r.Header.Clone()})
	} else {
		s.others++
	}
	s.mu.Unlock()
	if handle == nil {
		handle = s.target.OK
	}
	handle(w, r)
}

// sink returns a new sink of the target that talks to s.
func (s *server) sink(t *testing.T) sink.Sink {
	t.Helper()
	return s.target.New(t, s.URL, s.base)
}

// answerWrites makes h answer writes from now on, and forgets those seen.
func (s *server) answerWrites(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script, s.seen = h, nil
}

// answerOthers makes h answer everything but writes from now on.
func (s *server) answerOthers(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookups = h
}

func (s *server) writes() []write {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// requests counts everything that arrived.
func (s *server) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen) + s.others
}
