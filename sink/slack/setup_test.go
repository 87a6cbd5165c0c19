package slack_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/slack"
)

func (f *fake) workspace() *slack.Workspace {
	return slack.NewWorkspace(slack.Config{Token: token, APIURL: f.srv.URL + "/"})
}

// A set-up is told who a token speaks for and which channels there are, or what Slack says against it.
func TestSetupLooksAround(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	w := f.workspace()
	bot, err := w.Bot(t.Context())
	if err != nil || bot.Name != "talkrelay" || bot.Workspace != "Shop" || len(bot.Lacks) > 0 {
		t.Errorf("bot %+v, %v", bot, err)
	}
	f.on("conversations.list", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Form.Get("types"), "private") {
			writeJSON(w, map[string]any{"ok": false, "error": "missing_scope", "needed": "groups:read"})
			return
		}
		if r.Form.Get("cursor") == "" {
			writeJSON(w, map[string]any{"ok": true, "channels": []any{map[string]any{"id": chanB, "name": "b"}, map[string]any{"id": "C0000000003", "name": "a"}},
				"response_metadata": map[string]any{"next_cursor": "2"}})
			return
		}
		writeJSON(w, map[string]any{"ok": true, "channels": []any{map[string]any{"id": chanA, "name": "문의", "is_member": true}}})
	})
	rooms, err := w.Rooms(t.Context())
	want := []slack.Room{{ID: chanA, Name: "문의", Member: true}, {ID: "C0000000003", Name: "a"}, {ID: chanB, Name: "b"}}
	if diff := cmp.Diff(want, rooms); err != nil || diff != "" {
		t.Errorf("%v, rooms (-want +got):\n%s", err, diff)
	}
}

func TestSetupIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method, body string
		verdict      sink.Verdict
		says         string
	}{
		{"auth.test", `{"ok":false,"error":"invalid_auth"}`, sink.PauseCredential, "invalid_auth"},
		{"auth.test", `<html>`, sink.Retry, "api_url"},
		{"conversations.list", `{"ok":false,"error":"missing_scope","needed":"channels:read"}`, sink.PauseCredential, "channels:read"},
		{"conversations.list", `{"ok":false,"error":"ratelimited"}`, sink.Retry, "ratelimited"},
	} {
		f := newFake(t)
		f.says(tt.method, 200, tt.body)
		w := f.workspace()
		_, err := w.Bot(t.Context())
		if tt.method != "auth.test" {
			_, err = w.Rooms(t.Context())
		}
		var e *sink.Error
		if !errors.As(err, &e) || e.Verdict != tt.verdict || !strings.Contains(e.Reason, tt.says) || strings.Contains(err.Error(), token) {
			t.Errorf("%s %s: %v, want %s and %q", tt.method, tt.body, err, tt.verdict, tt.says)
		}
	}
}

// A preview is the message as it would be sent, and sends nothing.
func TestPreview(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.sink(func(c *slack.Config) {
		c.RouteText = map[string]string{"own": "새 문의 {{.User.Name}} {{.User.Email}}"}
	})
	item := sink.Item{Event: sink.SampleEvents()[0], Route: "all"}
	p, err := s.Preview(item)
	if err != nil || !strings.Contains(p.Text, "홍길동") || !strings.Contains(string(p.Blocks), `"type":"rich_text"`) || strings.Contains(string(p.Blocks), "hong@example.com") {
		t.Errorf("preview %s %s, %v", p.Text, p.Blocks, err)
	}
	item.Route = "own"
	p, err = s.Preview(item)
	if want := "새 문의 홍길동 " + talkrelay.MaskEmail("hong@example.com"); err != nil || p.Text != want || p.Blocks != nil {
		t.Errorf("own text %q with blocks %s, %v; want %q", p.Text, p.Blocks, err, want)
	}
	if i := slices.IndexFunc(f.calls, func(call) bool { return true }); i >= 0 {
		t.Errorf("a preview called %s", f.calls[i].method)
	}
}
