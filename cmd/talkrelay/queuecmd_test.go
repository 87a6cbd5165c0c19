package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"talkrelay/sandbox"
)

// refuse makes Slack refuse every message as one it can never take.
func (r *rig) refuse() {
	r.world.SetFault(func(_ string, q sandbox.Request) *sandbox.Fault {
		if strings.HasSuffix(q.Path, "chat.postMessage") {
			return &sandbox.Fault{Skip: true, Status: 200, Body: `{"ok":false,"error":"no_text"}`}
		}
		return nil
	})
}

// outputOf runs a command that must succeed against the rig's daemon.
func (r *rig) outputOf(args ...string) string {
	r.t.Helper()
	code, out, errs := here(r.t.(*testing.T), append(args, "--config", r.config)...)
	if code != exitOK || errs != "" {
		r.t.Fatalf("%q: exit code %d\n%s%s", args, code, out, errs)
	}
	return out
}

// awaitOutput repeats a command until what it prints matches.
func (r *rig) awaitOutput(pattern string, args ...string) (out string) {
	r.t.Helper()
	want, errs := regexp.MustCompile(pattern), ""
	await(r.t, pattern, func() bool {
		_, out, errs = here(r.t.(*testing.T), append(args, "--config", r.config)...)
		return want.MatchString(out)
	}, func() string { return out + errs })
	return out
}

func (r *rig) mustMatch(text string, lines ...string) {
	r.t.Helper()
	for _, l := range lines {
		if !regexp.MustCompile("(?m)" + l).MatchString(text) {
			r.t.Errorf("no line %s in:\n%s", l, text)
		}
	}
}

// TestWhereIsThisInquiry asks for an inquiry that is delivered to the sheet and dead for Slack, retries it, and drops another.
func TestWhereIsThisInquiry(t *testing.T) {
	t.Parallel()
	r := newRig(t, slices.Concat(hurried, inEnglish)...)
	p := r.start()
	r.awaitBaseline(p)
	if out := r.outputOf("events"); out != "Nothing has happened yet.\n" {
		t.Errorf("at the beginning: %s", out)
	}
	r.refuse()
	known := r.channel.AddUser(canary)
	chat := r.channel.OpenChat(known, canaryText, sandbox.Opening{})
	r.awaitOutput("no_text", "queue", "list", "--dead")
	await(t, "the sheet", func() bool { return sheetArrived(r) }, p.log)

	out := r.awaitOutput(`(?m)userChat\.opened +\S+ +`+chat.ID()+` +cs-alerts \(dead\), inquiries$`, "events")
	r.mustMatch(out, `^SEEN +KIND +CUSTOMER +CHAT +DELIVERED$`)
	show := r.outputOf("show", chat.ID())
	r.mustMatch(show, `^userChat\.opened/`+chat.ID(), `^  seen +20`, `^  phone +010-\*{4}-2345$`, `^  desk +https://`,
		`^  route +"새 문의": matched → cs-alerts, inquiries$`, `^  route +"연락처 변경": another kind of event$`,
		`^  sink +inquiries: delivered .*, https://docs\.google\.com/spreadsheets/d/\S+/edit#gid=\d+$`,
		`^  sink +cs-alerts: dead since .*no_text.*'talkrelay queue retry --sink cs-alerts 1' tries again$`)
	r.mustMatch(r.outputOf("queue", "show", "1", "--sink", "cs-alerts"), `^  chat +`+chat.ID())
	r.assertDiscreet(out + show)
	if revealed := r.outputOf("show", "--reveal", chat.ID()); !strings.Contains(revealed, canary.Name) || !strings.Contains(revealed, canaryText) {
		t.Errorf("not revealed:\n%s", revealed)
	}
	p.awaitLine("asked to", "GET /events/reveal", "uid=")

	r.world.SetFault(nil)
	if out := r.outputOf("queue", "retry", "--sink", "cs-alerts", "1"); out != "retry: 1\n" {
		t.Error(out)
	}
	r.awaitAll(p)
	r.awaitOutput(`(?m)^  sink +cs-alerts: delivered .*, https://slack\.com/archives/C\w+/p\d+$`, "show", chat.ID())

	r.refuse()
	r.customer("다른 고객", "문의")
	r.awaitOutput("no_text", "queue", "list", "--dead")
	if out := r.outputOf("queue", "drop", "--sink", "cs-alerts", "--all"); out != "drop: 1\n" {
		t.Error(out)
	}
	r.awaitOutput("^Nothing waits", "queue", "list")
	var list []eventView
	if err := json.Unmarshal([]byte(r.outputOf("events", "--json")), &list); err != nil || len(list) < 2 || list[0].Deliveries[0].Stand != "dropped" {
		t.Errorf("as JSON: %v, %+v", err, list)
	}
}

