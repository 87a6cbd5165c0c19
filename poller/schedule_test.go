package poller_test

import (
	"strings"
	"testing"
	"time"

	"talkrelay/poller"
)

func TestParseScheduleRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ spec, says string }{
		{"", "empty"},
		{"   ", "empty"},
		{"TZ=UTC", "followed by the times"}, // panics in robfig/cron v3.0.1
		{"TZ=", "must be named"},            // likewise
		{"CRON_TZ=Asia/Seoul", "followed"},  // likewise
		{"TZ= 0 9 * * *", "must be named"},  //
		{"CRON_TZ=Mars/Olympus 0 9 * * *", "Mars"},
		{"TZ=../../etc/passwd 0 9 * * *", "not known"},
		{"0 0 31 2 *", "never fires"}, // Next is the zero time
		{"0 0 30 feb *", "never fires"},
		{", * * * * *", "without a value"}, // Next would try 158 million seconds
		{"* , * * *", "without a value"},
		{"@every 0s", "too short"}, // silently one second in robfig/cron
		{"@every -1m", "too short"},
		{"@every 500ms", "too short"},
		{"@every 2562047h", "too long"}, // its jitter would overflow
		{"@every", "interval"},
		{"@every5s", "interval"},
		{"@every 5", "interval"},
		{"@sometimes", "@sometimes"},
		{"* * * *", "five fields"},
		{"* * * * * * *", "five fields"},
		{"61 * * * *", "maximum"},
		{"* * * * 7", "maximum"},
		{"*/0 * * * *", "step"},
		{"hello", "five fields"},
	}
	for _, tt := range tests {
		_, err := poller.ParseSchedule(tt.spec, time.UTC)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("ParseSchedule(%q) = %v, want an error with %q", tt.spec, err, tt.says)
		}
	}
}

func TestScheduleNext(t *testing.T) {
	t.Parallel()
	zone := func(name string) *time.Location {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Skip("no time zone database:", err)
		}
		return loc
	}
	seoul, tokyo, newYork := zone("Asia/Seoul"), zone("Asia/Tokyo"), zone("America/New_York")
	tests := []struct {
		name, spec string
		loc        *time.Location
		from       string
		want       []string
	}{
		{"interval", "@every 90s", seoul, "2026-03-01T00:00:00.5Z", []string{"2026-03-01T00:01:30.5Z", "2026-03-01T00:03:00.5Z"}},
		{"seconds field", "*/20 * * * * *", seoul, "2026-03-01T00:00:00Z", []string{"2026-03-01T00:00:20Z", "2026-03-01T00:00:40Z"}},
		{"five fields", "30 4 * * *", seoul, "2026-03-01T00:00:00Z", []string{"2026-03-01T19:30:00Z", "2026-03-02T19:30:00Z"}},
		{"zone defaults to Seoul", "30 4 * * *", nil, "2026-03-01T00:00:00Z", []string{"2026-03-01T19:30:00Z"}},
		{"descriptor", "@daily", seoul, "2026-03-01T00:00:00Z", []string{"2026-03-01T15:00:00Z"}},
		{"zone in the expression wins", "TZ=UTC 30 4 * * *", seoul, "2026-03-01T00:00:00Z", []string{"2026-03-01T04:30:00Z"}},
		{"zone with two spaces", "CRON_TZ=Asia/Tokyo  0 9 * * *", newYork, "2026-03-01T00:00:00Z", []string{"2026-03-02T00:00:00Z"}},
		{"zone and interval", "TZ=UTC @every 5s", seoul, "2026-03-01T00:00:00Z", []string{"2026-03-01T00:00:05Z"}},
		{"office hours end on Friday", "*/30 9-18 * * 1-5", seoul, "2026-03-06T09:30:00Z", []string{"2026-03-09T00:00:00Z"}},
		{"leap day", "0 0 29 2 *", time.UTC, "2026-03-01T00:00:00Z", []string{"2028-02-29T00:00:00Z"}},

		{"Seoul has no summer time", "30 2 * * *", seoul, "2026-03-07T18:00:00Z", []string{"2026-03-08T17:30:00Z", "2026-03-09T17:30:00Z"}},
		{"Tokyo has no summer time", "30 1 * * *", tokyo, "2026-10-31T18:00:00Z", []string{"2026-11-01T16:30:00Z", "2026-11-02T16:30:00Z"}},
		{"New York, 02:30 does not exist on 8 March", "30 2 * * *", newYork, "2026-03-08T05:00:00Z", []string{"2026-03-09T06:30:00Z"}},
		{"New York, 01:30 comes twice on 1 November", "30 1 * * *", newYork, "2026-11-01T05:00:00Z", []string{"2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-02T06:30:00Z"}},
		{"New York, an interval does not notice", "@every 1h", newYork, "2026-03-08T06:00:00Z", []string{"2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := poller.ParseSchedule(tt.spec, tt.loc)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339Nano, tt.from)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				at = s.Next(at)
				if got := at.UTC().Format(time.RFC3339Nano); got != want {
					t.Fatalf("next = %s, want %s", got, want)
				}
			}
		})
	}
}

func TestZeroScheduleNeverFires(t *testing.T) {
	t.Parallel()
	if at := (poller.Schedule{}).Next(time.Now()); !at.IsZero() {
		t.Errorf("next = %v, want never", at)
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, spec := range []string{"TZ=UTC", "TZ=", "CRON_TZ=Asia/Seoul", "0 0 31 2 *", "@every 1s", ", * * * * *", "0 9 * * 1-5", "@every 1e9h", "*/99999999999 * * * *"} {
		f.Add(spec)
	}
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, spec string) {
		s, err := poller.ParseSchedule(spec, time.UTC)
		if err != nil {
			return
		}
		if next := s.Next(now); !next.After(now) {
			t.Errorf("%q: next = %v, not after %v", spec, next, now)
		}
	})
}
