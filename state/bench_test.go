package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/state"
)

func BenchmarkCommitOneEvent(b *testing.B) {
	db := mustOpen(b, state.Config{Path: tempPath(b)})
	i := 0
	for b.Loop() {
		i++
		must(b, db.Commit(oneEvent(db, fmt.Sprintf("e%d", i))))
	}
}

// BenchmarkCommitNothing is a poll that saw a page of 500 chats and found nothing new.
func BenchmarkCommitNothing(b *testing.B) {
	db := mustOpen(b, state.Config{Path: tempPath(b)})
	c := users(db, 0, 500)
	must(b, db.Commit(c))
	for b.Loop() {
		must(b, db.Commit(c))
	}
}

// BenchmarkSettle is one delivery: Save before it is sent, Settle after.
func BenchmarkSettle(b *testing.B) {
	db := mustOpen(b, state.Config{Path: tempPath(b)})
	n := 0
	fill := func() {
		c := talkrelay.Commit{Epoch: db.Epoch(), Channel: "main", Stream: "chats"}
		for range 1000 {
			n++
			one := oneEvent(db, fmt.Sprintf("e%d", n))
			c.Events, c.Deliveries = append(c.Events, one.Events...), append(c.Deliveries, one.Deliveries...)
		}
		must(b, db.Commit(c))
	}
	q := db.Queue("slack")
	left := 0
	for b.Loop() {
		if left == 0 {
			b.StopTimer()
			fill()
			left = 1000
			b.StartTimer()
		}
		left--
		must(b, settleOne(q))
	}
}

// BenchmarkDepth is of a queue of 100,000.
func BenchmarkDepth(b *testing.B) {
	db := mustOpen(b, state.Config{Path: tempPath(b)})
	for i := range 100 {
		c := talkrelay.Commit{Epoch: db.Epoch(), Channel: "main", Stream: "chats"}
		for j := range 1000 {
			one := oneEvent(db, fmt.Sprintf("e%d", 1000*i+j))
			c.Events, c.Deliveries = append(c.Events, one.Events...), append(c.Deliveries, one.Deliveries...)
		}
		must(b, db.Commit(c))
	}
	q := db.Queue("slack")
	for b.Loop() {
		if waiting, _, _, err := q.Depth(); waiting != 100_000 || err != nil {
			b.Fatal(waiting, err)
		}
	}
}

// BenchmarkOpenMillionUsers opens a file with a million known users, and says how large it is, how much memory a process
// that has opened it takes, and how long a compaction of it is.
func BenchmarkOpenMillionUsers(b *testing.B) {
	const n = 1_000_000
	cfg := state.Config{Path: tempPath(b)}
	db := mustOpen(b, cfg)
	for i := 0; i < n; i += 10_000 {
		must(b, db.Commit(users(db, i, 10_000)))
	}
	grown := fileSize(b, cfg.Path)
	must(b, db.Commit(entities(db, map[string][]byte{userID(0): nil})))
	start := time.Now()
	_, err := db.Sweep(b.Context(), time.Now())
	must(b, err)
	compaction := time.Since(start)
	must(b, db.Close())

	for b.Loop() {
		db, err := state.Open(cfg)
		must(b, err)
		page, err := db.Entities("main", talkrelay.EntityUser, userID(n/2), 1)
		if err != nil || len(page) != 1 {
			b.Fatal(len(page), err)
		}
		must(b, db.Close())
	}
	b.ReportMetric(float64(grown)/n, "B/user-grown")
	b.ReportMetric(float64(fileSize(b, cfg.Path))/n, "B/user-compacted")
	b.ReportMetric(float64(compaction.Milliseconds()), "ms/compaction")
	_, out, _ := helper(b, "memory", cfg.Path)
	for out.Scan() {
		b.Log(out.Text())
	}
}

// userID is like those of Channel Talk: 24 hex digits, the first eight a time.
func userID(i int) string {
	return fmt.Sprintf("%08x%016x", 0x66000000+i, uint64(i)*0x9E3779B97F4A7C15)
}

func users(db *state.DB, from, n int) talkrelay.Commit {
	c := entities(db, nil)
	for i := from; i < from+n; i++ {
		c.Entities[talkrelay.Ref{Type: talkrelay.EntityUser, ID: userID(i)}] = bytes.Repeat([]byte{byte('a' + i%26)}, 100)
	}
	return c
}

func fileSize(b *testing.B, path string) int64 {
	b.Helper()
	info, err := os.Stat(path)
	must(b, err)
	return info.Size()
}

// printMemory says what this process takes now.
func printMemory() error {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	found := false
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("VmRSS")) || bytes.HasPrefix(line, []byte("RssAnon")) {
			found = true
			fmt.Print(string(line))
		}
	}
	if !found {
		return errors.New("no VmRSS in /proc/self/status")
	}
	return nil
}
