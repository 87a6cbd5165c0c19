package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// TestNoDaemonSaysWhy: whoever asks and gets no answer is told what to do about it.
func TestNoDaemonSaysWhy(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "unix", Err: err} }
	for _, test := range []struct {
		name   string
		tried  []error
		config error
		says   []string
		not    string
	}{
		{"not started", []error{dial(syscall.ENOENT)}, nil, []string{"no running talkrelay answers: is it started?"}, "sudo"},
		{"left behind", []error{dial(syscall.ECONNREFUSED), dial(syscall.ENOENT)}, nil, []string{"is it started?", "left behind by one that has ended", "journalctl"}, "sudo"},
		{"not allowed", []error{dial(syscall.ENOENT), dial(fs.ErrPermission)}, nil, []string{"you may not open its socket", "sudo"}, "is it started"},
		{"bad config", []error{dial(syscall.ENOENT)}, errors.New("half.toml:13: no"), []string{"half.toml:13: no", "nothing was tried but the socket of the service"}, ""},
	} {
		text := noDaemon(test.tried, test.config).Error()
		for _, says := range test.says {
			if !strings.Contains(text, says) {
				t.Errorf("%s: no %q in %q", test.name, says, text)
			}
		}
		if test.not != "" && strings.Contains(text, test.not) {
			t.Errorf("%s: %q is in %q", test.name, test.not, text)
		}
	}
}

// TestAskWithHalfAConfig: a config that nobody can read is named, one whose secrets only the service can read is not.
func TestAskWithHalfAConfig(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	half := writeFile(t, r.dir, "half.toml", "[state]\npath = \"x\"\n[[chan", 0o600)
	if _, _, errs := here(t, "status", "--config", half); !strings.Contains(errs, "half.toml:3") {
		t.Errorf("half a config is not named: %s", errs)
	}
	r.edit(`"google.json"`, `"elsewhere.json"`)
	if _, _, errs := here(t, "status", "--config", r.config); strings.Contains(errs, "elsewhere.json") {
		t.Errorf("a secret that is the service's alone is complained of: %s", errs)
	}
}

// silent is a control socket on which nobody answers. asked gets a value for each question.
func silent(t *testing.T) (path string, asked <-chan struct{}) {
	t.Helper()
	path, calls := filepath.Join(t.TempDir(), "s"), make(chan struct{}, 2)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			calls <- struct{}{}
		}
	}()
	return path, calls
}

// TestHungDaemon asks one that never answers. The question ends all the same, and at once on Ctrl-C.
func TestHungDaemon(t *testing.T) {
	t.Parallel()
	r := &rig{t: t}
	path, asked := silent(t)
	stopped := r.start("events", "--socket", path)
	<-asked
	patient := r.start("queue", "list", "--socket", path)
	<-asked
	stopped.signal(syscall.SIGINT)
	if code := stopped.wait(patience); code != exitFailed || stopped.log() != "stopped before the answer came\n" {
		t.Errorf("Ctrl-C: exit code %d: %s", code, stopped.log())
	}
	if code := patient.wait(patience); code != exitUsage || !strings.Contains(patient.log(), fmt.Sprintf("has not answered within %s", lookLimit)) {
		t.Errorf("exit code %d: %s", code, patient.log())
	}
}

// TestCheckInterrupted: what somebody stops is no fault of a key.
func TestCheckInterrupted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.world.Slack.SetFault(sandbox.Only("auth.test", sandbox.Always(sandbox.Fault{After: time.Minute})))
	p := r.start("check", "--config", r.config)
	await(t, "the question to Slack", func() bool { return r.world.Slack.Total() > 0 }, p.log)
	p.signal(syscall.SIGINT)
	if code := p.wait(patience); code != exitFailed || strings.Contains(p.log(), "✗") || !strings.HasSuffix(p.log(), "stopped before everything was tried\n") {
		t.Errorf("exit code %d:\n%s", code, p.log())
	}
}

// TestCheckFullDisk: what could not be printed was not said.
func TestCheckFullDisk(t *testing.T) {
	t.Parallel()
	c := newChecker(brokenWriter{}, false, &screenEnglish)
	c.configFindings(&config{})
	if err := c.result("All good."); err == nil || !strings.Contains(err.Error(), "print what was found") {
		t.Errorf("%v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, http.ErrBodyNotAllowed }
