package alert_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/alert"
)

// answering is a service that answers everything alike, and keeps the last request.
type answering struct {
	*httptest.Server
	last *http.Request
	body string
}

func newAnswering(t *testing.T, status int, answer string) *answering {
	t.Helper()
	a := &answering{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.last, a.body = r, string(body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(a.Close)
	return a
}

const slackToken = "xoxb-123456789-secret"

func (a *answering) slack() *alert.Slack {
	return &alert.Slack{Token: slackToken, Channel: "C0ALERTS", APIURL: a.URL + "/api/", Client: a.Client()}
}

func TestSlackPosts(t *testing.T) {
	t.Parallel()
	a := newAnswering(t, 200, `{"ok":true}`)
	if err := a.slack().Send(t.Context(), alert.Message{Text: "<!channel> a & b"}); err != nil {
		t.Fatal(err)
	}
	var sent struct {
		Channel, Text string
	}
	if err := json.Unmarshal([]byte(a.body), &sent); err != nil {
		t.Fatal(err)
	}
	if sent.Channel != "C0ALERTS" || sent.Text != "&lt;!channel&gt; a &amp; b" || a.last.URL.Path != "/api/chat.postMessage" ||
		a.last.Header.Get("Authorization") != "Bearer "+slackToken || a.last.Method != http.MethodPost {
		t.Errorf("%s %s %s", a.last.Method, a.last.URL, a.body)
	}
	if found, err := a.slack().Check(t.Context()); err != nil || found == "" || a.last.URL.Path != "/api/auth.test" {
		t.Errorf("check: %q, %v, asked for %s", found, err, a.last.URL)
	}
}

// Whatever a service answers, the error says what to do and holds neither the token, nor the address, nor the answer.
func TestPathErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status       int
		answer, says string
		slackOnly    bool
	}{
		{200, `{"ok":false,"error":"token_revoked"}`, "token_revoked; replace token in [alert.slack]", true},
		{200, `{"ok":false,"error":"not_in_channel"}`, "invite the app", true},
		{200, `{"ok":false,"error":"<private answer>"}`, "refused without a code", true},
		{200, `<html>private answer`, "not Slack's; check api_url", true},
		{302, "", "302", false},
		{403, "private answer", "403", false},
		{429, "private answer", "429", false},
		{503, "private answer", "503", false},
	} {
		a := newAnswering(t, tt.status, tt.answer)
		a.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		paths := []alert.Path{a.slack()}
		if !tt.slackOnly {
			paths = append(paths, &alert.Webhook{URL: a.URL + "/hook-secret", Client: a.Client()},
				&alert.Heartbeat{URL: a.URL + "/beat-secret", FailURL: a.URL + "/fail-secret", Client: a.Client()})
		}
		for _, p := range paths {
			err := p.Send(t.Context(), alert.Message{Text: "t", Report: alert.Report{Raised: []alert.Condition{paused("cs")}}})
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s, %d %s: %v, want %q", p.Name(), tt.status, tt.answer, err, tt.says)
				continue
			}
			if text := err.Error(); strings.Contains(text, "secret") || strings.Contains(text, a.URL) || strings.Contains(text, "private") {
				t.Errorf("%s gives away: %s", p.Name(), text)
			}
		}
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	client := &http.Client{Timeout: time.Minute}
	for _, p := range []alert.Path{
		&alert.Slack{Token: slackToken, APIURL: gone.URL + "/", Client: client},
		&alert.Webhook{URL: gone.URL + "/secret", Client: client},
		&alert.Heartbeat{URL: gone.URL + "/secret", FailURL: gone.URL + "/secret", Client: client},
	} {
		for _, test := range []bool{true, false} {
			err := p.Send(t.Context(), alert.Message{Report: alert.Report{Test: test, Raised: []alert.Condition{paused("cs")}}})
			if err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", p.Name(), err)
			}
		}
		if _, err := p.Check(t.Context()); err == nil {
			t.Errorf("%s: the check finds nothing wrong", p.Name())
		}
	}
}

func TestWebhookPayload(t *testing.T) {
	t.Parallel()
	a := newAnswering(t, 204, "")
	message := alert.Voice{Language: "en"}.Message(alert.Report{
		At: start, Standing: []alert.Condition{{Kind: alert.Dead, Name: "cs", Count: 3, Since: start}},
	})
	if err := (&alert.Webhook{URL: a.URL, Client: a.Client()}).Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(map[string]any{
		"text": message.Text, "subject": message.Subject, "status": "standing", "at": "2026-03-01T09:00:00Z", "raised": []any{}, "recovered": []any{},
		"standing": []any{map[string]any{"kind": "dead_letters", "name": "cs", "count": 3, "since": "2026-03-01T09:00:00Z"}},
	})
	var sorted any
	_ = json.Unmarshal([]byte(a.body), &sorted)
	if got, _ := json.Marshal(sorted); string(got) != string(want) {
		t.Errorf("posted\n%s\nwant\n%s", got, want)
	}
}

