package talkrelay

import (
	"fmt"
	"strings"
	"time"
)

// Holidays are days on which no business is done. The zero Holidays are none.
type Holidays struct {
	dates map[string]bool // as in 2026-01-01
	years map[int]bool    // of dates
}

// ParseHolidays reads one date a line, with its name behind it if wished: "2026-01-01 신정". Empty lines and what
// follows a # are left out. The error names the first line that is neither.
func ParseHolidays(text string) (Holidays, error) {
	h := Holidays{dates: map[string]bool{}, years: map[int]bool{}}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\uFEFF")) {
		number++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		day, err := time.Parse(time.DateOnly, words[0])
		if err != nil {
			return Holidays{}, fmt.Errorf("line %d is no date: write it like 2026-01-01, with its name behind it if you like", number)
		}
		h.dates[words[0]], h.years[day.Year()] = true, true
	}
	return h, nil
}

// None reports that no holidays have been read, not even an empty file.
func (h Holidays) None() bool { return h.dates == nil }

// Has reports whether the date of t, in its own time zone, is a holiday.
func (h Holidays) Has(t time.Time) bool { return len(h.dates) > 0 && h.dates[t.Format(time.DateOnly)] }

// Missing returns the year of which no day is among h though it should be: the present one, or from November on the
// next one. 0 = none, as of the zero Holidays.
func (h Holidays) Missing(now time.Time) (year int) {
	switch year = now.Year(); {
	case h.None():
		return 0
	case !h.years[year]:
		return year
	case now.Month() >= time.November && !h.years[year+1]:
		return year + 1
	}
	return 0
}
