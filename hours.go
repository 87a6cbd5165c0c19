package talkrelay

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hours are hours of the week, as of business. The zero Hours name none.
type Hours struct{ days [7][]span }

// span is a part of a day, in minutes of its clock from midnight; to is exclusive.
type span struct{ from, to int }

const dayMinutes = 24 * 60

// ParseHours reads hours like "Mon-Fri 09:30-18:30", "Sat,Sun 10:00-24:00" or "09:00-18:00", which is every day. What
// ends earlier than it begins goes on into the next day. Hours may overlap. The error says how to write them.
func ParseHours(texts []string) (Hours, error) {
	var h Hours
	for _, text := range texts {
		if err := h.add(text); err != nil {
			return Hours{}, err
		}
	}
	for i := range h.days {
		h.days[i] = merged(h.days[i])
	}
	return h, nil
}

// Empty reports that h names no hour at all.
func (h Hours) Empty() bool {
	for _, spans := range h.days {
		if len(spans) > 0 {
			return false
		}
	}
	return true
}

func (h *Hours) add(text string) error {
	bad := fmt.Errorf(`%q are no hours: write them like "Mon-Fri 09:30-18:30", from 00:00 to 24:00`, text)
	words := strings.Fields(text)
	if len(words) == 1 {
		words = []string{"Mon-Sun", words[0]}
	}
	if len(words) != 2 {
		return bad
	}
	days, ok := parseDays(words[0])
	begin, end, found := strings.Cut(words[1], "-")
	from, okFrom := parseClock(begin)
	to, okTo := parseClock(end)
	if !ok || !found || !okFrom || !okTo || from == to || from == dayMinutes {
		return bad
	}
	for _, day := range days {
		if to > from {
			h.days[day] = append(h.days[day], span{from, to})
			continue
		}
		h.days[day] = append(h.days[day], span{from, dayMinutes})
		if next := (day + 1) % 7; to > 0 {
			h.days[next] = append(h.days[next], span{0, to})
		}
	}
	return nil
}

var dayNames = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// parseDays reads "Mon", "Mon-Fri", "Fri-Mon" and lists of these with commas. Days are numbered from Sunday.
func parseDays(text string) (days []int, ok bool) {
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(dayNames[:], first), slices.Index(dayNames[:], last)
		if from < 0 || to < 0 {
			return nil, false
		}
		for day := from; ; day = (day + 1) % 7 {
			days = append(days, day)
			if day == to {
				break
			}
		}
	}
	return days, true
}

func parseClock(text string) (minutes int, ok bool) {
	hour, minute, found := strings.Cut(text, ":")
	h, errH := strconv.ParseUint(hour, 10, 8)
	m, errM := strconv.ParseUint(minute, 10, 8)
	minutes = int(h)*60 + int(m)
	return minutes, found && errH == nil && errM == nil && len(minute) == 2 && m < 60 && minutes <= dayMinutes
}

// merged returns spans in order, those that touch as one.
func merged(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// Until returns when the hours that t is in are over, by the clocks of loc; in is false if t is in none. Hours that never
// end are over in a week.
func (h Hours) Until(t time.Time, loc *time.Location) (end time.Time, in bool) {
	year, month, day := t.In(loc).Date()
	end = t
	for n := range 8 {
		date := time.Date(year, month, day+n, 0, 0, 0, 0, time.UTC)
		for _, s := range h.days[date.Weekday()] {
			from, to := onClock(year, month, day+n, s.from, loc), onClock(year, month, day+n, s.to, loc)
			if !from.After(end) && to.After(end) {
				end, in = to, true
			}
		}
		if !end.After(onClock(year, month, day+n, 0, loc)) || end.Before(onClock(year, month, day+n, dayMinutes, loc)) {
			break
		}
	}
	return end, in
}

// Always reports that h leaves no hour of the week out.
func (h Hours) Always() bool {
	for _, spans := range h.days {
		if len(spans) != 1 || spans[0] != (span{0, dayMinutes}) {
			return false
		}
	}
	return true
}
