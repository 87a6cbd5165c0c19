package main

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
)

// systemdSocket is where talkrelay.socket puts the control socket.
const systemdSocket = "/run/talkrelay/control.sock"

// controlSocket is the daemon's own place for it when systemd does not hand one over.
func controlSocket(statePath string) string {
	return filepath.Join(filepath.Dir(statePath), "talkrelay.sock")
}

// controlListener returns the socket systemd handed over, or makes one at path with mode 0600. A leftover of a killed
// process is replaced: the state file's lock has already proved that no other daemon runs here.
func controlListener(path string) (net.Listener, error) {
	handed, err := activation.Listeners()
	if err == nil && len(handed) > 0 && handed[0] != nil {
		if handed[0].Addr().Network() == "unix" {
			return handed[0], nil
		}
		return nil, fmt.Errorf("the socket handed over is not a Unix socket but %s; nothing else is accepted", handed[0].Addr().Network())
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("replace old control socket: %w", err)
		}
	}
	l, err := listenPrivately(path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// listenPrivately makes a socket that was never open to others. The mask is the whole process's: it leaves the owner's
// bits alone, so that a directory made at the same moment can still be entered.
func listenPrivately(path string) (net.Listener, error) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	return net.Listen("unix", path)
}
