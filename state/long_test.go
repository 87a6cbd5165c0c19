package state_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/state"
)

// TestYear works through a year of days, each with its inquiries, its changed customers and its sweep at night. The file
// is as large at the end as after the first two months: what comes in is what goes out.
func TestYear(t *testing.T) {
	t.Parallel()
	const aDay = 10
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	start := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	largest := func(from, to int) (size int64) {
		for day := from; day < to; day++ {
			now := start.AddDate(0, 0, day)
			c := talkrelay.Commit{Epoch: db.Epoch(), Channel: "main", Stream: "chats", Entities: map[talkrelay.Ref][]byte{}}
			for i := range aDay {
				id := fmt.Sprintf("e%d-%d", day, i)
				e := talkrelay.Event{ID: id, Seen: now, Envelope: []byte(`"` + strings.Repeat("x", 1000) + `"`)}
				c.Events = append(c.Events, e)
				c.Deliveries = append(c.Deliveries, talkrelay.Delivery{EventID: id, Sink: "slack"})
				c.Entities[talkrelay.Ref{Type: talkrelay.EntityUser, ID: fmt.Sprint(i)}] = fmt.Append(nil, strings.Repeat("c", 20+(day*i)%80))
			}
			must(t, db.Commit(c))
			list, err := db.Queue("slack").Pending(aDay)
			must(t, err)
			s := shipment(fmt.Sprint(day), list...)
			must(t, db.Queue("slack").Save(s))
			must(t, db.Queue("slack").Settle(s, talkrelay.Outcome{Receipt: "r", At: now}))
			_, err = db.Sweep(t.Context(), now.Add(18*time.Hour))
			must(t, err)
			info, err := os.Stat(path)
			must(t, err)
			size = max(size, info.Size())
		}
		return size
	}
	first, rest := largest(0, 60), largest(60, 365)
	t.Logf("%d bytes at most in the first 60 days, %d in the other 305", first, rest)
	if rest > first+first/10 {
		t.Errorf("the file has grown from %d to %d bytes", first, rest)
	}
	if got := filesIn(t, filepath.Dir(path)); !slices.Equal(got, []string{"talkrelay.db", "talkrelay.db.lock"}) {
		t.Errorf("files: %v", got)
	}
}

// TestClockJumps sets the clock forth and back by a day between any two steps. What waits keeps its order, what is
// known stays known, and nothing that is not settled is erased.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, state.Config{Path: tempPath(t)})
	q := db.Queue("slack")
	var want []string
	now := time.Now()
	for i, jump := range []time.Duration{0, 24, -24, -24, 24, 0, 24, -24} {
		now = now.Add(jump*time.Hour + time.Minute)
		id := fmt.Sprintf("e%d", i)
		c := oneEvent(db, id)
		c.Events[0].Seen, c.Events[0].At = now, now
		must(t, db.Commit(c))
		want = append(want, id)
		for _, at := range []time.Time{now, now.Add(24 * time.Hour), now.Add(-24 * time.Hour)} {
			_, err := db.Sweep(t.Context(), at)
			must(t, err)
		}
		c.Events[0].Seen = now.Add(-24 * time.Hour)
		must(t, db.Commit(c)) // seen again, by another clock
	}
	for _, id := range want {
		list, err := q.Pending(1)
		must(t, err)
		if len(list) != 1 || list[0].Event.ID != id {
			t.Fatalf("next is %v, want %s", list, id)
		}
		s := shipment("s"+id, list...)
		must(t, q.Save(s))
		must(t, q.Settle(s, talkrelay.Outcome{Receipt: id, At: now.Add(-24 * time.Hour), Recheck: now.Add(-24 * time.Hour)}))
		now = now.Add(-24 * time.Hour)
	}
	for _, id := range want { // settled, and known for the retention, give or take the jumps
		must(t, db.Commit(oneEvent(db, id)))
	}
	if got := waiting(t, db); len(got) > 0 {
		t.Errorf("known events wait again: %v", got)
	}
	for range want {
		s, _, err := q.NextRecheck()
		must(t, err)
		if s == nil {
			t.Fatal("a recheck is gone")
		}
		must(t, q.DropRecheck(s.ID))
	}
}
