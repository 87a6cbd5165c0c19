package state_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/state"
)

// chatEvent is an event of a chat that is now as stand says.
func chatEvent(id string, kind talkrelay.Kind, chat, stand string) talkrelay.Event {
	return talkrelay.Event{
		ID: id, Kind: kind, Channel: "main", At: time.Now(), Seen: time.Now(),
		Chat: talkrelay.Chat{ID: chat, State: stand}, User: talkrelay.User{ID: "u-" + chat, Name: "고객 " + chat},
	}
}

// follower is a state file with one sink, "slack", that follows its chats.
type follower struct {
	t    *testing.T
	path string
	db   *state.DB
	q    *state.Queue
}

func newFollower(t *testing.T) *follower {
	f := &follower{t: t, path: tempPath(t)}
	f.open()
	return f
}

func (f *follower) open() {
	f.db = mustOpen(f.t, state.Config{Path: f.path})
	f.q = f.db.Queue("slack")
}

// happen commits events. Openings, contact events and messages are to be delivered.
func (f *follower) happen(events ...talkrelay.Event) {
	f.t.Helper()
	cursor, err := f.db.Cursor("main", "chats")
	must(f.t, err)
	c := talkrelay.Commit{
		Epoch: f.db.Epoch(), Channel: "main", Stream: "chats", Read: cursor, Cursor: cursor, Events: events, Followers: []string{"slack"},
	}
	for _, e := range events {
		if e.Kind == talkrelay.UserChatOpened || e.Kind.ContactEvent() || e.Kind.MessageEvent() {
			c.Deliveries = append(c.Deliveries, talkrelay.Delivery{EventID: e.ID, Sink: "slack", Route: "all"})
		}
	}
	must(f.t, f.db.Commit(c))
}

// deliver delivers the first that waits and returns it.
func (f *follower) deliver(receipt string, at time.Time) talkrelay.Pending {
	f.t.Helper()
	list, err := f.q.Pending(1)
	must(f.t, err)
	if len(list) == 0 {
		f.t.Fatal("nothing waits")
	}
	s := shipment("s-"+receipt, list...)
	must(f.t, f.q.Save(s))
	must(f.t, f.q.Settle(s, talkrelay.Outcome{Receipt: receipt, At: at}))
	return list[0]
}

// wantEdit fails unless the next edit is of the message with the receipt, shows the chat in the state, and is due then. It
// returns the edit. An empty receipt stands for none.
func (f *follower) wantEdit(receipt, stand string, due time.Time) *talkrelay.Edit {
	f.t.Helper()
	e, at, err := f.q.NextEdit()
	must(f.t, err)
	switch {
	case e == nil && receipt == "":
		return nil
	case e == nil || e.Receipt != receipt || e.Now().Chat.State != stand:
		f.t.Fatalf("next edit is %+v, want %s to show %s", e, receipt, stand)
	case at.Sub(due).Abs() > time.Millisecond:
		f.t.Fatalf("it is due at %v, want %v", at, due)
	}
	return e
}

const closed = talkrelay.Kind("userChat.closed")

// A message is to be edited when its chat has changed since what it shows: once for all changes, not sooner than the
// pace allows, and over a restart.
func TestEditIsDueWhenTheChatChanges(t *testing.T) {
	t.Parallel()
	f := newFollower(t)
	posted := time.Now().Add(-time.Second)
	f.happen(chatEvent("o1", talkrelay.UserChatOpened, "c1", "opened"), chatEvent("x", closed, "c9", "closed"))
	f.wantEdit("", "", time.Time{})
	f.deliver("r1", posted)
	f.wantEdit("", "", time.Time{})

	f.happen(chatEvent("s1", "userChat.snoozed", "c1", "snoozed"))
	first := f.wantEdit("r1", "snoozed", posted.Add(talkrelay.EditPace))
	f.happen(chatEvent("x1", closed, "c1", "closed"))
	e := f.wantEdit("r1", "closed", posted.Add(talkrelay.EditPace))
	if e.Now().ID != "o1" || e.Route != "all" || e.Now().User.Name != "고객 c1" {
		t.Errorf("the edit is of %+v", e)
	}

	must(t, f.db.Close())
	f.open()
	f.wantEdit("r1", "closed", posted.Add(talkrelay.EditPace))

	edited := time.Now()
	must(t, f.q.Edited(first, "snoozed", edited)) // it shows what was true before the last change
	e = f.wantEdit("r1", "closed", edited.Add(talkrelay.EditPace))
	if e.Shown != "snoozed" {
		t.Errorf("shown is %q", e.Shown)
	}
	must(t, f.q.Edited(e, "closed", edited))
	f.wantEdit("", "", time.Time{})
}

