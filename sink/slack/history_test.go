package slack_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay/sink"
	"talkrelay/sink/slack"
)

func copyOf(ts, bot, id string) map[string]any {
	return map[string]any{"type": "message", "ts": ts, "bot_id": bot, "metadata": map[string]any{
		"event_type": "talkrelay_delivery", "event_payload": map[string]any{"id": id},
	}}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		there   []map[string]any
		want    sink.Receipt
		deleted []string
	}{
		"nothing":     {nil, "", nil},
		"one":         {[]map[string]any{copyOf("5.000001", botID, shipment)}, "5.000001", nil},
		"three":       {[]map[string]any{copyOf("11.000001", botID, shipment), copyOf("9.000002", botID, shipment), copyOf("9.000010", botID, shipment)}, "9.000002", []string{"9.000010", "11.000001"}},
		"another id":  {[]map[string]any{copyOf("5.000001", botID, "ffff")}, "", nil},
		"another bot": {[]map[string]any{copyOf("5.000001", "B0FOREIGN", shipment)}, "", nil},
		"no bot":      {[]map[string]any{copyOf("5.000001", "", shipment)}, "", nil},
		"other event": {[]map[string]any{{"ts": "5.000001", "bot_id": botID, "metadata": map[string]any{"event_type": "x", "event_payload": map[string]any{"id": shipment}}}}, "", nil},
		"no metadata": {[]map[string]any{{"ts": "5.000001", "bot_id": botID}}, "", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.put(tt.there...)
			s := f.sink(nil)
			receipt, found, err := s.Resolve(t.Context(), message(t, s, inquiry()))
			if err != nil || receipt != tt.want || found != (tt.want != "") {
				t.Errorf("Resolve = %q, %v, %v; want %q", receipt, found, err, tt.want)
			}
			var deleted []string
			for _, c := range f.seen("chat.delete") {
				deleted = append(deleted, c.form.Get("ts"))
			}
			if !slices.Equal(deleted, tt.deleted) {
				t.Errorf("deleted %q, want %q", deleted, tt.deleted)
			}
		})
	}
}

// A message is found although it lies on the second page, among those of other apps that hold anything.
func TestResolveReadsEveryPage(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	odd := []string{
		`{"ts":5,"bot_id":{}}`, `7`, `null`, `"text"`, `[]`, `{"metadata":[]}`, `{"blocks":[{"type":"header","text":[]}]}`,
		`{"ts":"1.1","bot_id":"` + botID + `","metadata":{"event_type":"talkrelay_delivery","event_payload":[]}}`,
		`{"ts":"1.1","bot_id":"` + botID + `","display_as_bot":"false","metadata":{"event_type":7}}`,
	}
	ours, _ := json.Marshal(copyOf("5.000001", botID, shipment))
	f.on("conversations.history", func(w http.ResponseWriter, r *http.Request) {
		switch r.Form.Get("cursor") {
		case "":
			fmt.Fprintf(w, `{"ok":true,"messages":[%s],"response_metadata":{"next_cursor":"two=="}}`, strings.Join(odd, ","))
		case "two==":
			fmt.Fprint(w, `{"ok":true,"messages":[],"response_metadata":{"next_cursor":"three"}}`)
		case "three":
			fmt.Fprintf(w, `{"ok":true,"messages":[%s],"response_metadata":{"next_cursor":""}}`, ours)
		}
	})
	s := f.sink(nil)
	receipt, found, err := s.Resolve(t.Context(), message(t, s, inquiry()))
	if err != nil || !found || receipt != "5.000001" {
		t.Errorf("Resolve = %q, %v, %v", receipt, found, err)
	}
	for _, c := range f.seen("conversations.history") {
		want := map[string]string{"channel": chanA, "inclusive": "true", "include_all_metadata": "true", "limit": "200"}
		for key, value := range want {
			if got := c.form.Get(key); got != value {
				t.Errorf("%s = %q, want %q", key, got, value)
			}
		}
		if c.form.Get("oldest") == "" || c.form.Get("latest") == "" {
			t.Errorf("oldest and latest must both be given: %v", c.form)
		}
	}
}

