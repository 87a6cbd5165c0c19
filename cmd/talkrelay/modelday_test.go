package main

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// TestDayOfAClockChange runs the daemon through 24 hours in which clocks are put forward or back, where they are, while Channel
// Talk's clock drifts away from ours. The jobs are due by the wall clock of the place, one of them in the hour that is left out
// or comes twice. Something happens every quarter of an hour, and a daemon is killed now and then.
func TestDayOfAClockChange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		place, start string        // noon before
		drift        time.Duration // an hour
	}{
		{"America/New_York", "2000-04-01 12:00", 2 * time.Minute},  // 02:00 becomes 03:00
		{"America/New_York", "2000-10-28 12:00", -2 * time.Minute}, // 02:00 becomes 01:00
		{"Asia/Tokyo", "2000-04-01 12:00", -2 * time.Minute},
		{"Asia/Seoul", "2000-10-28 12:00", 2 * time.Minute},
	} {
		t.Run(test.place+" "+test.start[:10], func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(memoryDir(t), "day.db")
			synctest.Test(t, func(t *testing.T) { playDay(t, path, test.place, test.start, test.drift) })
		})
	}
}

// requests counts those made so far.
func (s *modelShop) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func playDay(t *testing.T, path, place, noon string, drift time.Duration) {
	zone, err := time.LoadLocation(place)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := time.ParseInLocation("2006-01-02 15:04", noon, zone)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(begin))
	m := newModel(t, path, new(modelCount))
	m.zone, m.fullSweep = zone, "30 1,2 * * *"
	m.start()
	time.Sleep(2 * time.Minute)
	asked := m.shop.requests()
	for i := range 24 * 4 {
		m.shop.mu.Lock()
		m.shop.drift = time.Duration(float64(drift) * time.Since(begin).Hours())
		m.happen(deed{What: []string{"open", "queue", "close", "reopen", "renumber"}[i%5], Who: i % 10, N: i})
		m.shop.mu.Unlock()
		if i%13 == 0 {
			m.daemon.stop(errKilled)
			m.restart()
		}
		time.Sleep(15 * time.Minute)
	}
	if polls := (m.shop.requests() - asked) / 2; polls < 24*60*9/10 {
		t.Errorf("%d requests are less than a poll a minute", polls*2)
	}
	if err := m.settle(); err != nil {
		t.Error(err)
	}
	m.daemon.end(errKilled)
}
