package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"talkrelay"
	"talkrelay/poller"
	"talkrelay/sink"
)

// waiting reads [channel.waiting]. A relative holidays_file is beside the config file.
func (c *config) waiting(w waitingFile, key string, problems *talkrelay.Problems) poller.Waiting {
	hours, err := talkrelay.ParseHours(w.Hours)
	if err != nil {
		problems.Add(key+".hours", "%v", err)
	}
	holidays, err := c.holidays(w.HolidaysFile)
	if err != nil {
		problems.Add(key+".holidays_file", "%v", err)
	}
	return poller.Waiting{Stages: w.Stages, Hours: hours, Holidays: holidays}
}

func (c *config) holidays(path string) (talkrelay.Holidays, error) {
	if path == "" {
		return talkrelay.Holidays{}, nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(c.path), path)
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return talkrelay.Holidays{}, fmt.Errorf("%s: no such file; docs/ has one for Korea and one for Japan to begin with", path)
	case err != nil:
		return talkrelay.Holidays{}, fmt.Errorf("read holidays: %w", err)
	}
	h, err := talkrelay.ParseHolidays(string(data))
	if err != nil {
		return h, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

// checkWaitingRoutes finds routes that ask for something that no channel of theirs ever makes.
func (c *config) checkWaitingRoutes(problems *talkrelay.Problems) {
	for i, r := range c.Routes {
		at := slices.Index(r.On, string(talkrelay.UserChatWaiting))
		told := slices.ContainsFunc(c.Channels, func(ch channelFile) bool {
			return len(ch.Waiting.Stages) > 0 && (len(r.Channel) == 0 || slices.Contains(r.Channel, ch.Name))
		})
		if at >= 0 && !told {
			problems.Add(fmt.Sprintf("route[%d].on[%d]", i, at), `is never told: give the channel stages, as in [channel.waiting] stages = ["30m", "2h"]`)
		}
	}
}

// holidaysFinding says whether the holidays that a channel needs are known. That those of the next year are not is told
// in time, and is no failure yet.
func holidaysFinding(p poller.Config, now time.Time) sink.Finding {
	now = now.In(p.Location)
	f := sink.Finding{Name: "holidays", OK: true, Text: "up to date"}
	switch year := p.Waiting.Holidays.Missing(now); {
	case year > now.Year():
		f.Text = fmt.Sprintf("no day of %d is known: add them to waiting.holidays_file before it begins", year)
	case year != 0:
		f.OK, f.Text, f.Fix = false, fmt.Sprintf("no day of %d is known", year), "add them to waiting.holidays_file"
	}
	return f
}
