package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"talkrelay/sandbox"
)

func TestRunDeliversAndStopsCleanly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.start()
	r.awaitBaseline(p)
	chat := r.customer("홍길동", "배송이 아직 안 왔어요")
	r.awaitAll(p)
	chat.Close()
	chat.Reopen("또 왔어요")
	r.awaitAll(p)
	p.signal(syscall.SIGTERM)
	if code := p.wait(time.Minute); code != exitOK {
		t.Errorf("exit code %d after SIGTERM, want %d\n%s", code, exitOK, p.log())
	}
	if _, err := os.Stat(filepath.Join(r.dir, "talkrelay.sock")); err == nil {
		t.Error("control socket left behind")
	}
}

func TestOnceDeliversWhatWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 3 {
		p := r.start("run", "--config", r.config, "--once")
		if code := p.wait(patience); code != exitOK {
			t.Fatalf("run %d: exit code %d\n%s", i, code, p.log())
		}
		if d := r.compare(); !d.ok() {
			t.Fatalf("run %d: %s\n%s", i, d.verdict(), p.log())
		}
		r.customer(fmt.Sprintf("고객%d", i), "문의")
	}
}

func TestReloadIsAllOrNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.start()
	r.awaitBaseline(p)
	r.customer("하나", "첫 문의")
	r.awaitAll(p)

	r.edit(`poll          = "@every 1s"`, `pol          = "@every 1s"`)
	p.signal(syscall.SIGHUP)
	p.awaitLog("reload refused")
	if !strings.Contains(p.log(), "did you mean") {
		t.Errorf("refusal does not help:\n%s", p.log())
	}
	r.customer("둘", "거절된 뒤의 문의")
	r.awaitAll(p)

	r.edit(`pol          = "@every 1s"`, `poll          = "@every 2s"`)
	p.signal(syscall.SIGHUP)
	p.awaitLog("reloaded")
	r.customer("셋", "적용된 뒤의 문의")
	r.awaitAll(p)
	if strings.Count(p.log(), firstLook) > 1 {
		t.Errorf("the reload moved a cursor:\n%s", p.log())
	}
}

func TestRenamedSinkKeepsItsQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.start()
	r.awaitBaseline(p)
	r.world.Slack.SetTokenError("token_revoked")
	r.customer("홍길동", "곧 이름이 바뀝니다")
	p.awaitLog("sink=cs-alerts err=")
	p.stop() // not killed: a message in doubt would be looked up for a minute

	r.edit(`"cs-alerts"`, `"alerts"`)
	p = r.start()
	p.awaitLog("deliveries wait for a sink that is not in the config")
	p.stop()

	r.world.Slack.SetTokenError("")
	r.edit(`"alerts"`, `"cs-alerts"`)
	r.awaitAll(r.start())
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.start()
	r.awaitBaseline(first)
	second := r.start()
	if code := second.wait(time.Minute); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	if log := second.log(); !strings.Contains(log, "another talkrelay") {
		t.Errorf("no clear refusal:\n%s", log)
	}
	r.customer("홍길동", "첫째는 계속 일합니다")
	r.awaitAll(first)
}

func TestNoInternetSocket(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.start()
	r.awaitBaseline(p)
	if listening := listeningSockets(t, p.cmd.Process.Pid); len(listening) > 0 {
		t.Errorf("the daemon listens: %v", listening)
	}
}

func TestDemoShowsTheMainJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	page := filepath.Join(r.dir, "demo.html")
	p := r.start("demo", "--for", "1s", "--page", page)
	if code := p.wait(patience); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, p.log())
	}
	for _, want := range []string{"새 문의 · 홍길동", "✎ Slack", "↳ Slack", "다시 열린 문의", "변경이력", "✓"} {
		if !strings.Contains(p.log(), want) {
			t.Errorf("the demo does not show %q:\n%s", want, p.log())
		}
	}
	html, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(html), "배송이 아직 안 왔어요") {
		t.Errorf("HTML page: %v, %d bytes", err, len(html))
	}
}

