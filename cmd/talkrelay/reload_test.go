package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"talkrelay/channeltalk"
	"talkrelay/sandbox"
)

// TestReloadRefusesWhatNeedsARestart changes what the open state file was opened with. To call that reloaded would be a
// lie: the old retention would stay in force.
func TestReloadRefusesWhatNeedsARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.start()
	r.awaitBaseline(p)
	was := "[state]\npath = \"demo.db\"\n"
	for _, test := range []struct{ table, key string }{
		{"[state]\npath = \"other.db\"\n", "state.path"},
		{was + "retention = \"48h\"\n", "state.retention"},
		{was + "max_size_mb = 64\n", "state.max_size_mb"},
	} {
		r.edit(was, test.table)
		p.signal(syscall.SIGHUP)
		p.awaitLog(test.key + " can only change with a restart")
		r.edit(test.table, was)
	}
	if strings.Contains(p.log(), "reloaded") {
		t.Errorf("reloaded all the same:\n%s", p.log())
	}
	p.signal(syscall.SIGHUP)
	p.awaitLog("reloaded")
}

// TestBetween does something between two runs of the app. Delivering goes on after it.
func TestBetween(t *testing.T) {
	t.Parallel()
	r := newRig(t, hurried...)
	d := openRig(t, r)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.serve(ctx) }()
	await(t, "the first look", d.looked, func() string { return "" })
	refused := errors.New("refused")
	err := d.between(ctx, func() error {
		r.customer("홍길동", "그사이에 문의합니다")
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("between: %v", err)
	}
	await(t, "the inquiry", func() bool { return r.compare().ok() }, func() string { return r.compare().verdict() })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := d.between(ctx, func() error { return nil }); err == nil {
		t.Error("a daemon that has ended did something")
	}
}

// TestServiceManagerIsTold stands in for systemd: it hears when the daemon is ready, that each reload begins and ends,
// taken or refused, and that the daemon stops.
func TestServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	dir, err := os.MkdirTemp("", "talkrelay-notify-") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	hear := func() string {
		_ = l.SetReadDeadline(time.Now().Add(patience))
		b := make([]byte, 4096)
		n, err := l.Read(b)
		if err != nil {
			t.Fatalf("the service manager hears nothing: %v", err)
		}
		return string(b[:n])
	}
	p := &process{t: t, cmd: exec.Command(os.Args[0], "run", "--config", r.config), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asDaemon+"=1", "NOTIFY_SOCKET="+socket)
	p.run()
	want := func(form string) {
		t.Helper()
		if got := hear(); !regexp.MustCompile(form).MatchString(got) {
			t.Fatalf("heard %q, want %s\n%s", got, form, p.log())
		}
	}
	want("^READY=1$")
	const reloading = `^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\n$`
	for _, edit := range [][]string{{"[retry]", "[retyr]"}, {"[retyr]", "[retry]"}} { // refused, taken
		r.edit(edit...)
		p.signal(syscall.SIGHUP)
		want(reloading)
		want("^READY=1$")
	}
	p.signal(syscall.SIGTERM)
	want("^STOPPING=1$")
}

// TestReloadForgetsNoRetryAfter has Channel Talk ask to be left alone. A reload does not make the daemon ask at once.
func TestReloadForgetsNoRetryAfter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.start()
	r.awaitBaseline(p)
	r.world.ChannelTalk.SetFault(sandbox.Always(sandbox.Fault{
		Skip: true, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"600"}},
	}))
	told := func(times int) {
		t.Helper()
		await(t, "word of the trouble", func() bool { return strings.Count(p.log(), "channel not read") >= times }, p.log)
	}
	told(1)
	asked := len(r.world.ChannelTalk.Requests())
	p.signal(syscall.SIGHUP)
	p.awaitLog("reloaded")
	told(2) // by the poller of the new config
	if n := len(r.world.ChannelTalk.Requests()) - asked; n != 0 {
		t.Errorf("%d requests within the ten minutes", n)
	}
}

// TestLinksAreTakenOver: what holds are kept in goes from one app to the next where nothing about it has changed.
func TestLinksAreTakenOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	load := func() *config {
		cfg, err := loadConfig(r.config, os.Getenv)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	follow := func(l *links, cfg *config) *links {
		n, err := l.next(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	cfg := load()
	client := func(l *links) *channeltalk.Client { return l.client(l.cfg.plan.channels[0]) }
	first := follow(nil, cfg)
	first.shared["workspace"] = 1
	if same := follow(first, cfg); client(same) != client(first) || same.base != first.base || same.shared["workspace"] == nil {
		t.Error("a pause begins everything anew")
	}
	again := follow(first, load())
	if client(again) != client(first) || again.base != first.base {
		t.Error("a reload of the same file makes another client")
	}
	if again.shared["workspace"] != nil {
		t.Error("a reload keeps what sinks were set to before")
	}
	r.edit("[retry]", "[network]\nproxy = \"http://127.0.0.1:3128\"\n\n[retry]")
	if other := follow(first, load()); client(other) == client(first) || other.base == first.base {
		t.Error("another proxy is not used")
	}
}
