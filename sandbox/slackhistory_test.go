package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// texts reads history to its end.
func texts(t *testing.T, s *sandbox.Slack, args form) (all []string, pages int) {
	t.Helper()
	for {
		r := call(t, s, "conversations.history", args)
		if r.path("ok") != true {
			t.Fatalf("history: %s", r.body)
		}
		pages++
		for _, m := range r.path("messages").([]any) {
			text, _ := m.(map[string]any)["text"].(string)
			all = append(all, text)
		}
		next, _ := r.path("response_metadata.next_cursor").(string)
		if next == "" {
			return all, pages
		}
		args["cursor"] = next
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	w.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	room := w.Slack.AddChannel("cs")
	var ts []string
	for i := range 10 {
		ts = append(ts, call(t, w.Slack, "chat.postMessage", form{"channel": room.ID, "text": fmt.Sprint(i)}).path("ts").(string))
	}
	tests := map[string]struct {
		args  form
		want  string
		pages int
	}{
		"all":              {form{}, "9 8 7 6 5 4 3 2 1 0", 1},
		"pages":            {form{"limit": "4"}, "9 8 7 6 5 4 3 2 1 0", 3},
		"between":          {form{"oldest": ts[2], "latest": ts[5]}, "4 3", 1},
		"between, ends in": {form{"oldest": ts[2], "latest": ts[5], "inclusive": "1"}, "5 4 3 2", 1},
		"until":            {form{"latest": ts[2], "inclusive": "true"}, "2 1 0", 1},
		"whole seconds":    {form{"oldest": "1", "latest": "9999999999"}, "9 8 7 6 5 4 3 2 1 0", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.args["channel"] = room.ID
			got, pages := texts(t, w.Slack, tt.args)
			if strings.Join(got, " ") != tt.want || pages != tt.pages {
				t.Errorf("%d pages: %q", pages, got)
			}
		})
	}
	t.Cleanup(func() { wantClean(t, w) })
}

func TestHistoryWithOldestAloneBeginsAtOldest(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	room := w.Slack.AddChannel("cs")
	var ts []string
	for i := range 6 {
		ts = append(ts, call(t, w.Slack, "chat.postMessage", form{"channel": room.ID, "text": fmt.Sprint(i)}).path("ts").(string))
	}
	got, pages := texts(t, w.Slack, form{"channel": room.ID, "oldest": ts[1], "limit": "2"})
	if strings.Join(got, " ") != "3 2 5 4" || pages != 2 {
		t.Errorf("%d pages: %q", pages, got)
	}
	wantViolation(t, w, "oldest without latest")
}

func TestHistoryLag(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	w := startWith(t, sandbox.Options{Now: clock.now})
	w.Slack.Set(sandbox.SlackSettings{Lag: 30 * time.Second})
	room := w.Slack.AddChannel("cs")
	call(t, w.Slack, "chat.postMessage", form{"channel": room.ID, "text": "hi"})
	for _, step := range []struct {
		wait time.Duration
		n    int
	}{{0, 0}, {29 * time.Second, 0}, {time.Second, 1}} {
		clock.add(step.wait)
		if got, _ := texts(t, w.Slack, channelOnly(room)); len(got) != step.n {
			t.Errorf("after %v: %d messages", step.wait, len(got))
		}
	}
	if len(room.Messages()) != 1 {
		t.Error("the channel itself does not lag")
	}
}

func TestShortPages(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	w.Slack.Set(sandbox.SlackSettings{ShortPages: true, Unlimited: true})
	room := w.Slack.AddChannel("cs")
	for i := range 5 {
		call(t, w.Slack, "chat.postMessage", form{"channel": room.ID, "text": fmt.Sprint(i)})
	}
	if got, pages := texts(t, w.Slack, form{"channel": room.ID, "limit": "4"}); len(got) != 5 || pages != 3 {
		t.Errorf("%d messages on %d pages", len(got), pages)
	}
}

func TestMetadataOnlyOnRequest(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	room := w.Slack.AddChannel("cs")
	room.PostAs("B0FOREIGN", "theirs", "talkrelay_delivery", "abc")
	if r := call(t, w.Slack, "conversations.history", channelOnly(room)); r.path("messages.0.metadata") != nil {
		t.Errorf("unasked: %s", r.body)
	}
	r := call(t, w.Slack, "conversations.history", form{"channel": room.ID, "include_all_metadata": "1"})
	if r.path("messages.0.metadata.event_payload.id") != "abc" || r.path("messages.0.bot_id") != "B0FOREIGN" {
		t.Errorf("asked: %s", r.body)
	}
}

func TestMalformedMessagesOfOtherApps(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	room := w.Slack.AddChannel("cs")
	ts := room.PostRaw(`{"type":"message","text":"x","blocks":[{"type":"header","text":[]}],"metadata":{"event_type":"a","event_payload":[]}}`)
	r := call(t, w.Slack, "conversations.history", form{"channel": room.ID, "include_all_metadata": "1"})
	if payload, ok := r.path("messages.0.metadata.event_payload").([]any); !ok || len(payload) != 0 || r.path("messages.0.ts") != ts {
		t.Errorf("history: %s", r.body)
	}
	room.PostRaw(`"no object at all"`)
	if r := call(t, w.Slack, "conversations.history", channelOnly(room)); r.path("messages.0") != "no object at all" {
		t.Errorf("history: %s", r.body)
	}
}

func TestTimestampsNeverRepeat(t *testing.T) {
	t.Parallel()
	w := startWith(t, sandbox.Options{Now: newWatch().now})
	room := w.Slack.AddChannel("cs")
	var all []string
	for range 20 {
		all = append(all, room.PostAs("B", "x", "x", "x"))
	}
	if !slices.IsSorted(all) || len(slices.Compact(all)) != 20 || !strings.HasPrefix(all[0], "1795323600.") {
		t.Errorf("got %q", all)
	}
}
