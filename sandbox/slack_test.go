package sandbox_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

func TestPostMessage(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	room := w.Slack.AddChannel("cs")
	r := call(t, w.Slack, "chat.postMessage", form{
		"channel": room.ID, "text": "새 문의", "blocks": `[{"type":"section","text":{"type":"mrkdwn","text":"*굵게*"}}]`,
		"metadata":     `{"event_type":"talkrelay_delivery","event_payload":{"id":"abc"}}`,
		"unfurl_links": "false", "unfurl_media": "false", "parse": "none", "link_names": "false",
	})
	ts, _ := r.path("ts").(string)
	if r.status != 200 || r.path("ok") != true || ts == "" || r.path("channel") != room.ID || r.path("message.bot_id") != w.Slack.BotID {
		t.Errorf("form: %d %s", r.status, r.body)
	}
	r = do(t, "POST", w.Slack.APIURL()+"chat.postMessage", http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "Authorization": {"Bearer " + w.Slack.Token},
	}, `{"channel":"`+room.ID+`","text":"JSON","blocks":[{"type":"divider"}],"metadata":{"event_type":"x","event_payload":{"id":"def"}}}`)
	if r.path("ok") != true {
		t.Errorf("JSON: %s", r.body)
	}
	m := room.Messages()
	if len(m) != 2 || m[0].TS != ts || m[0].MetadataID != "abc" || m[0].EventType != "talkrelay_delivery" || m[0].BotID != w.Slack.BotID ||
		m[1].MetadataID != "def" || m[1].TS <= m[0].TS || string(m[1].Blocks) != `[{"type":"divider"}]` {
		t.Errorf("messages: %+v", m)
	}
	wantClean(t, w)
}

func TestSlackRefuses(t *testing.T) {
	t.Parallel()
	good := func(room *sandbox.SlackChannel) form { return form{"channel": room.ID, "text": "hi"} }
	tests := map[string]struct {
		prepare   func(s *sandbox.Slack, room *sandbox.SlackChannel)
		method    string
		args      func(room *sandbox.SlackChannel) form
		want      string
		violation string
	}{
		"revoked":   {func(s *sandbox.Slack, _ *sandbox.SlackChannel) { s.SetTokenError("token_revoked") }, "chat.postMessage", good, "token_revoked", ""},
		"bad token": {nil, "chat.postMessage", func(r *sandbox.SlackChannel) form { return form{"channel": r.ID, "token": "xoxb-1"} }, "invalid_auth", ""},
		"no token":  {nil, "auth.test", func(*sandbox.SlackChannel) form { return form{"token": ""} }, "not_authed", ""},
		"no scope to write": {
			func(s *sandbox.Slack, _ *sandbox.SlackChannel) { s.SetScopes("channels:history") }, "chat.postMessage", good, "missing_scope", "",
		},
		"no scope to read": {
			func(s *sandbox.Slack, _ *sandbox.SlackChannel) { s.SetScopes("chat:write", "groups:history") }, "conversations.history", channelOnly,
			"missing_scope", "",
		},
		"no scope for info": {
			func(s *sandbox.Slack, _ *sandbox.SlackChannel) { s.SetScopes("chat:write") }, "conversations.info", channelOnly, "missing_scope", "",
		},
		"archived":          {func(_ *sandbox.Slack, r *sandbox.SlackChannel) { r.SetArchived(true) }, "chat.postMessage", good, "is_archived", ""},
		"kicked":            {func(_ *sandbox.Slack, r *sandbox.SlackChannel) { r.SetMember(false) }, "chat.postMessage", good, "not_in_channel", ""},
		"kicked, reading":   {func(_ *sandbox.Slack, r *sandbox.SlackChannel) { r.SetMember(false) }, "conversations.history", channelOnly, "not_in_channel", ""},
		"restricted":        {func(_ *sandbox.Slack, r *sandbox.SlackChannel) { r.SetPostError("restricted_action") }, "chat.postMessage", good, "restricted_action", ""},
		"history forbidden": {func(_ *sandbox.Slack, r *sandbox.SlackChannel) { r.SetHistoryError("access_denied") }, "conversations.history", channelOnly, "access_denied", ""},
		"unknown channel":   {nil, "chat.postMessage", func(*sandbox.SlackChannel) form { return form{"channel": "C0", "text": "hi"} }, "channel_not_found", ""},
		"channel by name":   {nil, "chat.postMessage", func(*sandbox.SlackChannel) form { return form{"channel": "#cs", "text": "hi"} }, "channel_not_found", "by name"},
		"no channel":        {nil, "chat.postMessage", func(*sandbox.SlackChannel) form { return form{"text": "hi"} }, "channel_not_found", "no channel"},
		"no text":           {nil, "chat.postMessage", channelOnly, "no_text", "neither text nor blocks"},
		"unknown method":    {nil, "chat.scheduleMessage", good, "unknown_method", "unknown method"},
		"null payload": {
			nil, "chat.postMessage", withArg("metadata", `{"event_type":"x","event_payload":null}`), "invalid_metadata_format", "metadata is not",
		},
		"nameless metadata": {nil, "chat.postMessage", withArg("metadata", `{"event_payload":{}}`), "invalid_metadata_format", "metadata is not"},
		"huge metadata": {
			nil, "chat.postMessage", withArg("metadata", `{"event_type":"x","event_payload":{"id":"`+strings.Repeat("a", 9000)+`"}}`),
			"metadata_too_large", "metadata of",
		},
		"bad blocks":        {nil, "chat.postMessage", withArg("blocks", `{"type":"divider"}`), "invalid_blocks_format", "invalid_blocks_format"},
		"bad limit":         {nil, "conversations.history", withArg("limit", "1000"), "invalid_limit", "limit"},
		"bad oldest":        {nil, "conversations.history", withArg("oldest", "yesterday"), "invalid_ts_oldest", "oldest"},
		"bad latest":        {nil, "conversations.history", withArg("latest", "-1"), "invalid_ts_latest", "latest"},
		"bad cursor":        {nil, "conversations.history", withArg("cursor", "abc"), "invalid_cursor", ""},
		"no such thread":    {nil, "conversations.replies", withArg("ts", "1.000001"), "thread_not_found", ""},
		"nothing to update": {nil, "chat.update", withArg("ts", "1.000001"), "message_not_found", ""},
		"nothing to delete": {nil, "chat.delete", withArg("ts", "1.000001"), "message_not_found", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startWorld(t)
			room := w.Slack.AddChannel("cs")
			if tt.prepare != nil {
				tt.prepare(w.Slack, room)
			}
			r := call(t, w.Slack, tt.method, tt.args(room))
			if r.status != 200 || r.path("ok") != false || r.path("error") != tt.want {
				t.Errorf("got %d %s", r.status, r.body)
			}
			if tt.want == "missing_scope" && (r.path("needed") == nil || r.path("provided") == nil) {
				t.Errorf("needed and provided are missing: %s", r.body)
			}
			if len(room.Messages()) != 0 {
				t.Error("a refused message was posted")
			}
			if tt.violation != "" {
				wantViolation(t, w, tt.violation)
			}
		})
	}
}

