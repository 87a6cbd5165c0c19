package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"talkrelay/sandbox"
	"talkrelay/sink"
)

// TestInitTalk sets a shop up with every mistake that people make on the way, in every language.
func TestInitTalk(t *testing.T) {
	t.Parallel()
	for i, lang := range sink.Languages() {
		t.Run(string(lang), func(t *testing.T) {
			t.Parallel()
			r := newSetupRig(t)
			other := r.world.Slack.AddChannel("일반")
			other.SetMember(false)
			robot := r.world.Google.Account()
			r.sheet.SetShared(robot, false)
			hide := func(s string) secret { return secret{value: s} }
			code, screen, errs := r.talk(t.Context(), r.args(),
				fmt.Sprint(i+1),
				"", "wrong-key", hide(r.channel.AccessSecret), // an empty line is asked again
				r.channel.AccessKey, hide("two words"),
				r.channel.AccessKey, hide(r.channel.AccessSecret),
				hide("xoxp-1-2"), hide("xoxb-1-2"), hide(r.world.Slack.Token),
				"9", "없는채널", "2", func() { other.SetMember(true) }, "",
				"nowhere.json", r.keyFile,
				"https://example.com", "https://docs.google.com/spreadsheets/d/"+r.sheet.ID+"/edit#gid=0",
				func() { r.sheet.SetShared(robot, true) }, "",
				"", "1",
				"3", "",
				"")
			if code != exitOK || errs != "" {
				t.Fatalf("exit code %d, %s\n%s", code, errs, screen)
			}
			for _, s := range r.secrets() {
				if strings.Contains(screen, s) {
					t.Errorf("a secret is shown:\n%s", screen)
				}
			}
			r.assertWritten()
			screen = strings.ReplaceAll(r.steady(screen), other.ID, "C9876543210")
			goldenText(t, "init/dialogue."+string(lang)+".txt", screen)
			text, err := os.ReadFile(r.config)
			if err != nil {
				t.Fatal(err)
			}
			goldenText(t, "init/talkrelay."+string(lang)+".toml", strings.ReplaceAll(r.steady(string(text)), other.ID, "C9876543210"))
			if n := len(r.slack.Messages()) + len(r.sheet.Tabs()); n != 1 {
				t.Errorf("something was sent or made: %d messages and tabs", n)
			}
			for _, v := range r.world.Violations() {
				t.Errorf("a correct client would not have done this: %s", v)
			}
		})
	}
}

