package poller

import (
	"testing"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// at is a time so many seconds after an arbitrary one; 0 is the zero time.
func at(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.UnixMilli(1_770_000_000_000 + s*1000).UTC()
}

func ms(s int64) int64 { return millis(at(s)) }

func TestOpening(t *testing.T) {
	t.Parallel()
	type chat = talkrelay.Chat
	snap := func(o, q int64, state string) *chatSnapshot {
		return &chatSnapshot{Opened: ms(o), Queued: ms(q), State: state}
	}
	tests := []struct {
		name   string
		prev   *chatSnapshot
		chat   chat
		snooze bool  // snoozeEndOpens
		want   int64 // 0 = no opening
	}{
		// First sight.
		{"new, opened", nil, chat{State: "opened", OpenedAt: at(5), CreatedAt: at(1)}, false, 5},
		{"new, queued", nil, chat{State: "queued", QueuedAt: at(5), CreatedAt: at(1)}, false, 5},
		{"new, opened through the queue", nil, chat{State: "opened", QueuedAt: at(4), OpenedAt: at(5)}, false, 5},
		{"new, queued after an opening", nil, chat{State: "queued", QueuedAt: at(9), OpenedAt: at(5)}, false, 9},
		{"new, already closed", nil, chat{State: "closed", OpenedAt: at(5), ClosedAt: at(6)}, false, 5},
		{"new, already snoozed", nil, chat{State: "snoozed", OpenedAt: at(5), SnoozedAt: at(6)}, false, 5},
		{"new, closed out of the queue", nil, chat{State: "closed", QueuedAt: at(5), ClosedAt: at(6)}, false, 5},
		{"new, only firstOpenedAt", nil, chat{State: "opened", FirstOpenedAt: at(3), CreatedAt: at(1)}, false, 3},
		{"new, only createdAt", nil, chat{State: "opened", CreatedAt: at(1)}, false, 1},
		{"new, queued without queuedAt", nil, chat{State: "queued", CreatedAt: at(1)}, false, 1},
		{"new, unknown state", nil, chat{State: "pondered", OpenedAt: at(5)}, false, 5},

		// Nothing new.
		{"same", snap(5, 0, "opened"), chat{State: "opened", OpenedAt: at(5)}, false, 0},
		{"closed", snap(5, 0, "opened"), chat{State: "closed", OpenedAt: at(5), ClosedAt: at(6)}, false, 0},
		{"snoozed", snap(5, 0, "opened"), chat{State: "snoozed", OpenedAt: at(5), SnoozedAt: at(6)}, false, 0},
		{"same in the queue", snap(0, 5, "queued"), chat{State: "queued", QueuedAt: at(5)}, false, 0},
		{"openedAt left out", snap(5, 0, "opened"), chat{State: "opened"}, false, 0},
		{"openedAt goes backwards", snap(9, 0, "opened"), chat{State: "opened", OpenedAt: at(5)}, false, 0},
		{"queuedAt goes backwards", snap(0, 9, "queued"), chat{State: "queued", QueuedAt: at(5)}, false, 0},
		{"queued before the last opening", snap(9, 0, "opened"), chat{State: "opened", OpenedAt: at(9), QueuedAt: at(8)}, false, 0},

		{"openedAt comes late", snap(0, 0, "opened"), chat{State: "opened", OpenedAt: at(5), FirstOpenedAt: at(5), CreatedAt: at(1)}, false, 0},
		{"openedAt comes late, snoozed since", snap(0, 0, "opened"), chat{State: "snoozed", OpenedAt: at(5), FirstOpenedAt: at(5)}, false, 0},

		// Opened again.
		{"openedAt comes late, opened twice by then", snap(0, 0, "opened"), chat{State: "opened", OpenedAt: at(5), FirstOpenedAt: at(3)}, false, 5},
		{"openedAt comes late, perhaps opened twice", snap(0, 0, "opened"), chat{State: "opened", OpenedAt: at(5)}, false, 5},
		{"opened for the first time after a close", snap(0, 0, "closed"), chat{State: "opened", OpenedAt: at(5), FirstOpenedAt: at(5)}, false, 5},
		{"re-opened", snap(5, 0, "closed"), chat{State: "opened", OpenedAt: at(9), FirstOpenedAt: at(5), ClosedAt: at(7)}, false, 9},
		{"re-opened, closedAt cleared", snap(5, 0, "closed"), chat{State: "opened", OpenedAt: at(9), FirstOpenedAt: at(5)}, false, 9},
		{"closed and re-opened unseen", snap(5, 0, "opened"), chat{State: "opened", OpenedAt: at(9), FirstOpenedAt: at(5)}, false, 9},
		{"re-opened and closed unseen", snap(5, 0, "closed"), chat{State: "closed", OpenedAt: at(9), ClosedAt: at(10)}, false, 9},
		{"re-opened and snoozed unseen", snap(5, 0, "closed"), chat{State: "snoozed", OpenedAt: at(9), SnoozedAt: at(10)}, false, 9},
		{"re-opened into the queue", snap(5, 0, "closed"), chat{State: "queued", OpenedAt: at(5), QueuedAt: at(9)}, false, 9},
		{"re-opened into the queue, openedAt cleared", snap(5, 0, "closed"), chat{State: "queued", QueuedAt: at(9)}, false, 9},
		{"re-opened into the queue and closed unseen", snap(5, 0, "closed"), chat{State: "closed", OpenedAt: at(5), QueuedAt: at(9), ClosedAt: at(10)}, false, 9},
		{"re-opened through the queue unseen", snap(5, 0, "closed"), chat{State: "opened", QueuedAt: at(8), OpenedAt: at(9)}, false, 9},
		{"put back into the queue", snap(5, 3, "opened"), chat{State: "queued", OpenedAt: at(5), QueuedAt: at(9)}, false, 9},
		{"put back into the queue and taken out unseen", snap(5, 3, "opened"), chat{State: "opened", OpenedAt: at(10), QueuedAt: at(9)}, false, 10},

		// Out of the queue: the same inquiry, unless it was closed or opened in between.
		{"out of the queue", snap(0, 5, "queued"), chat{State: "opened", QueuedAt: at(5), OpenedAt: at(9), FirstOpenedAt: at(9)}, false, 0},
		{"out of the queue of a re-opened chat", snap(2, 5, "queued"), chat{State: "opened", QueuedAt: at(5), OpenedAt: at(9), FirstOpenedAt: at(2), ClosedAt: at(3)}, false, 0},
		{"out of the queue and closed unseen", snap(0, 5, "queued"), chat{State: "closed", QueuedAt: at(5), OpenedAt: at(9), FirstOpenedAt: at(9), ClosedAt: at(10)}, false, 0},
		{"out of the queue, closed, re-opened unseen", snap(0, 5, "queued"), chat{State: "opened", QueuedAt: at(5), OpenedAt: at(12), FirstOpenedAt: at(9), ClosedAt: at(10)}, false, 12},
		{"closed in the queue, re-opened unseen", snap(0, 5, "queued"), chat{State: "opened", QueuedAt: at(5), OpenedAt: at(12), FirstOpenedAt: at(12), ClosedAt: at(10)}, false, 12},
		{"out of the queue twice", snap(2, 5, "queued"), chat{State: "opened", QueuedAt: at(5), OpenedAt: at(12), FirstOpenedAt: at(2), ClosedAt: at(10)}, false, 12},
		{"out of the queue long ago, re-opened now", snap(9, 5, "closed"), chat{State: "opened", QueuedAt: at(5), OpenedAt: at(12), FirstOpenedAt: at(9)}, false, 12},
		{"closed in the queue, re-opened", snap(0, 5, "closed"), chat{State: "opened", QueuedAt: at(5), OpenedAt: at(12), FirstOpenedAt: at(12)}, false, 12},
		{"closed in the queue, re-opened and closed unseen", snap(0, 5, "closed"), chat{State: "closed", QueuedAt: at(5), OpenedAt: at(12), FirstOpenedAt: at(12), ClosedAt: at(13)}, false, 12},
		{"out of the second queue unseen", snap(0, 5, "queued"), chat{State: "opened", QueuedAt: at(11), OpenedAt: at(12), FirstOpenedAt: at(12)}, false, 12},

		// Out of a snooze: the same inquiry, unless it was closed in between or the setting says otherwise.
		{"out of a snooze", snap(5, 0, "snoozed"), chat{State: "opened", OpenedAt: at(9), FirstOpenedAt: at(5), SnoozedAt: at(6)}, false, 0},
		{"out of a snooze of a re-opened chat", snap(5, 0, "snoozed"), chat{State: "opened", OpenedAt: at(9), FirstOpenedAt: at(2), ClosedAt: at(3)}, false, 0},
		{"out of a snooze, setting on", snap(5, 0, "snoozed"), chat{State: "opened", OpenedAt: at(9), FirstOpenedAt: at(5)}, true, 9},
		{"out of a snooze, closed, re-opened unseen", snap(5, 0, "snoozed"), chat{State: "opened", OpenedAt: at(9), FirstOpenedAt: at(5), ClosedAt: at(8)}, false, 9},
		{"out of a snooze and closed unseen", snap(5, 0, "snoozed"), chat{State: "closed", OpenedAt: at(9), ClosedAt: at(10)}, false, 9},
		{"out of a snooze into the queue", snap(5, 0, "snoozed"), chat{State: "queued", OpenedAt: at(5), QueuedAt: at(9)}, false, 9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, is := opening(tt.prev, tt.chat, tt.snooze)
			if is != (tt.want != 0) || is && !got.Equal(at(tt.want)) {
				t.Fatalf("opening = %v, %v, want second %d", got, is, tt.want)
			}
			if tt.prev == nil {
				return
			}
			next := tt.prev.next(&chatRow{Chat: tt.chat})
			if next.Opened < tt.prev.Opened || next.Queued < tt.prev.Queued {
				t.Errorf("snapshot lowered to %+v", next)
			}
			if _, again := opening(&next, tt.chat, tt.snooze); again {
				t.Errorf("the same reply is an opening again, with snapshot %+v", next)
			}
		})
	}
}