func channelOnly(r *sandbox.SlackChannel) form { return form{"channel": r.ID} }

func withArg(name, value string) func(*sandbox.SlackChannel) form {
	return func(r *sandbox.SlackChannel) form {
		f := form{"channel": r.ID, name: value}
		if name == "metadata" || name == "blocks" {
			f["text"] = "hi"
		}
		return f
	}
}

func TestPublicPostingWithoutMembership(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	room, secret := w.Slack.AddChannel("cs"), w.Slack.AddPrivateChannel("secret")
	room.SetMember(false)
	secret.SetMember(false)
	w.Slack.SetScopes(append(sandbox.DefaultScopes(), "chat:write.public")...)
	if r := call(t, w.Slack, "chat.postMessage", form{"channel": room.ID, "text": "hi"}); r.path("ok") != true {
		t.Errorf("posting: %s", r.body)
	}
	if r := call(t, w.Slack, "conversations.history", channelOnly(room)); r.path("error") != "not_in_channel" {
		t.Errorf("reading: %s", r.body)
	}
	if r := call(t, w.Slack, "chat.postMessage", form{"channel": secret.ID, "text": "hi"}); r.path("error") != "channel_not_found" {
		t.Errorf("private: %s", r.body)
	}
}

func TestLongTexts(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{4_000: 1, 4_040: 1, 4_041: 2, 8_001: 3, 50_000: 10} {
		w := startWorld(t)
		room := w.Slack.AddChannel("cs")
		call(t, w.Slack, "chat.postMessage", form{"channel": room.ID, "text": strings.Repeat("가", n)})
		m := room.Messages()
		total := 0
		for _, part := range m {
			total += len([]rune(part.Text))
		}
		if len(m) != want || total != min(n, 40_000) {
			t.Errorf("%d characters: %d messages of %d", n, len(m), total)
		}
		if n > 4_000 {
			wantViolation(t, w, "Slack splits or cuts it")
		} else {
			wantClean(t, w)
		}
	}
}

