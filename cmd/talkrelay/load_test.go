package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// minimal is the least a config can be. Files of testdata/bad are this, with one thing made wrong.
const minimal = `[[channel]]
name          = "main"
access_key    = "key-1234567890"
access_secret = "secret-1234567890"

[[sink.slack]]
name    = "alerts"
token   = "xoxb-1234567890"
channel = "C0123456789"

[[route]]
name = "new"
on   = ["userChat.opened"]
to   = ["alerts"]
`

func writeFile(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever umask a control socket beside us needs just then
		t.Fatal(err)
	}
	return path
}

func noEnv(string) string { return "" }

func TestMinimalConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := readConfig(writeFile(t, dir, "c.toml", minimal, 0o600), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if c.plan.state.Path != filepath.Join(dir, "talkrelay.db") || c.plan.state.Retention != 720*time.Hour {
		t.Errorf("state: %+v", c.plan.state)
	}
	if p := c.plan.channels[0].poller; p.Poll != "@every 5s" || p.Location.String() != "Asia/Seoul" || p.ContactRequestsPerMinute != 30 {
		t.Errorf("poller: %+v", p)
	}
	if s := c.plan.sinks[0].(slackPlan); !*s.Mask || s.Timeout != 20*time.Second || s.lookupsUnanswered[1] != time.Minute {
		t.Errorf("slack: %+v", s)
	}
	if len(c.warnings) != 0 {
		t.Errorf("warnings: %q", c.warnings)
	}
}

var wantLine = regexp.MustCompile(`(?m)^# want: (.*)$`)

// TestBadConfigs loads every file of testdata/bad, whose comments say what must be reported, all of it at once.
func TestBadConfigs(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(paths) < 15 {
		t.Fatalf("only %d files in testdata/bad: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".toml"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = loadConfig(path, noEnv)
			var exit exitError
			if !errors.As(err, &exit) || exit.code != exitConfig {
				t.Fatalf("loadConfig: %v, want exit code %d", err, exitConfig)
			}
			want := wantLine.FindAllStringSubmatch(string(data), -1)
			if len(want) == 0 {
				t.Fatalf("the file says nothing of what it wants; it got:\n%v", err)
			}
			for _, w := range want {
				if !strings.Contains(err.Error(), w[1]) {
					t.Errorf("no %q in:\n%v", w[1], err)
				}
			}
			if got := strings.Count(err.Error(), "\n"); got != len(want) {
				t.Errorf("%d problems, want %d:\n%v", got, len(want), err)
			}
			if strings.Contains(err.Error(), "secret-1234567890") || strings.Contains(err.Error(), "xoxb-12") {
				t.Errorf("a secret is in the error:\n%v", err)
			}
		})
	}
}

func TestSecretsComeFromThreePlaces(t *testing.T) {
	t.Parallel()
	dir, credentials := t.TempDir(), t.TempDir()
	writeFile(t, credentials, "slack_token", "xoxb-from-credentials\n", 0o440)
	writeFile(t, dir, "slack_token", "xoxb-from-beside", 0o600)
	writeFile(t, credentials, "channel_secret", "\n", 0o440) // the unit's empty default
	writeFile(t, dir, "channel_secret", "secret-from-beside\n", 0o600)
	text := strings.NewReplacer(
		`token   = "xoxb-1234567890"`, `token_file = "slack_token"`,
		`access_secret = "secret-1234567890"`, `access_secret_file = "channel_secret"`,
		`"key-1234567890"`, `"${ACCESS_KEY}"`,
	).Replace(minimal)
	env := map[string]string{"CREDENTIALS_DIRECTORY": credentials, "ACCESS_KEY": "key-from-env"}
	c, err := readConfig(writeFile(t, dir, "c.toml", text, 0o644), func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	client := c.plan.channels[0].client
	if client.AccessKey != "key-from-env" || client.AccessSecret != "secret-from-beside" || c.plan.sinks[0].(slackPlan).Token != "xoxb-from-credentials" {
		t.Errorf("key %q, secret %q, token %q", client.AccessKey, client.AccessSecret, c.plan.sinks[0].(slackPlan).Token)
	}
	if len(c.secrets) != 3 || len(c.warnings) != 0 {
		t.Errorf("%d secrets known to the log, warnings %q", len(c.secrets), c.warnings)
	}
}

func TestReadableConfigWithSecretWarns(t *testing.T) {
	t.Parallel()
	c, err := readConfig(writeFile(t, t.TempDir(), "c.toml", minimal, 0o644), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.warnings) != 1 || !strings.Contains(c.warnings[0], "chmod 600") {
		t.Errorf("warnings: %q", c.warnings)
	}
}

// TestExampleConfig decodes config.toml.example as it is, with all that is optional filled in, and each of the two again
// with every commented default made a setting, which must mean the same.
func TestExampleConfig(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../config.toml.example")
	if err != nil {
		t.Fatal(err)
	}
	shop, err := openShop()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shop.world.Close() })
	dir := t.TempDir()
	for name, text := range map[string]string{
		"channel_secret": "secret-1234567890", "slack_token": "xoxb-1234567890", "google.json": string(shop.world.Google.ServiceAccountJSON()),
		"alert_slack_token": "xoxb-1234567890", "alert_webhook_url": "https://example.com/1234567890", "alert_password": "password-1234567890",
		"heartbeat_url": "https://example.com/1234567890", "heartbeat_fail_url": "https://example.com/1234567890/fail",
		"crm_webhook_url": "https://example.com/1234567890", "mail_password": "password-1234567890", "database_dsn": "postgres://u:1234567890@127.0.0.1/x", "discord_url": "https://discord.com/api/webhooks/1/1234567890", "crm_webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	} {
		writeFile(t, dir, name, text, 0o600)
	}
	sameWithDefaults(t, dir, string(data))
	sameWithDefaults(t, dir, regexp.MustCompile(`(?m)^`+optional+`(\S)`).ReplaceAllString(string(data), "$1"))
}

// sameWithDefaults decodes text as it is and with its commented defaults made settings.
func sameWithDefaults(t *testing.T, dir, text string) {
	t.Helper()
	plain, err := readConfig(writeFile(t, dir, "plain.toml", text, 0o600), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	commented := regexp.MustCompile(`(?m)^# ([a-z_]+ *= (?:"[^"]*"|\[[^#]*\]|[0-9.]+|true|false|\{\}) *(?:#.*)?)$`)
	full := commented.ReplaceAllStringFunc(text, func(line string) string {
		for _, kept := range []string{"columns", `channel = [`, "text ", "template ", "mention", "timezone = \"\"", "proxy", "ca_file", "allow_credential"} {
			if strings.HasPrefix(line, "# "+kept) {
				return line
			}
		}
		return line[2:]
	})
	if n := strings.Count(text, "\n# ") - strings.Count(full, "\n# "); n < 30 {
		t.Fatalf("only %d defaults found in the example", n)
	}
	explicit, err := readConfig(writeFile(t, dir, "full.toml", full, 0o600), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	clearSecrets(reflect.ValueOf(&plain.file).Elem())
	clearSecrets(reflect.ValueOf(&explicit.file).Elem())
	if diff := diffFiles(plain.file, explicit.file); diff != "" {
		t.Errorf("a commented default is not the default:\n%s", diff)
	}
}

// clearSecrets takes every secret out of v, a struct.
func clearSecrets(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[secret]():
		v.SetZero()
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			clearSecrets(v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			clearSecrets(v.Index(i))
		}
	}
}

func diffFiles(a, b file) string {
	return cmp.Diff(a, b, cmp.AllowUnexported(secret{}), cmpopts.EquateEmpty())
}
