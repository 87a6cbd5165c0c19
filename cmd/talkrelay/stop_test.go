package main

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// stopLimit is how long the daemon may take to stop: ten seconds for the send in hand, and some for a slow machine.
const stopLimit = 20 * time.Second

// TestStopWhileWaiting stops the daemon while it waits for an answer that does not come, at each kind of work that asks a
// service. It stops well and in time, and the next start delivers everything once.
func TestStopWhileWaiting(t *testing.T) {
	t.Parallel()
	path := func(suffix string) func(sandbox.Request) bool {
		return func(q sandbox.Request) bool { return strings.HasSuffix(q.Path, suffix) }
	}
	for _, test := range []struct {
		name  string
		stuck func(sandbox.Request) bool
		lost  bool // the answer to the first post is lost, so that it is looked for
	}{
		{"poll", func(q sandbox.Request) bool { return q.Query.Get("state") == "opened" }, false},
		{"sweep", func(q sandbox.Request) bool { return q.Query.Get("state") == "closed" }, false},
		{"contacts", func(q sandbox.Request) bool { return strings.Contains(q.Path, "/users/") }, false},
		{"send", path("chat.postMessage"), false},
		{"look-up in doubt", path("conversations.history"), true},
		{"write to the sheet", path(":batchUpdate"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, hurried...)
			p := r.start()
			r.awaitBaseline(p)
			var lost, stuck atomic.Bool
			r.world.SetFault(func(_ string, q sandbox.Request) *sandbox.Fault {
				if test.lost && path("chat.postMessage")(q) && lost.CompareAndSwap(false, true) {
					return &sandbox.Fault{Reset: true}
				}
				if !test.stuck(q) {
					return nil
				}
				stuck.Store(true)
				return &sandbox.Fault{After: time.Minute}
			})
			chat := r.customer("홍길동", "멈추는 중에")
			if test.name == "sweep" {
				chat.Close()
			}
			await(t, "the work", stuck.Load, p.log)
			start := time.Now()
			p.stop()
			if took := time.Since(start); took > stopLimit {
				t.Errorf("ended after %s:\n%s", took, p.log())
			}
			r.world.SetFault(nil)
			r.awaitAll(r.start())
		})
	}
}
