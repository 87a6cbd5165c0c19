package poller

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when a job runs. It is a cron expression or an interval; the zero value never fires.
//
// A calendar expression follows the clock on the wall of its time zone. Where that clock is moved (not in Asia/Seoul or
// Asia/Tokyo), a time that a change skips is skipped that day, and a time that it repeats fires twice.
type Schedule struct {
	spec  string
	every time.Duration // of "@every", else 0
	cal   cron.Schedule // of a calendar expression, else nil
	loc   *time.Location
}

// Bounds of an interval. robfig/cron turns a shorter one into a second without a word; we refuse it.
const (
	minEvery = time.Second
	maxEvery = 366 * 24 * time.Hour
)

// jitter is the share of an interval by which a run may come early or late, so that many channels (and many
// installations) do not ask at the same moment for ever. Calendar expressions are kept to the second.
const jitter = 0.1

// parser accepts five fields, or six with the seconds first, or a descriptor like "@daily".
var parser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// ParseSchedule reads a cron expression: five fields, six with the seconds first, "@daily" and its like, or
// "@every 5s". Calendar times are meant in loc (nil = Asia/Seoul) unless spec begins with "TZ=…" or "CRON_TZ=…".
//
// It wraps the parser of robfig/cron v3.0.1, which panics on some time zone prefixes, accepts expressions that never
// fire and lengthens intervals silently: all of these are errors here.
func ParseSchedule(spec string, loc *time.Location) (Schedule, error) {
	spec = strings.TrimSpace(spec)
	zone, fields, err := splitZone(spec)
	if err != nil {
		return Schedule{}, err
	}
	switch {
	case zone != nil:
		loc = zone
	case loc == nil:
		loc = Seoul()
	}
	if text, ok := strings.CutPrefix(fields, "@every"); ok {
		every, err := parseEvery(text)
		return Schedule{spec: spec, every: every}, err
	}
	cal, err := parseCalendar(fields)
	if err != nil {
		return Schedule{}, err
	}
	cal.Location = loc
	s := Schedule{spec: spec, cal: cal, loc: loc}
	if s.Next(time.Now()).IsZero() {
		return Schedule{}, errors.New("never fires within five years; check day and month")
	}
	return s, nil
}

// Seoul returns the time zone of the defaults, also on a machine without a time zone database.
func Seoul() *time.Location {
	if loc, err := time.LoadLocation("Asia/Seoul"); err == nil {
		return loc
	}
	return time.FixedZone("Asia/Seoul", 9*60*60)
}

// splitZone takes a "TZ=" or "CRON_TZ=" prefix off spec. The zone is nil if there is none.
func splitZone(spec string) (*time.Location, string, error) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(spec, "CRON_"), "TZ=")
	if !ok {
		return nil, spec, nil
	}
	name, fields, _ := strings.Cut(rest, " ")
	fields = strings.TrimSpace(fields)
	if name == "" || fields == "" {
		return nil, "", errors.New(`a time zone must be named and followed by the times, as in "TZ=Asia/Seoul 0 9 * * 1-5"`)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, "", fmt.Errorf("time zone %q is not known; write it as in Asia/Seoul", name)
	}
	return loc, fields, nil
}

func parseEvery(text string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(text))
	switch {
	case err != nil || text == strings.TrimLeft(text, " \t"):
		return 0, errors.New(`an interval is written as in "@every 5s" or "@every 1m30s"`)
	case d < minEvery:
		return 0, fmt.Errorf("an interval of %v is too short; the shortest is %v", d, minEvery)
	case d > maxEvery:
		return 0, fmt.Errorf("an interval of %v is too long; the longest is a year", d)
	}
	return d, nil
}

// parseCalendar calls the parser, whose panics become errors.
func parseCalendar(fields string) (s *cron.SpecSchedule, err error) {
	defer func() {
		if recover() != nil {
			s, err = nil, fmt.Errorf("%q is not a cron expression", fields)
		}
	}()
	if fields == "" {
		return nil, errors.New(`is empty; write a cron expression or "@every 5s"`)
	}
	parsed, err := parser.Parse(fields)
	if err != nil {
		return nil, fmt.Errorf("%w (five fields: minute hour day month weekday, a sixth in front for seconds)", err)
	}
	s, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("%q is not a cron expression", fields)
	}
	// The parser reads "," as no value at all, and Next then tries every second of five years.
	const star = 1 << 63
	for _, bits := range []uint64{s.Second, s.Minute, s.Hour, s.Dom, s.Month, s.Dow} {
		if bits&^star == 0 {
			return nil, fmt.Errorf("%q has a field without a value", fields)
		}
	}
	return s, nil
}

// String returns the text it was parsed from.
func (s Schedule) String() string { return s.spec }

// Next returns the first time after t at which the job is due, without jitter. Zero = never.
func (s Schedule) Next(t time.Time) time.Time {
	switch {
	case s.every > 0:
		return t.Add(s.every)
	case s.cal != nil:
		return s.cal.Next(t.In(s.loc))
	}
	return time.Time{}
}

// after is Next with jitter. An interval moves by at most a tenth, either way; a calendar time does not move.
func (s Schedule) after(t time.Time) time.Time {
	if s.every > 0 {
		return t.Add(s.every + time.Duration((2*rand.Float64()-1)*jitter*float64(s.every)))
	}
	return s.Next(t)
}
