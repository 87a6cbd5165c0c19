package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"talkrelay/alert"
)

// inbox is an address that takes webhooks and heartbeats.
type inbox struct {
	*httptest.Server
	mu    sync.Mutex
	posts []alert.Payload
	beats int
	down  bool
}

func newInbox(t *testing.T) *inbox {
	t.Helper()
	in := &inbox{}
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in.mu.Lock()
		defer in.mu.Unlock()
		var p alert.Payload
		switch {
		case in.down:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.Method == http.MethodGet:
			in.beats++
		case json.NewDecoder(r.Body).Decode(&p) == nil:
			in.posts = append(in.posts, p)
		}
	}))
	t.Cleanup(in.Close)
	return in
}

// told reports whether a message about this condition came: "raised", "standing" or "recovered".
func (in *inbox) told(status string, k alert.Kind, name string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.ContainsFunc(in.posts, func(p alert.Payload) bool {
		list := map[string][]alert.Condition{"raised": p.Raised, "standing": p.Standing, "recovered": p.Recovered}[status]
		return slices.ContainsFunc(list, func(c alert.Condition) bool { return c.Kind == k && c.Name == name })
	})
}

func (in *inbox) heartbeats() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.beats
}

// hastyAlerts is a table [alert] that speaks within seconds.
const hastyAlerts = `
[alert]
after   = "1s"
gather  = "1s"
apart   = "1s"
timeout = "5s"
`

// withAlerts adds tables to the rig's config.
func (r *rig) withAlerts(tables string) { r.edit("[state]", hastyAlerts+tables+"\n[state]") }

func (r *rig) awaitTold(p *process, in *inbox, status string, k alert.Kind, name string) {
	r.t.Helper()
	await(r.t, "the alert", func() bool { return in.told(status, k, name) }, func() string { return p.log() })
}

// TestAlertsGoAnotherWay breaks the way to Slack, then the key of the channel, under a running daemon. People hear of it
// over a path that has nothing to do with either, also after a restart and a reload, and hear that it is over.
func TestAlertsGoAnotherWay(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("what comes up within half a second is told together: not with the race detector")
	}
	r, in := newRig(t, hurried...), newInbox(t)
	r.withAlerts("[alert.webhook]\nurl = \"" + in.URL + "\"\n[alert.heartbeat]\nurl = \"" + in.URL + "/beat\"\nevery = \"1s\"\n")
	p := r.start()
	r.awaitBaseline(p)
	await(t, "a heartbeat", func() bool { return in.heartbeats() > 0 }, p.log)

	r.world.Slack.SetTokenError("token_revoked")
	r.customer("홍길동", "전화 주세요 010-1234-5678")
	r.awaitTold(p, in, "raised", alert.Paused, "cs-alerts")
	r.channel.SetRevoked(true)
	r.awaitTold(p, in, "raised", alert.Refused, "shop")
	silent := in.heartbeats()

	p = r.restart(p)
	p.awaitLog("started")
	p.signal(syscall.SIGHUP)
	p.awaitLog("reloaded")
	r.world.Slack.SetTokenError("")
	r.channel.SetRevoked(false)
	r.awaitTold(p, in, "recovered", alert.Paused, "cs-alerts")
	r.awaitTold(p, in, "recovered", alert.Refused, "shop")
	await(t, "the heartbeat to go on", func() bool { return in.heartbeats() > silent }, p.log)
	r.awaitAll(p)

	in.mu.Lock()
	defer in.mu.Unlock()
	var text strings.Builder
	raised := 0
	for _, post := range in.posts {
		raised += len(post.Raised)
		text.WriteString(post.Text + post.Subject)
	}
	if raised != 2 {
		t.Errorf("raised %d times, want each of the two once:\n%s", raised, text.String())
	}
	for _, says := range []string{"cs-alerts", "access_key", "talkrelay check"} {
		if !strings.Contains(text.String(), says) {
			t.Errorf("no %q in:\n%s", says, text.String())
		}
	}
	r.assertDiscreet(text.String())
	if strings.Contains(text.String(), "홍길동") || strings.Contains(p.log(), in.URL) {
		t.Errorf("customer data or an address is told:\n%s\n%s", text.String(), p.log())
	}
}

// TestAlertPathsAreTried runs `check` and `alert test` with paths that work, and with paths that do not.
func TestAlertPathsAreTried(t *testing.T) {
	t.Parallel()
	r, in := newRig(t), newInbox(t)
	ops := r.world.Slack.AddChannel("ops")
	if code, _, errs := here(t, "alert", "test", "--config", r.config); code != exitFailed || !strings.Contains(errs, "names no path") {
		t.Errorf("without a path: exit code %d, %s", code, errs)
	}
	r.withAlerts(`[alert.slack]
token   = "` + r.world.Slack.Token + `"
channel = "` + ops.ID + `"
api_url = "` + r.world.Slack.APIURL() + `"
[alert.webhook]
url = "` + in.URL + `"
[alert.heartbeat]
url = "` + in.URL + `/beat"
`)
	out := r.outputOf("check")
	for _, part := range []string{"alert.slack: path", "alert.webhook: path", "alert.heartbeat: path"} {
		if !lineWith(out, "✓ "+screenKorean.say(part)+": ") {
			t.Errorf("nothing about %s in:\n%s", part, out)
		}
	}
	if len(ops.Messages())+len(in.posts)+in.heartbeats() > 0 {
		t.Error("the check has told somebody")
	}
	out = r.outputOf("alert", "test")
	if messages := ops.Messages(); len(messages) != 1 || len(in.posts) != 1 || in.posts[0].Status != "test" || in.heartbeats() != 1 {
		t.Errorf("%d messages, %+v, %d heartbeats:\n%s", len(ops.Messages()), in.posts, in.heartbeats(), out)
	}
	in.mu.Lock()
	in.down = true
	in.mu.Unlock()
	r.world.Slack.SetTokenError("invalid_auth")
	code, out, errs := here(t, "alert", "test", "--config", r.config)
	if code != exitFailed || errs != "" || strings.Contains(out, "✓") || !strings.Contains(out, "replace token in [alert.slack]") ||
		!strings.Contains(out, "answered with 503") || strings.Contains(out, in.URL) {
		t.Errorf("exit code %d:\n%s%s", code, out, errs)
	}
}

