package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestWatchdog(t *testing.T) {
	t.Parallel()
	var w watchdog
	if name := w.stuck(time.Now()); name != "" {
		t.Errorf("nobody is expected, but %q is stuck", name)
	}
	w.expect([]channelFile{{Name: "slow", Timeout: 5 * time.Minute}, {Name: "main", Timeout: 30 * time.Second}})
	start := time.Now()
	for _, test := range []struct {
		after time.Duration
		want  string
	}{
		{0, ""},
		{beatLimit, ""},
		{beatLimit + 40*time.Second, "main"},
	} {
		if got := w.stuck(start.Add(test.after)); got != test.want {
			t.Errorf("after %s without a beat %q is stuck, want %q", test.after, got, test.want)
		}
	}
	w.beat("main")
	w.beat("of the config before")
	w.expect([]channelFile{{Name: "slow", Timeout: 5 * time.Minute}})
	w.beat("main") // the last beat of a loop that a reload has ended
	if got := w.stuck(start.Add(beatLimit + 5*time.Minute - time.Second)); got != "" {
		t.Errorf("%q is stuck within one request of its own timeout", got)
	}
	if got := w.stuck(start.Add(beatLimit + 6*time.Minute)); got != "slow" {
		t.Errorf("%q is stuck, want slow alone", got)
	}
}

// managed starts the daemon as a service manager with a watchdog does, and returns a count of the feedings.
func (r *rig) managed() (p *process, fed func() int) {
	r.t.Helper()
	path := filepath.Join(r.dir, "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = socket.Close() })
	var n atomic.Int32
	go func() {
		for message := make([]byte, 256); ; {
			length, err := socket.Read(message)
			if err != nil {
				return
			}
			if strings.Contains(string(message[:length]), "WATCHDOG=1") {
				n.Add(1)
			}
		}
	}()
	p = &process{t: r.t, cmd: exec.Command(os.Args[0], "run", "--config", r.config), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asDaemon+"=1", "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=300000")
	r.started = append(r.started, p)
	p.run()
	return p, func() int { return int(n.Load()) }
}

// awaitFed waits until the watchdog is fed twice more.
func (p *process) awaitFed(fed func() int) {
	p.t.Helper()
	before := fed()
	await(p.t, "the watchdog to be fed", func() bool { return fed() >= before+2 }, p.log)
}

// TestWatchdogOfADeafDaemon: while Channel Talk cannot be read the watchdog is not fed, so that the service manager tries
// another process. A refused key is no reason: another process would not do better.
func TestWatchdogOfADeafDaemon(t *testing.T) {
	t.Parallel()
	r := newRig(t, append(hurried, "[state]", "[network]\nrestart_after = \"1s\"\n\n[state]")...)
	p, fed := r.managed()
	r.awaitBaseline(p)
	p.awaitFed(fed)
	r.channel.SetRevoked(true)
	p.awaitLine("401")
	p.awaitFed(fed)
	r.channel.SetRevoked(false)
	p.awaitLog("channel read again")
	r.world.ChannelTalk.Down()
	p.awaitLog("no poll succeeds though no key is refused")
	if err := r.world.ChannelTalk.Up(); err != nil {
		t.Fatal(err)
	}
	p.awaitFed(fed)
	r.customer("홍길동", "다시 들립니다")
	r.awaitAll(p)
}