// The bounds are by Slack's clock, however wrong ours is.
func TestResolveWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := time.Now().Add(3 * time.Hour) // ours is three hours slow
		var form url.Values
		api := roundTrip(func(method string, f url.Values) (int, map[string]string, string) {
			header := map[string]string{"Date": server.Format(http.TimeFormat)}
			if method == "auth.test" {
				return 200, header, `{"ok":true,"bot_id":"` + botID + `"}`
			}
			form = f
			return 200, header, `{"ok":true,"messages":[]}`
		})
		s := newSink(t, api.config(chanA), nil)
		m := message(t, s, inquiry())
		m.FirstSent = time.Now().Add(-time.Minute)
		if _, _, err := s.Resolve(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		between(t, form.Get("oldest"), server.Add(-clockSet-time.Minute))
		between(t, form.Get("latest"), server.Add(clockSet))
		for _, set := range []time.Duration{24 * time.Hour, -24 * time.Hour} { // since Slack's clock was last seen
			posted := server.Add(set).Unix()
			if ts(t, form.Get("oldest")) > posted || ts(t, form.Get("latest")) < posted {
				t.Errorf("a message of %d is not between %s and %s", posted, form.Get("oldest"), form.Get("latest"))
			}
		}

		m.After = "1795320000.000100"
		if _, _, err := s.Resolve(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if got := form.Get("oldest"); got != m.After {
			t.Errorf("oldest = %s, want the last delivery's %s", got, m.After)
		}
	})
}

// A clock that was set back since the first attempt says nothing about when that was: the search leaves out nothing.
func TestResolveAfterTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.sink(nil)
	m := message(t, s, inquiry())
	m.FirstSent = time.Now().Add(time.Hour)
	if _, _, err := s.Resolve(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := f.seen("conversations.history")[0].form.Get("oldest"); got != "0" {
		t.Errorf("oldest = %s, want 0: the message may be older than our clock says", got)
	}
}

// clockSet is by how much more than a day our clock may be set without harm.
const clockSet = 48 * time.Hour

// ts returns the seconds of a Slack time.
func ts(t *testing.T, text string) (seconds int64) {
	t.Helper()
	if _, err := fmt.Sscanf(text, "%d.", &seconds); err != nil {
		t.Errorf("%q: %v", text, err)
	}
	return seconds
}

func between(t *testing.T, ts string, want time.Time) {
	t.Helper()
	seconds, err := strconv.ParseFloat(ts, 64)
	if err != nil {
		t.Fatal(err)
	}
	if off := time.Unix(int64(seconds), 0).Sub(want); off.Abs() > time.Second {
		t.Errorf("%s is %v off", ts, off)
	}
}

func TestResolveErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		body   string
		want   sink.Verdict
	}{
		"not in channel":    {200, `{"ok":false,"error":"not_in_channel"}`, sink.PauseDestination},
		"channel not found": {200, `{"ok":false,"error":"channel_not_found"}`, sink.PauseDestination},
		"missing scope":     {200, `{"ok":false,"error":"missing_scope","needed":"channels:history"}`, sink.PauseDestination},
		"rate limit":        {429, ``, sink.Retry},
		"rate limit in 200": {200, `{"ok":false,"error":"ratelimited"}`, sink.Retry},
		"token revoked":     {200, `{"ok":false,"error":"token_revoked"}`, sink.PauseCredential},
		"unknown code":      {200, `{"ok":false,"error":"a_code_of_tomorrow"}`, sink.PauseDestination},
		"server error":      {503, ``, sink.InDoubt},
		"fatal error":       {200, `{"ok":false,"error":"fatal_error"}`, sink.InDoubt},
		"html":              {200, `<html>`, sink.InDoubt},
		"empty object":      {200, `{}`, sink.InDoubt},
		"no messages":       {200, `{"ok":true}`, sink.InDoubt},
		"odd messages":      {200, `{"ok":true,"messages":{}}`, sink.InDoubt},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.says("conversations.history", tt.status, tt.body)
			s := f.sink(nil)
			_, found, err := s.Resolve(t.Context(), message(t, s, inquiry()))
			if found {
				t.Error("found without having looked")
			}
			mustVerdict(t, err, tt.want)
		})
	}
}

// Without auth.test nobody knows which messages are ours: that is no negative answer.
func TestResolveWithoutIdentity(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]sink.Verdict{
		`{}`: sink.InDoubt, `{"ok":true}`: sink.InDoubt, `{"ok":false,"error":"invalid_auth"}`: sink.PauseCredential,
	} {
		f := newFake(t)
		f.says("auth.test", 200, answer)
		s := f.sink(nil)
		_, _, err := s.Resolve(t.Context(), message(t, s, inquiry()))
		mustVerdict(t, err, want)
	}
}

