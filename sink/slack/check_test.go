package slack_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"talkrelay/sink"
	"talkrelay/sink/slack"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	say := func(method, body string) func(*fake) {
		return func(f *fake) { f.says(method, 200, body) }
	}
	scopes := func(list string) func(*fake) {
		return func(f *fake) {
			f.on("auth.test", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-OAuth-Scopes", list)
				fmt.Fprintf(w, `{"ok":true,"user":"talkrelay","team":"Shop","bot_id":%q}`, botID)
			})
		}
	}
	tests := map[string]struct {
		change func(*fake)
		want   string // findings in order, "!" before the bad ones
		fix    string
	}{
		"well":             {func(*fake) {}, "token scopes channel history clock", ""},
		"token refused":    {say("auth.test", `{"ok":false,"error":"invalid_auth"}`), "!token", `token of sink.slack "cs-alerts"`},
		"token of a user":  {say("auth.test", `{"ok":true,"user":"kim"}`), "!token", ""},
		"not Slack":        {say("auth.test", `<html>`), "!token", "api_url"},
		"scopes lacking":   {scopes("chat:write,channels:read"), "token !scopes channel history clock", "install"},
		"scopes not told":  {scopes(""), "token channel history clock", ""},
		"info closed":      {say("conversations.info", `{"ok":false,"error":"missing_scope","needed":"channels:read"}`), "token scopes !channel clock", "channels:read"},
		"archived":         {say("conversations.info", `{"ok":true,"channel":{"id":"C1","is_archived":true,"is_member":true}}`), "token scopes !channel clock", "unarchive"},
		"not a member":     {say("conversations.info", `{"ok":true,"channel":{"id":"C1","is_member":false}}`), "token scopes !channel clock", "/invite @bot"},
		"no such channel":  {say("conversations.info", `{"ok":false,"error":"channel_not_found"}`), "token scopes !channel clock", "change channel of"},
		"private":          {say("conversations.info", `{"ok":true,"channel":{"id":"C1","is_member":true,"is_private":true}}`), "token !scopes channel history clock", "install"},
		"history closed":   {say("conversations.history", `{"ok":false,"error":"missing_scope","needed":"channels:history"}`), "token scopes channel !history clock", "channels:history"},
		"history not ours": {say("conversations.history", `{"ok":false,"error":"not_in_channel"}`), "token scopes channel !history clock", "/invite @bot"},
		"clock": {func(f *fake) {
			f.on("conversations.history", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", time.Now().Add(-3*time.Hour).UTC().Format(http.TimeFormat))
				f.well(w, r)
			})
		}, "token scopes channel history !clock", "timedatectl"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			tt.change(f)
			findings := f.sink(nil).Check(t.Context())
			var got []string
			for _, one := range findings {
				name := one.Name
				if !one.OK {
					name = "!" + name
					if !strings.Contains(one.Fix, tt.fix) {
						t.Errorf("%s: the fix is %q, want one with %q (%s)", one.Name, one.Fix, tt.fix, one.Text)
					}
				}
				if one.Text == "" || one.OK && one.Fix != "" {
					t.Errorf("finding %+v", one)
				}
				got = append(got, name)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
			if n := len(f.seen("chat.postMessage")); n != 0 {
				t.Errorf("check posted %d messages", n)
			}
		})
	}
}

// Without a connection the finding says so, and does not offer the error as the cure.
func TestCheckWithoutConnection(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.sink(func(c *slack.Config) { c.Base = dialing(errors.New("connection refused")) })
	findings := s.Check(t.Context())
	if len(findings) != 1 || findings[0].OK || !strings.Contains(findings[0].Text, "connection refused") || !strings.Contains(findings[0].Fix, "api_url") {
		t.Errorf("findings %+v", findings)
	}
}

// memory is a sink.Memory in memory.
type memory struct {
	mu    sync.Mutex
	data  []byte
	saves int
}

func (m *memory) Load() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.data, nil
}

func (m *memory) Save(data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data, m.saves = data, m.saves+1
	return nil
}

