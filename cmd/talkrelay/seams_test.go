package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// TestSeams springs a trap at every seam of the daemon, of every kind, and then lets it go on (a killed one is started
// again). Nothing is lost, nothing is doubled. With -short it only kills. A stall lasts a second, or with
//
//	TALKRELAY_STALL=30s go test -run TestSeams -timeout 1h ./cmd/talkrelay
func TestSeams(t *testing.T) {
	t.Parallel()
	length := time.Second
	if text := os.Getenv("TALKRELAY_STALL"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range windows() {
		for _, fault := range []string{kill, fail, stall} {
			if testing.Short() && fault != kill {
				continue
			}
			if fault == fail && strings.HasPrefix(w.Seam, duringSweep) && w.Seam != duringSweep+sweepSteps[0] {
				continue // the file system says no once for all steps
			}
			t.Run(w.name()+"/"+fault, func(t *testing.T) {
				t.Parallel()
				springTrap(t, &trap{Seam: w.Seam, Sink: w.Sink, Nth: w.Nth, Fault: fault, Stall: length})
			})
		}
	}
}

// window is a place at which a trap can be set.
type window struct {
	Seam, Sink string
	Nth        int // it is first reached with something at stake at this time
}

func (w window) name() string {
	if w.Sink == "" {
		return w.Seam
	}
	return w.Seam + " to " + w.Sink
}

// windows are all there are.
func windows() []window {
	list := []window{
		{Seam: afterPoll, Nth: 1}, {Seam: beforeCommit, Nth: 1}, {Seam: afterCommit, Nth: 1},
		{Seam: duringLookup, Sink: slackSink, Nth: 1},
		{Seam: duringReload, Nth: 2}, // the first time is the start
	}
	for _, seam := range []string{beforeSend, afterAcceptance, beforeSettle, afterSettle} {
		for _, sink := range []string{slackSink, inquiriesSink, changesSink} {
			list = append(list, window{Seam: seam, Sink: sink, Nth: 1})
		}
	}
	for _, step := range sweepSteps {
		list = append(list, window{Seam: duringSweep + step, Nth: 1})
	}
	return list
}

// The demo's sinks.
const (
	slackSink     = "cs-alerts"
	inquiriesSink = "inquiries"
	changesSink   = "changes"
)

// springTrap lets two things happen, waits for the trap to spring on them, lets two more happen, and compares.
func springTrap(t *testing.T, set *trap) {
	r := newCrashRig(t, 2)
	if set.Seam == duringLookup {
		r.world.Slack.SetFault(sandbox.Only("chat.postMessage", sandbox.Script(&sandbox.Fault{Reset: true})))
	}
	bother := func(regular int) {
		r.customer(mischief[0], mischief[1])
		r.change(r.regulars[regular], number(regular, 1))
	}
	bother(0)
	p := r.startTrapped(set)
	await(t, "the trap", p.sprung, p.log)
	if set.Fault == kill {
		if code := p.wait(patience); code != -1 {
			t.Fatalf("exit code %d, want the end by a signal\n%s", code, p.log())
		}
		p = r.startTrapped(&trap{})
	}
	bother(1)
	r.settle(p)
}
