// Package sinktest is the suite that every sink passes: what a destination may answer, and what must never happen then.
package sinktest

import (
	"net/http"
	"testing"

	"talkrelay/sink"
)

// Target is a sink to put through the suite.
type Target struct {
	// New returns the sink, set up to talk to baseURL (http://127.0.0.1:port, no slash at the end) through base. Its
	// pace must be fast and its timeout Timeout.
	New func(t *testing.T, baseURL string, base http.RoundTripper) sink.Sink

	// Items are what is sent; nil = Events as items.
	Items []sink.Item

	// Secrets must never be in an error: tokens, keys.
	Secrets []string

	// Customer must never be in an error: besides what Events holds, which the suite looks for on its own.
	Customer []string

	// OK answers any request of the sink, look-ups and tokens included, as the service does when all is well.
	OK http.HandlerFunc

	// IsWrite reports whether r is the request that delivers; everything else is answered by OK throughout.
	IsWrite func(r *http.Request) bool
}
