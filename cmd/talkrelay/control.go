package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
)

// status is what the running daemon says of itself. Times are RFC 3339; a zero time is left out.
type status struct {
	Version  string          `json:"version"`
	Started  time.Time       `json:"started"`
	Config   string          `json:"config"`
	Channels []channelStatus `json:"channels"`
	Sinks    []sinkStatus    `json:"sinks"`
}

type channelStatus struct {
	Name     string    `json:"name"`
	LastGood time.Time `json:"lastGoodPoll,omitzero"`
	Trouble  string    `json:"trouble,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Note     string    `json:"note,omitempty"`
}

type sinkStatus struct {
	Name      string    `json:"name"`
	Delivered int       `json:"delivered"` // since the daemon started
	Waiting   int       `json:"waiting"`
	Oldest    time.Time `json:"oldestWaiting,omitzero"`
	Dead      int       `json:"dead"`
	InDoubt   bool      `json:"inDoubt,omitempty"`
	Trouble   string    `json:"trouble,omitempty"`
	Since     time.Time `json:"since,omitzero"`
	NextTry   time.Time `json:"nextTry,omitzero"`
}

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

// serveControl answers status questions until ctx ends.
func serveControl(ctx context.Context, l net.Listener, snapshot func() status, log *slog.Logger) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(snapshot())
	})
	srv := &http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = srv.Close()
	})
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		log.Warn("control socket closed", "err", err.Error())
	}
	if !stop() {
		<-done
	}
}
