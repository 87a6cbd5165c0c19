package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talkrelay/sandbox"
)

// statusText is what `status` prints, with every duration replaced by "T".
func (r *rig) statusText() (code int, out, errs string) {
	code, out, errs = here(r.t.(*testing.T), "status", "--config", r.config)
	return code, regexp.MustCompile(`\b\d+[dhms]( \d+[dhms])?\b`).ReplaceAllString(out, "T"), errs
}

func TestStatusAllWell(t *testing.T) {
	t.Parallel()
	r := newRig(t, slices.Concat(hurried, inEnglish)...)
	p := r.start()
	r.awaitBaseline(p)
	r.customer(canary.Name, canaryText)
	r.awaitAll(p)
	want := regexp.MustCompile(`^talkrelay \S+, up T, config ` + regexp.QuoteMeta(r.config) + `

CHANNEL +LAST GOOD POLL +LAG +LEFT +STATE
shop +T +T +\d+ +ok

SINK +24 H +TODAY +WAITING +OLDEST +DOUBT +DEAD +STATE
cs-alerts +·{22}[·█]{2} +[01] +0 +- +- +0 +ok
inquiries +·{22}[·█]{2} +[01] +0 +- +- +0 +ok
changes +·{24} +0 +0 +- +- +0 +ok
$`)
	var code int
	var out, errs string
	await(t, "a calm status", func() bool {
		code, out, errs = r.statusText()
		return want.MatchString(out)
	}, func() string { return out + errs })
	if code != exitOK || errs != "" {
		t.Errorf("exit code %d, errors %q", code, errs)
	}
	r.assertDiscreet(out)
}

func TestStatusSaysWhatIsBroken(t *testing.T) {
	t.Parallel()
	r := newRig(t, slices.Concat(hurried, inEnglish)...)
	p := r.start()
	r.awaitBaseline(p)
	known := r.channel.AddUser(canary)
	r.channel.OpenChat(known, canaryText, sandbox.Opening{})
	r.awaitAll(p)
	r.world.Slack.SetTokenError("token_revoked")
	r.plantCanaries(known)
	r.customer(canary.Name, canaryText)
	p.awaitLine("sink=cs-alerts", "token_revoked")
	await(t, "the sheet", func() bool { return sheetArrived(r) }, p.log)
	r.channel.SetRevoked(true)

	var code int
	var out, errs string
	await(t, "a status with both troubles", func() bool {
		code, out, errs = r.statusText()
		return strings.Count(out, "BROKEN") == 1 && strings.Count(out, "PAUSED") == 1
	}, func() string { return out + errs + p.log() })
	if code != exitFailed || errs != "" {
		t.Errorf("exit code %d, errors %q", code, errs)
	}
	for _, line := range []string{
		`(?m)^shop +T +T +\d+ +BROKEN for T: .*check access_key and access_secret`,
		`(?m)^cs-alerts +\S{24} +\d +[1-9] +T +- +0 +PAUSED for T: .*token of sink\.slack "cs-alerts"`,
		`(?m)^inquiries +\S{24} +\d +0 +- +- +0 +ok$`,
	} {
		if !regexp.MustCompile(line).MatchString(out) {
			t.Errorf("no line %s in:\n%s", line, out)
		}
	}
	var raw string
	var s status
	await(t, "the same as JSON", func() bool {
		code, raw, _ = here(t, "status", "--config", r.config, "--json")
		s = status{}
		return json.Unmarshal([]byte(raw), &s) == nil && s.Sinks[0].Trouble != ""
	}, func() string { return raw })
	if k := s.Sinks[0]; code != exitFailed || k.Name != "cs-alerts" || k.Waiting == 0 || !strings.Contains(k.Trouble, "token_revoked") || k.NextTry.IsZero() ||
		time.Since(k.Since) > time.Minute || time.Since(k.Oldest) > time.Minute {
		t.Errorf("cs-alerts: %+v", k)
	}
	r.assertDiscreet(out + raw + p.log())
}

