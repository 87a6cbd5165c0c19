package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
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

// TestStopAtASeam stops the daemon at each seam of its own, where it is held up for a moment: in the middle of a commit, of
// the nightly erasing and compaction, of a reload.
func TestStopAtASeam(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it holds the daemon up at each seam")
	}
	for _, w := range windows() {
		t.Run(w.name(), func(t *testing.T) {
			t.Parallel()
			r := newCrashRig(t, 2)
			if w.Seam == duringLookup {
				r.world.Slack.SetFault(sandbox.Only("chat.postMessage", sandbox.Script(&sandbox.Fault{Reset: true})))
			}
			r.customer(mischief[0], mischief[1])
			r.change(r.regulars[0], number(0, 1))
			p := r.startTrapped(&trap{Seam: w.Seam, Sink: w.Sink, Nth: w.Nth, Fault: stall, Stall: time.Second})
			await(t, "the seam", p.sprung, p.log)
			start := time.Now()
			p.stop()
			if took := time.Since(start); took > stopLimit {
				t.Errorf("ended after %s:\n%s", took, p.log())
			}
			r.customer(mischief[0], mischief[1])
			r.change(r.regulars[1], number(1, 1))
			r.settle(r.startTrapped(&trap{}))
		})
	}
}

// TestStopDuringABackup stops the daemon while somebody takes a backup and does not read it.
func TestStopDuringABackup(t *testing.T) {
	t.Parallel()
	r := newRig(t, hurried...)
	p := r.start()
	r.awaitBaseline(p)
	r.world.Slack.Down()
	for i := range 20 {
		r.customer(fmt.Sprintf("고객%d", i), strings.Repeat("긴 글 ", 8000)) // more than a socket takes in
	}
	await(t, "the rows", func() bool { return sheetArrived(r) }, p.log)
	conn, err := net.Dial("unix", filepath.Join(r.dir, "talkrelay.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /backup HTTP/1.1\r\nHost: talkrelay\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusOK || resp.ContentLength < 1<<20 {
		t.Fatalf("%+v, %v", resp, err)
	}
	start := time.Now()
	p.signal(syscall.SIGTERM)
	if code := p.wait(time.Minute); code != exitOK || time.Since(start) > stopLimit {
		t.Errorf("exit code %d after %s:\n%s", code, time.Since(start), p.log())
	}
	if err := r.world.Slack.Up(); err != nil {
		t.Fatal(err)
	}
	r.awaitAll(r.start())
}