// A name is looked up once, on whatever page, and kept over restarts: renaming the channel changes nothing.
func TestChannelByName(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on("conversations.list", func(w http.ResponseWriter, r *http.Request) {
		if r.Form.Get("cursor") == "" {
			fmt.Fprint(w, `{"ok":true,"channels":[{"id":"C0000000009","name":"other"}],"response_metadata":{"next_cursor":"p2"}}`)
			return
		}
		fmt.Fprintf(w, `{"ok":true,"channels":[{"id":%q,"name":"cs-문의"}]}`, chanB)
	})
	mem := &memory{}
	named := func(c *slack.Config) { c.Channel, c.Memory = "#cs-문의", mem }
	for restart := range 2 {
		s := f.sink(named)
		for range 2 {
			if err := s.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Send(t.Context(), message(t, s, inquiry())); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(f.seen("conversations.list")); n != 2 || mem.saves != 1 {
			t.Errorf("restart %d: %d pages read, %d saves; want 2 and 1", restart, n, mem.saves)
		}
	}
	for _, c := range f.seen("chat.postMessage") {
		if got := c.form.Get("channel"); got != chanB {
			t.Errorf("posted to %q, want %s", got, chanB)
		}
	}
	other := f.sink(func(c *slack.Config) { c.Channel, c.Memory = "other", mem })
	if err := other.Wait(t.Context()); err != nil || len(f.seen("conversations.list")) != 3 {
		t.Errorf("another name: %v after %d pages, want a look-up of its own", err, len(f.seen("conversations.list")))
	}
}

// A scope that only the look-up of a name needs stops nobody who has the id.
func TestChannelByNameStopsNobodyElse(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.says("conversations.list", 200, `{"ok":false,"error":"missing_scope","needed":"channels:read"}`)
	f.on("auth.test", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-OAuth-Scopes", "chat:write,channels:history")
		fmt.Fprintf(w, `{"ok":true,"bot_id":%q}`, botID)
	})
	ws := slack.NewWorkspace(f.config())
	cfg := f.config()
	cfg.Channel = "cs"
	mustVerdict(t, newSink(t, cfg, ws).Wait(t.Context()), sink.PauseDestination)
	if err := newSink(t, f.config(), ws).Wait(t.Context()); err != nil {
		t.Errorf("Wait of a sink with an id: %v", err)
	}
}

// A message that was prepared before the name was known goes to the channel all the same.
func TestChannelByNameAfterPrepare(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.sink(func(c *slack.Config) { c.Channel = "cs" })
	m := message(t, s, inquiry())
	if _, err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := f.seen("chat.postMessage")[0].form.Get("channel"); got != chanA {
		t.Errorf("posted to %q, want %s", got, chanA)
	}
	if _, found, err := s.Resolve(t.Context(), m); err != nil || !found {
		t.Errorf("Resolve = %v, %v", found, err)
	}
}

func TestChannelByNameErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want sink.Verdict
	}{
		"no such name": {`{"ok":true,"channels":[]}`, sink.PauseDestination},
		"missing":      {`{"ok":false,"error":"missing_scope","needed":"channels:read"}`, sink.PauseDestination},
		"revoked":      {`{"ok":false,"error":"token_revoked"}`, sink.PauseCredential},
		"rate limit":   {`{"ok":false,"error":"ratelimited"}`, sink.Retry},
		"html":         {`<html>`, sink.Retry},
		"fatal":        {`{"ok":false,"error":"fatal_error"}`, sink.Retry},
		"unknown":      {`{"ok":false,"error":"a_code_of_tomorrow"}`, sink.PauseDestination},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.says("conversations.list", 200, tt.body)
			s := f.sink(func(c *slack.Config) { c.Channel = "cs" })
			mustVerdict(t, s.Wait(t.Context()), tt.want)
			_, err := s.Send(t.Context(), message(t, s, inquiry()))
			mustVerdict(t, err, tt.want)
			if n := len(f.seen("chat.postMessage")); n != 0 {
				t.Errorf("%d posts without a channel", n)
			}
		})
	}
}

// Without groups:read only public channels can be listed.
func TestChannelByNamePublicOnly(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on("conversations.list", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Form.Get("types"), "private") {
			fmt.Fprint(w, `{"ok":false,"error":"missing_scope","needed":"groups:read"}`)
			return
		}
		f.well(w, r)
	})
	s := f.sink(func(c *slack.Config) { c.Channel = "cs" })
	if err := s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// A remembered channel that is gone is looked up again: the name may belong to a new one.
func TestChannelByNameIsForgotten(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	old, err := json.Marshal(map[string]string{"name": "cs", "id": chanB})
	if err != nil {
		t.Fatal(err)
	}
	s := f.sink(func(c *slack.Config) { c.Channel, c.Memory = "cs", &memory{data: old} })
	f.refuses("chat.postMessage", "channel_not_found")
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := message(t, s, inquiry())
	_, err = s.Send(t.Context(), m)
	mustVerdict(t, err, sink.PauseDestination)
	f.on("chat.postMessage", nil)
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = s.Send(t.Context(), m) // made for the old one
	mustVerdict(t, err, sink.Rework)
	if _, err := s.Send(t.Context(), message(t, s, inquiry())); err != nil {
		t.Fatal(err)
	}
	posts := f.seen("chat.postMessage")
	if got := posts[len(posts)-1].form.Get("channel"); got != chanA {
		t.Errorf("posted to %q, want %s", got, chanA)
	}
}
