package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// ownDisk moves the state file of r to a directory of its own, and returns that.
func (r *rig) ownDisk() string {
	r.t.Helper()
	dir := filepath.Join(r.dir, "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		r.t.Fatal(err)
	}
	r.edit(`path = "demo.db"`, `path = "state/demo.db"`)
	return dir
}

// mountSmall mounts a file system of so many bytes on dir until the test ends.
func mountSmall(t *testing.T, dir, size string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// TestUnusableStateDirectory starts the daemon where it cannot write. It says what to change and ends, and what happened
// meanwhile arrives after the next good start.
func TestUnusableStateDirectory(t *testing.T) {
	t.Parallel()
	must := func(r *rig, err error) {
		r.t.Helper()
		if err != nil {
			r.t.Fatal(err)
		}
	}
	aside := func(dir string) string { return dir + ".aside" }
	tests := []struct {
		name          string
		mount         bool
		breakIt, mend func(r *rig, dir string)
		says          []string
	}{
		{
			name:    "missing",
			breakIt: func(r *rig, dir string) { must(r, os.Rename(dir, aside(dir))) },
			mend:    func(r *rig, dir string) { must(r, os.Rename(aside(dir), dir)) },
			says:    []string{"does not exist", "change path in [state]"},
		},
		{
			name: "file in its place",
			breakIt: func(r *rig, dir string) {
				must(r, os.Rename(dir, aside(dir)))
				must(r, os.WriteFile(dir, nil, 0o600))
			},
			mend: func(r *rig, dir string) {
				must(r, os.Remove(dir))
				must(r, os.Rename(aside(dir), dir))
			},
			says: []string{"not a directory", "state file"},
		},
		{
			name:  "read-only",
			mount: true,
			breakIt: func(r *rig, dir string) {
				must(r, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
			},
			mend: func(r *rig, dir string) { must(r, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "")) },
			says: []string{"read-only file system", "change path in [state]"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, hurried...)
			dir := r.ownDisk()
			if test.mount {
				mountSmall(t, dir, "4m")
			}
			p := r.start()
			r.awaitBaseline(p)
			p.stop()

			test.breakIt(r, dir)
			r.channel.OpenChat(r.channel.AddUser(canary), canaryText, sandbox.Opening{})
			p = r.start()
			if code := p.wait(time.Minute); code != exitFailed {
				t.Errorf("exit code %d, want %d", code, exitFailed)
			}
			if !lineWith(p.log(), test.says...) {
				t.Errorf("no line with %q:\n%s", test.says, p.log())
			}
			r.assertCheck(map[string]string{"config: state file": "make the directory of state.path"})

			test.mend(r, dir)
			r.awaitAll(r.start())
			r.assertDiscreet(r.written())
		})
	}
}

// TestDiskFull fills the disk under a running daemon. Polls find nothing new for it until there is room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	r := newRig(t, hurried...)
	r.world.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	dir := r.ownDisk()
	mountSmall(t, dir, "4m")
	filler := filepath.Join(dir, "filler")
	f := fault{
		breakIt: func(r *rig) {
			fill(t, filler)
			for range 30 {
				r.customer(canary.Name, strings.Repeat(canaryText, 200))
			}
		},
		log: []string{"level=WARN", "state file", "demo.db", "no space left on device", "free some space"},
		mend: func(*rig) {
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
		},
	}
	f.test(t, r)
}

// fill writes to a file at path until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 4096)); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