func TestStaleReplyKeepsTheState(t *testing.T) {
	t.Parallel()
	s := chatSnapshot{Opened: ms(9), State: "snoozed"}
	if got := s.next(&chatRow{Chat: talkrelay.Chat{State: "opened", OpenedAt: at(5)}}); got != s {
		t.Errorf("snapshot became %+v", got)
	}
}

func TestBotOnly(t *testing.T) {
	t.Parallel()
	bot := func(change func(*chatRow)) *chatRow {
		c := &chatRow{Chat: talkrelay.Chat{ID: "c", State: "opened", MediumType: "native"}, last: &channeltalk.Message{PersonType: "bot"}}
		if change != nil {
			change(c)
		}
		return c
	}
	tests := []struct {
		name string
		row  *chatRow
		want bool
	}{
		{"a bot alone", bot(nil), true},
		{"a bot's log entry", bot(func(c *chatRow) { c.last.LogAction = "startWorkflow" }), true},
		{"last message unknown", bot(func(c *chatRow) { c.last = nil }), false},
		{"last message by a customer", bot(func(c *chatRow) { c.last.PersonType = "user" }), false},
		{"last message by a manager", bot(func(c *chatRow) { c.last.PersonType = "manager" }), false},
		{"last message by nobody known", bot(func(c *chatRow) { c.last.PersonType = "" }), false},
		{"the customer wrote before", bot(func(c *chatRow) { c.UserLastMessage = "m" }), false},
		{"the customer waits", bot(func(c *chatRow) { c.AskedAt = at(1) }), false},
		{"the customer asked once", bot(func(c *chatRow) { c.FirstAskedAt = at(1) }), false},
		{"somebody replied", bot(func(c *chatRow) { c.answered = true }), false},
		{"somebody is assigned", bot(func(c *chatRow) { c.AssigneeID = "m1" }), false},
		{"somebody is in it", bot(func(c *chatRow) { c.ManagerIDs = []string{"m1"} }), false},
		{"a phone call", bot(func(c *chatRow) { c.MediumType = "phone" }), false},
	}
	for _, tt := range tests {
		if got := tt.row.botOnly(); got != tt.want {
			t.Errorf("%s: botOnly = %v", tt.name, got)
		}
	}
}

