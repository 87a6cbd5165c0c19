package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/sinktest"
	"talkrelay/sink/webhook"
)

const (
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" // the example of the Standard Webhooks specification
	token  = "header-token-1234"
)

func newSink(t *testing.T, c webhook.Config) *webhook.Sink {
	t.Helper()
	c.Name = "crm"
	s, err := webhook.New(c)
	return sinktest.Must(t, s, err)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]webhook.Config{
		"envelope": {},
		"template": {Format: webhook.Template, Template: `{"name": {{json .User.Name}}, "text": {{json .Message.Text}}, "tags": {{json .Tags}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Target{
				New: func(t *testing.T, baseURL string, base http.RoundTripper) sink.Sink {
					c := c // subtests run side by side
					c.URL, c.Base, c.Timeout = baseURL+"/hook/path-secret", base.(*http.Transport), sinktest.Timeout
					c.Secret, c.Headers = secret, map[string]string{"Authorization": "Bearer " + token}
					return newSink(t, c)
				},
				Secrets:  []string{token, secret, "path-secret"},
				OK:       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
				IsWrite:  func(*http.Request) bool { return true },
				Accepts:  func(status int) bool { return status/100 == 2 },
				IDHeader: "Webhook-Id",
			})
		})
	}
}

// receiver takes one request and answers with status.
func receiver(t *testing.T, status int, got chan<- *http.Request) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		if got != nil {
			got <- r
		}
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func prepare(t *testing.T, s sink.Sink, e talkrelay.Event) sink.Message {
	t.Helper()
	return sinktest.Message(t, s, "00112233445566778899aabbccddeeff", e)
}

// A receiver of Channel Talk's webhooks gets the very bytes it knows, and can verify who sent them.
func TestRequest(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	srv := receiver(t, http.StatusOK, got)
	s := newSink(t, webhook.Config{URL: srv.URL + "/x?token=1", Secret: secret, Headers: map[string]string{"X-Team": "cs"}})
	const envelope = `{"event":"push", "type":"userChat","entity":{"id":"1"},"refers":{}}`
	m := prepare(t, s, talkrelay.Event{Kind: talkrelay.UserChatOpened, Envelope: json.RawMessage(envelope)})
	if receipt, err := s.Send(t.Context(), m); err != nil || string(receipt) != m.ID {
		t.Fatalf("receipt %q, error %v", receipt, err)
	}
	r := <-got
	body, _ := io.ReadAll(r.Body)
	if string(body) != envelope || r.Method != http.MethodPost || r.URL.Query().Get("token") != "1" {
		t.Errorf("%s %s: %s", r.Method, r.URL, body)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "X-Team": "cs", "webhook-id": m.ID} {
		if v := r.Header.Get(name); v != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(m.ID + "." + r.Header.Get("webhook-timestamp") + "." + envelope))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
		t.Errorf("signature %q, want %q", r.Header.Get("webhook-signature"), want)
	}
}

// The vector that the specification of Standard Webhooks gives for its signature.
func TestSignature(t *testing.T) {
	t.Parallel()
	s := newSink(t, webhook.Config{URL: "https://example.com/", Secret: secret})
	h := webhook.Header(s, sink.Message{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Body: []byte(`{"test": 2432232314}`)}, time.Unix(1614265330, 0))
	if got, want := h.Get("webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]sink.Error{
		301: {Verdict: sink.InDoubt, Answered: true},
		400: {Verdict: sink.PauseDestination},
		401: {Verdict: sink.PauseCredential},
		404: {Verdict: sink.PauseDestination},
		408: {Verdict: sink.InDoubt},
		409: {Verdict: sink.InDoubt, Answered: true},
		410: {Verdict: sink.PauseDestination},
		422: {Verdict: sink.PauseDestination},
		429: {Verdict: sink.Retry, After: 7 * time.Second},
		500: {Verdict: sink.InDoubt, Answered: true},
		503: {Verdict: sink.InDoubt, Answered: true, After: 7 * time.Second},
		504: {Verdict: sink.InDoubt},
	} {
		s := newSink(t, webhook.Config{URL: receiver(t, status, nil).URL})
		_, err := s.Send(t.Context(), prepare(t, s, talkrelay.Event{Kind: talkrelay.UserChatOpened}))
		got := sink.VerdictOf(err)
		if got.Verdict != want.Verdict || got.Answered != want.Answered || want.After > 0 && got.After != want.After {
			t.Errorf("%d: %s, answered %t, after %s: %v; want %s, %t", status, got.Verdict, got.Answered, got.After, err, want.Verdict, want.Answered)
		}
		if paused := want.Verdict == sink.PauseCredential || want.Verdict == sink.PauseDestination; paused && !strings.Contains(got.Reason, `sink.webhook "crm"`) {
			t.Errorf("%d: %q does not say where to mend it", status, got.Reason)
		}
	}
}

// A template makes the body; with mask it shows no contact. One that fails on an event is a dead letter, never half a body.
func TestTemplate(t *testing.T) {
	t.Parallel()
	c := webhook.Config{URL: "https://example.com/", Format: webhook.Template, Template: `{"t": {{json .Message.Text}}, "p": {{json .User.MobileNumber}}}`}
	c.Mask = true
	e := sink.SampleEvents()[0]
	e.Message.Text = "\"안녕\"\n010-1234-5678"
	if got, want := string(prepare(t, newSink(t, c), e).Body), `{"t": "\"안녕\"\n010-****-5678", "p": "010-****-5678"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.Template = `{"t": {{if eq .User.Name "x"}}broken{{else}}1{{end}}}`
	s := newSink(t, c)
	e.User.Name = "x"
	if _, _, err := s.Prepare("1", []sink.Item{{Event: e}}, ""); sink.VerdictOf(err).Verdict != sink.Bad {
		t.Errorf("a template that fails: %v", err)
	}
}

func TestOnUnknown(t *testing.T) {
	t.Parallel()
	c := webhook.Config{URL: "https://example.com/"}
	if _, found, err := newSink(t, c).Resolve(t.Context(), sink.Message{ID: "1"}); found || err != nil {
		t.Errorf("resend: %t, %v", found, err)
	}
	c.OnUnknown = sink.Hold
	_, found, err := newSink(t, c).Resolve(t.Context(), sink.Message{ID: "1"})
	if e := sink.VerdictOf(err); found || e.Verdict != sink.PauseDestination || !strings.Contains(e.Reason, `on_unknown = "resend"`) {
		t.Errorf("hold: %t, %v", found, err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("check made a request") }))
	url := srv.URL + "/path-secret"
	if f := newSink(t, webhook.Config{URL: url}).Check(t.Context()); len(f) != 1 || !f[0].OK {
		t.Errorf("%+v", f)
	}
	srv.Close()
	if f := newSink(t, webhook.Config{URL: url}).Check(t.Context()); f[0].OK || f[0].Fix == "" || strings.Contains(f[0].Text+f[0].Fix, "path-secret") {
		t.Errorf("%+v", f)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*webhook.Config)
		key    string // "" = nothing is wrong
	}{
		"good":              {func(*webhook.Config) {}, ""},
		"no url":            {func(c *webhook.Config) { c.URL = "" }, "url"},
		"http":              {func(c *webhook.Config) { c.URL = "http://n8n.internal/x" }, "url"},
		"http allowed":      {func(c *webhook.Config) { c.URL, c.AllowHTTP = "http://n8n.internal/x", true }, ""},
		"http to loopback":  {func(c *webhook.Config) { c.URL = "http://127.0.0.1:5678/x" }, ""},
		"file":              {func(c *webhook.Config) { c.URL, c.AllowHTTP = "file:///etc/passwd", true }, "url"},
		"format":            {func(c *webhook.Config) { c.Format = "xml" }, "format"},
		"template missing":  {func(c *webhook.Config) { c.Format = webhook.Template }, "template"},
		"template unused":   {func(c *webhook.Config) { c.Template = "x" }, "template"},
		"template unquoted": {func(c *webhook.Config) { c.Format, c.Template = webhook.Template, `{"n": "{{.User.Name}}"}` }, "template"},
		"template of nothing": {func(c *webhook.Config) {
			c.Format, c.Template = webhook.Template, `{"n": {{minutes .Chat.WaitingTime}}}`
		}, "template"},
		"template of text": {func(c *webhook.Config) {
			c.Format, c.Template, c.ContentType = webhook.Template, "{{.User.Name}}", "text/plain"
		}, ""},
		"template misspelt":  {func(c *webhook.Config) { c.Format, c.Template = webhook.Template, "{{.Usr}}" }, "template"},
		"mask of envelope":   {func(c *webhook.Config) { c.Mask = true }, "mask"},
		"content type":       {func(c *webhook.Config) { c.ContentType = "a\r\nb" }, "content_type"},
		"secret":             {func(c *webhook.Config) { c.Secret = "short" }, "secret"},
		"secret not base64":  {func(c *webhook.Config) { c.Secret = "whsec_%%%%%%%%%%%%%%%%%%%%%%" }, "secret"},
		"plain secret":       {func(c *webhook.Config) { c.Secret = "a plain secret of some length" }, ""},
		"header injection":   {func(c *webhook.Config) { c.Headers = map[string]string{"X-A": "a\r\nb: c"} }, "headers.X-A"},
		"header name":        {func(c *webhook.Config) { c.Headers = map[string]string{"X A": "a"} }, "headers.X A"},
		"header of its own":  {func(c *webhook.Config) { c.Headers = map[string]string{"webhook-id": "a"} }, "headers.webhook-id"},
		"header that repeat": {func(c *webhook.Config) { c.Headers = map[string]string{"idempotency-key": "a"} }, "headers.idempotency-key"},
		"timeout":            {func(c *webhook.Config) { c.Timeout = time.Hour }, "timeout"},
		"on_unknown":         {func(c *webhook.Config) { c.OnUnknown = "drop" }, "on_unknown"},
	} {
		c := webhook.Config{URL: "https://example.com/x"}
		tt.change(&c)
		switch p := c.Validate(); {
		case tt.key == "" && len(p) > 0, tt.key != "" && (len(p) != 1 || p[0].Key != tt.key):
			t.Errorf("%s: %v, want a problem with %q", name, p, tt.key)
		case strings.Contains(p.Error(), secret):
			t.Errorf("%s: shows the secret: %v", name, p)
		}
	}
}
