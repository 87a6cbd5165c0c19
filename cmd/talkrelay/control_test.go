package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestControlSocket makes the socket over what a killed daemon left, and sees it gone at the end.
func TestControlSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "talkrelay.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	_ = left.Close()

	l, err := controlListener(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v, %v; want a socket that is its owner's alone", info.Mode(), err)
	}
	log := slog.New(slog.DiscardHandler)
	mux := http.NewServeMux()
	mux.Handle("GET /status", asking(func(*http.Request) (any, error) { return status{Version: "test"}, nil }))
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() {
		defer close(served)
		serveControl(ctx, l, mux, log)
	}()
	var s status
	if err := (askOptions{socket: path}).askInto(t.Context(), http.MethodGet, "/status", nil, &s); err != nil || s.Version != "test" {
		t.Errorf("status %+v, %v", s, err)
	}
	stop()
	<-served
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is left behind")
	}
}

// TestControlKnowsWhoTells: root and the daemon's own user may change things, others may not, and the log says who did.
func TestControlKnowsWhoTells(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	told := recorded(func() *slog.Logger { return log }, restricted(asking(func(*http.Request) (any, error) { return "done", nil })))
	for _, test := range []struct {
		peer any
		want int
	}{{0, http.StatusOK}, {os.Geteuid(), http.StatusOK}, {54321, http.StatusForbidden}, {nil, http.StatusForbidden}} {
		out.Reset()
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), peerKey{}, test.peer), http.MethodPost, "/forget", nil)
		w := httptest.NewRecorder()
		told.ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("user %v: %d %s", test.peer, w.Code, w.Body)
		}
		if line := fmt.Sprintf(`job="POST /forget" uid=%v`, test.peer); w.Code == http.StatusOK && !strings.Contains(out.String(), line) {
			t.Errorf("user %v: log %q", test.peer, out.String())
		}
	}
}

// TestPeer asks the kernel who is at the other end of a real socket.
func TestPeer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	if uid, err := peer(far); err != nil || uid != os.Geteuid() {
		t.Errorf("user %d, %v; want %d", uid, err, os.Geteuid())
	}
}

// TestControlSocketSparesFiles finds something else than a socket in its place.
func TestControlSocketSparesFiles(t *testing.T) {
	t.Parallel()
	path := writeFile(t, t.TempDir(), "talkrelay.sock", "precious", 0o600)
	if l, err := controlListener(path); err == nil {
		_ = l.Close()
		t.Error("took the place of a file")
	}
	if data, _ := os.ReadFile(path); string(data) != "precious" {
		t.Errorf("the file now holds %q", data)
	}
}
