package state

import (
	"testing"
	"time"
)

func TestRecent(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 23, 9, 59, 0, 0, time.UTC)
	var r recentRecord
	r.add(start, 2)
	r.add(start.Add(2*time.Minute), 3) // the next hour
	r.add(start.Add(-time.Minute), 1)  // the clock was set back
	r.add(start.Add(5*time.Hour), 7)   // 14:59
	if got := r.until(start.Add(6 * time.Hour)); got[23] != 0 || got[22] != 7 || got[18] != 4 || got[17] != 2 {
		t.Errorf("%v", got)
	}
	if got := r.until(start.Add(30 * time.Hour)); got != [hoursKept]int{} {
		t.Errorf("a day and more later: %v", got)
	}
	r.add(start.Add(1000*time.Hour), 1)
	if got := r.until(start.Add(1000 * time.Hour)); got[23] != 1 || len(r.Counts) != hoursKept {
		t.Errorf("after a long silence: %v, %d kept", got, len(r.Counts))
	}
	if got := (recentRecord{}).until(start); got != [hoursKept]int{} {
		t.Errorf("nothing counted: %v", got)
	}
}