// A chat that changes before the message about its opening is delivered is shown as it is soon after.
func TestEditFollowsALateDelivery(t *testing.T) {
	t.Parallel()
	f := newFollower(t)
	f.happen(chatEvent("o1", talkrelay.UserChatOpened, "c1", "opened"))
	f.happen(chatEvent("x1", closed, "c1", "closed"))
	f.wantEdit("", "", time.Time{})
	now := time.Now()
	f.deliver("r1", now)
	f.wantEdit("r1", "closed", now.Add(talkrelay.EditPace))
}

// Each opening has its message, and all of them show how the chat is. What else comes of the chat, or of its customer,
// goes into the thread of the newest.
func TestEveryMessageOfAChat(t *testing.T) {
	t.Parallel()
	f := newFollower(t)
	f.happen(chatEvent("o1", talkrelay.UserChatOpened, "c1", "opened"))
	then := time.Now()
	f.deliver("r1", then)
	contact := chatEvent("k1", talkrelay.LeadContact, "", "")
	contact.User = talkrelay.User{ID: "u-c1", Contact: talkrelay.Contact{Email: "new@example.com"}}
	f.happen(chatEvent("o2", talkrelay.UserChatOpened, "c1", "opened"), contact)
	if p := f.deliver("r2", then); p.Thread != "" {
		t.Errorf("an opening goes into the thread %s", p.Thread)
	}
	if p := f.deliver("r3", then); p.Thread != "r2" {
		t.Errorf("a contact event goes into the thread %q, want r2", p.Thread)
	}
	e := f.wantEdit("r1", "opened", then.Add(talkrelay.EditPace))
	if e.Now().User.Email != "new@example.com" || e.Now().Chat.ID != "c1" {
		t.Errorf("it shows %+v", e.Now())
	}
	must(t, f.q.Unfollow(e)) // somebody deleted it
	e = f.wantEdit("r2", "opened", then.Add(talkrelay.EditPace))
	must(t, f.q.Postpone(e, then.Add(time.Minute)))
	f.wantEdit("r2", "opened", then.Add(time.Minute))
	f.happen(chatEvent("x1", closed, "c1", "closed"))
	e = f.wantEdit("r2", "closed", then.Add(time.Minute))
	must(t, f.q.Edited(e, "", time.Now()))
	f.wantEdit("", "", time.Time{})
}

// A message of a followed chat goes into its thread; one of a chat that is not followed stands alone.
func TestMessagesGoIntoTheThread(t *testing.T) {
	t.Parallel()
	f := newFollower(t)
	f.happen(chatEvent("o1", talkrelay.UserChatOpened, "c1", "opened"))
	then := time.Now()
	f.deliver("r1", then)
	f.happen(chatEvent("m1", talkrelay.UserChatMessage, "c1", "opened"), chatEvent("m2", talkrelay.UserChatMessage, "c2", "opened"))
	for i, want := range []string{"r1", ""} {
		if p := f.deliver(fmt.Sprint("reply", i), then); p.Thread != want {
			t.Errorf("%s goes into the thread %q, want %q", p.Event.ID, p.Thread, want)
		}
	}
	f.wantEdit("", "", time.Time{})
}

// What was written in a chat shows it as a list did before, perhaps long ago: no message about the chat is changed by it, and
// what is known of the chat stays.
func TestMessagesSayNothingOfTheChat(t *testing.T) {
	t.Parallel()
	f := newFollower(t)
	f.happen(chatEvent("o1", talkrelay.UserChatOpened, "c1", "opened"), chatEvent("m0", talkrelay.UserChatMessage, "c1", "opened"))
	then := time.Now()
	f.deliver("r1", then)
	f.deliver("t0", then)
	f.wantEdit("", "", time.Time{})
	f.happen(chatEvent("x1", closed, "c1", "closed"), chatEvent("m1", talkrelay.UserChatMessage, "c1", "opened"))
	if p := f.deliver("t1", then); p.Latest == nil || p.Latest.Chat.State != "closed" {
		t.Errorf("with the message, the chat is %+v", p.Latest)
	}
	e := f.wantEdit("r1", "closed", then.Add(talkrelay.EditPace))
	must(t, f.q.Edited(e, "closed", then))
	f.happen(chatEvent("m2", talkrelay.UserChatMessage, "c1", "opened"))
	f.deliver("t2", then)
	f.wantEdit("", "", time.Time{})

	f.happen(chatEvent("m3", talkrelay.UserChatMessage, "c2", "snoozed")) // it is followed from here on
	if p := f.deliver("t3", then); p.Latest == nil || p.Latest.Chat.State != "snoozed" {
		t.Errorf("with the first that is heard of a chat, it is %+v", p.Latest)
	}
}

