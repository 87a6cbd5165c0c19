package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// openTerminal returns both ends of a new pseudo-terminal.
func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	ioctl := func(request uintptr, value *uint32) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Skipf("no terminals here: %v", errno)
		}
	}
	var unlock, number uint32
	ioctl(syscall.TIOCSPTLCK, &unlock)
	ioctl(syscall.TIOCGPTN, &number)
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}

// onTerminal runs the program with a terminal of its own. What the terminal shows is the process's log.
func (r *setupRig) onTerminal(args ...string) (p *process, keyboard *os.File) {
	r.t.Helper()
	master, slave := openTerminal(r.t)
	p = newProcess(r.t, args...)
	p.cmd.Env = append(p.cmd.Env, "LANG=ko_KR.UTF-8", "LC_ALL=")
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	r.t.Cleanup(p.kill)
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			if err != nil {
				return
			}
			_, _ = p.Write(b[:n])
		}
	}()
	return p, master
}

// echoing reports whether a terminal shows what is typed.
func echoing(t *testing.T, terminal *os.File) bool {
	t.Helper()
	var mode syscall.Termios
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, terminal.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&mode))); errno != 0 {
		t.Fatal(errno)
	}
	return mode.Lflag&syscall.ECHO != 0
}

// human is how somebody types who needs a moment to read each question: at so many characters a second, as
// TALKRELAY_TYPIST says. At 0 everything is there at once.
type human struct{ perSecond int }

const reading = 5 * time.Second

func newHuman(t *testing.T) human {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("TALKRELAY_TYPIST"), "0"))
	if err != nil || n < 0 {
		t.Fatalf("TALKRELAY_TYPIST: %v", err)
	}
	return human{n}
}

func (h human) types(keyboard *os.File, text string) error {
	if h.perSecond > 0 {
		time.Sleep(reading + time.Duration(len(text))*time.Second/time.Duration(h.perSecond))
	}
	_, err := keyboard.WriteString(text)
	return err
}

// TestInitOnTerminal sets up on a real terminal: secrets do not show, and what is written passes the check. With
// TALKRELAY_TYPIST it says how long a human would take who has all keys at hand.
func TestInitOnTerminal(t *testing.T) {
	t.Parallel()
	r := newSetupRig(t)
	p, keyboard := r.onTerminal(r.args()...)
	w := initKorean
	secrets := map[string]bool{w.AccessSecret: true, w.SlackToken: true}
	typist, began, questions := newHuman(t), time.Now(), 0
	for _, step := range [][2]string{
		{"언어", ""}, {w.AccessKey, r.channel.AccessKey}, {w.AccessSecret, r.channel.AccessSecret}, {w.SlackToken, r.world.Slack.Token},
		{w.SlackRoom, "1"}, {w.GoogleKey, r.keyFile}, {w.Spreadsheet, r.sheet.ID}, {w.InquiriesTab, ""}, {w.ChangesTab, ""}, {w.Routes, ""}, {w.Write, ""},
	} {
		p.awaitLog(step[0])
		if secrets[step[0]] {
			await(t, "the echo to be off", func() bool { return !echoing(t, keyboard) }, p.log)
		}
		if err := typist.types(keyboard, step[1]+"\n"); err != nil {
			t.Fatal(err)
		}
		questions++
	}
	if code := p.wait(time.Minute); code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, p.log())
	}
	t.Logf("%d questions, %s", questions, time.Since(began).Round(time.Second))
	for _, s := range r.secrets() {
		if strings.Contains(p.log(), s) {
			t.Errorf("a secret is shown:\n%s", p.log())
		}
	}
	p.awaitLog("talkrelay check --config " + r.config)
	r.assertWritten()
}

// TestInitInterrupted presses Ctrl-C while a secret is asked for: one clear line, no file, and the terminal shows again
// what is typed.
func TestInitInterrupted(t *testing.T) {
	t.Parallel()
	r := newSetupRig(t)
	p, keyboard := r.onTerminal(r.args("--language", "ko")...)
	p.awaitLog(initKorean.AccessKey)
	if _, err := keyboard.WriteString(r.channel.AccessKey + "\n"); err != nil {
		t.Fatal(err)
	}
	await(t, "the echo to be off", func() bool { return !echoing(t, keyboard) }, p.log)
	if _, err := keyboard.WriteString("half a secr\x03"); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(time.Minute); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	p.awaitLog(initKorean.Left)
	if !echoing(t, keyboard) {
		t.Error("the terminal is left without echo")
	}
	if strings.Contains(p.log(), "half") {
		t.Errorf("a secret is shown:\n%s", p.log())
	}
	r.assertNothingWritten()
	if left, _ := filepath.Glob(filepath.Join(r.dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
