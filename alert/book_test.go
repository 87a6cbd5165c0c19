package alert_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"talkrelay/alert"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// diary steps a Book every ten seconds from start and notes what it tells.
type diary struct {
	book  alert.Book
	now   time.Time
	lines []string
}

// during steps for d with these conditions.
func (y *diary) during(d time.Duration, present ...alert.Condition) {
	if y.now.IsZero() {
		y.now = start
	}
	for end := y.now.Add(d); y.now.Before(end); y.now = y.now.Add(10 * time.Second) {
		r, ok := y.book.Step(y.now, alert.Times{}, present)
		if !ok {
			continue
		}
		line := y.now.Sub(start).String()
		for _, part := range []struct {
			mark string
			list []alert.Condition
		}{{"+", r.Raised}, {"=", r.Standing}, {"-", r.Recovered}} {
			for _, c := range part.list {
				line += " " + part.mark + c.Name
			}
		}
		y.lines = append(y.lines, line)
	}
}

func (y *diary) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(y.lines, want) {
		t.Errorf("told\n%q\nwant\n%q", y.lines, want)
	}
}

func paused(name string) alert.Condition { return alert.Condition{Kind: alert.Paused, Name: name} }

func TestToldOnceThenSeldomThenOver(t *testing.T) {
	t.Parallel()
	var y diary
	y.during(time.Hour)
	y.during(27*time.Hour, paused("cs"))
	y.during(10 * time.Hour)
	y.expect(t, "1h2m30s +cs", "2h3m0s =cs", "4h3m30s =cs", "8h4m0s =cs", "16h4m30s =cs", "28h2m30s -cs")
}

// A blip is no news, and a short moment of health is no recovery.
func TestShortIsNotTold(t *testing.T) {
	t.Parallel()
	var y diary
	for range 50 {
		y.during(time.Minute, paused("cs"))
		y.during(5 * time.Minute)
	}
	y.expect(t)
	from := y.now
	for range 10 {
		y.during(3*time.Minute, paused("cs"))
		y.during(time.Minute)
	}
	if want := fmt.Sprintf("%s +cs", from.Add(2*time.Minute+30*time.Second).Sub(start)); len(y.lines) != 1 || y.lines[0] != want {
		t.Errorf("told %q, want %q", y.lines, want)
	}
}

// What goes and comes for a day, each time long enough to be told, is told ever more seldom.
func TestFlappingIsDamped(t *testing.T) {
	t.Parallel()
	var y diary
	for range 24 * 6 {
		y.during(5*time.Minute, paused("cs"))
		y.during(5 * time.Minute)
	}
	if n := len(y.lines); n < 5 || n > 16 {
		t.Errorf("a day of flapping made %d messages: %q", n, y.lines)
	}
	y.during(2 * time.Hour)
	if last := y.lines[len(y.lines)-1]; last[len(last)-3:] != "-cs" {
		t.Errorf("it is not told that it is over: %s", last)
	}
}

// When the network goes, everything goes at once.
func TestStormIsOneMessage(t *testing.T) {
	t.Parallel()
	var y diary
	var all []alert.Condition
	for i := range 5 {
		all = append(all, paused(fmt.Sprint("s", i)))
		y.during(10*time.Second, all...)
	}
	y.during(30*time.Minute, all...)
	y.during(30 * time.Minute)
	y.expect(t, "2m30s +s0 +s1 +s2 +s3 +s4", "33m20s -s0 -s1 -s2 -s3 -s4")
	var second diary
	second.during(2*time.Minute, all[0])
	second.during(20*time.Minute, all...)
	second.expect(t, "2m30s +s0", "7m30s +s1 +s2 +s3 +s4 =s0")
}

// One new trouble a minute, for hours, is not one message a minute.
func TestMessagesKeepApart(t *testing.T) {
	t.Parallel()
	var y diary
	var all []alert.Condition
	for i := range 120 {
		all = append(all, paused(fmt.Sprint("s", i)))
		y.during(time.Minute, all...)
	}
	if n := len(y.lines); n < 10 || n > 26 {
		t.Errorf("two hours made %d messages", n)
	}
}

func TestMoreDeadLettersAreNews(t *testing.T) {
	t.Parallel()
	var y diary
	dead := func(n int) alert.Condition { return alert.Condition{Kind: alert.Dead, Name: "cs", Count: n} }
	y.during(10*time.Minute, dead(1))
	y.during(10*time.Minute, dead(3))
	y.during(30*time.Minute, dead(5))
	y.expect(t, "2m30s +cs", "10m30s =cs")
}

// A restart repeats nothing, forgets nothing, and knows what is over.
func TestBookSurvivesRestart(t *testing.T) {
	t.Parallel()
	var y diary
	restart := func() {
		data, err := json.Marshal(&y.book)
		if err != nil {
			t.Fatal(err)
		}
		y.book = alert.Book{}
		if err := json.Unmarshal(data, &y.book); err != nil {
			t.Fatal(err)
		}
	}
	y.during(10*time.Minute, paused("cs"), paused("tab"))
	restart()
	if y.book.Well() || !y.book.Standing(alert.Paused, "cs") {
		t.Error("forgotten")
	}
	y.during(40 * time.Second) // before anything is known
	y.during(10*time.Minute, paused("tab"))
	restart()
	y.during(70*time.Minute, paused("tab"))
	y.expect(t, "2m30s +cs +tab", "12m30s =tab -cs", "1h3m0s =tab")
}

// A clock that is put back by a day makes no day of silence.
func TestClockPutBack(t *testing.T) {
	t.Parallel()
	var y diary
	y.during(10*time.Minute, paused("cs"))
	y.now = y.now.Add(-24 * time.Hour)
	y.during(time.Hour, paused("cs"), paused("tab"))
	y.during(time.Hour)
	if n := len(y.lines); n < 3 || n > 5 {
		t.Errorf("told %q", y.lines)
	}
}

// Whatever a Book has told adds up: it raises what does not stand, recovers what does, and Well says the same.
func TestBookAddsUp(t *testing.T) {
	t.Parallel()
	rapidly(t, func(steps []uint8) {
		var book alert.Book
		stands := map[string]bool{}
		now := start
		for _, s := range steps {
			now = now.Add(time.Duration(s%16) * time.Minute)
			var present []alert.Condition
			for i := range 4 {
				if s>>(4+i)&1 == 1 {
					present = append(present, paused(fmt.Sprint(i)))
				}
			}
			r, _ := book.Step(now, alert.Times{}, present)
			for _, c := range r.Raised {
				if stands[c.Name] {
					t.Fatalf("%s raised twice", c.Name)
				}
				stands[c.Name] = true
			}
			for _, c := range r.Recovered {
				if !stands[c.Name] {
					t.Fatalf("%s is over and never was", c.Name)
				}
				delete(stands, c.Name)
			}
			if book.Well() != (len(stands) == 0) {
				t.Fatalf("well %t, standing %v", book.Well(), stands)
			}
		}
	})
}
