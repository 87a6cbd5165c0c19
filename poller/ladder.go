package poller

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// Waiting says when a customer has waited too long for an answer.
type Waiting struct {
	Stages   []time.Duration // of business time, each longer than the one before; none = nobody is told
	Hours    talkrelay.Hours // of business; empty = all
	Holidays talkrelay.Holidays
}

// maxStage bounds a stage: after that long, a chat is no longer waiting but forgotten.
const maxStage = 30 * 24 * time.Hour

func (w Waiting) validate(problems *talkrelay.Problems) {
	var last time.Duration
	for i, stage := range w.Stages {
		if stage < time.Minute || stage > maxStage || stage <= last {
			problems.Add(fmt.Sprintf("waiting.stages[%d]", i), `must be from 1m to 720h, and longer than the one before, as in ["30m", "2h", "4h"]`)
		}
		last = stage
	}
}

// reached is how many of the stages are behind after so long.
func (w Waiting) reached(waited time.Duration) (n int) {
	for n < len(w.Stages) && waited >= w.Stages[n] {
		n++
	}
	return n
}

// wait is what a snapshot remembers of a customer's wait. Its fields are part of the JSON of chatSnapshot, so the same
// rules hold: fields are added, never renamed or reused.
type wait struct {
	Of     int64  `json:"d,omitempty"` // life.Asked that the rest is about
	Since  int64  `json:"e,omitempty"` // when the wait began, where the chat's messages tell of a later time than Asked
	Stage  int    `json:"f,omitempty"` // told last; 0 = none
	Missed int    `json:"j,omitempty"` // sweeps that could not look at the messages
	Seen   string `json:"k,omitempty"` // mark of what the customer had said last when the messages were looked at
	Idle   bool   `json:"p,omitempty"` // nothing of it needs an answer
}

func (w wait) began() int64 { return max(w.Of, w.Since) }

// patience is how many sweeps a stage waits for a look at the messages. Then it is told without: unknown is a wait.
const patience = 2

// ladder tells of customers who wait for an answer, stage by stage. What is due follows from when the wait began, from
// the time and from the calendar alone, so neither a restart nor a change of clocks tells a stage twice.
type ladder struct {
	Waiting
	calendar talkrelay.Calendar
	details  *details
	log      *slog.Logger
	told     int // year that is missing among the holidays and has been spoken of
}

// newLadder returns nil if nobody asks.
func newLadder(cfg *Config, m eventMaker, d *details) *ladder {
	if len(cfg.Waiting.Stages) == 0 || !m.wants(talkrelay.UserChatWaiting) {
		return nil
	}
	return &ladder{
		Waiting: cfg.Waiting, details: d, log: cfg.Logger,
		calendar: talkrelay.Calendar{Hours: cfg.Waiting.Hours, Holidays: cfg.Waiting.Holidays, Location: cfg.Location},
	}
}

// begin notes in cur since when somebody asks: a stage that was reached before is never told.
func (l *ladder) begin(cur chatCursor, now time.Time) chatCursor {
	switch {
	case l == nil:
		cur.Waits = 0
	case cur.Waits == 0:
		cur.Waits = millis(now)
	}
	return cur
}

// clock returns the time to count to: Channel Talk's, which askedAt is in, or ours if that is earlier. A clock that is
// fast makes nobody wait longer.
func clock(server time.Time) time.Time {
	now := time.Now()
	if !server.IsZero() && server.Before(now) {
		return server
	}
	return now
}

// lastWords marks the last message of the customer in a row.
func lastWords(c *chatRow) string { return fmt.Sprintf("%s %d", c.UserLastMessage, millis(c.AskedAt)) }

// due is a stage that has to be told.
type due struct {
	stage   int
	waited  time.Duration
	began   int64                // Unix milliseconds
	message *channeltalk.Message // that needs the answer; nil = not known
}

// look reports whether a stage is due for the customer of c, and notes in snap what it found. In a tick, which may not come
// by this row again, a look that fails is left to the sweep.
func (l *ladder) look(ctx context.Context, p *chatPage, c *chatRow, snap *chatSnapshot) (due, bool) {
	if l == nil || !p.cur.Done || snap.Asked == 0 || snap.Held != 0 || c.AskedAt.IsZero() || c.State != stateOpened && c.State != stateQueued {
		return due{}, false
	}
	w := snap.wait
	if w.Of != snap.Asked {
		w = wait{Of: snap.Asked}
	}
	now, since := clock(p.ServerTime), fromMillis(p.cur.Waits)
	l.sayWhatIsMissing(now)
	d, mark := l.reach(w, since, now), lastWords(c)
	// Words that came after the last look may follow an answer which no look has seen.
	anew := w.Seen != "" && w.Seen != mark && l.reached(l.calendar.Between(c.AskedAt, now)) > 0
	if d.stage == 0 && !anew || w.Idle && w.Seen == mark || w.Missed > 0 && !p.full {
		return due{}, false
	}
	said, known := l.details.sinceReply(ctx, c)
	switch {
	case !known && w.Missed < patience:
		if p.full {
			w.Missed++
			snap.wait = w
		}
		return due{}, false
	case millis(said.first) > w.began():
		w = wait{Of: w.Of, Since: millis(said.first)}
		d = l.reach(w, since, now)
	}
	w.Missed, w.Seen, w.Idle = 0, mark, said.idle
	if d.stage == 0 || said.idle {
		snap.wait = w
		return due{}, false
	}
	w.Stage = d.stage
	snap.wait, d.message = w, said.last
	return d, true
}

// reach returns the highest stage of w that is behind now and neither told nor reached before since; stage 0 if none is.
func (l *ladder) reach(w wait, since, now time.Time) due {
	if w.Stage >= len(l.Stages) {
		return due{}
	}
	began := fromMillis(w.began())
	waited := l.calendar.Between(began, now)
	stage := l.reached(waited)
	if stage <= w.Stage || stage <= l.reached(l.calendar.Between(began, since)) {
		return due{}
	}
	return due{stage: stage, waited: waited.Truncate(time.Minute), began: w.began()}
}

// sayWhatIsMissing warns once that the holidays of a year are not known.
func (l *ladder) sayWhatIsMissing(now time.Time) {
	year := l.Holidays.Missing(now.In(l.calendar.Location))
	if year == 0 || year == l.told {
		return
	}
	l.told = year
	l.log.Warn("holidays of a year are missing", "err", fmt.Sprintf("waiting.holidays_file has no day of %d: add them", year))
}
