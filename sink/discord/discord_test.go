package discord_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/discord"
	"talkrelay/sink/sinktest"
)

const path = "/api/webhooks/112233/token-of-the-webhook"

func newSink(t *testing.T, c discord.Config) *discord.Sink {
	t.Helper()
	c.Name = "ops"
	s, err := discord.New(c)
	return sinktest.Must(t, s, err)
}

// accept answers as Discord does, which refuses what is too long or could mention.
func accept(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			Content  string
			Mentions *struct{ Parse []string } `json:"allowed_mentions"`
		}
		err := json.NewDecoder(r.Body).Decode(&m)
		switch {
		case r.URL.Query().Get("wait") != "true":
			w.WriteHeader(http.StatusNoContent)
			return
		case err != nil, strings.TrimSpace(m.Content) == "", len([]rune(m.Content)) > 2000:
			t.Errorf("Discord would refuse %q: %v", m.Content, err)
		case m.Mentions == nil || m.Mentions.Parse == nil || len(m.Mentions.Parse) > 0:
			t.Errorf("the message may mention: %+v", m.Mentions)
		}
		_, _ = io.WriteString(w, `{"id":"1234567890"}`)
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sinktest.Run(t, sinktest.Target{
		New: func(t *testing.T, baseURL string, base http.RoundTripper) sink.Sink {
			return newSink(t, discord.Config{URL: baseURL + path, Options: sink.Options{Base: base.(*http.Transport), Timeout: sinktest.Timeout, Mask: true}})
		},
		Secrets:  []string{"token-of-the-webhook"},
		OK:       accept(t),
		IsWrite:  func(r *http.Request) bool { return r.Method == http.MethodPost },
		IDHeader: "Webhook-Id",
	})
}

func content(t *testing.T, c discord.Config, e talkrelay.Event) string {
	t.Helper()
	c.URL = "https://discord.com" + path
	body, _, err := newSink(t, c).Prepare("id", []sink.Item{{Event: e}}, "")
	if err != nil {
		t.Fatal(err)
	}
	var m struct{ Content string }
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	return m.Content
}

// What customers write has no mark-up; what the operator's template says has.
func TestContent(t *testing.T) {
	t.Parallel()
	e := sink.SampleEvents()[0]
	e.Message.Text = "**[bank](https://evil.example)** 010-1234-5678"
	got := content(t, discord.Config{Options: sink.Options{Mask: true}}, e)
	for _, want := range []string{"**새 문의 · 홍길동**", `\*\*\[bank\]\(https://evil.example\)`, "https://desk.channel.io/#/channels/1/user_chats/6641a7e0c5"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "5678\\") || strings.Contains(got, "1234") {
		t.Errorf("not masked:\n%s", got)
	}
	if got, want := content(t, discord.Config{Text: "**{{.User.Name}}** <{{.DeskURL}}>"}, e), "**홍길동** <"+e.DeskURL+">"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A rate limit that is used up holds the next request, not the one that used it up.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	limited := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if limited {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"message":"You are being rate limited.","retry_after":64.57,"global":false}`)
			return
		}
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset-After", "0.3")
		accept(t)(w, r)
	}))
	t.Cleanup(srv.Close)
	s := newSink(t, discord.Config{URL: srv.URL + path})
	body, _, _ := s.Prepare("id", []sink.Item{{Event: sink.SampleEvents()[0]}}, "")
	if _, err := s.Send(t.Context(), sink.Message{ID: "id", Body: body}); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := s.Wait(t.Context()); err != nil || time.Since(start) < 250*time.Millisecond {
		t.Errorf("waited %s, error %v", time.Since(start), err)
	}
	limited = true
	_, err := s.Send(t.Context(), sink.Message{ID: "id", Body: body})
	if e := sink.VerdictOf(err); e.Verdict != sink.Retry || e.After.Round(time.Second) != 65*time.Second {
		t.Errorf("%s after %s: %v", e.Verdict, e.After, err)
	}
}

// Only what Discord says about this very message ends it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		body   string
		want   sink.Verdict
	}{
		{400, `{"code":50035,"message":"Invalid Form Body"}`, sink.Bad},
		{400, `{"code":240000,"message":"blocked"}`, sink.Bad},
		{404, `{"code":10015,"message":"Unknown Webhook"}`, sink.PauseDestination},
		{401, `{"code":50027,"message":"Invalid Webhook Token"}`, sink.PauseCredential},
		{500, `{"code":50035}`, sink.InDoubt},
		{204, ``, sink.InDoubt},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		}))
		s := newSink(t, discord.Config{URL: srv.URL + path})
		_, err := s.Send(t.Context(), sink.Message{ID: "id", Body: []byte("{}")})
		if got := sink.VerdictOf(err).Verdict; got != tt.want {
			t.Errorf("%d %s: %s, want %s: %v", tt.status, tt.body, got, tt.want, err)
		}
		f := s.Check(t.Context())
		if f[0].OK || f[0].Fix == "" || strings.Contains(f[0].Text+f[0].Fix, "token-of") {
			t.Errorf("%d: check: %+v", tt.status, f)
		}
		srv.Close()
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"":                                       false,
		"https://discord.com" + path:             true,
		"https://discord.com/api/v10" + path[4:]: true,
		"http://discord.com" + path:              false,
		"https://discord.com/channels/1/2":       false,
		"https://discord.com" + path + "/slack":  false,
	} {
		if p := (discord.Config{URL: address}).Validate(); (len(p) == 0) != good || strings.Contains(p.Error(), "token-of") {
			t.Errorf("%q: %v", address, p)
		}
	}
	if p := (discord.Config{URL: "https://discord.com" + path, Text: "{{.Usr}}"}).Validate(); len(p) != 1 || p[0].Key != "text" {
		t.Errorf("%v", p)
	}
}