// TestDemoOutlastsACutPost: Slack may stop while a message is under way. The demo must not end before it is known what
// became of it.
func TestDemoOutlastsACutPost(t *testing.T) {
	t.Parallel()
	r := newRig(t, `api_url = `, demoLookups+"\napi_url = ")
	var cut atomic.Bool
	r.world.SetFault(func(_ string, q sandbox.Request) *sandbox.Fault {
		if strings.HasSuffix(q.Path, "chat.postMessage") && cut.CompareAndSwap(false, true) {
			return &sandbox.Fault{Skip: true, Reset: true}
		}
		return nil
	})
	result, err := demoOptions{lasts: time.Second, out: io.Discard}.relay(t.Context(), r.demoShop, r.config)
	if err != nil || !result.ok() {
		t.Errorf("%v: %s", err, result.verdict())
	}
	if !cut.Load() {
		t.Error("no post was cut")
	}
}

// TestDemoListensOnLoopbackOnly: the simulated services listen, and nothing of the demo can be reached from elsewhere.
func TestDemoListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.start("demo", "--for", "20s")
	p.awaitLog("Simulated services are up")
	listening := listeningSockets(t, p.cmd.Process.Pid)
	if len(listening) < 3 {
		t.Errorf("only %v listen", listening)
	}
	for _, s := range listening {
		const loopback = "tcp 0100007F:" // 127.0.0.1 as the kernel writes it
		if !strings.HasPrefix(s, loopback) {
			t.Errorf("the demo listens on %s", s)
		}
	}
	p.kill()
}

// TestOldChatsAreSilentAndABurstArrives: nobody hears of 10,000 chats that were there before, and 5,000 new ones at once
// all arrive, in few writes.
func TestOldChatsAreSilentAndABurstArrives(t *testing.T) {
	t.Parallel()
	const old, burst, maxWrites = 10_000, 5000, 60
	r := newRig(t, `to   = ["cs-alerts", "inquiries"]`, `to   = ["inquiries"]`)
	r.channel.SetQuirks(sandbox.Quirks{Unlimited: true})
	user := r.channel.AddUser(sandbox.User{Name: "단골"})
	start := time.Now().Add(-48 * time.Hour)
	for i := range old {
		state := sandbox.StateOpened
		if i%3 > 0 {
			state = sandbox.StateClosed
		}
		r.channel.OpenChat(user, "오래전 문의", sandbox.Opening{State: state, At: start.Add(time.Duration(i) * time.Second)})
	}
	p := r.start()
	r.awaitBaseline(p)
	r.awaitPoll(p)
	if n := len(r.rows(demoInquiries)); n > 0 {
		t.Fatalf("%d rows for old chats", n)
	}
	r.world.Google.Forget()
	for range burst {
		r.channel.OpenChat(user, "한꺼번에 온 문의", sandbox.Opening{})
	}
	await(t, "all rows", func() bool { return rowsDelivered(p.log()) >= burst }, p.log)
	rows := rowKeys(r.rows(demoInquiries))
	var want []string
	for _, h := range r.channel.Happenings()[r.before+old:] {
		want = append(want, h.ChatID+"/1")
	}
	if d := sandbox.Compare(want, rows); !d.OK() {
		t.Errorf("%d rows of %d: lost %d, doubled %d, extra %d, out of order %d",
			len(rows), burst, len(d.Lost), len(d.Doubled), len(d.Extra), len(d.Disordered))
	}
	writes := 0
	for _, q := range r.world.Google.Requests() {
		if strings.HasSuffix(q.Path, ":batchUpdate") {
			writes++
		}
	}
	if writes > maxWrites {
		t.Errorf("%d writes, want %d at most", writes, maxWrites)
	}
}

// listeningSockets returns the process's TCP sockets in state LISTEN and its UDP sockets, from /proc.
func listeningSockets(t *testing.T, pid int) []string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d", pid)
	entries, err := os.ReadDir(dir + "/fd")
	if err != nil {
		t.Skipf("no /proc here: %v", err)
	}
	own := map[string]bool{}
	for _, e := range entries {
		link, _ := os.Readlink(filepath.Join(dir, "fd", e.Name()))
		if inode, ok := strings.CutPrefix(link, "socket:["); ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	if len(own) == 0 {
		t.Fatal("found no socket at all; the test looks in the wrong place")
	}
	var listening []string
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		data, err := os.ReadFile(dir + "/net/" + table)
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n") {
			f := strings.Fields(line)
			const listen = "0A"
			if len(f) > 9 && own[f[9]] && (f[3] == listen || strings.HasPrefix(table, "udp")) {
				listening = append(listening, table+" "+f[1])
			}
		}
	}
	return listening
}
