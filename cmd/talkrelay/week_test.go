package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay"
	"talkrelay/dispatch"
	"talkrelay/sink"
	"talkrelay/state"
)

// closedSink is a destination that is down until a time, then takes everything, and notes what comes in which order.
type closedSink struct {
	until  time.Time
	events []string
	heap   uint64 // the most that was in use at a send
	sends  int
}

func (s *closedSink) Wait(ctx context.Context) error { return ctx.Err() }

func (s *closedSink) Prepare(_ string, items []sink.Item, _ string) ([]byte, int, error) {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.Event.ID
	}
	return []byte(strings.Join(ids, " ")), len(items), nil
}

func (s *closedSink) Send(_ context.Context, m sink.Message) (sink.Receipt, error) {
	if s.sends++; s.sends%10 == 1 {
		s.heap = max(s.heap, heapInUse())
	}
	if time.Now().Before(s.until) {
		return "", &sink.Error{Verdict: sink.PauseDestination, Op: "send", Reason: "down for the week"}
	}
	s.events = append(s.events, strings.Fields(string(m.Body))...)
	return sink.Receipt(m.ID), nil
}

func (s *closedSink) Resolve(context.Context, sink.Message) (sink.Receipt, bool, error) {
	return "", false, nil
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestWeekWithoutSink lets 10,000 inquiries wait for a sink that is down for a week. They wait on disk, not in memory,
// and come in order when it is up again. It does not run beside other tests: it measures the memory of this process.
func TestWeekWithoutSink(t *testing.T) {
	const events, size = 10_000, 8 << 10 // 80 MB in all
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.db")
		db, err := state.Open(state.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		before := heapInUse()
		week := &closedSink{until: time.Now().Add(7 * 24 * time.Hour)}
		q := db.Queue("box")
		worker := dispatch.NewWorker(dispatch.WorkerConfig{Sink: "box", Target: week, Outbox: q, Receipts: q, MaxItems: 500, Retry: dispatch.RetryConfig{Max: time.Hour}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- worker.Run(ctx) }()
		for first := 0; first < events; first += 100 {
			if err := db.Commit(inquiries(db, first, 100, size)); err != nil {
				t.Fatal(err)
			}
			worker.Wake()
			time.Sleep(90 * time.Minute)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * 24 * time.Hour)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for i, id := range week.events {
			if id != eventID(i) {
				t.Fatalf("place %d is %s", i, id)
			}
		}
		if len(week.events) != events {
			t.Errorf("%d of %d arrived", len(week.events), events)
		}
		grown := int64(week.heap) - int64(before)
		t.Logf("%d tries; file %d MiB, heap grown by %d KiB at most", week.sends, info.Size()>>20, grown>>10)
		if info.Size() > events*size*3/2 {
			t.Errorf("the file has %d bytes for %d of events", info.Size(), events*size)
		}
		if grown > 32<<20 {
			t.Errorf("the heap has grown by %d bytes", grown)
		}
		report, err := db.Sweep(t.Context(), time.Now().Add(31*24*time.Hour))
		if err != nil || report.Erased != events || report.After > 4<<20 {
			t.Errorf("after all of it was delivered: %+v, %v", report, err)
		}
	})
}

func eventID(i int) string { return fmt.Sprintf("event-%05d", i) }

// inquiries is a commit of n events of about size bytes for the sink "box".
func inquiries(db *state.DB, first, n, size int) talkrelay.Commit {
	c := talkrelay.Commit{Epoch: db.Epoch(), Channel: "main", Stream: "chats"}
	for i := first; i < first+n; i++ {
		c.Events = append(c.Events, talkrelay.Event{ID: eventID(i), Seen: time.Now(), Envelope: []byte(`"` + strings.Repeat("x", size) + `"`)})
		c.Deliveries = append(c.Deliveries, talkrelay.Delivery{EventID: eventID(i), Sink: "box", Route: "all"})
	}
	return c
}
