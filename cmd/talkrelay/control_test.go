package main

import (
	"context"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
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
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() {
		defer close(served)
		serveControl(ctx, l, func() status { return status{Version: "test"} }, slog.New(slog.DiscardHandler))
	}()
	if s, _, err := askStatus(t.Context(), []string{path + ".not", path}); err != nil || s.Version != "test" {
		t.Errorf("status %+v, %v", s, err)
	}
	stop()
	<-served
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is left behind")
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
