package main

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"talkrelay/sandbox"
)

// asDaemon in the environment makes the test binary the program itself, so that tests run, signal and kill a real
// process without building another binary.
const asDaemon = "TALKRELAY_TEST_AS_DAEMON"

func TestMain(m *testing.M) {
	if os.Getenv(asDaemon) != "" {
		if trap := os.Getenv(trapVariable); trap != "" {
			os.Exit(runTrapped(trap))
		}
		main()
	}
	flag.Parse()
	if usual := fmt.Sprint(runtime.GOMAXPROCS(0)); flag.Lookup("test.parallel").Value.String() == usual {
		// Most tests here wait for another process: they need no processor of their own.
		_ = flag.Set("test.parallel", fmt.Sprint(3*runtime.GOMAXPROCS(0)))
	}
	code := m.Run()
	if elsewhere.server != nil {
		elsewhere.server.Close()
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// rig is a shop on simulated services with a directory for the daemon that serves it.
type rig struct {
	*demoShop
	t      testing.TB
	dir    string
	config string

	started []*process
}

// newRig starts a world and writes a config for it. Lines of edits replace text of the config, old and new in turn.
func newRig(t testing.TB, edits ...string) *rig {
	t.Helper()
	shop, err := openShop()
	if err != nil {
		t.Fatal(err)
	}
	return newRigOf(t, shop, edits...)
}

// newRigOf is newRig for a shop that is open already.
func newRigOf(t testing.TB, shop *demoShop, edits ...string) *rig {
	t.Helper()
	t.Cleanup(func() { _ = shop.world.Close() })
	r := &rig{demoShop: shop, t: t, dir: t.TempDir()}
	r.config = filepath.Join(r.dir, "talkrelay.toml")
	if err := shop.writeConfig(r.dir, r.config); err != nil {
		t.Fatal(err)
	}
	r.edit(append([]string{demoLookups, "", `"@every 3s"`, `"@every 2s"`, "[state]", "[retry]\nmin = \"50ms\"\nmax = \"500ms\"\n\n[state]"}, edits...)...)
	return r
}

// edit replaces texts of the config file, old and new in turn.
func (r *rig) edit(oldnew ...string) {
	r.t.Helper()
	data, err := os.ReadFile(r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(text, oldnew[i]) {
			r.t.Fatalf("config has no %q", oldnew[i])
		}
		text = strings.ReplaceAll(text, oldnew[i], oldnew[i+1])
	}
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// process is a running talkrelay.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	ended chan struct{}
	printed
}

// printed is what somebody has written so far.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// start runs the program with args. It is killed at the end of the test if it still runs.
func (r *rig) start(args ...string) *process {
	r.t.Helper()
	if len(args) == 0 {
		args = []string{"run", "--config", r.config}
	}
	p := newProcess(r.t, args...)
	r.started = append(r.started, p)
	p.run()
	return p
}

// newProcess makes a process of the program that is not started yet.
func newProcess(t testing.TB, args ...string) *process {
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asDaemon+"=1")
	return p
}

// run starts the process and sees to its end.
func (p *process) run() {
	p.t.Helper()
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	p.t.Cleanup(func() {
		p.kill()
		assertListed(p.t, p.log())
	})
}

// Write implements io.Writer.
func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *printed) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wait returns the exit code.
func (p *process) wait(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		p.t.Fatalf("still running after %s; its output:\n%s", limit, p.log())
		return -1
	}
}

// awaitLog waits until the output holds text.
func (p *process) awaitLog(text string) {
	p.t.Helper()
	await(p.t, fmt.Sprintf("log line with %q", text), func() bool { return strings.Contains(p.log(), text) }, p.log)
}

// patience is how long anything may take on the slowest machine, with the race detector, before a test gives up on it.
const patience = 3 * time.Minute

// await polls done until it holds.
func await(t testing.TB, what string, done func() bool, detail func() string) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		if done() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waited too long for %s\n%s", what, detail())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// awaitNone waits until nothing is left. On a slow machine much can be on the way: nobody gives up while it becomes less.
func awaitNone(t testing.TB, what string, left func() int, detail func() string) {
	t.Helper()
	least, since := math.MaxInt, time.Now()
	for {
		n := left()
		switch {
		case n == 0:
			return
		case n < least:
			least, since = n, time.Now()
		case time.Since(since) > patience:
			t.Fatalf("waited too long for %s\n%s", what, detail())
		}
		time.Sleep(50 * time.Millisecond) // a look takes long where much has happened
	}
}

// firstLook is what the daemon logs when its silent first look is complete.
const firstLook = "first look complete"

// awaitBaseline waits until the daemon has looked once and would notice anything new.
func (r *rig) awaitBaseline(p *process) {
	r.t.Helper()
	p.awaitLog(firstLook)
}

// awaitPoll waits until a poll that began after the call is through.
func (r *rig) awaitPoll(p *process) {
	r.t.Helper()
	start := time.Now()
	await(r.t, "the next poll", func() bool {
		polls := 0
		for _, q := range r.world.ChannelTalk.Requests() {
			if q.Time.After(start) && q.Query.Get("state") == "opened" {
				polls++
			}
		}
		return polls >= 2
	}, p.log)
}

// awaitAll waits until everything that happened has arrived.
func (r *rig) awaitAll(p *process) {
	r.t.Helper()
	await(r.t, "all deliveries", func() bool { return r.compare().ok() }, func() string {
		return r.compare().verdict() + "\n" + p.log()
	})
}

// customer adds a customer and opens a chat for them.
func (r *rig) customer(name, text string) *sandbox.Chat {
	return r.channel.OpenChat(r.channel.AddUser(sandbox.User{Name: name}), text, sandbox.Opening{})
}
