package main

import (
	"syscall"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// TestSignals stops the daemon while Slack holds the answer to a post: the first signal gives the send 10 s, the second
// ends the process at once. Either way the next start finds the post and sends no other.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		second  bool
		atLeast time.Duration
		atMost  time.Duration
	}{
		{"the first lets the send in hand finish", false, 8 * time.Second, 14 * time.Second},
		{"the second ends at once", true, 0, 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, hurried...)
			p := r.start()
			r.awaitBaseline(p)
			r.world.Slack.SetFault(sandbox.Only("chat.postMessage", sandbox.Always(sandbox.Fault{After: time.Minute})))
			r.customer("홍길동", "멈추는 중에")
			await(t, "the post", func() bool { return len(r.slack.Messages()) > 0 }, p.log)
			start := time.Now()
			p.signal(syscall.SIGTERM)
			if test.second {
				time.Sleep(200 * time.Millisecond) // two signals at the same instant are one
				p.signal(syscall.SIGTERM)
			}
			p.wait(time.Minute)
			if took := time.Since(start); took < test.atLeast || took > test.atMost {
				t.Errorf("ended after %s, want %s to %s:\n%s", took, test.atLeast, test.atMost, p.log())
			}
			r.world.Slack.SetFault(nil)
			r.awaitAll(r.start())
		})
	}
}
