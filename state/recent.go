package state

import "time"

// hoursKept is how many hours back a queue remembers how much it delivered.
const hoursKept = 24

// recentRecord counts a queue's deliveries by the hour, the present one included. Its zero value has counted nothing.
type recentRecord struct {
	Hour   int64 `json:"hour,omitempty"`   // the latest hour counted, since 1970
	Counts []int `json:"counts,omitempty"` // of that hour and those before it, latest first, at most hoursKept
}

// add counts n deliveries at the time at. Those of a clock that was set back count for the latest hour.
func (r *recentRecord) add(at time.Time, n int) {
	hour := at.Unix() / 3600
	if r.Counts == nil {
		r.Hour, r.Counts = hour, []int{n}
		return
	}
	if gone := hour - r.Hour; gone > 0 {
		fresh := make([]int, min(gone, hoursKept))
		r.Counts = append(fresh, r.Counts...)
		r.Counts = r.Counts[:min(len(r.Counts), hoursKept)]
		r.Hour = hour
	}
	r.Counts[0] += n
}

// until returns the counts of the last hoursKept hours up to the one of now, oldest first.
func (r recentRecord) until(now time.Time) [hoursKept]int {
	var list [hoursKept]int
	ago := max(0, now.Unix()/3600-r.Hour)
	for i, n := range r.Counts {
		if at := int64(hoursKept-1) - ago - int64(i); at >= 0 {
			list[at] = n
		}
	}
	return list
}
