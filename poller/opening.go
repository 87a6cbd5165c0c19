package poller

import (
	"time"

	"talkrelay"
)

// States of a chat that the rules know. The API may add others.
const (
	stateOpened  = "opened"
	stateQueued  = "queued"
	stateSnoozed = "snoozed"
	stateClosed  = "closed"
)

// opening reports whether c shows an opening that prev does not know, and when it was. prev is nil for a chat never
// seen before.
//
// Channel Talk sets openedAt anew each time a chat goes to opened, queuedAt each time it goes to the queue. An advance
// of either is an opening, with two exceptions that belong to an inquiry announced before: it comes out of the queue,
// or out of a snooze (unless snoozeEndOpens). When it is not certain that it is the same inquiry, it is a new one: one
// alert too many is better than one too few. Times that go backwards are an old reply and say nothing.
func opening(prev *chatSnapshot, c talkrelay.Chat, snoozeEndOpens bool) (at time.Time, is bool) {
	if prev == nil {
		return firstOpening(c), true
	}
	opened, queued := millis(c.OpenedAt), millis(c.QueuedAt)
	switch {
	case queued > max(prev.Queued, prev.Opened):
		if opened > queued && c.State != stateQueued {
			return c.OpenedAt, true
		}
		return c.QueuedAt, true
	case opened <= prev.Opened, toldLate(prev, c):
		return time.Time{}, false
	case leftQueue(prev, c):
		return time.Time{}, false
	case !snoozeEndOpens && leftSnooze(prev, c):
		return time.Time{}, false
	}
	return c.OpenedAt, true
}

// firstOpening returns the time of the opening of a chat never seen before, zero if it has no time at all.
func firstOpening(c talkrelay.Chat) time.Time {
	if c.State == stateQueued && !c.QueuedAt.IsZero() {
		return c.QueuedAt
	}
	for _, at := range []time.Time{c.OpenedAt, c.QueuedAt, c.FirstOpenedAt, c.CreatedAt} {
		if !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// toldLate reports that c was opened when last seen, in a reply that left out the time, and has been opened only once.
func toldLate(prev *chatSnapshot, c talkrelay.Chat) bool {
	return prev.State == stateOpened && prev.Opened == 0 && prev.Queued == 0 && c.FirstOpenedAt.Equal(c.OpenedAt)
}

// leftQueue reports that c was opened out of the queue it was last known in, with no sign of a close in between.
func leftQueue(prev *chatSnapshot, c talkrelay.Chat) bool {
	if prev.Queued <= prev.Opened || prev.State == stateClosed {
		return false
	}
	q, opened := prev.Queued, millis(c.OpenedAt)
	first, closed := millis(c.FirstOpenedAt), millis(c.ClosedAt)
	openedTwice := first >= q && opened > first
	closedBetween := closed > q && opened > closed
	return !openedTwice && !closedBetween
}

// leftSnooze reports that c was snoozed when last seen and is opened now, with no sign of a close in between.
func leftSnooze(prev *chatSnapshot, c talkrelay.Chat) bool {
	return prev.State == stateSnoozed && c.State == stateOpened && millis(c.ClosedAt) <= prev.Opened
}

// judgement is what one look at a chat means.
type judgement struct {
	snap     chatSnapshot
	announce bool             // an event is due …
	at       time.Time        // … for the opening at this time
	fresh    bool             // the chat or a time of it is new: where the list is newest first, more may follow
	missed   bool             // the event is due to an opening that this look brings up, not to one held back or in doubt before
	reopened bool             // the chat had been opened before, or closed
	changes  []lifeChange     // what else became of the chat …
	before   talkrelay.Before // … which was this when last looked at
}

// judge compares c with prev (nil = never seen). With silent, whatever it shows belongs to the baseline. ask says whether a
// doubtful opening is one.
func (r rules) judge(prev *chatSnapshot, c *chatRow, silent bool, ask func(doubt) answer) judgement {
	var known chatSnapshot
	if prev != nil {
		known = *prev
	}
	j := judgement{snap: known.next(c)}
	j.fresh = prev == nil || j.snap.Opened > known.Opened || j.snap.Queued > known.Queued
	at, is := r.settle(&j, known.doubt, prev, c, silent, ask)
	hold := r.holdBotOnly && c.botOnly()
	if is {
		j.snap.setInquiry(millis(at))
	} else {
		j.snap.setInquiry(known.inquiry())
	}
	switch {
	case silent:
		j.snap.Held = 0
		if hold && c.State != stateClosed {
			j.snap.Held = max(1, millis(firstOpening(c.Chat)))
		}
	case is && hold:
		j.snap.Held = max(1, millis(at))
	case is:
		j.snap.Held, j.announce, j.at = 0, true, at
	case known.Held != 0 && c.spokenFor():
		j.snap.Held, j.announce, j.at = 0, true, fromMillis(known.Held)
	}
	j.missed = j.missed && j.announce
	if !silent {
		j.changes = lifeChanges(prev, &j, c)
	}
	if len(j.changes) > 0 {
		j.before = known.before()
	}
	return j
}

// rules are the settings that say what an opening is.
type rules struct {
	snoozeEndOpens bool
	holdBotOnly    bool
}

// botOnly reports that, as far as is positively known, only a bot has spoken in c and nobody looks after it. Whatever
// is missing or unknown means no: better an alert too many than a customer's first words lost. Phone chats have no
// message of the customer's at all, so they never count.
func (c *chatRow) botOnly() bool {
	return c.last != nil && c.last.PersonType == "bot" && c.MediumType != "phone" &&
		!c.customerSpoke() && !c.answered && c.AssigneeID == "" && len(c.ManagerIDs) == 0
}

// spokenFor reports that an opening held back because of botOnly is to be announced. A closed chat needs the customer's
// own words for that: its last message may be the log entry of whoever closed it.
func (c *chatRow) spokenFor() bool {
	if c.State == stateClosed {
		return c.customerSpoke()
	}
	return !c.botOnly()
}

func (c *chatRow) customerSpoke() bool {
	return c.UserLastMessage != "" || !c.AskedAt.IsZero() || !c.FirstAskedAt.IsZero() ||
		c.last != nil && c.last.PersonType == "user"
}
