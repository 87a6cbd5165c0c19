package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"talkrelay/sink"
	"talkrelay/sink/sinktest"
	"talkrelay/sink/slack"
)

// scripted is a Slack in memory: one method gives one answer, the others what a Slack says where all is well.
type scripted struct {
	method, body, retryAfter string
	status                   int
}

func (s scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	method := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	status, body, header := http.StatusOK, `{"ok":true,"user":"talkrelay","team":"Shop","bot_id":"`+botID+`"}`, http.Header{}
	header.Set("X-OAuth-Scopes", "chat:write,channels:history,channels:read")
	if method == s.method {
		status, body = s.status, s.body
		header.Set("Retry-After", s.retryAfter)
	}
	return sinktest.Reply(r, status, header, body), nil
}

// FuzzReply gives the sink whatever may come back from api_url. A message counts as delivered only where Slack said so,
// and as found only where it stands in the history. An error is one clean line without the token.
func FuzzReply(f *testing.F) {
	ours := `{"ok":true,"messages":[{"type":"message","ts":"1795320000.000001","bot_id":"` + botID + `","metadata":{"event_type":"talkrelay_delivery","event_payload":{"id":"` + shipment + `"}}}]}`
	for _, body := range []string{
		`{"ok":true,"channel":"C1","ts":"1795320000.000100"}`, `{"ok":true}`, `{"ok":true,"ts":7}`, `{"ok":"true","ts":"1.2"}`, `{"ok":false}`, `{}`, `[]`, `null`, `"`, "<html>",
		`{"ok":false,"error":"\u001b[31m` + token + `"}`, `{"ok":false,"error":"ratelimited","retry_after":1e300}`, `{"ok":false,"error":"missing_scope","needed":"a\nb"}`, ours,
		`{"ok":true,"messages":[null,7,{"ts":null,"metadata":[]},{"metadata":{"event_payload":{"id":{}}}}],"response_metadata":{"next_cursor":"x"}}`,
	} {
		f.Add(200, body, "")
		f.Add(429, body, "-1")
		f.Add(503, body, "1e99")
	}
	f.Fuzz(func(t *testing.T, status int, body, retryAfter string) {
		if status < 200 || status > 599 {
			return
		}
		said := scripted{"chat.postMessage", body, retryAfter, status}
		cfg := slack.Config{Name: "a", Token: token, Channel: chanA, APIURL: "https://slack.example/api/", PerSecond: 1000, PerMinute: 60000, Timeout: time.Minute, Base: said}
		s, err := slack.New(cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := s.Prepare(shipment, []sink.Item{{Event: inquiry()}}, "")
		if err != nil {
			t.Fatal(err)
		}
		m := sink.Message{ID: shipment, Body: b, Attempt: 1, FirstSent: time.Now()}
		var reply struct {
			OK *bool
			TS string
		}
		receipt, err := s.Send(t.Context(), m)
		if bad := json.Unmarshal([]byte(body), &reply); err == nil && (status != http.StatusOK || bad != nil || reply.OK == nil || !*reply.OK || receipt == "") {
			t.Errorf("%d %q counts as delivered, receipt %q", status, body, receipt)
		}
		checkError(t, err)
		said.method = "conversations.history"
		cfg.Base = said
		if s, err = slack.New(cfg, nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // a history may offer pages without end
		defer cancel()
		receipt, found, err := s.Resolve(ctx, m)
		if found && (receipt == "" || !strings.Contains(unescaped(body), shipment)) {
			t.Errorf("%d %q counts as found, receipt %q", status, body, receipt)
		}
		checkError(t, err)
		for _, method := range []string{"auth.test", "conversations.info", "conversations.history"} {
			said.method = method
			cfg.Base = said
			if s, err = slack.New(cfg, nil); err != nil {
				t.Fatal(err)
			}
			for _, finding := range s.Check(ctx) {
				checkError(t, errors.New(finding.Name+finding.Text+finding.Fix))
			}
		}
	})
}

// unescaped returns all texts of a JSON value without their escapes.
func unescaped(body string) string {
	var v any
	_ = json.Unmarshal([]byte(body), &v)
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return b.String()
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if text := err.Error(); strings.Contains(text, token) || strings.ContainsAny(text, "\n\r\x00\x1b") {
		t.Errorf("error %q", text)
	}
	if e := sink.VerdictOf(err); e.After < 0 || e.After > 24*time.Hour {
		t.Errorf("wait of %s", e.After)
	}
}

// FuzzDigest: what cannot ping in a message cannot in a digest of many.
func FuzzDigest(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text)
	}
	s, err := slack.New(slack.Config{Name: "a", Token: token, Channel: chanA, Mention: subteam, DigestAbove: 1}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var items []sink.Item
		for _, e := range sink.SampleEvents()[:1] {
			for range 3 {
				items = append(items, sink.Item{Event: hostileEvent(e.Kind, text)})
			}
		}
		body, _, err := s.Prepare(shipment, items, "")
		if err != nil {
			t.Fatal(err)
		}
		checkMessage(t, body, subteam, "<"+desk+"|→>")
	})
}
