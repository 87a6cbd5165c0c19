package poller_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// Whatever order the lists have, with failures, lost commits and restarts: the latest close, snooze and answer of every
// chat is told, the newest event of a chat shows its present assignee and tags, and nothing is told that did not happen,
// or twice.
func TestLifeInEveryOrder(t *testing.T) {
	t.Parallel()
	for name, order := range listOrders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newLifeWorld(11, order).play(t, 12)
		})
	}
}

// lifeWorld is a world in which chats are assigned, tagged, asked and answered as well.
type lifeWorld struct{ *world }

func newLifeWorld(seed uint64, order func(*talk)) *lifeWorld {
	w := &lifeWorld{newWorld(seed, order)}
	w.lives, w.checkLives = w.live, w.checkLife
	return w
}

func (w *lifeWorld) live() {
	a := w.talk
	ids := slices.Sorted(maps.Keys(a.chats))
	c := a.chats[ids[w.rnd.IntN(len(ids))]]
	switch w.rnd.IntN(4) {
	case 0:
		a.assign(c, fmt.Sprintf("m%d", w.rnd.IntN(3)))
	case 1:
		a.tag(c, []string{"환불", "배송", "교환"}[:w.rnd.IntN(4)]...)
	case 2:
		a.ask(c)
	case 3:
		if c.State == "opened" {
			a.reply(c)
		}
	}
}

func (w *lifeWorld) checkLife(t *testing.T) {
	t.Helper()
	for id, e := range w.store.events {
		at := id[strings.LastIndex(id, "/")+1:]
		switch e.Kind {
		case talkrelay.UserChatClosed, talkrelay.UserChatSnoozed:
			if !w.talk.happened[strings.TrimPrefix(string(e.Kind), "userChat.")+" "+e.Chat.ID+" "+at] {
				t.Fatalf("%s did not happen", id)
			}
		}
	}
	for id, c := range w.talk.chats {
		w.checkTold(t, talkrelay.UserChatClosed, c, c.ClosedAt)
		w.checkTold(t, talkrelay.UserChatSnoozed, c, c.SnoozedAt)
		w.checkTold(t, talkrelay.UserChatReplied, c, c.FirstRepliedAtAfterOpen)
		if told := w.store.told(id); len(told) > 0 {
			if e := w.store.last(t, id); e.Chat.AssigneeID != c.AssigneeID || !slices.Equal(e.Chat.Tags, c.Tags) {
				t.Fatalf("chat %s: last told %s with %s %v, it has %s %v", id, e.ID, e.Chat.AssigneeID, e.Chat.Tags, c.AssigneeID, c.Tags)
			}
		}
	}
	if len(w.store.again) > 0 {
		t.Fatalf("found again: %v", w.store.again)
	}
}

func (w *lifeWorld) checkTold(t *testing.T, kind talkrelay.Kind, c *channeltalk.UserChat, at time.Time) {
	t.Helper()
	if !at.After(w.began) {
		return
	}
	if id := fmt.Sprintf("%s/%s/%d", kind, c.ID, at.UnixMilli()); w.store.events[id].ID == "" {
		t.Fatalf("%s is not told; told of the chat: %v", id, w.store.told(c.ID))
	}
}
