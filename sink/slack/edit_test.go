package slack_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/slack"
)

const parentTS = "1795320000.000001"

// now returns the inquiry as it would read after its chat has changed.
func now(change func(*talkrelay.Event)) talkrelay.Event {
	e := inquiry()
	e.Assignee, e.Chat.WaitingTime, e.Chat.AskedAt, e.Chat.State = talkrelay.Person{}, 0, time.Time{}, "opened"
	change(&e)
	return e
}

// The heading of an edited message says how its chat is.
func TestEditSaysHowTheChatIs(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 5, 3, 0, 0, time.UTC)
	s := newFake(t).sink(func(c *slack.Config) { c.Follow = true })
	for _, test := range []struct {
		name, want string
		change     func(*talkrelay.Event)
	}{
		{"nothing yet", "🆕 새 문의 — ", func(*talkrelay.Event) {}},
		{"assigned", "👤 배정 — ", func(e *talkrelay.Event) { e.Assignee.Name = "박상담" }},
		{"answered", "💬 첫 답변 3분 — ", func(e *talkrelay.Event) { e.Chat.WaitingTime = 3 * time.Minute }},
		{"asked again", "⏱ 11/22(일) 14:03부터 대기", func(e *talkrelay.Event) { e.Chat.WaitingTime, e.Chat.AskedAt = time.Minute, at }},
		{"snoozed", "💤 보류 — ", func(e *talkrelay.Event) { e.Chat.State = "snoozed" }},
		{"closed", "✅ 종료 — ", func(e *talkrelay.Event) { e.Chat.State, e.Chat.ClosedAt = "closed", at }},
		{"closed when", "11/22(일) 14:03 종료", func(e *talkrelay.Event) { e.Chat.State, e.Chat.ClosedAt = "closed", at }},
	} {
		item := sink.Item{Event: now(test.change)}
		body, err := s.PrepareEdit(shipment, item)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		form, _ := url.ParseQuery(string(body))
		if !strings.Contains(form.Get("blocks"), test.want) {
			t.Errorf("%s: %q is not in %s", test.name, test.want, form.Get("blocks"))
		}
		again, _ := s.PrepareEdit(shipment, item)
		if string(again) != string(body) {
			t.Errorf("%s: the same item makes other bytes", test.name)
		}
		for _, key := range []string{"channel", "thread_ts", "unfurl_links"} {
			if form.Has(key) {
				t.Errorf("%s: %s is in the body", test.name, key)
			}
		}
	}
}

// An operator's own text is edited as it was posted, with what it says of the chat.
func TestEditOfOwnText(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(func(c *slack.Config) { c.Follow, c.Text = true, "{{.User.Name}}: {{.Chat.State}}" })
	body, err := s.PrepareEdit(shipment, sink.Item{Event: now(func(e *talkrelay.Event) { e.Chat.State = "closed" })})
	form, _ := url.ParseQuery(string(body))
	if err != nil || !strings.HasSuffix(form.Get("text"), ": closed") || form.Has("blocks") {
		t.Errorf("got %v, %v", form, err)
	}
}

// Edit asks Slack to change the one message, and says what to do when Slack does not.
func TestEdit(t *testing.T) {
	t.Parallel()
	ok := fmt.Sprintf(`{"ok":true,"channel":%q,"ts":%q}`, chanA, parentTS)
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   sink.Verdict
	}{
		{"done", 200, ok, -1},
		{"deleted", 200, `{"ok":false,"error":"message_not_found"}`, sink.Bad},
		{"another's", 200, `{"ok":false,"error":"cant_update_message"}`, sink.Bad},
		{"too old", 200, `{"ok":false,"error":"edit_window_closed"}`, sink.Bad},
		{"bad blocks", 200, `{"ok":false,"error":"invalid_blocks"}`, sink.Bad},
		{"archived", 200, `{"ok":false,"error":"is_archived"}`, sink.PauseDestination},
		{"revoked", 200, `{"ok":false,"error":"token_revoked"}`, sink.PauseCredential},
		{"unknown", 200, `{"ok":false,"error":"full_moon"}`, sink.PauseDestination},
		{"throttled", 429, `{"ok":false,"error":"ratelimited"}`, sink.Retry},
		{"for now", 200, `{"ok":false,"error":"update_failed"}`, sink.Retry},
		{"5xx", 503, ``, sink.InDoubt},
		{"html", 200, `<html>`, sink.InDoubt},
		{"another message", 200, `{"ok":true,"ts":"1.000001"}`, sink.InDoubt},
	} {
		f := newFake(t)
		f.says("chat.update", test.status, test.body)
		s := f.sink(func(c *slack.Config) { c.Follow = true })
		body, err := s.PrepareEdit(shipment, sink.Item{Event: inquiry()})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Edit(t.Context(), parentTS, body)
		if test.want >= 0 {
			mustVerdict(t, err, test.want)
		} else if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		form := f.seen("chat.update")[0].form
		if form.Get("channel") != chanA || form.Get("ts") != parentTS || form.Get("metadata") == "" || len(f.seen("chat.postMessage")) != 0 {
			t.Errorf("%s: sent %v", test.name, form)
		}
	}
}