func TestResolveOnUnknown(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.refuses("conversations.history", "not_in_channel")
	resend := f.sink(func(c *slack.Config) { c.OnUnknown = slack.Resend })
	if _, found, err := resend.Resolve(t.Context(), message(t, resend, inquiry())); found || err != nil {
		t.Errorf("Resolve with on_unknown = resend: %v, %v; want: not there", found, err)
	}
	m := message(t, resend, inquiry())
	moved := f.sink(func(c *slack.Config) { c.Channel = chanB })
	if _, found, err := moved.Resolve(t.Context(), m); found || err != nil {
		t.Errorf("Resolve after the sink left the channel: %v, %v; want: not there", found, err)
	}
	if got := f.seen("conversations.history")[1].form.Get("channel"); got != chanA {
		t.Errorf("looked in %s, want the channel it was sent to", got)
	}
}

// A look that is throttled half-way goes on from there.
func TestResolveThrottledBetweenPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pages := 0
		api := roundTrip(func(method string, form url.Values) (int, map[string]string, string) {
			if method == "auth.test" {
				return 200, nil, `{"ok":true,"bot_id":"` + botID + `"}`
			}
			pages++
			switch pages {
			case 1:
				return 200, nil, `{"ok":true,"messages":[],"response_metadata":{"next_cursor":"two"}}`
			case 2:
				return 429, map[string]string{"Retry-After": "20"}, ``
			}
			if form.Get("cursor") != "two" {
				t.Errorf("page %d starts at cursor %q", pages, form.Get("cursor"))
			}
			return 200, nil, `{"ok":true,"messages":[]}`
		})
		s := newSink(t, api.config(chanA), nil)
		start := time.Now()
		if _, found, err := s.Resolve(t.Context(), message(t, s, inquiry())); found || err != nil {
			t.Errorf("Resolve = %v, %v", found, err)
		}
		if passed := time.Since(start); passed != 20*time.Second || pages != 3 {
			t.Errorf("%d pages in %v, want 3 in 20s", pages, passed)
		}
	})
}

func TestResolveCursors(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	answers := make(chan string, 3)
	answers <- `{"ok":true,"messages":[],"response_metadata":{"next_cursor":"two"}}`
	answers <- `{"ok":false,"error":"invalid_cursor"}`
	answers <- `{"ok":true,"messages":[]}`
	f.on("conversations.history", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, <-answers) })
	s := f.sink(nil)
	if _, found, err := s.Resolve(t.Context(), message(t, s, inquiry())); found || err != nil || len(answers) != 0 {
		t.Errorf("after invalid_cursor: %v, %v, %d answers left; want the search to begin again", found, err, len(answers))
	}
	f.says("conversations.history", 200, `{"ok":true,"messages":[],"response_metadata":{"next_cursor":"same"}}`)
	_, _, err := s.Resolve(t.Context(), message(t, s, inquiry()))
	mustVerdict(t, err, sink.InDoubt)
}

func TestResolveSurplusCopies(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"ok":false,"error":"message_not_found"}`: "found", `{"ok":false,"error":"cant_delete_message"}`: "found",
		`{"ok":false,"error":"ratelimited"}`: "retry", `{"ok":false,"error":"fatal_error"}`: "in doubt",
	} {
		f := newFake(t)
		f.put(copyOf("5.000001", botID, shipment), copyOf("5.000002", botID, shipment))
		f.says("chat.delete", 200, answer)
		s := f.sink(nil)
		_, found, err := s.Resolve(t.Context(), message(t, s, inquiry()))
		got := "found"
		if err != nil {
			got = sink.VerdictOf(err).Verdict.String()
		}
		if got != want || found != (err == nil) {
			t.Errorf("chat.delete answers %s: %q, %v; want %q", answer, got, found, want)
		}
	}
}

func TestRecheck(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.sink(nil)
	m := message(t, s, inquiry())
	f.put(copyOf("5.000001", botID, shipment))
	if removed, err := s.Recheck(t.Context(), m); err != nil || removed != 0 {
		t.Errorf("Recheck of one copy = %d, %v; want 0", removed, err)
	}
	f.put(copyOf("7.000001", botID, shipment), copyOf("5.000001", botID, shipment), copyOf("6.000001", botID, shipment), copyOf("6.000002", "B2", shipment))
	if removed, err := s.Recheck(t.Context(), m); err != nil || removed != 2 {
		t.Errorf("Recheck of three copies = %d, %v; want 2", removed, err)
	}
	if left := f.history(); len(left) != 2 || left[0]["ts"] != "5.000001" {
		t.Errorf("left are %v, want the first copy and the foreign message", left)
	}
	f.refuses("conversations.history", "channel_not_found")
	_, err := s.Recheck(t.Context(), m)
	mustVerdict(t, err, sink.PauseDestination)
	_, err = f.sink(func(c *slack.Config) { c.Channel = chanB }).Recheck(t.Context(), m)
	mustVerdict(t, err, sink.Bad)
}