// TestStatusForEyes prints a day in which much is broken, for a wide terminal and for a narrow one.
func TestStatusForEyes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	left := 873
	hours := make([]int, 24)
	hours[20], hours[21], hours[23] = 1, 8, 4
	s := status{
		Version: "1.0.0", Now: now, Started: now.Add(-26 * time.Hour), Config: "/etc/talkrelay/talkrelay.toml",
		Channels: []channelStatus{{Name: "가게", LastGood: now.Add(-3 * time.Second), Left: &left}, {Name: "second", Lag: 61, Trouble: "refused", Since: now.Add(-time.Minute)}},
		Sinks: []sinkStatus{{Name: "cs-alerts", Hours: hours, Today: 13, Waiting: 2, Oldest: now.Add(-time.Hour), Dead: 1, InDoubt: true, Why: "paused",
			Trouble: "token revoked, put a new one", Since: now.Add(-2 * time.Hour), NextTry: now.Add(4 * time.Minute)}},
	}
	for _, test := range []struct {
		width int
		want  string
	}{{0, `talkrelay 1.0.0, up 1d 2h, config /etc/talkrelay/talkrelay.toml

CHANNEL  LAST GOOD POLL  LAG    LEFT  STATE
가게     3s              0s     873   ok
second   never           1m 1s  ?     BROKEN for 1m: refused

SINK       24 H                      TODAY  WAITING  OLDEST  DOUBT  DEAD  STATE
cs-alerts  ····················▁█·▄  13     2        1h      yes    1     PAUSED for 2h: token revoked, put a new one; next try in 4m
`}, {40, `talkrelay 1.0.0, up 1d 2h, config /etc/talkrelay/talkrelay.toml

가게
  LAST GOOD POLL  3s
  LAG             0s
  LEFT            873
  STATE           ok
second
  LAST GOOD POLL  never
  LAG             1m 1s
  LEFT            ?
  STATE           BROKEN for 1m: refused

cs-alerts
  24 H     ····················▁█·▄
  TODAY    13
  WAITING  2
  OLDEST   1h
  DOUBT    yes
  DEAD     1
  STATE    PAUSED for 2h: token revoked,
           put a new one; next try in 4m
`}} {
		var b bytes.Buffer
		s.print(&b, test.width, &screenEnglish)
		if diff := cmp.Diff(test.want, b.String()); diff != "" {
			t.Errorf("%d columns:\n%s", test.width, diff)
		}
	}
}

// TestStatusWatch looks again and again until it is stopped, and does not mind a daemon that is gone.
func TestStatusWatch(t *testing.T) {
	t.Parallel()
	r := newRig(t, slices.Concat(hurried, inEnglish)...)
	p := r.start()
	r.awaitBaseline(p)
	w := r.start("status", "--watch", "--config", r.config)
	await(t, "a second look", func() bool { return strings.Count(w.log(), "SINK ") == 2 }, w.log)
	p.kill()
	w.awaitLog("no running talkrelay answers")
	w.signal(syscall.SIGINT)
	if code := w.wait(time.Minute); code != exitOK || strings.Contains(w.log(), "\x1b") {
		t.Errorf("exit code %d\n%q", code, w.log())
	}
}

func TestStatusWithoutDaemon(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, args := range [][]string{
		{"status", "--config", r.config},
		{"status", "--config", r.config, "--json"},
		{"status", "--socket", r.dir + "/nobody.sock"},
		{"status", "--config", r.dir + "/no-such.toml"},
	} {
		code, out, errs := here(t, args...)
		if code != exitUsage || out != "" || !strings.Contains(errs, "no running talkrelay answers: is it started") ||
			!strings.Contains(errs, ".sock: connect: no such file or directory") || strings.Contains(errs, "<nil>") {
			t.Errorf("%q: exit code %d, output:\n%s%s", args, code, out, errs)
		}
	}
}
