package alert

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Times are the waits of a Book. Zero values mean the defaults.
type Times struct {
	After     time.Duration // how long a thing must be wrong before it is told, and right before its recovery is; 0 = 2m
	Gather    time.Duration // how long a message waits for others to join it; 0 = 30s
	Apart     time.Duration // least time between two messages; 0 = 5m
	Repeat    time.Duration // until what still stands is told again; doubles each time; 0 = 1h
	RepeatMax time.Duration // the longest of these waits; 0 = 24h
}

// Defaults of Times.
const (
	DefaultAfter     = 2 * time.Minute
	DefaultGather    = 30 * time.Second
	DefaultApart     = 5 * time.Minute
	DefaultRepeat    = time.Hour
	DefaultRepeatMax = 24 * time.Hour
)

func (t Times) withDefaults() Times {
	t.After, t.Gather = cmp.Or(t.After, DefaultAfter), cmp.Or(t.Gather, DefaultGather)
	t.Apart, t.Repeat = cmp.Or(t.Apart, DefaultApart), cmp.Or(t.Repeat, DefaultRepeat)
	t.RepeatMax = max(cmp.Or(t.RepeatMax, DefaultRepeatMax), t.Repeat)
	return t
}

// What comes back after it was called over must stay away twice as long before it is called over again, up to
// maxSettle; this is forgotten when it has stayed away for forget.
const (
	maxSettle = time.Hour
	forget    = 6 * time.Hour
)

// Book keeps what is wrong and what has been told of it. Its JSON form is what a restart remembers: what was told
// before the restart is not told again at once. It is for one goroutine at a time.
type Book struct {
	entries map[string]*entry
	due     time.Time // since when something is to be told; zero = nothing is
	last    time.Time // message
}

// entry is one condition. It is pending until it is raised, then stands until it is closed.
type entry struct {
	Condition
	First   time.Time     `json:"first"`           // when it was seen first, this time
	Gone    time.Time     `json:"gone,omitzero"`   // since when it is not seen; zero = it is there
	Raised  time.Time     `json:"raised,omitzero"` // zero = pending
	Told    time.Time     `json:"told,omitzero"`
	Wait    time.Duration `json:"wait,omitempty"` // from Told to the next time
	Counted int           `json:"counted,omitempty"`
	Closed  time.Time     `json:"closed,omitzero"`
	Returns int           `json:"returns,omitempty"` // how often it came back
}

// Step takes what is wrong now and returns what is to be told now, if anything is.
func (b *Book) Step(now time.Time, t Times, present []Condition) (Report, bool) {
	t = t.withDefaults()
	b.mark(now, present)
	b.forget(now, t)
	var due []*entry
	for _, e := range b.sorted() {
		if e.due(now, t) {
			due = append(due, e)
		}
	}
	switch {
	case len(due) == 0:
		b.due = time.Time{}
		return Report{}, false
	case b.due.IsZero():
		b.due = now
	}
	if !passed(b.due, t.Gather, now) || !b.last.IsZero() && !passed(b.last, t.Apart, now) {
		return Report{}, false
	}
	b.due, b.last = time.Time{}, now
	for _, e := range b.sorted() {
		if e.joins(now, t) {
			due = append(due, e)
		}
	}
	return b.report(now, t, due), true
}

// Standing reports whether a condition has been raised and not been closed.
func (b *Book) Standing(k Kind, name string) bool {
	e := b.entries[Condition{Kind: k, Name: name}.key()]
	return e != nil && e.standing()
}

// Well reports whether nothing stands.
func (b *Book) Well() bool {
	for _, e := range b.entries {
		if e.standing() {
			return false
		}
	}
	return true
}