// The fail address is asked for when something is wrong, and only then.
func TestHeartbeatFails(t *testing.T) {
	t.Parallel()
	a := newAnswering(t, 200, "OK")
	h := &alert.Heartbeat{URL: a.URL + "/beat", FailURL: a.URL + "/fail", Client: a.Client()}
	cs := []alert.Condition{paused("cs")}
	for _, tt := range []struct {
		report alert.Report
		asked  string
	}{
		{alert.Report{Raised: cs}, "POST /fail"}, {alert.Report{Standing: cs, Recovered: cs}, "POST /fail"},
		{alert.Report{Recovered: cs}, ""}, {alert.Report{Test: true}, "GET /beat"},
	} {
		a.last = nil
		if err := h.Send(t.Context(), alert.Message{Report: tt.report}); err != nil {
			t.Error(err)
		}
		asked := ""
		if a.last != nil {
			asked = a.last.Method + " " + a.last.URL.Path
		}
		if asked != tt.asked {
			t.Errorf("%+v: asked for %q, want %q", tt.report, asked, tt.asked)
		}
	}
}

// Through a proxy only the proxy can be reached, and the check says so.
func TestCheckKnowsOfTheProxy(t *testing.T) {
	t.Parallel()
	proxy := newAnswering(t, 500, "")
	w := &alert.Webhook{URL: "https://hooks.example/secret", Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }}
	if found, err := w.Check(t.Context()); err != nil || !strings.Contains(found, "the proxy can be reached") || proxy.last != nil {
		t.Errorf("%q, %v", found, err)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := alert.Email{Server: "smtp.example.com:587", From: "a@example.com", To: []string{"b@example.com"}}
	email := func(edit func(*alert.Email)) *alert.Email { e := good; edit(&e); return &e }
	slack := alert.Slack{Token: "xoxb-1", Channel: "C1", APIURL: alert.DefaultSlackAPI}
	for name, tt := range map[string]struct {
		path interface{ Validate() talkrelay.Problems }
		want string
	}{
		"email":        {&good, ""},
		"no port":      {email(func(e *alert.Email) { e.Server = "smtp.example.com" }), "smtp"},
		"no sender":    {email(func(e *alert.Email) { e.From = "" }), "from"},
		"two lines":    {email(func(e *alert.Email) { e.From = "a@example.com\r\nBcc: x@example.com" }), "from"},
		"nobody":       {email(func(e *alert.Email) { e.To = nil }), "to"},
		"no address":   {email(func(e *alert.Email) { e.To = []string{"b@example.com", "ops"} }), "to[1]"},
		"no password":  {email(func(e *alert.Email) { e.Username = "a" }), "password"},
		"no username":  {email(func(e *alert.Email) { e.Password = "p" }), "username"},
		"slack":        {&slack, ""},
		"no token":     {&alert.Slack{Channel: "C1", APIURL: alert.DefaultSlackAPI}, "token"},
		"no channel":   {&alert.Slack{Token: "xoxb-1", APIURL: alert.DefaultSlackAPI}, "channel"},
		"in the open":  {&alert.Slack{Token: "xoxb-1", Channel: "C1", APIURL: "http://slack.example/api/"}, "api_url"},
		"webhook":      {&alert.Webhook{URL: "https://hooks.example/x"}, ""},
		"local":        {&alert.Webhook{URL: "http://127.0.0.1:8080/x"}, ""},
		"no URL":       {&alert.Webhook{URL: "hooks.example"}, "url"},
		"plain http":   {&alert.Webhook{URL: "http://hooks.example/x"}, "url"},
		"heartbeat":    {&alert.Heartbeat{URL: "https://hc.example/x"}, ""},
		"bad fail":     {&alert.Heartbeat{URL: "https://hc.example/x", FailURL: "ftp://hc.example"}, "fail_url"},
		"no heartbeat": {&alert.Heartbeat{FailURL: "https://hc.example/x/fail"}, "url"},
	} {
		var keys []string
		for _, p := range tt.path.Validate() {
			keys = append(keys, p.Key)
		}
		if got := strings.Join(keys, " "); got != tt.want {
			t.Errorf("%s: problems with %q, want %q", name, got, tt.want)
		}
	}
}
