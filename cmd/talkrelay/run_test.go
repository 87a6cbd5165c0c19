package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
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
	if code := p.wait(15 * time.Second); code != exitOK {
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
		if code := p.wait(60 * time.Second); code != exitOK {
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
	p.kill()

	r.edit(`"cs-alerts"`, `"alerts"`)
	p = r.start()
	p.awaitLog("deliveries wait for a sink that is not in the config")
	p.kill()

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
	if code := second.wait(10 * time.Second); code != exitFailed {
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
