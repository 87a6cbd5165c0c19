package poller_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"talkrelay/channeltalk"
	"talkrelay/poller"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is an API that notes when each list was asked for.
type journal struct {
	*talk
	asked map[string][]time.Time // by state
	ticks []time.Time            // first pages of polls
	slow  time.Duration          // a reply takes so long
	busy  atomic.Int32           // requests under way
	most  int32                  // at once
}

func newJournal() *journal { return &journal{talk: newTalk(), asked: map[string][]time.Time{}} }

func (j *journal) UserChats(ctx context.Context, q channeltalk.Query) (*channeltalk.ChatPage, error) {
	j.most = max(j.most, j.busy.Add(1))
	defer j.busy.Add(-1)
	j.asked[q.State] = append(j.asked[q.State], time.Now())
	if q.State == "opened" && q.Limit == 25 {
		j.ticks = append(j.ticks, time.Now())
	}
	select {
	case <-time.After(j.slow):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return j.talk.UserChats(ctx, q)
}

// live runs a poller for so long and returns what Run returned.
func live(t *testing.T, p *poller.Poller, d time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return p.Run(ctx)
}

func gaps(times []time.Time) (d []time.Duration) {
	for i := 1; i < len(times); i++ {
		d = append(d, times[i].Sub(times[i-1]))
	}
	return d
}

func TestRunForADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newJournal(), newStore()
		var beats atomic.Int64
		p := newPoller(t, a, s, func(c *poller.Config) { c.Beat = func() { beats.Add(1) } })
		if err := live(t, p, 24*time.Hour); err != nil {
			t.Fatal(err)
		}
		polls, sweeps := len(a.asked["opened"])-len(a.asked["closed"]), len(a.asked["closed"])-1 // the first walk reads closed too
		if polls < 17_000 || polls > 17_500 {
			t.Errorf("%d polls in a day of one every 5 s", polls)
		}
		if sweeps < 1430 || sweeps > 1450 {
			t.Errorf("%d sweeps in a day of one a minute, and one full one", sweeps)
		}
		if s.commits > 30 {
			t.Errorf("%d commits in a day without news", s.commits)
		}
		if beats.Load() < 24*60*6 {
			t.Errorf("%d beats, want one every 10 s at least", beats.Load())
		}
		if st := p.Status(); time.Since(st.LastGood) > 10*time.Second || st.Trouble != "" || st.Requests < 34_000 {
			t.Errorf("status = %+v", st)
		}
	})
}

func TestFirstPollIsAtOnceAndSweepSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, start := newJournal(), time.Now()
		p := newPoller(t, a, newStore(), func(c *poller.Config) { c.Poll, c.Sweep = "0 9 * * *", "@every 1h" })
		if err := live(t, p, time.Minute); err != nil {
			t.Fatal(err)
		}
		asked := a.asked["opened"]
		if len(asked) != 2 || asked[0] != start || asked[1].Sub(start) > 5*time.Second {
			t.Errorf("asked at %v, started at %v", asked, start)
		}
	})
}

func TestJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newJournal()
		p := newPoller(t, a, newStore(), func(c *poller.Config) { c.Poll, c.Sweep = "@every 10s", "*/20 * * * * *" })
		if err := live(t, p, time.Hour); err != nil {
			t.Fatal(err)
		}
		var least, most time.Duration = time.Hour, 0
		for _, d := range gaps(a.asked["queued"])[1:] {
			least, most = min(least, d), max(most, d)
		}
		if most > 11*time.Second || most < 10500*time.Millisecond {
			t.Errorf("longest gap %v, want up to 11s", most)
		}
		for _, at := range a.asked["snoozed"][2:] { // the first walk and the first sweep have times of their own
			if at.Second()%20 != 0 || at.Nanosecond() != 0 {
				t.Fatalf("calendar job ran at %v", at)
			}
		}
	})
}

func TestJobsNeverOverlap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newJournal()
		a.slow = 4 * time.Second // a poll takes 8 s
		p := newPoller(t, a, newStore(), func(c *poller.Config) { c.ContactRequestsPerMinute = 30 })
		if err := live(t, p, time.Hour); err != nil {
			t.Fatal(err)
		}
		if a.most != 1 {
			t.Errorf("%d requests at once", a.most)
		}
		if n := len(a.asked["snoozed"]); n < 5 {
			t.Errorf("%d sweeps in an hour of polls that are always due", n)
		}
		if n := len(a.asked["opened"]); n > 3600/8+n/8 {
			t.Errorf("%d polls of 8 s in an hour: ticks were not skipped", n)
		}
	})
}

// A sweep that goes on for an hour is due all the time, and still lets the less important jobs in.
func TestNobodyStarves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newJournal(), newStore()
		for i := range 100 {
			c := a.open(fmt.Sprintf("c%03d", i), "snoozed")
			c.SnoozedAt = c.CreatedAt
		}
		p := newPoller(t, a, s, func(c *poller.Config) { c.ContactRequestsPerMinute = 30 })
		run(t, p, poller.JobPoll)
		a.cap, a.slow = 1, 40*time.Second
		if err := live(t, p, time.Hour); err != nil {
			t.Fatal(err)
		}
		if n := sum(a.talk); n < 5 {
			t.Errorf("%d customers read in an hour", n)
		}
	})
}

// A long full sweep gives way to polls between its pages.
func TestPollGoesBeforeFullSweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newJournal(), newStore()
		for i := range 5000 {
			a.close(a.open(fmt.Sprintf("c%05d", i), "opened"))
		}
		p := newPoller(t, a, s, func(c *poller.Config) { c.FullSweep, c.Sweep = "30 * * * *", "@every 1h" })
		if err := live(t, p, 20*time.Minute); err != nil {
			t.Fatal(err)
		}
		a.slow = 2 * time.Second
		a.asked = map[string][]time.Time{}
		if err := live(t, p, 25*time.Minute); err != nil {
			t.Fatal(err)
		}
		if n := len(a.asked["closed"]); n < 10 {
			t.Fatalf("%d pages of closed chats, want the 10 of a full sweep", n)
		}
		for _, d := range gaps(a.asked["queued"]) {
			if d > 15*time.Second {
				t.Errorf("a poll was %v after the one before", d)
			}
		}
	})
}

func TestOnce(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, nil)
	if err := p.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, d := a.open("c", "opened"), a.open("d", "opened")
	a.close(d)
	if err := p.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, s, opened, openedID(c), openedID(d))
	a.fail = func(string) error { return errDown }
	if err := p.Once(t.Context()); !errors.Is(err, channeltalk.Server) {
		t.Errorf("err = %v", err)
	}
	if err := p.PollOnce(t.Context(), "nap"); err == nil {
		t.Error("no error for an unknown job")
	}
}
