package slack_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay/sink"
	"talkrelay/sink/slack"
)

// roundTrip is a Slack without a network, for tests in a bubble of synctest: no time passes but what is waited.
type roundTrip func(method string, form url.Values) (status int, header map[string]string, body string)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	status, header, answer := f(path.Base(r.URL.Path), form)
	for key, value := range header {
		w.Header().Set(key, value)
	}
	w.WriteHeader(status)
	io.Copy(w, bytes.NewBufferString(answer))
	return w.Result(), nil
}

func accepted(form url.Values) string {
	return fmt.Sprintf(`{"ok":true,"channel":%q,"ts":"1.000001"}`, form.Get("channel"))
}

func (f roundTrip) config(channel string) slack.Config {
	return slack.Config{Name: "cs-alerts", Token: token, Channel: channel, Base: f}
}

// After a 429 nothing is posted to any channel of the token before the time is over. The look-up is allowed.
func TestThrottledHoldsEveryChannel(t *testing.T) {
	t.Parallel()
	date := time.Date(2000, 1, 1, 0, 0, 30, 0, time.UTC).Format(http.TimeFormat) // a bubble starts at 2000-01-01 00:00
	tests := map[string]struct {
		status int
		header map[string]string
		body   string
		want   time.Duration
	}{
		"seconds":              {429, map[string]string{"Retry-After": "3"}, `{"ok":false,"error":"ratelimited"}`, 3 * time.Second},
		"zero":                 {429, map[string]string{"Retry-After": "0"}, ``, time.Second},
		"absent":               {429, nil, `<html>`, 10 * time.Second},
		"word":                 {429, map[string]string{"Retry-After": "abc"}, ``, 10 * time.Second},
		"negative":             {429, map[string]string{"Retry-After": "-5"}, ``, 10 * time.Second},
		"date":                 {429, map[string]string{"Retry-After": date}, ``, 30 * time.Second},
		"huge":                 {429, map[string]string{"Retry-After": "99999999"}, ``, time.Hour},
		"huger":                {429, map[string]string{"Retry-After": "99999999999999999999999"}, ``, time.Hour},
		"body":                 {429, nil, `{"retry_after":7,"ok":false,"error":"rate_limited"}`, 7 * time.Second},
		"body zero":            {429, nil, `{"retry_after":0,"ok":false}`, time.Second},
		"body text":            {429, nil, `{"retry_after":"7","ok":false}`, 10 * time.Second},
		"body huge":            {429, nil, `{"retry_after":1e300,"ok":false}`, time.Hour},
		"status 200":           {200, map[string]string{"Retry-After": "4"}, `{"ok":false,"error":"ratelimited"}`, 4 * time.Second},
		"status 200, in body":  {200, nil, `{"ok":false,"error":"rate_limited","retry_after":5}`, 5 * time.Second},
		"status 200, nowhere":  {200, nil, `{"ok":false,"error":"ratelimited"}`, 10 * time.Second},
		"quota":                {200, nil, `{"ok":false,"error":"message_limit_exceeded"}`, 5 * time.Minute},
		"quota with a 429":     {429, nil, `{"ok":false,"error":"message_limit_exceeded"}`, 5 * time.Minute},
		"quota with a shorter": {200, map[string]string{"Retry-After": "4"}, `{"ok":false,"error":"message_limit_exceeded"}`, 5 * time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testHold(t, tt.status, tt.header, tt.body, tt.want) })
		})
	}
}

func testHold(t *testing.T, status int, header map[string]string, body string, want time.Duration) {
	start, throttle, posts := time.Now(), true, 0
	api := roundTrip(func(method string, form url.Values) (int, map[string]string, string) {
		switch method {
		case "auth.test":
			return 200, nil, `{"ok":true,"bot_id":"B1"}`
		case "conversations.history":
			return 200, nil, `{"ok":true,"messages":[]}`
		}
		posts++
		if throttle {
			throttle = false
			return status, header, body
		}
		if passed := time.Since(start); passed < want {
			t.Errorf("posted after %v, want to wait %v", passed, want)
		}
		return 200, nil, accepted(form)
	})
	ws := slack.NewWorkspace(api.config(chanA))
	a, b := newSink(t, api.config(chanA), ws), newSink(t, api.config(chanB), ws)
	m := message(t, a, inquiry())
	_, err := a.Send(t.Context(), m)
	if e := mustVerdict(t, err, sink.Retry); e.After != want {
		t.Errorf("After = %v, want %v", e.After, want)
	}
	if _, found, err := a.Resolve(t.Context(), m); found || err != nil {
		t.Errorf("Resolve = %v, %v; look-ups are not held", found, err)
	}
	_, err = b.Send(t.Context(), message(t, b, inquiry())) // between Wait and Send, say
	if e := mustVerdict(t, err, sink.Retry); e.After != want || posts != 1 {
		t.Errorf("After = %v and %d posts, want %v and 1", e.After, posts, want)
	}
	if err := b.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if passed := time.Since(start); passed < want || passed > want+time.Second {
		t.Errorf("waited %v, want %v", passed, want)
	}
	if _, err := b.Send(t.Context(), message(t, b, inquiry())); err != nil {
		t.Error(err)
	}
}

// A Slack that is down may say for how long. Until then nothing is posted to any channel of the token, nor looked for.
func TestOutageWithRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := roundTrip(func(string, url.Values) (int, map[string]string, string) {
			return 503, map[string]string{"Retry-After": "30"}, ``
		})
		ws := slack.NewWorkspace(api.config(chanA))
		a, b := newSink(t, api.config(chanA), ws), newSink(t, api.config(chanB), ws)
		_, err := a.Send(t.Context(), message(t, a, inquiry()))
		if e := mustVerdict(t, err, sink.InDoubt); e.After != 30*time.Second || !e.Answered {
			t.Errorf("After = %v, Answered = %v; want 30s, true", e.After, e.Answered)
		}
		start := time.Now()
		if err := b.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if passed := time.Since(start); passed != 30*time.Second {
			t.Errorf("another channel waited %v, want 30s", passed)
		}
	})
}

