package slack

import (
	"time"

	"talkrelay/sink"
)

// MaxHeld is how many events one summary of quiet hours holds.
const MaxHeld = 1000

// Quiet returns when the quiet hours that t is in are over, zero if it is in none.
func (s *Sink) Quiet(t time.Time) time.Time {
	if end, in := s.cfg.Quiet.Until(t, s.cfg.Location); in {
		return end
	}
	return time.Time{}
}

// held returns how many of items, the first ones, go into one summary: those of quiet hours. 0 = none do. What was seen when
// decides, so a restart changes nothing. Where messages are followed, one alone is posted as ever: the follower makes it true.
func (s *Sink) held(items []sink.Item) int {
	n := 0
	for n < min(len(items), MaxHeld) && !s.Quiet(items[n].Event.Seen).IsZero() {
		n++
	}
	if n == 1 && s.cfg.Follow {
		return 0
	}
	return n
}
