package sheets_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay/sink/sheets"
)

// However hard several sinks push, Google's 60 a minute are never passed, in any minute.
func TestPace(t *testing.T) {
	t.Parallel()
	for _, perMinute := range []int{50, 10, 3} {
		synctest.Test(t, func(t *testing.T) {
			p := sheets.NewPacer(perMinute, 10)
			sent := make(chan time.Time)
			for range 4 {
				go func() {
					for range 60 {
						if err := p.Wait(t.Context()); err != nil {
							t.Error(err)
						}
						sent <- time.Now()
					}
				}()
			}
			var times []time.Time
			for range 240 {
				times = append(times, <-sent)
			}
			most := 0
			for i, from := 0, 0; i < len(times); i++ {
				for times[i].Sub(times[from]) >= time.Minute {
					from++
				}
				most = max(most, i-from+1)
			}
			if limit := perMinute + min(10, perMinute/2) + 1; most > min(60, limit) || most < perMinute {
				t.Errorf("%d a minute asked for, %d sent", perMinute, most)
			}
		})
	}
}

// Nor after a hold, however many have been waiting for its end.
func TestPaceAfterHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := sheets.NewPacer(50, 10)
		p.Hold(2 * time.Minute)
		end := time.Now().Add(3 * time.Minute)
		ctx, cancel := context.WithDeadline(t.Context(), end)
		defer cancel()
		sent := make(chan int)
		for range 30 {
			go func() {
				n := 0
				for p.Wait(ctx) == nil {
					n++
				}
				sent <- n
			}()
		}
		total := 0
		for range 30 {
			total += <-sent
		}
		if total < 50 || total > 61 {
			t.Errorf("%d in the minute after a hold", total)
		}
	})
}

func TestHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := sheets.NewPacer(50, 10)
		p.Hold(30 * time.Second)
		p.Hold(10 * time.Second) // a shorter one does not end the longer one
		start := time.Now()
		if err := p.Wait(t.Context()); err != nil || time.Since(start) != 30*time.Second {
			t.Errorf("waited %v, error %v", time.Since(start), err)
		}
		p.Hold(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Wait(ctx); err != context.DeadlineExceeded {
			t.Errorf("error %v", err)
		}
	})
}

func TestUntilNextMinute(t *testing.T) {
	t.Parallel()
	for second, least := range map[int]time.Duration{0: 61 * time.Second, 30: 31 * time.Second, 59: 2 * time.Second} {
		d := sheets.UntilNextMinute(time.Date(2026, 11, 22, 12, 0, second, 0, time.UTC))
		if d < least || d > least+4*time.Second {
			t.Errorf("at second %d: %v", second, d)
		}
	}
}