// TestInitYes sets up without a question.
func TestInitYes(t *testing.T) {
	t.Parallel()
	r := newSetupRig(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	yes := r.args("--yes", "--language", "ko", "--access-key-file", file("key", r.channel.AccessKey+"\n"), "--access-secret-file", file("secret", r.channel.AccessSecret),
		"--slack-token-file", file("token", r.world.Slack.Token), "--google-key-file", r.keyFile, "--spreadsheet", r.sheet.ID)
	refused := map[string][]string{
		"--slack-channel":                yes,
		"없는채널":                           append(slices.Clone(yes), "--slack-channel", "없는채널"),
		"--access-secret-file":           r.args("--yes", "--access-key-file", file("key2", r.channel.AccessKey)),
		"Channel Talk refuses":           r.args("--yes", "--language", "en", "--access-key-file", file("key3", "k"), "--access-secret-file", file("s3", "s")),
		"no such file":                   r.args("--yes", "--access-key-file", filepath.Join(dir, "absent")),
		"is empty":                       r.args("--yes", "--access-key-file", file("empty", "\n")),
		"Without Slack and without Shee": append(r.args("--yes", "--language", "en"), "--access-key-file", file("key4", r.channel.AccessKey), "--access-secret-file", file("s4", r.channel.AccessSecret)),
	}
	for says, args := range refused {
		code, screen, errs := r.talk(t.Context(), args, errors.New("nobody is there"))
		if code != exitFailed || !strings.Contains(errs, says) {
			t.Errorf("%q: exit code %d, %s, want %q\n%s", args, code, errs, says, screen)
		}
		r.assertNothingWritten()
	}
	code, screen, errs := r.talk(t.Context(), append(yes, "--slack-channel", "#cs-alerts"), errors.New("nobody is there"))
	if code != exitOK || !strings.Contains(screen, "talkrelay check --config "+r.config) {
		t.Fatalf("exit code %d, %s\n%s", code, errs, screen)
	}
	r.assertWritten()

	code, _, errs = r.talk(t.Context(), append(yes, "--slack-channel", "cs-alerts"), errors.New("nobody is there"))
	if code != exitFailed || !strings.Contains(errs, r.config) || !strings.Contains(errs, "--force") {
		t.Errorf("over an existing config: exit code %d, %s", code, errs)
	}
	code, _, errs = r.talk(t.Context(), append(yes, "--slack-channel", r.slack.ID, "--force", "--routes", "contacts"))
	if code != exitOK {
		t.Errorf("with --force: exit code %d, %s", code, errs)
	}
	r.assertWritten()
}

// TestInitForService writes where the packages have made the directory for credentials, over the example they install.
func TestInitForService(t *testing.T) {
	t.Parallel()
	r := newSetupRig(t)
	credentials := filepath.Join(r.dir, "credentials")
	if err := os.Mkdir(credentials, 0o700); err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../config.toml.example")
	if err != nil {
		t.Fatal(err)
	}
	installed := filepath.Join(t.TempDir(), "config.toml.example")
	for _, path := range []string{installed, r.config} {
		if err := os.WriteFile(path, example, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(credentials, fileGoogleKey), r.world.Google.ServiceAccountJSON(), 0o644); err != nil {
		t.Fatal(err)
	}
	o := &initOptions{config: r.config, yes: true, example: installed, language: "ja", slackChannel: "cs-alerts", googleKeyFile: filepath.Join(credentials, fileGoogleKey),
		spreadsheet: r.sheet.ID, baseURL: r.world.ChannelTalk.URL(), apiURL: r.world.Slack.APIURL(), endpoint: r.world.Google.Endpoint(),
		getenv: func(name string) string {
			return map[string]string{envAccessKey: r.channel.AccessKey, envAccessSecret: r.channel.AccessSecret, envSlackToken: r.world.Slack.Token}[name]
		}}
	var out bytes.Buffer
	if err := o.run(t.Context(), typist{in: strings.NewReader(""), out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if want := "sudo CREDENTIALS_DIRECTORY=" + credentials + " STATE_DIRECTORY=/var/lib talkrelay check --config " + r.config; !strings.Contains(out.String(), want) {
		t.Errorf("next is not %q:\n%s", want, out.String())
	}
	for name, want := range map[string]fs.FileMode{"talkrelay.toml": 0o644, "credentials/channel_secret": 0o600, "credentials/slack_token": 0o600, "credentials/google.json": 0o600} {
		if info, err := os.Stat(filepath.Join(r.dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want mode %v", name, info, err, want)
		}
	}
	cfg, err := readConfig(r.config, func(name string) string {
		return map[string]string{"CREDENTIALS_DIRECTORY": credentials}[name]
	})
	if err != nil || len(cfg.warnings) > 0 {
		t.Errorf("%v, warnings %v", err, cfg)
	}
	o.force = false
	if err := o.run(t.Context(), typist{in: strings.NewReader(""), out: &out}); err == nil {
		t.Error("a config of one's own was taken for the example")
	}
}

// TestInitLeft leaves at every question there is, by the end of input and by Ctrl-C. Nothing is ever written.
func TestInitLeft(t *testing.T) {
	t.Parallel()
	r := newSetupRig(t)
	hide := func(s string) secret { return secret{value: s} }
	answers := []any{"2", r.channel.AccessKey, hide(r.channel.AccessSecret), hide(r.world.Slack.Token), "1", r.keyFile, r.sheet.ID, "", "", "", ""}
	for n := range answers {
		code, screen, errs := r.talk(t.Context(), r.args(), answers[:n]...)
		left := initEnglish.Left
		if n == 0 {
			left = initWordsOf(languageOfTerminal(os.Getenv)).Left
		}
		if code != exitFailed || !strings.Contains(errs, left) {
			t.Errorf("input ends after %d answers: exit code %d, %s\n%s", n, code, errs, screen)
		}
		ctx, stop := context.WithCancel(t.Context())
		code, screen, errs = r.talk(ctx, r.args(), append(slices.Clone(answers[:n]), func() { stop() }, "", "", "")...)
		if code != exitFailed || !strings.Contains(errs, left) {
			t.Errorf("Ctrl-C after %d answers: exit code %d, %s\n%s", n, code, errs, screen)
		}
		r.assertNothingWritten()
	}
	no := append(slices.Clone(answers[:len(answers)-1]), "n")
	if code, screen, errs := r.talk(t.Context(), r.args(), no...); code != exitFailed || !strings.Contains(errs, initEnglish.Left) {
		t.Errorf("said no at the end: exit code %d, %s\n%s", code, errs, screen)
	}
	r.assertNothingWritten()
	if code, screen, errs := r.talk(t.Context(), r.args(), answers...); code != exitOK {
		t.Errorf("all answers: exit code %d, %s\n%s", code, errs, screen)
	}
}

// TestInitServicesDown: what does not answer is said to, and the same keys are tried again after Enter.
func TestInitServicesDown(t *testing.T) {
	t.Parallel()
	r := newSetupRig(t)
	hide := func(s string) secret { return secret{value: s} }
	for _, s := range []*sandbox.Service{r.world.ChannelTalk.Service, r.world.Slack.Service, r.world.Google.Service} {
		s.Down()
	}
	up := func(s *sandbox.Service) func() { return func() { _ = s.Up() } }
	code, screen, errs := r.talk(t.Context(), r.args("--language", "en"),
		r.channel.AccessKey, hide(r.channel.AccessSecret), up(r.world.ChannelTalk.Service), "",
		hide(r.world.Slack.Token), up(r.world.Slack.Service), "", "1",
		r.keyFile, up(r.world.Google.Service), "", r.sheet.ID, "", "", "", "")
	if code != exitOK {
		t.Fatalf("exit code %d, %s\n%s", code, errs, screen)
	}
	for _, service := range []string{"Channel Talk", "Slack", "Google"} {
		if n := strings.Count(screen, "No connection to "+service); n != 1 {
			t.Errorf("%s: told %d times:\n%s", service, n, screen)
		}
	}
	r.assertWritten()
}

// TestInitCannotWrite: a directory that is not there, or that is not ours, is told at the end at the latest, and no part
// of it stays.
func TestInitCannotWrite(t *testing.T) {
	t.Parallel()
	r := newSetupRig(t)
	r.config = filepath.Join(r.dir, "absent", "talkrelay.toml")
	hide := func(s string) secret { return secret{value: s} }
	keys := []any{r.channel.AccessKey, hide(r.channel.AccessSecret), hide(r.world.Slack.Token), "1", "", "", ""}
	code, screen, errs := r.talk(t.Context(), r.args("--language", "en"), keys...)
	if code != exitFailed || !strings.Contains(errs, "absent: no such file or directory. Make the directory first") || strings.Contains(screen, initEnglish.AccessKey) {
		t.Errorf("exit code %d, %s, and it should not have asked first:\n%s", code, errs, screen)
	}
	r.assertNothingWritten()

	if os.Getuid() != 0 {
		closed := filepath.Join(t.TempDir(), "closed")
		if err := os.Mkdir(closed, 0o500); err != nil {
			t.Fatal(err)
		}
		r.config = filepath.Join(closed, "talkrelay.toml")
		if code, _, errs := r.talk(t.Context(), r.args("--language", "en"), keys...); code != exitFailed || !strings.Contains(errs, "permission denied. Make") {
			t.Errorf("not ours: exit code %d, %s", code, errs)
		}
	}

	// Somebody else makes the last file while the questions are asked.
	r.config = filepath.Join(r.dir, "talkrelay.toml")
	theirs := func() {
		if err := os.WriteFile(r.config, []byte("theirs"), 0o600); err != nil {
			t.Error(err)
		}
	}
	code, screen, errs = r.talk(t.Context(), r.args("--language", "en"), slices.Insert(keys, 6, any(theirs))...)
	if code != exitFailed || !strings.Contains(errs, "exists") {
		t.Errorf("exit code %d, %s\n%s", code, errs, screen)
	}
	r.assertNothingWritten("talkrelay.toml")
	if text, err := os.ReadFile(r.config); err != nil || string(text) != "theirs" {
		t.Errorf("%q, %v: overwritten", text, err)
	}
}

func TestInitWrongUsage(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"init --language kr":              `--language must be "ko", "en" or "ja"`,
		"init --routes all":               `"all" is none of`,
		"init --base-url http://evil.com": "--base-url must begin with https://",
		"init --api-url x":                "--api-url",
		"init --endpoint http://evil.com": "--endpoint",
		"init --access-secret hush":       "unknown flag: --access-secret",
		"init extra":                      "extra",
	} {
		if code, out, errs := here(t, strings.Fields(args)...); code != exitUsage || out != "" || !strings.Contains(errs, says) {
			t.Errorf("%s: exit code %d, want %q:\n%s%s", args, code, says, out, errs)
		}
	}
}

func TestLanguageOfTerminal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		all, lang string
		want      sink.Language
	}{
		{"", "ko_KR.UTF-8", sink.Korean}, {"", "ja_JP.eucJP", sink.Japanese}, {"", "C", sink.English}, {"", "", sink.English},
		{"C.UTF-8", "ko_KR.UTF-8", sink.English}, {"ko", "C", sink.Korean},
	} {
		got := languageOfTerminal(func(name string) string { return map[string]string{"LC_ALL": tt.all, "LANG": tt.lang}[name] })
		if got != tt.want {
			t.Errorf("LC_ALL=%s LANG=%s: %s, want %s", tt.all, tt.lang, got, tt.want)
		}
	}
}
