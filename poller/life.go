package poller

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"talkrelay"
)

// life is what a snapshot remembers of a chat besides its openings. Its fields are part of the JSON of chatSnapshot, so
// the same rules hold: fields are added, never renamed or reused.
type life struct {
	Kept     bool   `json:"l,omitempty"` // the fields below were stored; a snapshot without it is older than they are
	Closed   int64  `json:"c,omitempty"` // latest closedAt seen, Unix milliseconds
	Snoozed  int64  `json:"z,omitempty"` // latest snoozedAt seen
	Replied  int64  `json:"r,omitempty"` // latest firstRepliedAtAfterOpen seen
	Asked    int64  `json:"w,omitempty"` // askedAt when the customer was first seen waiting; 0 = does not wait
	Assignee string `json:"a,omitempty"`
	Team     string `json:"g,omitempty"`
	Tags     string `json:"t,omitempty"` // sorted, one a line
	Updated  int64  `json:"u,omitempty"` // updatedAt of the row stored last
	Changes  int    `json:"n,omitempty"` // changes seen so far that the API gives no time of
}

// next returns l after c was seen. Times never go back, whatever c says; the rest is left alone if c is an old reply.
func (l life) next(c *chatRow, stale bool) life {
	l.Closed = max(l.Closed, millis(c.ClosedAt))
	l.Snoozed = max(l.Snoozed, millis(c.SnoozedAt))
	l.Replied = max(l.Replied, millis(c.FirstRepliedAt))
	if stale {
		return l
	}
	l.Kept = true
	l.Assignee, l.Team, l.Tags = c.AssigneeID, c.TeamID, tagLines(c.Tags)
	switch asked := millis(c.AskedAt); {
	case asked == 0:
		l.Asked = 0
	case l.Asked == 0: // later messages of the customer do not make it wait anew, and are not worth a write
		l.Asked = asked
	}
	return l
}

func tagLines(tags []string) string {
	sorted := slices.Clone(tags)
	slices.Sort(sorted)
	return strings.Join(slices.Compact(sorted), "\n")
}

// before is the stored state that an event tells of.
func (s *chatSnapshot) before() talkrelay.Before {
	b := talkrelay.Before{State: s.State, AssigneeID: s.Assignee, TeamID: s.Team}
	if s.Tags != "" {
		b.Tags = strings.Split(s.Tags, "\n")
	}
	return b
}

// lifeChange is one thing that became of a chat.
type lifeChange struct {
	kind talkrelay.Kind
	at   time.Time // zero = the chat tells no time at all
	key  string    // third part of the event's id
}

// lifeChanges returns what became of c since prev (nil = never seen) and counts in j what has no time of its own.
//
// What has a time is told whenever that time is new, so it is not missed when it happened between two looks; of a chat
// never seen before, if it happened after the opening that is told now. What has none (assignee, team, tags) is only
// known to be news where the chat has been seen before, and an opening that is told now shows it already. Of an opening
// that is held back nothing is told: nobody knows of it. What else moves a chat is told where nothing of all this is.
func lifeChanges(prev *chatSnapshot, j *judgement, c *chatRow) []lifeChange {
	var since int64
	known := prev != nil
	if !known {
		prev, since = &chatSnapshot{life: life{Kept: true}}, max(1, millis(j.at))
	}
	if !prev.Kept { // stored before any of this was: it is the baseline now
		return nil
	}
	if prev.Held != 0 && j.snap.Held != 0 {
		return nil
	}
	l := looked{prev: prev, now: &j.snap, row: c, since: since, reopened: j.announce}
	l.entered(talkrelay.UserChatClosed, stateClosed, prev.Closed, j.snap.Closed)
	l.entered(talkrelay.UserChatSnoozed, stateSnoozed, prev.Snoozed, j.snap.Snoozed)
	moment := l.moment()
	l.replied(moment)
	if !j.announce {
		l.counted(talkrelay.UserChatAssigned, moment, prev.Assignee+"\x00"+prev.Team, j.snap.Assignee+"\x00"+j.snap.Team)
		l.counted(talkrelay.UserChatTagged, moment, prev.Tags, j.snap.Tags)
	}
	if asks := prev.Asked == 0 && j.snap.Asked != 0; known && !j.announce && len(l.found) == 0 && (prev.State != j.snap.State || asks) {
		l.add(talkrelay.UserChatMoved, moment, fmt.Sprintf("%s-%d", j.snap.State, millis(moment)))
	}
	if held := j.snap.Held; held != 0 {
		l.found = slices.DeleteFunc(l.found, func(c lifeChange) bool { return millis(c.at) >= held })
	}
	return l.found
}

