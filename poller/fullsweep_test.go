package poller_test

import (
	"fmt"
	"testing"

	"talkrelay/poller"
)

// closedLongAgo fills a with 100 chats, one closed every hour, the last of them 40 days ago, in pages of 20.
func closedLongAgo(a *talk) {
	a.cap = 20
	for i := range 100 {
		a.close(a.open(fmt.Sprintf("old%02d", i), "opened"))
		a.now += 3_600_000
	}
	a.now += 40 * 24 * 3_600_000
}

// hide takes a chat out of every list until it is shown again.
func hide(a *talk, id string) (show func()) {
	c := a.chats[id]
	delete(a.chats, id)
	return func() { a.chats[id] = c }
}

// The full sweep reads the closed chats to their end, also those that a sweep has no reason to look at.
func TestFullSweepReadsEverything(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	closedLongAgo(a)
	id := openedID(a.chats["old03"])
	show := hide(a, "old03")
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	show()
	a.rows = 0
	run(t, p, poller.JobSweep)
	if wantIDs(t, s, opened); a.rows > 60 { // a day of them, and the page that is past it
		t.Errorf("the sweep read %d rows", a.rows)
	}
	run(t, p, poller.JobFullSweep)
	wantIDs(t, s, opened, id)
}