// TestQueueOfARemovedSink: what waits for a sink that is no longer in the config stays until somebody drops it.
func TestQueueOfARemovedSink(t *testing.T) {
	t.Parallel()
	r := newRig(t, slices.Concat(hurried, inEnglish)...)
	p := r.start()
	r.awaitBaseline(p)
	r.world.Slack.Down()
	chat := r.customer("홍길동", "문의")
	await(t, "the sheet", func() bool { return sheetArrived(r) }, p.log)
	p.kill()
	r.edit(`name    = "cs-alerts"`, `name    = "cs-new"`, `to   = ["cs-alerts", "inquiries"]`, `to   = ["inquiries"]`, `to    = ["cs-alerts", "changes"]`, `to    = ["changes"]`)
	p = r.start()
	p.awaitLine("sink=cs-alerts", "deliveries wait for a sink that is not in the config")
	r.awaitOutput(`(?m)^cs-alerts +1 +(waiting|in hand|sending|in doubt) .*`+chat.ID(), "queue", "list")
	if out := r.outputOf("queue", "drop", "--sink", "cs-alerts", "--all"); out != "drop: 1\n" {
		t.Error(out)
	}
	r.awaitOutput("^Nothing waits", "queue", "list")
}

// TestQueueRefusals: each says what to do instead.
func TestQueueRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, inEnglish...)
	p := r.start()
	r.awaitBaseline(p)
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"queue", "retry", "17"}, exitUsage, "name the sink"},
		{[]string{"queue", "drop", "--sink", "cs-alerts"}, exitUsage, "either numbers or --all"},
		{[]string{"queue", "drop", "--sink", "cs-alerts", "--all", "17"}, exitUsage, "either numbers or --all"},
		{[]string{"queue", "drop", "--sink", "cs-alerts", "x"}, exitUsage, `"x" is no number`},
		{[]string{"queue", "drop", "--sink", "cs-alert", "17"}, exitFailed, `there is no sink "cs-alert"`},
		{[]string{"queue", "retry", "--sink", "cs-alerts", "17"}, exitFailed, "no such delivery"},
		{[]string{"queue", "list", "--sink", "nobody"}, exitFailed, `there is no sink "nobody"`},
		{[]string{"queue", "show", "17"}, exitUsage, "name a delivery by its number and sink"},
		{[]string{"queue", "show", "17", "--sink", "cs-alerts"}, exitFailed, "has no delivery 17"},
		{[]string{"show", "nothing"}, exitFailed, "nothing is known of nothing"},
		{[]string{"events", "--last", "0"}, exitUsage, "--last must be 1 to 1000"},
		{[]string{"events", "--socket", r.dir + "/none"}, exitUsage, "no running talkrelay answers"},
	} {
		code, out, errs := here(t, append(test.args, "--config", r.config)...)
		if code != test.code || out != "" || !strings.Contains(errs, test.says) {
			t.Errorf("%q: exit code %d\n%s%s", test.args, code, out, errs)
		}
	}
}
