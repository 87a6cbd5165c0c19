package poller_test

import (
	"encoding/json"
	"slices"
	"testing"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

// A replay makes the very events that a poll makes of chats it sees for the first time, whatever state they are in.
func TestReplayMakesTheEventsOfAPoll(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	p := newPoller(t, a, s, func(c *poller.Config) { c.BotOnly = poller.BotOnlyAlert })
	run(t, p, poller.JobPoll)
	open, queued, again, done := a.open("open", "opened"), a.open("queued", "queued"), a.open("again", "opened"), a.open("done", "opened")
	a.close(again)
	a.reopen(again)
	a.close(done)
	open.AssigneeID, open.UserLastMessageID = "m1", "1"
	a.messages["open"] = []channeltalk.Message{said("2", "open", "bot", "잠시만요", nil), said("1", "open", "user", "환불이요", nil)}
	a.users[queued.UserID].Email = "hong@example.com"
	a.hidden[again.UserID] = true
	run(t, p, poller.JobPoll, poller.JobSweep)

	r := poller.NewReplay(poller.Config{Name: "main", API: a, MessageLookupsPerMinute: 60})
	var got []talkrelay.Event
	for _, state := range []string{"opened", "queued", "closed"} {
		page, err := a.UserChats(t.Context(), channeltalk.Query{State: state, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		events, err := r.Events(t.Context(), page)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, events...)
	}
	if len(got) != len(s.order) || len(got) != 6 {
		t.Fatalf("%d events, a poll made %d: %v", len(got), len(s.order), s.order)
	}
	for _, e := range got {
		want := s.event(t, e.ID)
		want.Seen = e.Seen
		if w, g := encoded(t, want), encoded(t, e); w != g {
			t.Errorf("replayed\n%s\npolled\n%s", g, w)
		}
	}
	if i := slices.IndexFunc(got, func(e talkrelay.Event) bool { return e.Chat.ID == "open" }); got[i].Message.Text != "환불이요" || got[i].Assignee.Name != "김상담" {
		t.Errorf("details are missing: %+v", got[i])
	}
}

// A chat in which only a bot has spoken waits in a poll, and is marked in a replay.
func TestReplayMarksBots(t *testing.T) {
	t.Parallel()
	a := newTalk()
	a.open("c", "opened")
	a.last["c"] = said("1", "c", "bot", "안녕하세요", nil)
	page, err := a.UserChats(t.Context(), channeltalk.Query{State: "opened", Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	got, err := poller.NewReplay(poller.Config{Name: "main", API: a}).Events(t.Context(), page)
	if err != nil || len(got) != 1 || !got[0].Chat.BotOnly {
		t.Errorf("%+v, %v; want one event of a chat with a bot alone", got, err)
	}
}

func encoded(t *testing.T, e talkrelay.Event) string {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
