package poller

import (
	"context"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// doubt is what a snapshot remembers of an opening that may or may not be one. Its fields are part of the JSON of
// chatSnapshot, so the same rules hold: fields are added, never renamed or reused.
//
// A chat that comes out of the queue or out of a snooze is the inquiry announced before, unless it was closed and opened
// again since the last look. Its times do not always tell: closedAt is gone where Channel Talk clears it on re-opening
// (undocumented), and shows the later one of two closes. The log among the chat's messages tells, so that is read then.
type doubt struct {
	Doubtful int64 `json:"b,omitempty"` // openedAt of such an opening, Unix milliseconds; 0 = none
	After    int64 `json:"m,omitempty"` // a close between this and Doubtful makes it one
	Noticed  int64 `json:"v,omitempty"` // when we first could not tell, by our clock
}

// doubtFor is how long an opening waits for a look at the log, from when it was noticed: after an outage many wait that are
// older. Then it is announced: one alert too many is better than one too few.
const doubtFor = 24 * time.Hour

// next returns d after the opening of c at a new time was found to be none that is certain.
func (d doubt) next(prev *chatSnapshot, c talkrelay.Chat, snoozeEndOpens bool) doubt {
	after := closeHidden(prev, c, snoozeEndOpens)
	if after == 0 {
		return d
	}
	if d.Doubtful != 0 {
		after = min(after, d.After) // two of them between two looks at the log are one
	}
	return doubt{Doubtful: millis(c.OpenedAt), After: after, Noticed: d.Noticed}
}

// closeHidden returns since when c, which opening takes for the inquiry known before, may have been closed and opened
// again all the same, Unix milliseconds; 0 = it was not.
func closeHidden(prev *chatSnapshot, c talkrelay.Chat, snoozeEndOpens bool) int64 {
	opened, closed := millis(c.OpenedAt), millis(c.ClosedAt)
	switch {
	case prev == nil || opened <= prev.Opened || toldLate(prev, c):
		return 0
	case closed != 0 && closed < opened: // then the time is kept, and the close is the last one before
		return 0
	case leftQueue(prev, c):
		return prev.Queued
	case !snoozeEndOpens && leftSnooze(prev, c):
		return max(prev.Opened, prev.Snoozed)
	}
	return 0
}

// settle returns the opening that c shows, if it is one, once ask has spoken where it may be none. was is the doubt from before.
func (r rules) settle(j *judgement, was doubt, prev *chatSnapshot, c *chatRow, silent bool, ask func(doubt) answer) (at time.Time, is bool) {
	at, is = opening(prev, c.Chat, r.snoozeEndOpens)
	j.missed = is
	if j.snap.doubt = (doubt{}); is || silent {
		return at, is
	}
	d := was.next(prev, c.Chat, r.snoozeEndOpens)
	if d.Doubtful == 0 {
		return at, false
	}
	if d.Noticed == 0 {
		d.Noticed = millis(time.Now())
	}
	switch ask(d) {
	case unknown:
		j.snap.doubt = d
	case yes:
		j.missed, j.reopened = was.Doubtful == 0, true
		return fromMillis(d.Doubtful), true
	}
	return at, false
}

// answer is what a look at something that cannot always be read brings.
type answer int

const (
	no answer = iota
	yes
	unknown
)

// askLog returns how judge gets to know whether the chat with this id was closed between two times.
func (s *chatReader) askLog(ctx context.Context, chatID string) func(doubt) answer {
	return func(d doubt) answer {
		a := s.details.closedWithin(ctx, chatID, d)
		if a == unknown && millis(time.Now())-d.Noticed >= doubtFor.Milliseconds() {
			return yes
		}
		return a
	}
}

// closedWithin looks for a close in the log of a chat. Alerts come first: it takes no more than half of the budget that they
// find the customer's words with. Without such a budget nothing is read, and the answer is no.
func (d *details) closedWithin(ctx context.Context, chatID string, t doubt) answer {
	if d.lookups == nil {
		return no
	}
	q := channeltalk.MessageQuery{SortOrder: "desc", Limit: lookupLimit}
	for range lookupPages {
		if !d.ready(ctx) || d.lookups.Tokens() < float64(d.lookups.Burst())/2 || !d.lookups.Allow() {
			return unknown
		}
		page, err := d.api.Messages(ctx, chatID, q)
		switch {
		case d.settle(err):
		case channeltalk.KindOf(err) == channeltalk.Gone:
			return no
		default:
			return unknown
		}
		for i := range page.Messages {
			m := &page.Messages[i]
			switch at := millis(m.CreatedAt); {
			case at != 0 && at <= t.After:
				return no
			case at <= t.Doubtful && closes(m):
				return yes
			}
		}
		if page.Next == "" || page.Next == q.Since {
			return no
		}
		q.Since = page.Next
	}
	return unknown
}

// closes reports that m records a close, by somebody or by itself.
func closes(m *channeltalk.Message) bool { return m.LogAction == "close" || m.LogAction == "autoClose" }
