package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// commandLines are the ways to run the program beside `demo`, with the arguments that make each do all it can.
func (r *rig) commandLines(chat string) [][]string {
	var lines [][]string
	for _, line := range []string{
		"check", "check --network", "preview --last 3", "status --json", "events", "show " + chat,
		"queue list --json", "queue list --dead", "queue show 1 --sink cs-alerts", "queue retry 1 --sink cs-alerts", "queue drop 99 --sink cs-alerts", "alert test",
		"forget --yes nobody@example.com", "backup --force " + filepath.Join(r.dir, "backup.db"),
	} {
		lines = append(lines, append(strings.Fields(line), "--config", r.config))
	}
	lines = append(lines, r.initLine())
	return append(lines, []string{"version"}, []string{"help"}, []string{"man", r.dir}, []string{"run", "--config", r.dir + "/no-such.toml"}, []string{"check", "--config", r.dir + "/no-such.toml"})
}

// initLine sets up beside the config that is there, without a question.
func (r *rig) initLine() []string {
	file := func(name, text string) string { return writeFile(r.t.(*testing.T), r.dir, name, text, 0o600) }
	return []string{"init", "--config", filepath.Join(r.dir, "init.toml"), "--yes", "--force", "--language", "en",
		"--base-url", r.world.ChannelTalk.URL(), "--api-url", r.world.Slack.APIURL(), "--endpoint", r.world.Google.Endpoint(),
		"--access-key-file", file("init_key", r.channel.AccessKey), "--access-secret-file", file("init_secret", r.channel.AccessSecret),
		"--slack-token-file", file("init_token", r.world.Slack.Token), "--slack-channel", "cs-alerts",
		"--google-key-file", file("init_google.json", string(r.world.Google.ServiceAccountJSON())), "--spreadsheet", r.sheet.ID}
}

// lookBackLines are the commands that read old chats. They end only where services answer.
func (r *rig) lookBackLines() [][]string {
	return [][]string{
		{"backfill", "--from", fromDay(3), "--sink", "cs-alerts,inquiries", "--config", r.config},
		{"verify", "--from", fromDay(3), "--heal", "--config", r.config},
	}
}

// TestEveryCommandIsTraced: a command that is new is new to the tests of what commands do, too.
func TestEveryCommandIsTraced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var lines []string
	for _, args := range append(r.commandLines("x"), r.lookBackLines()...) {
		lines = append(lines, strings.Join(args, " ")+" ")
	}
	for _, cmd := range commands(newRootCommand()) {
		name := strings.TrimPrefix(cmd.CommandPath(), "talkrelay ") + " "
		traced := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, name) })
		if !traced && !cmd.HasSubCommands() && name != "demo " { // that one is a shop with services of its own
			t.Errorf("%sis in no command line", name)
		}
	}
}

// TestNoCommandListens runs every command under strace: no inet socket is ever put to
// listening, however short the command.
func TestNoCommandListens(t *testing.T) {
	t.Parallel()
	needStrace(t)
	r, in := newRig(t, hurried...), newInbox(t)
	r.withAlerts("[alert.webhook]\nurl = \"" + in.URL + "\"\n[alert.heartbeat]\nurl = \"" + in.URL + "/beat\"\nevery = \"1s\"\n")
	p := r.start()
	r.awaitBaseline(p)
	chat := r.customer("홍길동", "문의")
	r.awaitAll(p)
	var calls string
	for _, args := range append(r.commandLines(chat.ID()), r.lookBackLines()...) {
		calls += r.traced(args...)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "init.toml")); err != nil || len(r.rows(demoInquiries)) != 4 {
		t.Errorf("init has written no config, or backfill not brought the three old chats: %v, %d rows", err, len(r.rows(demoInquiries)))
	}
	p.stop()
	calls += r.traced("run", "--once", "--config", r.config) + r.traced("check", "--config", r.config)
	for _, args := range r.lookBackLines() {
		calls += r.traced(args...) // now in a process of their own
	}
	r.edit("[[route]]\nname = \"새 문의\"", furtherSinks(in.URL)+"\n[[route]]\nname = \"새 문의\"")
	calls += r.traced("check", "--config", r.config)
	served := r.traceDaemon()
	if !strings.Contains(served, "listen(") || !strings.Contains(served, "<UNIX") {
		t.Fatalf("the control socket is not in the trace, so nothing else can be:\n%s", served)
	}
	if !strings.Contains(calls, "connect(") {
		t.Error("no connection is in the trace")
	}
	for line := range strings.Lines(calls + served) {
		if inetListen.MatchString(line) {
			t.Errorf("listens: %s", line)
		}
	}
}

