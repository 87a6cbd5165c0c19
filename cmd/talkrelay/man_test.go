package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMan writes a page for every command that a user sees.
func TestMan(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SOURCE_DATE_EPOCH", "1795320000")
	if code, out, errs := here(t, "man", dir); code != exitOK || out+errs != "" {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	for _, cmd := range commands(newRootCommand()) {
		if cmd.Hidden {
			continue
		}
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
		page, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(page), `"Nov 2026"`) {
			t.Errorf("%s: %v, %d bytes", name, err, len(page))
		}
	}
	if code, _, errs := here(t, "man", filepath.Join(dir, "none")); code != exitFailed || !strings.Contains(errs, "write man pages") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if code, _, errs := here(t, "man", dir); code != exitUsage || !strings.Contains(errs, "no number of seconds") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}
