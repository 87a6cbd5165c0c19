package main

import (
	"strings"
	"testing"
	"time"

	"talkrelay"
)

// The holidays are read from beside the config file, and check says when a year is missing among them.
func TestHolidaysOfAChannel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "holidays.txt", "2026-11-26 쉼\n", 0o600)
	text := strings.Replace(minimal, "\n[[sink.slack]]", "\n[channel.waiting]\nstages = [\"30m\"]\nhours = \"Mon-Fri 09:30-18:30\"\nholidays_file = \"holidays.txt\"\n\n[[sink.slack]]", 1)
	cfg, err := loadConfig(writeFile(t, dir, "talkrelay.toml", text, 0o600), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.plan.channels[0].poller
	day := time.Date(2026, 11, 26, 12, 0, 0, 0, p.Location)
	if !p.Waiting.Holidays.Has(day) || p.Waiting.Hours.Empty() || len(p.Waiting.Stages) != 1 {
		t.Errorf("read as %+v", p.Waiting)
	}
	if f := holidaysFinding(p, day); !f.OK || !strings.Contains(f.Text, "2027") || !strings.Contains(f.Text, "waiting.holidays_file") {
		t.Errorf("in November: %+v", f)
	}
	if f := holidaysFinding(p, day.AddDate(1, 0, 0)); f.OK || !strings.Contains(f.Text, "2027") {
		t.Errorf("a year later: %+v", f)
	}
	if f := holidaysFinding(p, day.AddDate(0, -1, 0)); !f.OK || f.Text != "up to date" {
		t.Errorf("in October: %+v", f)
	}
	if plain := (talkrelay.Holidays{}); !plain.None() || p.Waiting.Holidays.None() {
		t.Error("none are told from some")
	}
}