// inetListen is listen on anything but a Unix socket.
var inetListen = regexp.MustCompile(`listen\(\d+<(TCP|UDP|\w*v6|socket)|listen\(\d+[^<\d]`)

func needStrace(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("strace", "-f", "--seccomp-bpf", "-yy", "-o", os.DevNull, "-e", "trace=listen", "true").CombinedOutput(); err != nil {
		t.Skipf("processes cannot be traced here: %v: %s", err, out)
	}
}

// traced runs the program to its end, however that is, and returns the calls that have to do with listening.
func (r *rig) traced(args ...string) string {
	r.t.Helper()
	cmd, calls := r.straceOf(args...)
	p := &process{t: r.t, cmd: cmd, ended: make(chan struct{})}
	p.run()
	p.wait(patience)
	return calls()
}

// furtherSinks are one of each kind that a rig has not, with a route to all of them. What is not on this machine goes to a
// proxy that is not there.
func furtherSinks(hook string) string {
	return fmt.Sprintf(`[network]
proxy = "http://127.0.0.1:9"

[[sink.webhook]]
name = "crm"
url  = %q

[[sink.jsonl]]
name = "archive"
path = "archive.jsonl"

[[sink.sql]]
name   = "database"
driver = "sqlite"
dsn    = "events.db"

[[sink.discord]]
name = "community"
url  = "https://discord.com/api/webhooks/1/x"

[[sink.email]]
name = "mail"
smtp = "127.0.0.1:9"
from = "relay@example.com"
to   = ["cs@example.com"]

[[route]]
name = "all"
on   = ["userChat.opened"]
to   = ["crm", "archive", "database", "community", "mail"]
`, hook)
}

// traceDaemon runs the daemon until it has delivered an inquiry to the further sinks, or tried to.
func (r *rig) traceDaemon() string {
	r.t.Helper()
	cmd, calls := r.straceOf("run", "--config", r.config)
	p := &process{t: r.t, cmd: cmd, ended: make(chan struct{})}
	p.run()
	p.awaitLog("started")
	r.awaitPoll(p)
	r.customer("김영희", "문의")
	for _, name := range []string{"crm", "archive", "database"} {
		p.awaitLine("msg=delivered", "sink="+name)
	}
	for _, name := range []string{"community", "mail"} { // nobody answers there
		p.awaitLine(`msg="delivery paused"`, "sink="+name)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid)) // strace takes no signal itself
	pid, err2 := strconv.Atoi(strings.TrimSpace(string(children)))
	if err := errors.Join(err, err2); err != nil {
		r.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	p.wait(time.Minute)
	return calls()
}

func (r *rig) straceOf(args ...string) (cmd *exec.Cmd, calls func() string) {
	r.t.Helper()
	out := filepath.Join(r.t.TempDir(), "trace")
	cmd = exec.Command("strace", append([]string{"-f", "--seccomp-bpf", "-yy", "-qq", "-e", "signal=none", "-e", "trace=listen,connect", "-o", out, os.Args[0]}, args...)...)
	cmd.Env = append(os.Environ(), asDaemon+"=1")
	return cmd, func() string {
		data, err := os.ReadFile(out)
		if err != nil {
			r.t.Error(err)
		}
		return string(data)
	}
}

// TestNoSocketWhileWaiting looks into /proc while commands that talk to services wait for an answer.
func TestNoSocketWhileWaiting(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check"}, {"run", "--once"}, {"alert", "test"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, hurried...)
			r.withAlerts("[alert.slack]\ntoken = \"" + r.world.Slack.Token + "\"\nchannel = \"" + r.slack.ID + "\"\napi_url = \"" + r.world.Slack.APIURL() + "\"\n")
			asked := make(chan struct{}, 100)
			r.world.SetFault(func(string, sandbox.Request) *sandbox.Fault {
				select {
				case asked <- struct{}{}:
				default:
				}
				return &sandbox.Fault{Before: time.Minute}
			})
			p := r.start(append(args, "--config", r.config)...)
			select {
			case <-asked:
			case <-time.After(patience):
				t.Fatalf("nothing was asked\n%s", p.log())
			}
			if listening := listeningSockets(t, p.cmd.Process.Pid); len(listening) > 0 {
				t.Errorf("listens: %v", listening)
			}
			p.kill()
		})
	}
}
