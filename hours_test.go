package talkrelay_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"talkrelay"
)

func TestParseHoursRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "Mon", "Mon-Fri", "09:00", "Mon 9-18", "Mon 09:00-25:00", "Mon 09:60-18:00", "Mon 24:00-09:00", "Mon 09:00-09:00",
		"Funday 09:00-18:00", "Mon- 09:00-18:00", "월-금 09:00-18:00", "Mon 09:00-18:00 KST", "Mon 09:0-18:00", "Mon 09:00-18:0x",
	} {
		if _, err := talkrelay.ParseHours([]string{"Mon 09:00-18:00", text}); err == nil || !strings.Contains(err.Error(), "Mon-Fri 09:30-18:30") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestBusinessTime(t *testing.T) {
	t.Parallel()
	office := []string{"Mon-Fri 09:30-18:30"}
	for name, tt := range map[string]struct {
		zone     string
		hours    []string
		holidays string
		from, to string // of the zone's clock
		want     string
	}{
		"at all hours":          {"Asia/Seoul", nil, "", "2026-11-25 10:00", "2026-11-26 10:00", "24h"},
		"backwards":             {"Asia/Seoul", nil, "", "2026-11-25 10:00", "2026-11-25 09:00", "0s"},
		"within a day":          {"Asia/Seoul", office, "", "2026-11-25 10:00", "2026-11-25 10:45", "45m"},
		"overnight":             {"Asia/Seoul", office, "", "2026-11-25 18:00", "2026-11-26 10:00", "1h"},
		"over a weekend":        {"Asia/Seoul", office, "", "2026-11-27 18:00", "2026-11-30 10:00", "1h"},
		"out of hours":          {"Asia/Seoul", office, "", "2026-11-27 20:00", "2026-11-29 10:00", "0s"},
		"a holiday":             {"Asia/Seoul", office, "2026-11-26 쉼 # 회사\n", "2026-11-25 18:00", "2026-11-27 10:00", "1h"},
		"a holiday, all hours":  {"Asia/Seoul", nil, "2026-11-26\n", "2026-11-25 18:00", "2026-11-27 10:00", "16h"},
		"lunch":                 {"Asia/Seoul", []string{"Wed 09:00-12:00", "Wed 13:00-18:00"}, "", "2026-11-25 08:00", "2026-11-25 14:00", "4h"},
		"overlapping":           {"Asia/Seoul", []string{"Mon-Sun 09:00-12:00", "wed 10:00-13:00", "11:00-12:00"}, "", "2026-11-25 00:00", "2026-11-26 00:00", "4h"},
		"until midnight":        {"Asia/Seoul", []string{"Sat,Sun 00:00-24:00"}, "", "2026-11-27 00:00", "2026-11-30 12:00", "48h"},
		"through the night":     {"Asia/Seoul", []string{"Fri 22:00-06:00"}, "", "2026-11-27 00:00", "2026-11-30 00:00", "8h"},
		"round the week":        {"Asia/Seoul", []string{"Sat-Mon 10:00-11:00"}, "", "2026-11-23 00:00", "2026-11-30 00:00", "3h"},
		"clocks put forward":    {"America/New_York", nil, "", "2026-03-08 00:00", "2026-03-09 00:00", "23h"},
		"forward, in the hours": {"America/New_York", []string{"Sun 00:00-06:00"}, "", "2026-03-07 00:00", "2026-03-09 00:00", "5h"},
		"forward, in the gap":   {"America/New_York", []string{"Sun 02:00-03:00"}, "", "2026-03-07 00:00", "2026-03-09 00:00", "0s"},
		"forward, elsewhere":    {"America/New_York", office, "", "2026-03-06 18:00", "2026-03-09 10:00", "1h"},
		"clocks put back":       {"America/New_York", nil, "", "2026-11-01 00:00", "2026-11-02 00:00", "25h"},
		"back, in the hours":    {"America/New_York", []string{"Sun 00:00-06:00"}, "", "2026-10-31 00:00", "2026-11-02 00:00", "7h"},
		"back, elsewhere":       {"America/New_York", office, "", "2026-10-30 18:00", "2026-11-02 10:00", "1h"},
		"years ago":             {"Asia/Seoul", nil, "", "1999-01-01 00:00", "2026-11-27 00:00", "8784h"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := calendar(t, tt.zone, tt.hours, tt.holidays)
			want, err := time.ParseDuration(tt.want)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Between(local(t, c, tt.from), local(t, c, tt.to)); got != want {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}

// Time adds up wherever it is cut.
func TestBusinessTimeAddsUp(t *testing.T) {
	t.Parallel()
	c := calendar(t, "America/New_York", []string{"Mon-Fri 09:30-18:30", "Sat-Sun 22:00-04:00"}, "2026-03-10\n")
	from, to := local(t, c, "2026-03-05 11:11"), local(t, c, "2026-03-12 17:17")
	whole := c.Between(from, to)
	for at := from; at.Before(to); at = at.Add(37 * time.Minute) {
		if sum := c.Between(from, at) + c.Between(at, to); sum != whole {
			t.Fatalf("cut at %v: %v, want %v", at, sum, whole)
		}
	}
}

func TestHolidaysMissing(t *testing.T) {
	t.Parallel()
	h, err := talkrelay.ParseHolidays("\uFEFF# 2026\n2026-01-01 신정\n\n 2026-12-25\n")
	if err != nil {
		t.Fatal(err)
	}
	for date, want := range map[string]int{"2025-12-31": 2025, "2026-01-01": 0, "2026-10-31": 0, "2026-11-01": 2027, "2027-01-01": 2027} {
		at, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Missing(at); got != want {
			t.Errorf("%s: %d, want %d", date, got, want)
		}
		if got := (talkrelay.Holidays{}).Missing(at); got != 0 {
			t.Errorf("%s: no holidays miss %d", date, got)
		}
	}
	if _, err := talkrelay.ParseHolidays("2026-01-01\n2026-02-30\n"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("30 February: %v", err)
	}
}

// The files that come with the docs can be read, and name no day twice.
func TestHolidayFiles(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"docs/holidays-kr-2026.txt", "docs/holidays-jp-2026.txt"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		h, err := talkrelay.ParseHolidays(string(data))
		if err != nil || h.Missing(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)) != 0 {
			t.Errorf("%s: %v", file, err)
		}
		seen := map[string]bool{}
		for line := range strings.Lines(string(data)) {
			day, _, _ := strings.Cut(line, " ")
			if seen[day] && strings.HasPrefix(day, "2") {
				t.Errorf("%s: %s twice", file, day)
			}
			seen[day] = true
		}
	}
}

func calendar(t *testing.T, zone string, hours []string, holidays string) talkrelay.Calendar {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	h, err := talkrelay.ParseHours(hours)
	if err != nil {
		t.Fatal(err)
	}
	off, err := talkrelay.ParseHolidays(holidays)
	if err != nil {
		t.Fatal(err)
	}
	return talkrelay.Calendar{Hours: h, Holidays: off, Location: loc}
}

func local(t *testing.T, c talkrelay.Calendar, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, c.Location)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestHoursUntil(t *testing.T) {
	t.Parallel()
	nights := []string{"Sun-Fri 18:30-09:30", "Sat-Sun 00:00-24:00"}
	for name, tt := range map[string]struct {
		zone  string
		hours []string
		at    string
		want  string // "" = in none
	}{
		"by day":                    {"Asia/Seoul", nights, "2026-11-26 12:00", ""},
		"at their end":              {"Asia/Seoul", nights, "2026-11-26 09:30", ""},
		"at their beginning":        {"Asia/Seoul", nights, "2026-11-26 18:30", "2026-11-27 09:30"},
		"after midnight":            {"Asia/Seoul", nights, "2026-11-26 03:00", "2026-11-26 09:30"},
		"over a weekend":            {"Asia/Seoul", nights, "2026-11-27 20:00", "2026-11-30 09:30"},
		"on Sunday":                 {"Asia/Seoul", nights, "2026-11-29 12:00", "2026-11-30 09:30"},
		"a night is of its evening": {"Asia/Seoul", []string{"Mon-Fri 18:30-09:30", "Sat-Sun 00:00-24:00"}, "2026-11-29 12:00", "2026-11-30 00:00"},
		"none":                      {"Asia/Seoul", nil, "2026-11-29 12:00", ""},
		"always":                    {"Asia/Seoul", []string{"00:00-24:00"}, "2026-11-29 12:00", "2026-12-07 00:00"},
		"clocks put forward":        {"America/New_York", nights, "2026-03-07 20:00", "2026-03-09 09:30"},
		"clocks put back":           {"America/New_York", []string{"22:00-02:30"}, "2026-10-31 23:00", "2026-11-01 02:30"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := calendar(t, tt.zone, tt.hours, "")
			end, in := c.Hours.Until(local(t, c, tt.at), c.Location)
			if in != (tt.want != "") || in && !end.Equal(local(t, c, tt.want)) {
				t.Errorf("%v, %v; want %s", end, in, tt.want)
			}
		})
	}
	if always := calendar(t, "UTC", []string{"Mon-Sun 00:00-12:00", "12:00-24:00"}, ""); !always.Hours.Always() || calendar(t, "UTC", nights, "").Hours.Always() {
		t.Error("always is not told from sometimes")
	}
}
