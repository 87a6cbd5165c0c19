package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// machine is a systemd of its own, booted by systemd/boot.sh over an overlay of this machine's root.
type machine struct {
	t   *testing.T
	pid int
}

// bootMachine boots a machine with this test binary as /usr/bin/talkrelay and etc as /etc/talkrelay. It skips the test
// where that is impossible: without root, systemd, or the kernel's leave.
func bootMachine(t *testing.T, etc string) *machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("booting a systemd needs root")
	}
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil {
		t.Skip("no systemd here")
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "boot.log"))
	if err != nil {
		t.Fatal(err)
	}
	boot := exec.Command("../../systemd/boot.sh", buildBinary(t), etc)
	boot.Stdout, boot.Stderr = out, out
	boot.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := boot.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = boot.Wait(); close(ended) }()
	m := &machine{t: t}
	t.Cleanup(func() {
		if m.pid != 0 {
			_ = syscall.Kill(m.pid, syscall.SIGKILL)
		}
		_ = syscall.Kill(-boot.Process.Pid, syscall.SIGKILL)
		<-ended
	})
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		select {
		case <-ended:
			log, _ := os.ReadFile(out.Name())
			t.Skipf("this machine does not let a systemd boot:\n%s", log)
		default:
		}
		if m.pid = childOf(boot.Process.Pid); m.pid != 0 {
			if state, _ := m.run("systemctl", "is-system-running"); strings.Contains(state, "running") || strings.Contains(state, "degraded") {
				return m
			}
		}
	}
	log, _ := os.ReadFile(out.Name())
	t.Fatalf("systemd did not come up:\n%s", log)
	return nil
}

// childOf returns the systemd that unshare has forked, 0 if it is not there yet.
func childOf(pid int) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0
	}
	child, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", child)); !strings.HasPrefix(string(name), "systemd") {
		return 0
	}
	return child
}