func TestUpdateAndDelete(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	room := w.Slack.AddChannel("cs")
	blocks := `[{"type":"divider"}]`
	ts := call(t, w.Slack, "chat.postMessage", form{"channel": room.ID, "text": "one", "blocks": blocks}).path("ts").(string)
	if r := call(t, w.Slack, "chat.update", form{"channel": room.ID, "ts": ts, "text": "two", "blocks": blocks}); r.path("ts") != ts {
		t.Errorf("update: %s", r.body)
	}
	if m := room.Messages()[0]; m.Text != "two" || m.Edited != "" || m.Blocks == nil {
		t.Errorf("an update of blocks: %+v", m)
	}
	call(t, w.Slack, "chat.update", form{"channel": room.ID, "ts": ts, "text": "three"})
	if m := room.Messages()[0]; m.Text != "three" || m.Edited == "" || m.Blocks != nil {
		t.Errorf("an update of text takes the blocks away: %+v", m)
	}
	wantClean(t, w)
	if r := call(t, w.Slack, "chat.update", form{"channel": room.ID, "ts": ts, "text": strings.Repeat("a", 4_001)}); r.path("error") != "msg_too_long" {
		t.Errorf("long: %s", r.body)
	}
	foreign := room.PostAs("B0", "theirs", "x", "1")
	if r := call(t, w.Slack, "chat.update", form{"channel": room.ID, "ts": foreign, "text": "mine"}); r.path("error") != "cant_update_message" {
		t.Errorf("foreign update: %s", r.body)
	}
	if r := call(t, w.Slack, "chat.delete", form{"channel": room.ID, "ts": foreign}); r.path("error") != "cant_delete_message" {
		t.Errorf("foreign delete: %s", r.body)
	}
	if r := call(t, w.Slack, "chat.delete", form{"channel": room.ID, "ts": ts}); r.path("ok") != true {
		t.Errorf("delete: %s", r.body)
	}
	if len(room.Messages()) != 1 || len(room.AllMessages()) != 2 {
		t.Errorf("%d visible of %d", len(room.Messages()), len(room.AllMessages()))
	}
	if r := call(t, w.Slack, "chat.delete", form{"channel": room.ID, "ts": ts}); r.path("error") != "message_not_found" {
		t.Errorf("second delete: %s", r.body)
	}
}

func TestThreads(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	room := w.Slack.AddChannel("cs")
	post := func(text, parent string) string {
		args := form{"channel": room.ID, "text": text}
		if parent != "" {
			args["thread_ts"] = parent
		}
		return call(t, w.Slack, "chat.postMessage", args).path("ts").(string)
	}
	parent := post("parent", "")
	post("reply 1", parent)
	post("reply 2", parent)
	if r := call(t, w.Slack, "conversations.history", channelOnly(room)); len(r.path("messages").([]any)) != 1 {
		t.Errorf("history shows replies: %s", r.body)
	}
	r := call(t, w.Slack, "conversations.replies", form{"channel": room.ID, "ts": parent})
	if m := r.path("messages").([]any); len(m) != 3 || r.path("messages.0.text") != "parent" || r.path("messages.2.text") != "reply 2" ||
		r.path("messages.1.thread_ts") != parent {
		t.Errorf("replies: %s", r.body)
	}
	call(t, w.Slack, "chat.delete", form{"channel": room.ID, "ts": parent})
	post("too late", parent)
	if m := room.Messages(); m[len(m)-1].ThreadTS != "" {
		t.Error("a reply to a deleted parent is in a thread")
	}
	if r := call(t, w.Slack, "conversations.replies", form{"channel": room.ID, "ts": parent}); r.path("error") != "thread_not_found" {
		t.Errorf("replies to a deleted parent: %s", r.body)
	}
	wantClean(t, w)
}