// mark notes what is there and what is not.
func (b *Book) mark(now time.Time, present []Condition) {
	if b.entries == nil {
		b.entries = map[string]*entry{}
	}
	seen := map[string]bool{}
	for _, c := range present {
		c = c.presentable()
		seen[c.key()] = true
		e := b.entries[c.key()]
		switch {
		case e == nil:
			e = &entry{First: now}
			b.entries[c.key()] = e
		case !e.Closed.IsZero():
			*e = entry{First: now, Returns: e.Returns + 1}
		}
		if since := e.Since; !since.IsZero() && (c.Since.IsZero() || since.Before(c.Since)) {
			c.Since = since // a restart, or a moment of health too short to be told, does not make it younger
		}
		if c.Since.IsZero() {
			c.Since = now
		}
		e.Condition, e.Gone = c, time.Time{}
	}
	for key, e := range b.entries {
		if !seen[key] && e.Gone.IsZero() {
			e.Gone = now
		}
	}
}

// forget removes what went before it was told, and what has been over for long.
func (b *Book) forget(now time.Time, t Times) {
	for key, e := range b.entries {
		if e.Raised.IsZero() && e.Closed.IsZero() && !e.Gone.IsZero() && passed(e.Gone, t.After, now) {
			e.Closed = e.Gone
		}
		if !e.Closed.IsZero() && (e.Returns == 0 && e.Raised.IsZero() || passed(e.Closed, forget, now)) {
			delete(b.entries, key)
		}
	}
}

func (b *Book) sorted() []*entry {
	var all []*entry
	for _, key := range slices.Sorted(maps.Keys(b.entries)) {
		all = append(all, b.entries[key])
	}
	return all
}

func (b *Book) report(now time.Time, t Times, due []*entry) Report {
	r := Report{At: now}
	for _, e := range due {
		switch {
		case e.Raised.IsZero():
			e.Raised, e.Wait = now, t.Repeat
			r.Raised = append(r.Raised, e.Condition)
		case !e.Gone.IsZero():
			e.Closed, e.Until = now, e.Gone
			r.Recovered = append(r.Recovered, e.Condition)
			continue
		default:
			e.Wait = min(2*e.Wait, t.RepeatMax)
		}
		e.Told, e.Counted = now, e.Count
	}
	for _, e := range b.sorted() {
		if e.standing() && !e.Raised.Equal(now) {
			r.Standing = append(r.Standing, e.Condition)
		}
	}
	return r
}

func (e *entry) standing() bool { return !e.Raised.IsZero() && e.Closed.IsZero() }

// due reports whether something is to be told of e.
func (e *entry) due(now time.Time, t Times) bool {
	there := e.Gone.IsZero()
	switch {
	case !e.Closed.IsZero():
		return false
	case e.Raised.IsZero():
		return there && passed(e.First, t.After, now)
	case there:
		return passed(e.Told, e.Wait, now) || e.Kind == Dead && e.Counted > 0 && e.Count >= 2*e.Counted
	}
	return passed(e.Gone, e.settle(t), now)
}

// joins reports whether e is so nearly due that a message which is sent anyway takes it along.
func (e *entry) joins(now time.Time, t Times) bool {
	pending := e.Raised.IsZero() && e.Closed.IsZero() && e.Gone.IsZero()
	return pending && !e.due(now, t) && passed(e.First, t.After-t.Gather, now)
}

// settle is how long e must stay away before it is over.
func (e *entry) settle(t Times) time.Duration {
	if e.Returns > 10 {
		return max(maxSettle, t.After)
	}
	return max(min(t.After<<e.Returns, maxSettle), t.After)
}

// passed reports whether d has passed since then. A clock that was put back makes it true: rather early than never.
func passed(then time.Time, d time.Duration, now time.Time) bool {
	gone := now.Sub(then)
	return gone >= d || gone < 0
}

// bookFile is the JSON form of a Book.
type bookFile struct {
	Last    time.Time `json:"last,omitzero"`
	Entries []*entry  `json:"entries,omitempty"`
}

// MarshalJSON writes what a restart must know.
func (b *Book) MarshalJSON() ([]byte, error) {
	return json.Marshal(bookFile{b.last, b.sorted()})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (b *Book) UnmarshalJSON(data []byte) error {
	var f bookFile
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	*b = Book{entries: map[string]*entry{}, last: f.Last}
	for _, e := range f.Entries {
		if e != nil {
			b.entries[e.key()] = e
		}
	}
	return nil
}
