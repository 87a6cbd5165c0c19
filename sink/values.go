package sink

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DateLayout is how a time prints unless a template asks for another layout.
const DateLayout = "2006-01-02 15:04"

// Time is a time that prints as DateLayout, and as nothing if it is zero.
type Time struct{ time.Time }

func (t Time) String() string { return t.Format(DateLayout) }

// Format is time.Time's, but "" for the zero time.
func (t Time) Format(layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.Time.Format(layout)
}

// Duration is a duration that prints as nothing if it is zero.
type Duration time.Duration

func (d Duration) String() string {
	if d == 0 {
		return ""
	}
	return time.Duration(d).String()
}

// Minutes is d in whole minutes, "" if d is zero.
func (d Duration) Minutes() string {
	if d == 0 {
		return ""
	}
	return strconv.FormatInt(int64(time.Duration(d)/time.Minute), 10)
}

// List is a list that prints with commas, and as nothing if it is empty.
type List []string

func (l List) String() string { return strings.Join(l, ", ") }

// Profile holds a customer's profile fields. It prints in order of their names, and as nothing if it is empty.
type Profile map[string]string

func (p Profile) String() string {
	parts := make([]string, 0, len(p))
	for _, key := range slices.Sorted(maps.Keys(p)) {
		parts = append(parts, key+": "+p[key])
	}
	return strings.Join(parts, ", ")
}
