package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lockFile keeps other processes away for as long as the DB is open. bbolt locks its file too, but a compaction
// replaces that file: a process that opened the old one and waits for its lock would be given it at the swap, and
// would go on with a file that has no name any more. The lock is therefore on a file of its own that is never
// replaced and never removed.
type lockFile struct{ f *os.File }

const (
	lockWait  = time.Second // how long a process that is just ending may still hold the lock
	lockRetry = 50 * time.Millisecond
)

// How PATH.lock is opened: by who writes to the state, and by who only reads it and may be another user, who must not
// make a file there that the daemon could not open.
const (
	lockMaking   = os.O_RDWR | os.O_CREATE
	lockExisting = os.O_RDONLY
)

// acquire locks PATH.lock for the state file at path. With lockExisting it returns nil if there is none: no talkrelay
// has ever run on the file.
func acquire(path string, flag int) (*lockFile, error) {
	name := path + ".lock"
	for start := time.Now(); ; time.Sleep(lockRetry) {
		f, err := os.OpenFile(name, flag, 0o600)
		if flag == lockExisting && errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, unwritable(name, 0, err)
		}
		err = flock(f)
		if err == nil && isAt(f, name) {
			l := &lockFile{f}
			l.sign()
			return l, nil
		}
		holder := readHolder(f)
		_ = f.Close()
		switch {
		case err != nil && !errors.Is(err, syscall.EWOULDBLOCK):
			return nil, &fileError{ErrUnwritable, err, fmt.Sprintf("cannot lock %s: %v; keep the state on a local disk", name, err)}
		case time.Since(start) > lockWait:
			return nil, locked(path, holder)
		}
	}
}

func locked(path, holder string) error {
	return &fileError{ErrLocked, nil, fmt.Sprintf("another talkrelay has %s open%s: stop it first, or give this one its own path in [state]", path, holder)}
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// unlock takes the lock off. A child just forked shares it until it execs: closing alone would leave it that.
func unlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

// isAt reports whether f is still the file called name: somebody may have removed it between open and lock.
func isAt(f *os.File, name string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(name)
	return err == nil && os.SameFile(a, b)
}

// sign leaves our pid for the message of the process that is refused. It is a courtesy: a full disk may prevent it.
func (l *lockFile) sign() {
	if l.f.Truncate(0) == nil {
		_, _ = l.f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
}

func readHolder(f *os.File) string {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 20))
	if err != nil {
		return ""
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 0 {
		return fmt.Sprintf(" (pid %d)", pid)
	}
	return ""
}

// release lets other processes have the file. The nil lock has nothing to let go of.
func (l *lockFile) release() error {
	if l == nil {
		return nil
	}
	_ = l.f.Truncate(0)
	unlock(l.f)
	return l.f.Close()
}
