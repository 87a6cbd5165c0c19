package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"talkrelay/sandbox"
	"talkrelay/sink"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenText compares got with a file in testdata.
func goldenText(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with -update, then read it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// typing is somebody at a keyboard. What is typed shows in out, as a terminal shows it.
type typing struct {
	out   *display
	keys  []any // string = a line; secret = one that does not show; func() = what happens meanwhile; error = the end
	bytes []byte
}

func (y *typing) Read(p []byte) (int, error) {
	for len(y.bytes) == 0 {
		if len(y.keys) == 0 {
			return 0, io.EOF
		}
		next := y.keys[0]
		y.keys = y.keys[1:]
		switch k := next.(type) {
		case string:
			fmt.Fprintln(y.out, k)
			y.bytes = []byte(k + "\n")
		case secret:
			fmt.Fprintln(y.out)
			y.bytes = []byte(k.value + "\n")
		case func():
			k()
		case error:
			return 0, k
		}
	}
	n := copy(p[:1], y.bytes)
	y.bytes = y.bytes[n:]
	return n, nil
}

// display is what somebody sees. They may type on while the program writes.
type display struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *display) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *display) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// setupRig is a shop whose operator has no config yet.
type setupRig struct {
	*demoShop
	t       *testing.T
	dir     string
	config  string
	keyFile string
}

func newSetupRig(t *testing.T) *setupRig {
	t.Helper()
	shop, err := openShop()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shop.world.Close() })
	r := &setupRig{demoShop: shop, t: t, dir: t.TempDir()}
	r.config, r.keyFile = filepath.Join(r.dir, "talkrelay.toml"), filepath.Join(t.TempDir(), "downloaded key.json")
	if err := os.WriteFile(r.keyFile, shop.world.Google.ServiceAccountJSON(), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// args are the flags that lead to the simulated services.
func (r *setupRig) args(more ...string) []string {
	return append([]string{"init", "--config", r.config, "--base-url", r.world.ChannelTalk.URL(), "--api-url", r.world.Slack.APIURL(),
		"--endpoint", r.world.Google.Endpoint()}, more...)
}

// talk runs `init` with somebody at the keyboard, and returns what is on the screen at the end.
func (r *setupRig) talk(ctx context.Context, args []string, keys ...any) (code int, screen, errs string) {
	r.t.Helper()
	var out, stderr display
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(&typing{out: &out, keys: keys})
	root.SetOut(&out)
	root.SetErr(&stderr)
	err := root.ExecuteContext(ctx)
	var exit exitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		code, errs = exit.code, exit.Error()
	default:
		code, errs = exitUsage, err.Error()
	}
	return code, out.String(), errs
}

// secrets are what must stand in no output and not in the config.
func (r *setupRig) secrets() []string {
	return []string{r.channel.AccessSecret, r.world.Slack.Token, "PRIVATE KEY"}
}

func (r *setupRig) assertNothingWritten(also ...string) {
	r.t.Helper()
	left, err := os.ReadDir(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range left {
		if !slices.Contains(also, f.Name()) {
			r.t.Errorf("%s is left behind", f.Name())
		}
	}
}

// assertWritten looks at the files and has `check` try them.
func (r *setupRig) assertWritten() {
	r.t.Helper()
	for _, name := range []string{"talkrelay.toml", fileChannelSecret, fileSlackToken, fileGoogleKey} {
		info, err := os.Stat(filepath.Join(r.dir, name))
		if err != nil || info.Mode() != 0o600 {
			r.t.Errorf("%s: %v, %v; want a file of mode 0600", name, info, err)
		}
	}
	text, err := os.ReadFile(r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range r.secrets() {
		if strings.Contains(string(text), s) {
			r.t.Errorf("a secret stands in the config:\n%s", text)
		}
	}
	if code, out, errs := here(r.t, "check", "--config", r.config); code != exitOK {
		r.t.Errorf("check: exit code %d:\n%s%s\n%s", code, out, errs, text)
	}
}

// steady replaces what differs from run to run.
func (r *setupRig) steady(text string) string {
	text = strings.NewReplacer(
		r.dir, "/etc/talkrelay", filepath.Dir(r.keyFile), "/home/kim",
		r.world.ChannelTalk.URL(), "http://channeltalk", r.world.Slack.APIURL(), "http://slack/api/", r.world.Google.Endpoint(), "http://google/",
		r.channel.AccessKey, "ACCESS-KEY", r.channel.ID, "10001", r.slack.ID, "C0123456789", r.sheet.ID, "1SpreadsheetId",
		strings.TrimPrefix(r.world.Google.URL(), "http://"), "google").Replace(text)
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(text, "host")
}

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

// TestInitWords: every language has every word, and its formats take the same values.
func TestInitWords(t *testing.T) {
	t.Parallel()
	verbs := regexp.MustCompile(`%[a-z]`)
	want := reflect.ValueOf(initKorean)
	for _, lang := range sink.Languages() {
		have := reflect.ValueOf(*initWordsOf(lang))
		for i := range have.NumField() {
			name, text := have.Type().Field(i).Name, have.Field(i).String()
			if text == "" {
				t.Errorf("%s: no %s", lang, name)
			}
			if w, h := verbs.FindAllString(want.Field(i).String(), -1), verbs.FindAllString(text, -1); !slices.Equal(w, h) {
				t.Errorf("%s: %s has the verbs %q, in Korean %q", lang, name, h, w)
			}
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