// looked is a chat before and after a look at it.
type looked struct {
	prev, now *chatSnapshot
	row       *chatRow
	since     int64 // what happened earlier is no news
	reopened  bool  // an opening is told as well
	found     []lifeChange
}

func (l *looked) add(kind talkrelay.Kind, at time.Time, key string) {
	l.found = append(l.found, lifeChange{kind: kind, at: at, key: key})
}

// entered tells of a state that has a time of its own. was and is are the latest such times.
func (l *looked) entered(kind talkrelay.Kind, state string, was, is int64) {
	there := l.prev.State == state && !l.reopened
	switch {
	case there && was == 0: // told before, without a time
	case is > was && is >= l.since:
		l.add(kind, fromMillis(is), strconv.FormatInt(is, 10))
	case is == 0 && l.now.State == state && !there: // the reply leaves out the time: once an opening then
		opened := max(l.now.Opened, l.now.Queued)
		l.add(kind, fromMillis(opened), strconv.FormatInt(opened, 10))
	}
}

// replied tells of the first answer since the opening, or of a later one: the customer waited and does so no more. In
// other states than opened something else may have ended the wait, and only the answer itself tells.
func (l *looked) replied(moment time.Time) {
	first, asked := l.now.Replied, l.prev.Asked
	answer := l.row.last
	if answer == nil || answer.PersonType != "manager" || !showable(answer) || millis(answer.CreatedAt) <= asked {
		answer = nil
	}
	switch {
	case first > l.prev.Replied && first >= l.since:
		l.add(talkrelay.UserChatReplied, fromMillis(first), strconv.FormatInt(first, 10))
	case asked == 0 || l.now.Asked != 0 || l.reopened:
	case answer != nil:
		l.add(talkrelay.UserChatReplied, answer.CreatedAt, strconv.FormatInt(asked, 10))
	case l.now.State == stateOpened:
		l.add(talkrelay.UserChatReplied, moment, strconv.FormatInt(asked, 10))
	}
}

// counted tells of a change that has no time. The counter tells A → B → A → B apart.
func (l *looked) counted(kind talkrelay.Kind, moment time.Time, was, is string) {
	if was == is {
		return
	}
	l.now.Changes++
	sum := sha256.Sum256([]byte(l.row.ID + "\x00" + is))
	l.add(kind, moment, fmt.Sprintf("%s-%d", hex.EncodeToString(sum[:2]), l.now.Changes))
}

// moment is when what has no time happened, as far as can be told: when the chat last changed, but not after it was
// closed or laid aside in the same look.
func (l *looked) moment() time.Time {
	at := l.row.updatedAt
	if at.IsZero() {
		at = l.row.latest()
	}
	for _, c := range l.found {
		if !c.at.IsZero() && c.at.Before(at) {
			at = c.at
		}
	}
	return at
}

// latest returns the latest of the times of c, zero if it has none.
func (c *chatRow) latest() time.Time {
	var last time.Time
	for _, at := range []time.Time{c.CreatedAt, c.OpenedAt, c.QueuedAt, c.SnoozedAt, c.ClosedAt, c.AskedAt, c.FirstRepliedAt} {
		if at.After(last) {
			last = at
		}
	}
	return last
}
