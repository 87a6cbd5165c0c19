package slack_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/slack"
)

const personID = "U0123456789"

// shelf is a Memory.
type shelf struct {
	mu   sync.Mutex
	data []byte
}

func (m *shelf) Load() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.data, nil
}

func (m *shelf) Save(data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data = data
	return nil
}

func (f *fake) calling(memory sink.Memory, change func(*slack.Config)) *slack.Sink {
	return f.sink(func(c *slack.Config) {
		c.MentionAssignee, c.Memory = true, memory
		if change != nil {
			change(c)
		}
	})
}

// post does what a worker does, and returns what people read.
func post(t *testing.T, s *slack.Sink, e talkrelay.Event) string {
	t.Helper()
	items := []sink.Item{{Event: e}}
	s.Scout(t.Context(), items)
	body, _, err := s.Prepare(shipment, items, "")
	if err != nil {
		t.Fatal(err)
	}
	return text(t, body)
}

// The assignee is looked up once, over restarts too, and called in the messages about them.
func TestAssigneeIsCalled(t *testing.T) {
	t.Parallel()
	f, memory := newFake(t), new(shelf)
	f.on("users.lookupByEmail", func(w http.ResponseWriter, r *http.Request) {
		if r.Form.Get("email") != "agent@example.com" {
			t.Errorf("asked for %v", r.Form)
		}
		fmt.Fprintf(w, `{"ok":true,"user":{"id":%q}}`, personID)
	})
	samples := map[talkrelay.Kind]talkrelay.Event{}
	for _, e := range sink.SampleEvents() {
		samples[e.Kind] = e
	}
	opened := samples[talkrelay.UserChatOpened]
	s := f.calling(memory, nil)
	for kind, want := range map[talkrelay.Kind]bool{
		talkrelay.UserChatOpened: true, talkrelay.UserChatWaiting: true, talkrelay.UserChatAssigned: true,
		talkrelay.UserChatClosed: false, talkrelay.UserChatReplied: false, talkrelay.UserChatTagged: false,
	} {
		e := samples[kind]
		e.Chat.HandlingType = ""
		if got := post(t, s, e); strings.Contains(got, "<@"+personID+">") != want {
			t.Errorf("%s: mentioned %t in\n%s", kind, !want, got)
		}
	}
	opened.Chat.HandlingType = "alf"
	if got := post(t, s, opened); strings.Contains(got, "<@") {
		t.Errorf("mentioned while a bot answers:\n%s", got)
	}
	s = f.calling(memory, func(c *slack.Config) { c.Text = "{{.AssigneeMention}} · {{.User.Name}}" })
	opened.User.Name = "<@U9999999999>"
	if got := post(t, s, opened); !strings.HasPrefix(got, "<@"+personID+"> · ") || strings.Contains(got, "<@U9") {
		t.Errorf("own text: %s", got)
	}
	if n := len(f.seen("users.lookupByEmail")); n != 1 {
		t.Errorf("looked up %d times", n)
	}
	if strings.Contains(string(memory.data), "agent@") {
		t.Errorf("an address is kept: %s", memory.data)
	}
}

// Whoever cannot be looked up stands there by name, the message goes out all the same, and Slack is not asked each time.
func TestAssigneeIsNotKnown(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		`{"ok":false,"error":"users_not_found"}`, `{"ok":false,"error":"missing_scope","needed":"users:read.email"}`, `{"ok":false,"error":"ratelimited"}`,
		`{"ok":true,"user":{"id":"U1> <!channel"}}`, `{"ok":true}`, `<html>`,
	} {
		f := newFake(t)
		f.says("users.lookupByEmail", 200, answer)
		s := f.calling(new(shelf), nil)
		for range 2 {
			if got := post(t, s, inquiry()); strings.Contains(got, "<@") || strings.Contains(got, "<!") || !strings.Contains(got, "*김상담*") {
				t.Errorf("%s:\n%s", answer, got)
			}
		}
		if n := len(f.seen("users.lookupByEmail")); n != 1 {
			t.Errorf("%s: looked up %d times", answer, n)
		}
	}
	f := newFake(t)
	f.says("users.lookupByEmail", 200, `{"ok":false,"error":"users_not_found"}`)
	e := inquiry()
	e.Assignee.Email = ""
	if got := post(t, f.calling(new(shelf), nil), e); !strings.Contains(got, "*김상담*") || len(f.seen("users.lookupByEmail")) != 0 {
		t.Errorf("without an address:\n%s", got)
	}
	if got := post(t, f.sink(nil), inquiry()); !strings.Contains(got, "*김상담*") || len(f.seen("users.lookupByEmail")) != 0 {
		t.Errorf("turned off:\n%s", got)
	}
}

// A channel's name and people are remembered side by side.
func TestPeopleAndChannelAreRemembered(t *testing.T) {
	t.Parallel()
	f, memory := newFake(t), new(shelf)
	f.says("users.lookupByEmail", 200, fmt.Sprintf(`{"ok":true,"user":{"id":%q}}`, personID))
	named := func(c *slack.Config) { c.Channel = "cs" }
	s := f.calling(memory, named)
	post(t, s, inquiry())
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	s = f.calling(memory, named)
	if got := post(t, s, inquiry()); !strings.Contains(got, "<@"+personID+">") {
		t.Errorf("not mentioned:\n%s", got)
	}
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, m := len(f.seen("users.lookupByEmail")), len(f.seen("conversations.list")); n != 1 || m != 1 {
		t.Errorf("looked up %d people and %d channels", n, m)
	}
}
