package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
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
