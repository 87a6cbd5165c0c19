package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// statusText is what `status` prints, with every duration replaced by "T".
func (r *rig) statusText() (code int, out, errs string) {
	code, out, errs = here(r.t.(*testing.T), "status", "--config", r.config)
	return code, regexp.MustCompile(`\b(\d+h)?(\d+m)?\d+s\b`).ReplaceAllString(out, "T"), errs
}

func TestStatusAllWell(t *testing.T) {
	t.Parallel()
	r := newRig(t, hurried...)
	p := r.start()
	r.awaitBaseline(p)
	r.customer(canary.Name, canaryText)
	r.awaitAll(p)
	want := regexp.MustCompile(`^talkrelay \S+, up T, config ` + regexp.QuoteMeta(r.config) + `

CHANNEL +LAST GOOD POLL +STATE
shop +T +ok

SINK +DELIVERED +WAITING +DEAD +STATE
cs-alerts +1 +0 +0 +ok
inquiries +1 +0 +0 +ok
changes +0 +0 +0 +ok
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
	r := newRig(t, hurried...)
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
		return strings.Count(out, "BROKEN") == 2
	}, func() string { return out + errs + p.log() })
	if code != exitFailed || errs != "" {
		t.Errorf("exit code %d, errors %q", code, errs)
	}
	for _, line := range []string{
		`(?m)^shop +T +BROKEN for T: .*check access_key and access_secret`,
		`(?m)^cs-alerts +1 +[1-9] +0 +BROKEN for T: .*token of sink\.slack "cs-alerts"`,
		`(?m)^inquiries +5 +0 +0 +ok$`,
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