// Chats take turns by when they are due, those of two sinks do not mix, and a message of several events is followed for none.
func TestEditsTakeTurns(t *testing.T) {
	t.Parallel()
	f := newFollower(t)
	start := time.Now().Add(-time.Minute)
	for i := range 3 {
		f.happen(chatEvent(fmt.Sprint("o", i), talkrelay.UserChatOpened, fmt.Sprint("c", i), "opened"))
		f.deliver(fmt.Sprint("r", i), start.Add(time.Duration(i)*time.Second))
	}
	f.happen(chatEvent("o3", talkrelay.UserChatOpened, "c3", "opened"), chatEvent("o4", talkrelay.UserChatOpened, "c4", "opened"))
	list, err := f.q.Pending(2)
	must(t, err)
	digest := shipment("digest", list...)
	must(t, f.q.Save(digest))
	must(t, f.q.Settle(digest, talkrelay.Outcome{Receipt: "r34", At: start}))
	for i := range 5 {
		f.happen(chatEvent(fmt.Sprint("x", i), closed, fmt.Sprint("c", i), "closed"))
	}
	for i := range 3 {
		e, _, err := f.q.NextEdit()
		must(t, err)
		if e == nil || e.Receipt != fmt.Sprint("r", i) {
			t.Fatalf("edit %d is of %+v", i, e)
		}
		must(t, f.q.Edited(e, "", time.Now()))
	}
	f.wantEdit("", "", time.Time{})
	if e, _, err := f.db.Queue("other").NextEdit(); e != nil || err != nil {
		t.Errorf("another sink is to edit %+v, %v", e, err)
	}
}

// What the retention no longer allows, and a customer who is to be forgotten, leaves nothing behind in what is followed.
func TestFollowedIsErased(t *testing.T) {
	t.Parallel()
	f := newFollower(t)
	f.happen(chatEvent("o1", talkrelay.UserChatOpened, "c1", "opened"), chatEvent("o2", talkrelay.UserChatOpened, "c2", "opened"))
	f.deliver("r1", time.Now())
	f.deliver("r2", time.Now())
	f.happen(chatEvent("x1", closed, "c1", "closed"), chatEvent("x2", closed, "c2", "closed"))
	_, err := f.db.Forget(t.Context(), func(e *talkrelay.Event) bool { return e.User.ID == "u-c1" }, nil, time.Now(), false)
	must(t, err)
	e, _, err := f.q.NextEdit()
	must(t, err)
	if e == nil || e.Receipt != "r2" {
		t.Fatalf("next edit is %+v, want that of r2", e)
	}
	_, err = f.db.Sweep(t.Context(), time.Now())
	must(t, err)
	if countIn(t, filepath.Dir(f.path), "고객 c2") == 0 {
		t.Error("the other customer is gone too")
	}
	if n := countIn(t, filepath.Dir(f.path), "고객 c1"); n != 0 {
		t.Errorf("the forgotten customer is in the file %d times", n)
	}
	_, err = f.db.Sweep(t.Context(), time.Now().Add(state.DefaultRetention+time.Minute))
	must(t, err)
	f.wantEdit("", "", time.Time{})
	if n := countIn(t, filepath.Dir(f.path), "고객 c2"); n != 0 {
		t.Errorf("the erased customer is in the file %d times", n)
	}
	must(t, f.q.Edited(e, "", time.Now())) // an edit that was under way finds nothing to note
}

// What waits knows how its chat is now, also where only a later event of the chat is delivered.
func TestPendingKnowsTheChat(t *testing.T) {
	t.Parallel()
	f := newFollower(t)
	f.happen(chatEvent("o1", talkrelay.UserChatOpened, "c1", "opened"), chatEvent("x9", closed, "c9", "closed"))
	f.happen(chatEvent("x1", closed, "c1", "closed"))
	must(t, f.db.Close())
	f.open()
	list, err := f.q.Pending(10)
	must(t, err)
	if len(list) != 1 || list[0].Event.Chat.State != "opened" || list[0].Latest == nil || list[0].Latest.Chat.State != "closed" {
		t.Errorf("%+v", list)
	}
}
