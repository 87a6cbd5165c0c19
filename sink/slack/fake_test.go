package slack_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/slack"
)

const (
	token    = "xoxb-1111-2222-SECRETsecret"
	chanA    = "C0000000001"
	chanB    = "C0000000002"
	shipment = "0123456789abcdef0123456789abcdef"
	botID    = "B0000000001"
)

// fake is a Slack of one handler a method. A method without one gives the answer of a Slack where all is well.
type fake struct {
	t   *testing.T
	srv *httptest.Server

	mu       sync.Mutex
	handlers map[string]http.HandlerFunc
	calls    []call
	messages []map[string]any // what conversations.history returns, newest first
	posted   int
}

type call struct {
	method string
	form   url.Values
	header http.Header
	at     time.Time
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, handlers: make(map[string]http.HandlerFunc)}
	f.srv = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.srv.Close)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	if err != nil {
		f.t.Errorf("%s: the form cannot be read: %v", r.URL.Path, err)
	}
	method := strings.TrimPrefix(r.URL.Path, "/")
	f.mu.Lock()
	f.calls = append(f.calls, call{method, form, r.Header.Clone(), time.Now()})
	handler := f.handlers[method]
	f.mu.Unlock()
	r.Form = form
	if handler != nil {
		handler(w, r)
		return
	}
	f.well(w, r)
}

// well answers as a Slack where all is well.
func (f *fake) well(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-OAuth-Scopes", "chat:write,channels:history,channels:read")
	switch strings.TrimPrefix(r.URL.Path, "/") {
	case "auth.test":
		fmt.Fprintf(w, `{"ok":true,"user":"talkrelay","team":"Shop","bot_id":%q}`, botID)
	case "conversations.info":
		fmt.Fprintf(w, `{"ok":true,"channel":{"id":%q,"name":"cs","is_member":true}}`, r.Form.Get("channel"))
	case "conversations.list":
		fmt.Fprintf(w, `{"ok":true,"channels":[{"id":%q,"name":"cs"}]}`, chanA)
	case "conversations.history":
		f.mu.Lock()
		defer f.mu.Unlock()
		writeJSON(w, map[string]any{"ok": true, "messages": append([]map[string]any{}, f.messages...)})
	case "chat.delete":
		f.remove(r.Form.Get("ts"))
		fmt.Fprint(w, `{"ok":true}`)
	case "chat.postMessage":
		fmt.Fprintf(w, `{"ok":true,"channel":%q,"ts":%q}`, r.Form.Get("channel"), f.accept(r.Form))
	default:
		fmt.Fprint(w, `{"ok":false,"error":"unknown_method"}`)
	}
}

// accept puts a posted message into the history and returns its ts.
func (f *fake) accept(form url.Values) string {
	var metadata any
	if err := json.Unmarshal([]byte(form.Get("metadata")), &metadata); err != nil {
		f.t.Errorf("metadata cannot be read: %v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.posted++
	ts := fmt.Sprintf("1795320000.%06d", f.posted)
	f.messages = append([]map[string]any{{"type": "message", "ts": ts, "bot_id": botID, "metadata": metadata}}, f.messages...)
	return ts
}

func (f *fake) remove(ts string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := f.messages[:0]
	for _, m := range f.messages {
		if m["ts"] != ts {
			kept = append(kept, m)
		}
	}
	f.messages = kept
}

// count returns how many messages were accepted.
func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.posted
}

// history returns the messages that are there.
func (f *fake) history() []map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]map[string]any(nil), f.messages...)
}

// put makes messages the history.
func (f *fake) put(messages ...map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.messages = messages
}

// on sets the answer of a method.
func (f *fake) on(method string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handlers[method] = h
}

// says makes a method answer with a status and a body.
func (f *fake) says(method string, status int, body string) {
	f.on(method, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

// refuses makes a method answer with an error code of Slack.
func (f *fake) refuses(method, code string) {
	f.says(method, http.StatusOK, fmt.Sprintf(`{"ok":false,"error":%q}`, code))
}

// seen returns the requests to a method.
func (f *fake) seen(method string) []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []call
	for _, c := range f.calls {
		if c.method == method {
			out = append(out, c)
		}
	}
	return out
}

func (f *fake) config() slack.Config {
	return slack.Config{
		Name: "cs-alerts", Token: token, Channel: chanA, APIURL: f.srv.URL, PerSecond: 1000, PerMinute: 60000,
		Timeout: time.Second, Base: f.srv.Client().Transport, Language: sink.Korean, Location: seoul(),
	}
}

func seoul() *time.Location {
	loc, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		return time.FixedZone("KST", 9*60*60)
	}
	return loc
}

// sink makes a sink of its own workspace. change alters its settings.
func (f *fake) sink(change func(*slack.Config)) *slack.Sink {
	f.t.Helper()
	cfg := f.config()
	if change != nil {
		change(&cfg)
	}
	return newSink(f.t, cfg, nil)
}

func newSink(t *testing.T, cfg slack.Config, ws *slack.Workspace) *slack.Sink {
	t.Helper()
	s, err := slack.New(cfg, ws)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return s
}

// message prepares the event for s.
func message(t *testing.T, s *slack.Sink, e talkrelay.Event) sink.Message {
	t.Helper()
	body, n, err := s.Prepare(shipment, []sink.Item{{Event: e}}, "")
	if err != nil || n != 1 {
		t.Fatalf("Prepare = %d, %v; want 1 item", n, err)
	}
	return sink.Message{ID: shipment, Body: body, Attempt: 1, FirstSent: time.Now()}
}

func inquiry() talkrelay.Event { return sink.SampleEvents()[0] }

func writeJSON(w io.Writer, v any) { _ = json.NewEncoder(w).Encode(v) }

func ptr[T any](v T) *T { return &v }

// mustVerdict fails unless err carries the verdict; it returns the decision.
func mustVerdict(t *testing.T, err error, want sink.Verdict) *sink.Error {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want the verdict %q", want)
	}
	e := sink.VerdictOf(err)
	if e.Verdict != want {
		t.Fatalf("verdict of %q is %q, want %q", err, e.Verdict, want)
	}
	return e
}
