package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// TestSuspended stops the process, as a hypervisor or a debugger does, for longer than every timeout and look-up of its
// settings, wherever it is. When it goes on, what it was waiting for is long over. TALKRELAY_SEED repeats a run, and
//
//	TALKRELAY_SUSPEND=10m go test -count 1 -run TestSuspended -timeout 20m ./cmd/talkrelay
//
// stops it once for that long.
func TestSuspended(t *testing.T) {
	t.Parallel()
	seed := setting(t, seedVariable, uint64(time.Now().UnixNano()))
	t.Logf("%s=%d", seedVariable, seed)
	random := rand.New(rand.NewPCG(seed, 1))
	times, length := 5, 2*time.Second // longer than timeout and look-ups together
	if text := os.Getenv("TALKRELAY_SUSPEND"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		times = 1
	}
	r := newRig(t,
		`"@every 2s"`, `"@every 1s"`,
		`channel = `, `lookups_answered = ["100ms", "200ms"]
lookups_unanswered = ["300ms", "500ms"]
recheck_after = "1s"
timeout = "1s"
per_second = 100.0
per_minute = 10000.0
channel = `)
	r.world.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	r.world.Google.Set(sandbox.GoogleSettings{WritesPerMinute: -1, ReadsPerMinute: -1})
	p := r.start()
	r.awaitBaseline(p)
	r.world.SetFault(sandbox.RandomFaults(seed, 0.1, 200*time.Millisecond))
	for i := range times {
		for range 1 + random.IntN(4) {
			r.customer(fmt.Sprintf("고객 %d", i), "멈추기 전의 문의")
		}
		time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond) // wherever it is by then
		p.signal(syscall.SIGSTOP)
		r.customer(fmt.Sprintf("고객 %d", i), "멈춘 동안의 문의")
		time.Sleep(length) // the fault itself
		p.signal(syscall.SIGCONT)
	}
	r.world.SetFault(nil)
	await(t, "everything, once each", func() bool { return r.once() == "" }, func() string { return r.once() + "\n" + p.log() })
	if slack, sheet := r.slackKeys(), rowKeys(r.rows(demoInquiries)); !slices.Equal(slack, sheet) {
		t.Errorf("the order differs:\nslack %v\nsheet %v", slack, sheet)
	}
	p.stop()
}

// TestClockJumpsWhileRunning sets the clock of every service forth by a day, twice, just before a message whose answer is
// lost: to the daemon that is as if its own had been set back. Google gives out no tokens then; nothing else may care.
func TestClockJumpsWhileRunning(t *testing.T) {
	t.Parallel()
	var off atomic.Int64
	now := func() time.Duration { return time.Duration(off.Load()) }
	r := newRigOf(t, shopAt(t, now, now), hurried...)
	p := r.start()
	r.awaitBaseline(p)
	for i := range 2 {
		off.Add(int64(24 * time.Hour))
		r.world.Slack.SetFault(sandbox.Only("chat.postMessage", sandbox.Script(&sandbox.Fault{Reset: true}))) // to be looked up
		chat := r.customer(fmt.Sprintf("고객 %d", i), "시계가 바뀌기 전의 문의")
		event := chat.ID() + "/"
		p.awaitLine("in doubt", "sink=cs-alerts", event)
		p.awaitLine("msg=delivered", "sink=cs-alerts", event)
	}
	r.world.SetFault(nil)
	off.Store(int64(0))
	await(t, "everything, once each", func() bool { return r.once() == "" }, func() string { return r.once() + "\n" + p.log() })
	p.stop()
}
