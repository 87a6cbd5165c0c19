package talkrelay

import "time"

// Calendar says when business is done.
type Calendar struct {
	Hours    Hours // empty = at all hours
	Holidays Holidays
	Location *time.Location // whose clocks and days are meant; nil = UTC
}

// calendarReach bounds how far back business time is counted, so that a chat from years ago costs no more than others.
const calendarReach = 366 * 24 * time.Hour

// Between returns how much time of business there was from a time to another; 0 if that is earlier. It is time that has
// really passed: where clocks are put forward in business hours, the day is an hour shorter. Of more than a year only
// the last one is counted.
func (c Calendar) Between(from, to time.Time) time.Duration {
	loc := c.Location
	if loc == nil {
		loc = time.UTC
	}
	if to.Sub(from) > calendarReach {
		from = to.Add(-calendarReach)
	}
	year, month, day := from.In(loc).Date()
	var sum time.Duration
	for ; ; day++ {
		at := func(minutes int) time.Time { return onClock(year, month, day, minutes, loc) }
		if !at(0).Before(to) {
			return sum
		}
		for _, s := range c.spans(time.Date(year, month, day, 0, 0, 0, 0, time.UTC)) {
			begin, end := later(at(s.from), from), at(s.to)
			if end.After(to) {
				end = to
			}
			sum += max(0, end.Sub(begin))
		}
	}
}

// onClock returns when a clock shows so many minutes of a day. What it leaves out comes an hour later.
func onClock(year int, month time.Month, day, minutes int, loc *time.Location) time.Time {
	t := time.Date(year, month, day, 0, minutes, 0, 0, loc)
	if behind := minutes - t.Hour()*60 - t.Minute(); behind > 0 && minutes < dayMinutes {
		t = t.Add(time.Duration(behind) * time.Minute)
	}
	return t
}

// spans returns the hours of business of a date.
func (c Calendar) spans(date time.Time) []span {
	switch {
	case c.Holidays.Has(date):
		return nil
	case c.Hours.Empty():
		return []span{{0, dayMinutes}}
	}
	return c.Hours.days[date.Weekday()]
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