func TestJudgeHolds(t *testing.T) {
	t.Parallel()
	hold := rules{holdBotOnly: true}
	row := func(state string, opened int64, person, userLast string) *chatRow {
		return &chatRow{
			Chat: talkrelay.Chat{ID: "c", State: state, OpenedAt: at(opened), UserLastMessage: userLast},
			last: &channeltalk.Message{PersonType: person},
		}
	}
	held := &chatSnapshot{Opened: ms(5), State: "opened", Held: ms(5)}
	tests := []struct {
		name     string
		rules    rules
		prev     *chatSnapshot
		row      *chatRow
		silent   bool
		announce int64 // 0 = none
		held     int64
	}{
		{"new, bot alone", hold, nil, row("opened", 5, "bot", ""), false, 0, 5},
		{"new, bot alone, alert", rules{}, nil, row("opened", 5, "bot", ""), false, 5, 0},
		{"new, customer", hold, nil, row("opened", 5, "user", ""), false, 5, 0},
		{"held, still a bot", hold, held, row("opened", 5, "bot", ""), false, 0, 5},
		{"held, customer writes", hold, held, row("opened", 5, "user", "m"), false, 5, 0},
		{"held, customer writes and a bot answers", hold, held, row("opened", 5, "bot", "m"), false, 5, 0},
		{"held, closed by a bot", hold, held, row("closed", 5, "bot", ""), false, 0, 5},
		{"held, closed by a manager", hold, held, row("closed", 5, "manager", ""), false, 0, 5},
		{"held, customer wrote, closed", hold, held, row("closed", 5, "manager", "m"), false, 5, 0},
		{"held, opened again, bot alone", hold, held, row("opened", 9, "bot", ""), false, 0, 9},
		{"held, opened again, customer", hold, held, row("opened", 9, "user", ""), false, 9, 0},
		{"known, opened again, bot alone", hold, &chatSnapshot{Opened: ms(5), State: "closed"}, row("opened", 9, "bot", ""), false, 0, 9},
		{"first walk, bot alone", hold, nil, row("opened", 5, "bot", ""), true, 0, 5},
		{"first walk, bot alone, closed", hold, nil, row("closed", 5, "bot", ""), true, 0, 0},
		{"first walk, customer", hold, nil, row("opened", 5, "user", ""), true, 0, 0},
		{"first walk again, customer", hold, held, row("opened", 9, "user", ""), true, 0, 0},
	}
	for _, tt := range tests {
		j := tt.rules.judge(tt.prev, tt.row, tt.silent, nil)
		if j.announce != (tt.announce != 0) || j.announce && !j.at.Equal(at(tt.announce)) {
			t.Errorf("%s: announce %v at %v, want second %d", tt.name, j.announce, j.at, tt.announce)
		}
		if j.snap.Held != ms(tt.held) {
			t.Errorf("%s: held = %d, want second %d", tt.name, j.snap.Held, tt.held)
		}
	}
}
