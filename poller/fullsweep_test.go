package poller_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

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

// A machine that is off at night, or a daemon that is often restarted, gets its full sweep too, and only one a day.
func TestMissedFullSweepIsMadeUpFor(t *testing.T) {
	t.Parallel()
	hours := func(ctx context.Context, p *poller.Poller) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Hour)
		defer cancel()
		return p.Run(ctx)
	}
	once := func(ctx context.Context, p *poller.Poller) error { return p.Once(ctx) }
	for name, work := range map[string]func(context.Context, *poller.Poller) error{"office hours": hours, "once": once} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a, s := newTalk(), newStore()
				closedLongAgo(a)
				id := openedID(a.chats["old03"])
				show := hide(a, "old03")
				up := func() (rows int) {
					a.rows = 0
					p := newPoller(t, a, s, func(c *poller.Config) { c.Poll, c.Sweep = "@every 10m", "@every 3h" })
					if err := work(t.Context(), p); err != nil {
						t.Fatal(err)
					}
					return a.rows
				}
				up() // from 9 o'clock in Seoul
				show()
				time.Sleep(22 * time.Hour)
				up()
				wantIDs(t, s, opened, id)
				if rows := up(); rows > 60 {
					t.Errorf("%d rows read after a restart on the same day", rows)
				}
			})
		})
	}
}
