package main

import (
	"bytes"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/poller"
)

// TestRowIsAbout tells the rows of a chat's openings apart.
func TestRowIsAbout(t *testing.T) {
	t.Parallel()
	kst := time.FixedZone("KST", 9*3600)
	at := func(clock string) time.Time {
		when, err := time.ParseInLocation("01-02 15:04:05", clock, kst)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	wall := func(clock string) time.Time { w, _ := time.Parse("01-02 15:04:05", clock); return w }
	first := poller.Opening{At: at("03-02 09:10:30"), Chat: talkrelay.Chat{CreatedAt: at("03-01 23:50:10"), FirstAskedAt: at("03-05 10:00:07")}}
	again := poller.Opening{At: at("03-04 00:00:30"), Reopened: true, Chat: first.Chat}
	for _, test := range []struct {
		row          string
		first, again bool
	}{
		{"03-02 09:10:30", true, false}, // when it was opened
		{"03-02 09:10:00", true, false}, // to the minute, as own columns write it
		{"03-01 23:50:10", true, false}, // made, and not asked yet
		{"03-01 23:50:00", true, false},
		{"03-02 01:00:00", true, false}, // asked before the opening
		{"03-05 10:00:07", true, false}, // asked after it
		{"03-04 00:00:30", false, true},
		{"03-04 00:00:00", false, true},
		{"03-03 15:00:30", false, false}, // another opening between
		{"03-01 23:49:59", false, false},
		{"03-04 00:00:31", false, false},
		{"03-02 00:10:30", true, false},
		{"03-02 18:10:30", false, false}, // the same moment by another zone's clock
	} {
		if got := rowIsAbout(first, wall(test.row), kst); got != test.first {
			t.Errorf("%s, about the first opening: %t", test.row, got)
		}
		if got := rowIsAbout(again, wall(test.row), kst); got != test.again {
			t.Errorf("%s, about the second: %t", test.row, got)
		}
	}
	if !rowIsAbout(first, time.Time{}, kst) || !rowIsAbout(again, time.Time{}, kst) {
		t.Error("a row without a time may be about any opening")
	}
}

// TestBackfillView shows a job to somebody who reads a file.
func TestBackfillView(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newBackfillView(&out, &screenEnglish)
	now := time.Now()
	p := backfillProgress{Total: 1000, Step: "looking at what inquiries holds"}
	for second := range 21 {
		p.Chats = 10 * second
		if second > 0 {
			p.Step = ""
		}
		if second == 15 {
			p.Trouble, p.Waiting = "sink inquiries: post: 503", 50
		}
		v.show(p, now.Add(time.Duration(second)*time.Second))
	}
	v.end()
	want := `  5%  50 of 1000 chats, 0 added, 2m left
 10%  100 of 1000 chats, 0 added, 2m left
 15%  150 of 1000 chats, 0 added, 50 waiting, waits: sink inquiries: post: 503
 20%  200 of 1000 chats, 0 added, 50 waiting, waits: sink inquiries: post: 503
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
	if got := bar(backfillProgress{Chats: 42, Total: 100}); got != "[██████████░░░░░░░░░░░░░░]" {
		t.Error(got)
	}
}

// TestPeriod reads days and times.
func TestPeriod(t *testing.T) {
	t.Parallel()
	kst := time.FixedZone("KST", 9*3600)
	p, err := parsePeriod("2026-01-01", "2026-01-31", kst)
	if err != nil || p.from.Format(time.RFC3339) != "2026-01-01T00:00:00+09:00" || p.to.Format(time.RFC3339) != "2026-02-01T00:00:00+09:00" {
		t.Errorf("%v %v", p, err)
	}
	p, err = parsePeriod("2026-01-01T09:30", "2026-01-01T00:31:00Z", kst)
	if err != nil || !p.has(p.from) || p.has(p.to) || p.to.Sub(p.from) != time.Minute {
		t.Errorf("%v %v", p, err)
	}
	if p, err = parsePeriod("2026-01-01", "", kst); err != nil || !p.has(time.Now().AddDate(100, 0, 0)) || p.has(p.from.Add(-1)) {
		t.Errorf("%v %v", p, err)
	}
}
