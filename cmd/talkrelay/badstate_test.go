package main

import (
	"path/filepath"
	"strings"
	"testing"

	"talkrelay/sandbox"
	"talkrelay/state"
)

// TestStateFileFull lets the state file reach max_size_mb. What does not fit waits in Channel Talk.
func TestStateFileFull(t *testing.T) {
	t.Parallel()
	const small, large, chats = "[state]\nmax_size_mb = 8\n", "[state]\nmax_size_mb = 64\n", 3
	r := newRig(t, append([]string{"[state]", small}, hurried...)...)
	p := r.start()
	r.awaitBaseline(p)
	p.stop()
	growState(t, filepath.Join(r.dir, "demo.db"), 15<<19)
	memo := map[string]any{"memo": strings.Repeat(canaryText, 10_000)}
	for range chats {
		r.channel.OpenChat(r.channel.AddUser(sandbox.User{Name: canary.Name, Profile: memo}), canaryText, sandbox.Opening{})
	}

	p = r.start()
	p.awaitLine("level=WARN", "demo.db", "maximum size of 8 MiB", "[state]")
	if n := len(r.slack.Messages()); n > 0 {
		t.Errorf("%d messages were posted that are in no state file", n)
	}
	named := lineWith(p.log(), "maximum size", "max_size_mb")
	p.stop()
	r.edit(small, large)
	p = r.start()
	p.awaitDelivered("cs-alerts", chats)
	r.awaitAll(p)
	r.assertDiscreet(r.written())
	if !named {
		t.Error("no log line says which setting to change")
	}
}

// growState makes a state file, which no daemon has open, larger by size bytes.
func growState(t *testing.T, path string, size int) {
	t.Helper()
	db, err := state.Open(state.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Memory("filler").Save(make([]byte, size)); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