// run runs a command inside the machine.
func (m *machine) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	enter := []string{"-t", strconv.Itoa(m.pid), "-m", "-u", "-i", "-p", "-C", "-r", "-w", "--"}
	out, err := exec.CommandContext(ctx, "nsenter", append(enter, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (m *machine) must(args ...string) string {
	m.t.Helper()
	out, err := m.run(args...)
	if err != nil {
		journal, _ := m.run("journalctl", "-u", "talkrelay", "--no-pager", "-n", "40")
		m.t.Fatalf("%v: %v\n%s\njournal:\n%s", args, err, out, journal)
	}
	return out
}

func (m *machine) property(name string) string {
	return m.must("systemctl", "show", "-P", name, "talkrelay.service")
}

// buildBinary builds the program as it is installed.
func buildBinary(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "talkrelay")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// TestUnitUnderRealSystemd runs the shipped unit files under a real PID 1, with services on this machine's loopback.
func TestUnitUnderRealSystemd(t *testing.T) {
	if testing.Short() {
		t.Skip("boots a systemd")
	}
	r := newRig(t,
		`path = "demo.db"`, `path = "talkrelay.db"`,
		"access_secret = ", "access_secret_file = \"channel_secret\" # ",
		"token   = ", "token_file = \"slack_token\" # ")
	credentials := filepath.Join(r.dir, "credentials")
	if err := os.Mkdir(credentials, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, credentials, "channel_secret", r.channel.AccessSecret+"\n", 0o600)
	writeFile(t, credentials, "slack_token", r.world.Slack.Token+"\n", 0o600)
	if err := os.Rename(filepath.Join(r.dir, "google.json"), filepath.Join(credentials, "google.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(r.config, 0o644); err != nil {
		t.Fatal(err)
	}
	m := bootMachine(t, r.dir)

	m.must("systemctl", "start", "talkrelay.socket")
	m.must("systemctl", "start", "talkrelay.service") // returns after READY=1
	journal := func() string { out, _ := m.run("journalctl", "-u", "talkrelay", "--no-pager"); return out }
	await(t, "the first look", func() bool { return strings.Contains(journal(), firstLook) }, journal)
	r.customer("홍길동", "systemd 아래에서")
	await(t, "deliveries", func() bool { return r.compare().ok() }, journal)

	if out := m.must("talkrelay", "status", "--socket", systemdSocket); !strings.Contains(out, "cs-alerts") {
		t.Errorf("status over the handed-over socket:\n%s", out)
	}
	pid := m.property("MainPID")
	if fds := m.must("ls", "-l", "/proc/"+pid+"/fd"); !strings.Contains(fds, "socket:") {
		t.Errorf("no socket at all in:\n%s", fds)
	}
	if out := m.must("grep", "Seccomp:", "/proc/"+pid+"/status"); !strings.Contains(out, "2") {
		t.Errorf("no seccomp filter: %s", out)
	}

	m.must("systemctl", "reload", "talkrelay.service")
	await(t, "the reload", func() bool { return strings.Contains(journal(), "reloaded") }, journal)

	m.must("systemctl", "kill", "-s", "KILL", "talkrelay.service")
	await(t, "the restart", func() bool { return m.property("NRestarts") == "1" && m.property("ActiveState") == "active" }, journal)
	r.customer("김영희", "다시 시작한 뒤에")
	await(t, "deliveries after the restart", func() bool { return r.compare().ok() }, journal)

	m.must("systemctl", "stop", "talkrelay.service")
	if result := m.property("Result"); result != "success" {
		t.Errorf("stopped with result %q:\n%s", result, journal())
	}
	if out := m.must("journalctl", "-u", "talkrelay", "-p", "warning", "--no-pager", "-q", "-t", "talkrelay"); out != "" {
		t.Errorf("warnings in a good run:\n%s", out)
	}

	m.must("sh", "-c", "echo 'bad = 1' > /etc/talkrelay/talkrelay.toml")
	_, _ = m.run("systemctl", "start", "talkrelay.service")
	await(t, "the refusal of a bad config", func() bool { return m.property("ActiveState") == "failed" }, journal)
	if code, restarts := m.property("ExecMainStatus"), m.property("NRestarts"); code != strconv.Itoa(exitConfig) || restarts != "0" {
		t.Errorf("bad config: exit status %s, %s restarts", code, restarts)
	}
}

// TestUnitRefusesListening runs a program that tries to listen, under the shipped unit's own restrictions.
func TestUnitRefusesListening(t *testing.T) {
	if testing.Short() {
		t.Skip("boots a systemd")
	}
	const perl = "/usr/bin/perl" // part of every Debian
	if _, err := os.Stat(perl); err != nil {
		t.Skip("no perl to try to listen with")
	}
	m := bootMachine(t, t.TempDir())
	try := `use Socket; $| = 1; socket(S, PF_INET, SOCK_STREAM, 0) or die; print listen(S, 1) ? "LISTENING\n" : "REFUSED\n";`
	m.must("sh", "-c", "mkdir -p /run/try && printf %s \"$1\" > /run/try/try.pl && chmod 644 /run/try/try.pl", "sh", try)
	m.must("mkdir", "-p", "/run/systemd/system/talkrelay.service.d")
	m.must("sh", "-c", fmt.Sprintf("printf '[Service]\\nType=oneshot\\nExecStart=\\nExecStart=%s /run/try/try.pl\\nRestart=no\\n' > /run/systemd/system/talkrelay.service.d/try.conf", perl))
	m.must("systemctl", "daemon-reload")
	m.must("systemctl", "start", "talkrelay.socket")
	_, _ = m.run("systemctl", "start", "talkrelay.service")
	out := m.must("journalctl", "-u", "talkrelay", "--no-pager", "-o", "cat")
	if !strings.Contains(out, "REFUSED") || strings.Contains(out, "LISTENING") {
		t.Errorf("listen was not refused:\n%s", out)
	}
}