// TestWhatIsWrong gives an observer what a daemon may say of itself.
func TestWhatIsWrong(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	cfg := &config{secrets: []string{"xoxb-secret"}}
	cfg.plan.alert = alertPlan{noPoll: 10 * time.Minute, queueAge: 30 * time.Minute, diskFree: 200, diskOf: "/var/lib"}
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	good := channelStatus{Name: "shop", LastGood: now}
	tests := []struct {
		name    string
		channel channelStatus
		sink    sinkStatus
		free    int
		stands  bool
		want    string
		alive   bool
	}{
		{name: "all well", channel: good, free: 200, want: "", alive: true},
		{name: "disk", channel: good, free: 199, want: "disk_nearly_full /var/lib", alive: true},
		{name: "trouble that is young", channel: channelStatus{Name: "shop", LastGood: now, Lag: 599, Trouble: "503"}, free: 999, alive: true},
		{name: "late", channel: channelStatus{Name: "shop", LastGood: ago(time.Hour), Lag: 600, Trouble: "503"}, free: 999, want: "no_good_poll shop"},
		{name: "never read", channel: channelStatus{Name: "shop"}, free: 999},
		{name: "never read since the start", channel: channelStatus{Name: "shop"}, free: 999, stands: true, want: "no_good_poll shop"},
		{name: "never read, for long", channel: channelStatus{Name: "shop", Trouble: "503", Since: ago(10 * time.Minute)}, free: 999, want: "no_good_poll shop"},
		{name: "refused", channel: channelStatus{Name: "shop", LastGood: ago(time.Hour), Lag: 3600, Refused: true}, free: 999, want: "credential_refused shop"},
		{name: "refused for a moment", channel: channelStatus{Name: "shop", LastGood: now, Refused: true}, free: 999, want: "credential_refused shop", alive: true},
		{name: "paused and old", channel: good, sink: sinkStatus{Why: "paused", Oldest: ago(time.Hour)}, free: 999, want: "destination_paused cs", alive: true},
		{name: "old", channel: good, sink: sinkStatus{Why: "retry", Oldest: ago(time.Hour)}, free: 999, want: "queue_old cs", alive: true},
		{name: "not so old", channel: good, sink: sinkStatus{Why: "retry", Oldest: ago(time.Minute)}, free: 999, alive: true},
		{name: "old, in quiet hours", channel: good, sink: sinkStatus{Oldest: ago(time.Hour), Quiet: now.Add(time.Hour), Held: now.Add(time.Hour)}, free: 999, alive: true},
		{name: "old, quiet until now", channel: good, sink: sinkStatus{Oldest: ago(15 * time.Hour), Held: now}, free: 999, alive: true},
		{name: "old, quiet until long ago", channel: good, sink: sinkStatus{Oldest: ago(15 * time.Hour), Held: ago(time.Hour)}, free: 999, want: "queue_old cs", alive: true},
		{name: "dead and old", channel: good, sink: sinkStatus{Dead: 1, Oldest: ago(time.Hour)}, free: 999, want: "queue_old cs, dead_letters cs", alive: true},
	}
	for _, test := range tests {
		o := observer{cfg: cfg, stands: func(alert.Kind, string) bool { return test.stands }, free: func(string) (int, error) { return test.free, nil }}
		test.sink.Name = "cs"
		seen := o.look(status{Channels: []channelStatus{test.channel}, Sinks: []sinkStatus{test.sink}}, now)
		var got []string
		for _, c := range seen.Conditions {
			got = append(got, string(c.Kind)+" "+c.Name)
		}
		if strings.Join(got, ", ") != test.want || seen.Alive != test.alive {
			t.Errorf("%s: %q, alive %t; want %q, %t", test.name, got, seen.Alive, test.want, test.alive)
		}
	}
	blind := observer{cfg: cfg, free: func(string) (int, error) { return 0, errors.New("no") }}
	if seen := blind.look(status{Sinks: []sinkStatus{{Name: "cs", Why: "paused", Trouble: "token xoxb-secret is bad"}}}, now); len(seen.Conditions) != 1 ||
		strings.Contains(seen.Conditions[0].Detail, "xoxb") {
		t.Errorf("%+v", seen.Conditions)
	}
}
