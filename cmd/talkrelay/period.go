package main

import (
	"fmt"
	"time"
)

// period is a stretch of time: from is in it, to is not. A zero to is open.
type period struct{ from, to time.Time }

func (p period) has(t time.Time) bool {
	return !t.Before(p.from) && (p.to.IsZero() || t.Before(p.to))
}

const dayLayout = "2006-01-02"

// timeLayouts are the ways to write a time on a command line. Without an offset it is meant in the config's time zone.
var timeLayouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"}

// parsePeriod reads two times. A day as to is in the period as a whole; "" leaves it open.
func parsePeriod(from, to string, loc *time.Location) (p period, err error) {
	if p.from, _, err = parseMoment("--from", from, loc); err != nil || to == "" {
		return p, err
	}
	day := false
	if p.to, day, err = parseMoment("--to", to, loc); err != nil {
		return p, err
	}
	if day {
		p.to = p.to.AddDate(0, 0, 1)
	}
	if !p.from.Before(p.to) {
		return p, fmt.Errorf("--to %s is before --from %s", to, from)
	}
	return p, nil
}

// parseMoment reads a day or a time, and reports whether it is a day.
func parseMoment(flag, text string, loc *time.Location) (t time.Time, day bool, err error) {
	if t, err = time.ParseInLocation(dayLayout, text, loc); err == nil {
		return t, true, nil
	}
	for _, layout := range timeLayouts {
		if t, err = time.ParseInLocation(layout, text, loc); err == nil {
			return t, false, nil
		}
	}
	return t, false, fmt.Errorf("%s %q is no day or time: write it as in 2026-01-31 or 2026-01-31T09:00", flag, text)
}

// dayOf returns the day that t is in.
func dayOf(t time.Time, loc *time.Location) period {
	t = t.In(loc)
	from := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, loc)
	return period{from, from.AddDate(0, 0, 1)}
}
