package state_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/state"
)

// keeper is a state file with one sink, "rows", that has a row of each chat. Routes send openings of chats there, and
// contact events never.
type keeper struct {
	t    *testing.T
	path string
	db   *state.DB
	q    *state.Queue
}

func newKeeper(t *testing.T) *keeper {
	k := &keeper{t: t, path: tempPath(t)}
	k.db = mustOpen(t, state.Config{Path: k.path})
	k.q = k.db.Queue("rows")
	return k
}

func (k *keeper) happen(events ...talkrelay.Event) {
	k.t.Helper()
	cursor, err := k.db.Cursor("main", "chats")
	must(k.t, err)
	c := talkrelay.Commit{
		Epoch: k.db.Epoch(), Channel: "main", Stream: "chats", Read: cursor, Cursor: cursor, Events: events,
		Followers: []string{"rows"}, Keepers: []string{"rows"},
	}
	for _, e := range events {
		if e.Kind == talkrelay.UserChatOpened && !strings.HasPrefix(e.Chat.ID, "other") {
			c.Deliveries = append(c.Deliveries, talkrelay.Delivery{EventID: e.ID, Sink: "rows", Route: "all"})
		}
	}
	must(k.t, k.db.Commit(c))
}

// wantWaiting fails unless these events wait; those in brackets as refreshes. All of them are delivered then.
func (k *keeper) wantWaiting(want string) []talkrelay.Pending {
	k.t.Helper()
	list, err := k.q.Pending(100)
	must(k.t, err)
	var got []string
	for _, p := range list {
		if p.Refresh {
			got = append(got, "("+p.Event.ID+")")
		} else {
			got = append(got, p.Event.ID)
		}
	}
	if strings.Join(got, " ") != want {
		k.t.Errorf("waiting: %v, want %s", got, want)
	}
	if len(list) > 0 {
		s := shipment("s"+list[0].Event.ID, list...)
		must(k.t, k.q.Save(s))
		must(k.t, k.q.Settle(s, talkrelay.Outcome{Receipt: "1", At: time.Now()}))
	}
	return list
}

// A sink with a row of each chat gets whatever becomes of those that routes have sent there, each event once and with the
// chat as it is; nothing of other chats, no messages, and none of it counts as delivered.
func TestKeepersAreRefreshed(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	k.happen(chatEvent("o1", talkrelay.UserChatOpened, "c1", "opened"), chatEvent("o9", talkrelay.UserChatOpened, "other", "opened"),
		chatEvent("a1", talkrelay.UserChatAssigned, "c1", "opened"), chatEvent("a9", talkrelay.UserChatAssigned, "other", "opened"))
	k.wantWaiting("o1 (a1)")
	moved := chatEvent("v1", talkrelay.UserChatMoved, "c1", "opened")
	contact := chatEvent("k1", talkrelay.LeadContact, "", "")
	contact.User = talkrelay.User{ID: "u-c1", Name: "새 이름"}
	k.happen(chatEvent("s1", talkrelay.UserChatSnoozed, "c1", "snoozed"), moved, contact,
		chatEvent("m1", talkrelay.UserChatMessage, "c1", "snoozed"), chatEvent("s9", talkrelay.UserChatSnoozed, "other", "snoozed"))
	k.happen(moved)
	for _, p := range k.wantWaiting("(s1) (v1) (k1)") {
		if p.Latest == nil || p.Latest.Chat.State != "opened" || p.Latest.Chat.ID != "c1" || p.Latest.User.Name != "새 이름" {
			t.Errorf("%s shows %+v", p.Event.ID, p.Latest)
		}
	}
	hours, err := k.q.Delivered(time.Now())
	must(t, err)
	if n := hours[23] + hours[22]; n != 1 {
		t.Errorf("%d count as delivered, want the opening alone", n)
	}
	if waiting, _, _, err := k.q.Depth(); err != nil || waiting != 0 {
		t.Errorf("%d are left, %v", waiting, err)
	}
}

// When the retention has passed, it is still known which chats have a row, but of one that is not closed alone, and nothing
// of the customer.
func TestKeepersOutliveTheRetention(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	k.happen(chatEvent("o1", talkrelay.UserChatOpened, "c1", "snoozed"), chatEvent("o2", talkrelay.UserChatOpened, "c2", "closed"))
	k.wantWaiting("o1 o2")
	later := time.Now().Add(state.DefaultRetention + time.Hour)
	for range 2 {
		report, err := k.db.Sweep(t.Context(), later)
		must(t, err)
		if report.Compacted != (report.Erased > 0) {
			t.Errorf("%+v", report)
		}
	}
	text, err := os.ReadFile(k.path)
	must(t, err)
	if bytes.Contains(text, []byte("고객")) {
		t.Error("names of customers are still in the file")
	}
	k.happen(chatEvent("k1", talkrelay.LeadContact, "c1", "snoozed"), chatEvent("m1", talkrelay.UserChatMessage, "c1", "snoozed"))
	k.wantWaiting("") // a row is not made of what these do not know
	k.happen(chatEvent("v1", talkrelay.UserChatMoved, "c1", "opened"), chatEvent("v2", talkrelay.UserChatMoved, "c2", "opened"))
	for _, p := range k.wantWaiting("(v1)") {
		if p.Latest == nil || p.Latest.Chat.State != "opened" {
			t.Errorf("the row would show %+v", p.Latest)
		}
	}
}

// A sink that has no rows any more is not given what was to refresh them.
func TestRefreshesAreDropped(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	k.happen(chatEvent("o1", talkrelay.UserChatOpened, "c1", "opened"), chatEvent("x1", closed, "c1", "closed"))
	must(t, k.q.DropRefreshes(time.Now()))
	k.wantWaiting("o1")
	k.happen(chatEvent("x2", closed, "c1", "closed"))
	k.wantWaiting("(x2)")
}

// Rows that a backfill brings are refreshed as well, and what it reads replaces nothing that is known.
func TestBackfilledRowsAreRefreshed(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	k.happen(chatEvent("o2", talkrelay.UserChatOpened, "c2", "opened"), chatEvent("x2", closed, "c2", "closed"))
	var list []state.OldEvent
	for _, e := range []talkrelay.Event{chatEvent("o1", talkrelay.UserChatOpened, "c1", "snoozed"), chatEvent("p2", talkrelay.UserChatOpened, "c2", "opened")} {
		list = append(list, state.OldEvent{IDs: []string{e.ID}, Event: e, Routes: []talkrelay.Delivery{{EventID: e.ID, Sink: "rows", Route: "all"}}})
	}
	_, err := k.db.Refill(state.Refill{Epoch: k.db.Epoch(), Channel: "main", Job: "backfill", Events: list, Keepers: []string{"rows"}})
	must(t, err)
	for _, p := range k.wantWaiting("o2 (x2) o1 p2") {
		if want := map[string]string{"c1": "snoozed", "c2": "closed"}[p.Event.Chat.ID]; p.Latest == nil || p.Latest.Chat.State != want {
			t.Errorf("%s shows %+v, want %s", p.Event.ID, p.Latest, want)
		}
	}
	k.happen(chatEvent("v1", talkrelay.UserChatMoved, "c1", "opened"))
	k.wantWaiting("(v1)")
}