// A 429 of chat.update holds back no message, and messages that are held hold back no edit.
func TestEditsHaveTheirOwnHold(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.says("chat.update", 429, `{"ok":false,"error":"ratelimited"}`)
	s := f.sink(func(c *slack.Config) { c.Follow = true })
	mustVerdict(t, s.Edit(t.Context(), parentTS, []byte("text=x")), sink.Retry)
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Send(t.Context(), message(t, s, inquiry())); err != nil {
		t.Errorf("a message: %v", err)
	}
}

// A revoked token is not tried again with an edit until auth.test says that it is good.
func TestEditWithARefusedToken(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.refuses("chat.update", "token_revoked")
	f.refuses("auth.test", "token_revoked")
	s := f.sink(func(c *slack.Config) { c.Follow = true })
	for range 2 {
		mustVerdict(t, s.Edit(t.Context(), parentTS, []byte("text=x")), sink.PauseCredential)
	}
	if n := len(f.seen("chat.update")); n != 1 {
		t.Errorf("chat.update was asked %d times", n)
	}
}

// threaded prepares a contact event as a reply.
func threaded(t *testing.T, s *slack.Sink, form string) sink.Message {
	t.Helper()
	body, _, err := s.Prepare(shipment, []sink.Item{{Event: sink.SampleEvents()[1], Thread: parentTS}}, form)
	if err != nil {
		t.Fatal(err)
	}
	return sink.Message{ID: shipment, Body: body, Attempt: 1, FirstSent: time.Now()}
}

func threadOf(m sink.Message) string {
	form, _ := url.ParseQuery(string(m.Body))
	return form.Get("thread_ts")
}

// What comes of a followed chat is a reply, unless the sink does not follow or the thread was refused.
func TestReply(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.sink(func(c *slack.Config) { c.Follow = true })
	for form, want := range map[string]string{"": parentTS, slack.FormPlain: parentTS, slack.FormTop: "", slack.FormTop + " " + slack.FormPlain: ""} {
		if got := threadOf(threaded(t, s, form)); got != want {
			t.Errorf("form %q: thread %q, want %q", form, got, want)
		}
	}
	if got := threadOf(threaded(t, f.sink(nil), "")); got != "" {
		t.Errorf("without follow: thread %q", got)
	}
	for _, code := range []string{"cannot_reply_to_message", "restricted_action_thread_locked", "restricted_action_non_threadable_channel", "invalid_thread_ts"} {
		f.refuses("chat.postMessage", code)
		_, err := s.Send(t.Context(), threaded(t, s, ""))
		if e := mustVerdict(t, err, sink.Rework); e.Form != slack.FormTop {
			t.Errorf("%s: form %q", code, e.Form)
		}
		_, err = s.Send(t.Context(), threaded(t, s, slack.FormPlain))
		if e := mustVerdict(t, err, sink.Rework); e.Form != slack.FormTop+" "+slack.FormPlain {
			t.Errorf("%s, plain: form %q", code, e.Form)
		}
	}
}

// A reply in doubt is looked for in its thread and in the channel, where Slack puts it when the thread is gone.
func TestReplyIsFound(t *testing.T) {
	t.Parallel()
	ours := fmt.Sprintf(`{"ts":"1795320009.000001","bot_id":%q,"metadata":{"event_type":"talkrelay_delivery","event_payload":{"id":%q}}}`, botID, shipment)
	page := func(messages string) string { return `{"ok":true,"messages":[` + messages + `]}` }
	for _, test := range []struct {
		name, replies, history string
		want                   bool
	}{
		{"in the thread", page(ours), page(""), true},
		{"in the channel", page(""), page(ours), true},
		{"thread gone", `{"ok":false,"error":"thread_not_found"}`, page(ours), true},
		{"nowhere", page(""), page(""), false},
	} {
		f := newFake(t)
		f.says("conversations.replies", http.StatusOK, test.replies)
		f.says("conversations.history", http.StatusOK, test.history)
		s := f.sink(func(c *slack.Config) { c.Follow = true })
		receipt, found, err := s.Resolve(t.Context(), threaded(t, s, ""))
		if err != nil || found != test.want || found && receipt != "1795320009.000001" {
			t.Errorf("%s: %q, %v, %v", test.name, receipt, found, err)
		}
		if form := f.seen("conversations.replies")[0].form; form.Get("ts") != parentTS || form.Get("oldest") == "" || form.Get("latest") == "" {
			t.Errorf("%s: asked for %v", test.name, form)
		}
	}
}

// A reply is never part of a digest.
func TestReplyIsNoPartOfADigest(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(func(c *slack.Config) { c.Follow, c.DigestAbove = true, 2 })
	items := seen(every(8, 0)...)
	items[4].Thread = parentTS
	var got []int
	for rest := items; len(rest) > 0; {
		_, n, err := s.Prepare(shipment, rest, "")
		if err != nil {
			t.Fatal(err)
		}
		got, rest = append(got, n), rest[n:]
	}
	if fmt.Sprint(got) != "[4 1 3]" {
		t.Errorf("messages of %v events", got)
	}
}