// There is a report of a message that was answered with 429 and appeared: it is looked for once.
func TestThrottledIsLookedFor(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on("chat.postMessage", func(w http.ResponseWriter, r *http.Request) {
		f.accept(r.Form)
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(429)
	})
	s := f.sink(nil)
	m := message(t, s, inquiry())
	_, err := s.Send(t.Context(), m)
	mustVerdict(t, err, sink.Retry)
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	receipt, err := s.Send(t.Context(), m)
	if err != nil || receipt == "" || f.count() != 1 {
		t.Errorf("Send = %q, %v, %d posted; want the one that is there", receipt, err, f.count())
	}
}

// One message a second to a channel, the first at once; another channel has a pace of its own.
func TestWaitPaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := roundTrip(func(string, url.Values) (int, map[string]string, string) { return 200, nil, `{}` })
		ws := slack.NewWorkspace(api.config(chanA))
		a, twin, b := newSink(t, api.config(chanA), ws), newSink(t, api.config(chanA), ws), newSink(t, api.config(chanB), ws)
		start := time.Now()
		for i, s := range []*slack.Sink{a, b, a, twin, a} {
			if err := s.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := []time.Duration{0, 0, time.Second, 2 * time.Second, 3 * time.Second}[i]
			if passed := time.Since(start).Round(time.Millisecond); passed != want {
				t.Errorf("message %d may go after %v, want %v", i, passed, want)
			}
		}
	})
}

func TestWaitPacesTheToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := roundTrip(func(string, url.Values) (int, map[string]string, string) { return 200, nil, `{}` })
		ws := slack.NewWorkspace(api.config(chanA))
		start := time.Now()
		const channels = 220
		for i := range channels {
			s := newSink(t, api.config(fmt.Sprintf("C%09d", i)), ws)
			if err := s.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if passed := time.Since(start).Round(time.Second); passed != time.Minute {
			t.Errorf("%d messages took %v, want a minute: 20 at once and 200 a minute", channels, passed)
		}
	})
}

func TestWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := roundTrip(func(string, url.Values) (int, map[string]string, string) {
			return 429, map[string]string{"Retry-After": "600"}, ``
		})
		s := newSink(t, api.config(chanA), nil)
		_, err := s.Send(t.Context(), message(t, s, inquiry()))
		mustVerdict(t, err, sink.Retry)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if err := s.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait = %v, want the context's error", err)
		}
		if passed := time.Since(start); passed != time.Minute {
			t.Errorf("Wait took %v, want a minute", passed)
		}
	})
}

// A refused token stops every sink that has it. It is tested with auth.test before anything is posted again.
func TestWaitTestsARefusedToken(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	ws := slack.NewWorkspace(f.config())
	a := newSink(t, f.config(), ws)
	cfg := f.config()
	cfg.Channel = chanB
	b := newSink(t, cfg, ws)

	f.refuses("chat.postMessage", "token_revoked")
	f.refuses("auth.test", "token_revoked")
	_, err := a.Send(t.Context(), message(t, a, inquiry()))
	mustVerdict(t, err, sink.PauseCredential)
	for _, s := range []*slack.Sink{a, b} {
		e := mustVerdict(t, s.Wait(t.Context()), sink.PauseCredential)
		if !strings.Contains(e.Reason, "token_revoked") {
			t.Errorf("the reason does not say why: %v", e)
		}
	}
	if n := len(f.seen("chat.postMessage")); n != 1 {
		t.Errorf("%d posts with a refused token, want 1", n)
	}

	f.says("auth.test", 503, "")
	mustVerdict(t, b.Wait(t.Context()), sink.Retry)

	f.on("auth.test", nil)
	f.on("chat.postMessage", nil)
	before := len(f.seen("auth.test"))
	for range 3 {
		if err := b.Wait(t.Context()); err != nil {
			t.Fatalf("Wait after the token works again: %v", err)
		}
	}
	if n := len(f.seen("auth.test")) - before; n != 1 {
		t.Errorf("%d tests of a token that works, want 1", n)
	}
	if _, err := b.Send(t.Context(), message(t, b, inquiry())); err != nil {
		t.Error(err)
	}
}

// A missing scope does not show in auth.test's ok, but in the scopes it lists. Slack asks for chat:write by the name it
// had when there were two of it.
func TestWaitMissingScope(t *testing.T) {
	t.Parallel()
	for _, needed := range []string{"chat:write", "chat:write:bot"} {
		t.Run(needed, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.says("chat.postMessage", 200, `{"ok":false,"error":"missing_scope","needed":"`+needed+`","provided":"channels:read"}`)
			scopes := func(list string) http.HandlerFunc {
				return func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("X-OAuth-Scopes", list)
					io.WriteString(w, `{"ok":true,"bot_id":"`+botID+`"}`)
				}
			}
			f.on("auth.test", scopes("channels:read"))
			s := f.sink(nil)
			_, err := s.Send(t.Context(), message(t, s, inquiry()))
			mustVerdict(t, err, sink.PauseCredential)
			if e := mustVerdict(t, s.Wait(t.Context()), sink.PauseCredential); !strings.Contains(e.Reason, "the scope chat:write (") {
				t.Errorf("the reason does not name the scope: %v", e)
			}
			f.on("auth.test", scopes("channels:read, chat:write"))
			if err := s.Wait(t.Context()); err != nil {
				t.Errorf("Wait with the scope: %v", err)
			}
		})
	}
}
