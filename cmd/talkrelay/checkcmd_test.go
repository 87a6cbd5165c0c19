package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
)

// here runs the program in this process.
func here(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{}, args...), &out, &errs) // cobra takes nil for os.Args
	return code, out.String(), errs.String()
}

func TestCheckAllGood(t *testing.T) {
	t.Parallel()
	r := newRig(t, inEnglish...)
	code, out, errs := here(t, "check", "--config", r.config)
	if code != exitOK || errs != "" || strings.Contains(out, "✗") || !strings.HasSuffix(out, "All good. Next: talkrelay run\n") {
		t.Errorf("exit code %d, output:\n%s%s", code, out, errs)
	}
	for _, part := range []string{"config: file", "config: state file", "config: proxy", "channel shop: access key", "channel shop: clock",
		"sink cs-alerts: token", "sink cs-alerts: scopes", "sink cs-alerts: channel", "sink cs-alerts: history", "sink cs-alerts: clock",
		"sink inquiries: token", "sink inquiries: spreadsheet", "sink changes: sheet"} {
		if !lineWith(out, "✓ "+part+": ") {
			t.Errorf("nothing about %s in:\n%s", part, out)
		}
	}
	if n := len(r.slack.Messages()) + len(r.sheet.Tabs()); n != 1 {
		t.Errorf("the check has written something: %d messages and tabs", n)
	}
	r.assertDiscreet(out)
}

func TestCheckFindsTheFault(t *testing.T) {
	t.Parallel()
	for _, f := range slices.Concat(slackFaults, sheetsFaults, channelFaults) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.sheet.AddTab(demoInquiries)
			f.breakIt(r)
			r.assertCheck(f.check)
		})
	}
}

// assertCheck runs `check`, once for people and once for programs, and compares what fails with want: findings, and a
// text that each has in its line or in the one below, which says what to do.
func (r *rig) assertCheck(want map[string]string) {
	t := r.t.(*testing.T)
	t.Helper()
	code, out, errs := here(t, "check", "--config", r.config)
	jsonCode, raw, jsonErrs := here(t, "check", "--config", r.config, "--json")
	if code != exitFailed || jsonCode != exitFailed || errs != "" || jsonErrs != "" {
		t.Errorf("exit codes %d and %d, want %d; errors %q %q", code, jsonCode, exitFailed, errs, jsonErrs)
	}
	got := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(raw)); ; {
		var l checkLine
		err := decoder.Decode(&l)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, raw)
		}
		if l.OK {
			continue
		}
		key := l.Part + ": " + l.Name
		got[key] = l.Text + "\n    → " + l.Fix
		if l.Fix == "" {
			t.Errorf("%s fails and does not say what to do: %s", key, l.Text)
		}
		w := &screenKorean
		if !strings.Contains(out, "✗ "+w.say(l.Part)+": "+w.say(l.Name)+": ") || !strings.Contains(out, "    → "+w.say(l.Fix)) {
			t.Errorf("%s is not shown to people:\n%s", key, out)
		}
		for _, text := range []string{l.Part, l.Name, l.Text, l.Fix} {
			text, _, _ = strings.Cut(text, ": auth: ") // the words of a library, or of the system
			if said, whole := w.Told.say(text); !whole && !strings.HasPrefix(text, "open /") {
				t.Errorf("in Korean, %q is %q", text, said)
			}
		}
	}
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
		t.Errorf("what fails is\n%s\nwant %q", out, slices.Sorted(maps.Keys(want)))
	}
	for key, says := range want {
		if !strings.Contains(got[key], says) {
			t.Errorf("%s: %q, want %q in it", key, got[key], says)
		}
	}
	if !strings.HasSuffix(out, fmt.Sprintf(screenKorean.ToMend+"\n", len(got))) {
		t.Errorf("no sum at the end:\n%s", out)
	}
	r.assertDiscreet(out + raw)
}