func TestSlackRateLimits(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	w := startWith(t, sandbox.Options{Now: clock.now})
	a, b := w.Slack.AddChannel("a"), w.Slack.AddChannel("b")
	post := func(c *sandbox.SlackChannel) reply {
		return call(t, w.Slack, "chat.postMessage", form{"channel": c.ID, "text": "hi"})
	}
	for i := range 30 {
		if r := post(a); r.status != 200 {
			t.Fatalf("message %d of the burst: %d", i, r.status)
		}
	}
	if r := post(a); r.status != 429 || r.header.Get("Retry-After") != "1" || r.path("error") != "rate_limited" {
		t.Errorf("after the burst: %d %s", r.status, r.body)
	}
	if r := post(b); r.status != 429 || r.header.Get("Retry-After") != "1" {
		t.Errorf("another channel of the same token, at once: %d", r.status)
	}
	if r := call(t, w.Slack, "conversations.history", channelOnly(a)); r.status != 200 {
		t.Errorf("another method: %d", r.status)
	}
	if n := a.MaxPerSecond(); n != 31 {
		t.Errorf("MaxPerSecond = %d", n)
	}
	for range 3 {
		clock.add(time.Second)
		if r := post(b); r.status != 200 {
			t.Errorf("another channel, after Retry-After: %d", r.status)
		}
	}
	if n := b.MaxPerSecond(); n != 1 {
		t.Errorf("at a message a second MaxPerSecond = %d", n)
	}
	for range 49 {
		call(t, w.Slack, "conversations.history", channelOnly(a))
	}
	if r := call(t, w.Slack, "conversations.history", channelOnly(a)); r.status == 429 {
		t.Error("refilled tokens are missing")
	}
	for range 5 {
		call(t, w.Slack, "conversations.history", channelOnly(a))
	}
	if r := call(t, w.Slack, "conversations.history", channelOnly(a)); r.status != 429 {
		t.Errorf("history more than 50 times a minute: %d", r.status)
	}
	w.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	for range 100 {
		if r := post(a); r.status != 200 {
			t.Fatalf("unlimited: %d", r.status)
		}
	}
	wantClean(t, w)
}

func TestAuthTestAndInfo(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	room := w.Slack.AddPrivateChannel("cs")
	r := call(t, w.Slack, "auth.test", nil)
	if r.path("bot_id") != w.Slack.BotID || r.path("team_id") != w.Slack.TeamID || r.header.Get("X-OAuth-Scopes") != strings.Join(sandbox.DefaultScopes(), ",") {
		t.Errorf("auth.test: %v %s", r.header, r.body)
	}
	r = call(t, w.Slack, "conversations.info", channelOnly(room))
	if r.path("channel.name") != "cs" || r.path("channel.is_private") != true || r.path("channel.is_member") != true || r.path("channel.is_archived") != false {
		t.Errorf("info: %s", r.body)
	}
	room.Rename("cs-new")
	room.SetArchived(true)
	if r := call(t, w.Slack, "conversations.info", channelOnly(room)); r.path("channel.name") != "cs-new" || r.path("channel.is_archived") != true {
		t.Errorf("renamed: %s", r.body)
	}
	wantClean(t, w)
}

func TestListChannels(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	var want []string
	for i := range 5 {
		want = append(want, w.Slack.AddChannel(fmt.Sprint("c", i)).ID)
	}
	private := w.Slack.AddPrivateChannel("p").ID
	w.Slack.AddPrivateChannel("hidden").SetMember(false)
	w.Slack.AddChannel("old").SetArchived(true)
	list := func(types string) (ids []string) {
		cursor := ""
		for {
			r := call(t, w.Slack, "conversations.list", form{"types": types, "limit": "2", "cursor": cursor, "exclude_archived": "true"})
			for _, c := range r.path("channels").([]any) {
				ids = append(ids, c.(map[string]any)["id"].(string))
			}
			if cursor, _ = r.path("response_metadata.next_cursor").(string); cursor == "" {
				return ids
			}
		}
	}
	if got := list("public_channel"); !slices.Equal(got, want) {
		t.Errorf("public: %q", got)
	}
	if got := list("public_channel,private_channel"); !slices.Equal(got, append(want, private)) {
		t.Errorf("all: %q", got)
	}
	wantClean(t, w)
}

func TestTokenInTheURLIsAViolation(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	if r := do(t, "GET", w.Slack.APIURL()+"auth.test?token="+w.Slack.Token, nil, ""); r.path("ok") != true {
		t.Errorf("got %s", r.body)
	}
	wantViolation(t, w, "token in the URL")
}

// A person is found by e-mail, with the scope for that alone.
func TestLookupByEmail(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	id := w.Slack.AddPerson("이상담", "lee@example.com")
	lookUp := func(email string) reply { return call(t, w.Slack, "users.lookupByEmail", form{"email": email}) }
	if r := lookUp("lee@example.com"); r.path("error") != "missing_scope" || r.path("needed") != "users:read.email" {
		t.Errorf("without the scope: %s", r.body)
	}
	w.Slack.SetScopes(append(sandbox.DefaultScopes(), "users:read", "users:read.email")...)
	if r := lookUp("Lee@Example.com"); r.path("user.id") != id || r.path("user.profile.email") != "lee@example.com" {
		t.Errorf("found: %s", r.body)
	}
	if r := lookUp("kim@example.com"); r.path("error") != "users_not_found" {
		t.Errorf("nobody: %s", r.body)
	}
	wantClean(t, w)
}
