package state

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	berrors "go.etcd.io/bbolt/errors"
)

// What can be wrong with the file. The errors that wrap these say what to do.
var (
	ErrLocked     = errors.New("state file is open in another process")
	ErrNewer      = errors.New("state file was written by a newer version")
	ErrDamaged    = errors.New("state file is damaged")
	ErrUnwritable = errors.New("state file cannot be written")
	ErrClosed     = errors.New("state file is closed")
)

// ErrStale refuses a write about a shipment that is not the one in flight: another worker has gone on meanwhile.
var ErrStale = errors.New("shipment is not the one in flight")

// fileError shows people its own text and still matches its kind and cause.
type fileError struct {
	kind, cause error // cause may be nil
	text        string
}

func (e *fileError) Error() string   { return e.text }
func (e *fileError) Unwrap() []error { return []error{e.kind, e.cause} }

func damaged(path string, cause error) error {
	return &fileError{ErrDamaged, cause, fmt.Sprintf("state file %s is damaged (%v): stop talkrelay, move the file aside and put back "+
		"a copy that 'talkrelay backup' made; without one talkrelay starts afresh with a silent first look: nothing is doubled, "+
		"but what waited in the file and what happened meanwhile is not reported", path, cause)}
}

// unwritable explains a failed write to path. max is the limit of size that was in force.
func unwritable(path string, max int64, cause error) error {
	text := fmt.Sprintf("cannot write state file %s: %v", path, reason(cause))
	switch {
	case errors.Is(cause, berrors.ErrMaxSizeReached):
		text = fmt.Sprintf("state file %s has reached its maximum size of %d MiB: raise max_size_mb or shorten retention in [state]", path, max>>20)
	case causedBy(cause, syscall.ENOSPC), causedBy(cause, syscall.EDQUOT):
		text += "; free some space on that disk"
	case causedBy(cause, syscall.EROFS):
		text += "; make its file system writable, or change path in [state]"
	case causedBy(cause, syscall.EACCES), causedBy(cause, syscall.EPERM):
		text += "; the file and its directory must belong to the user that talkrelay runs as, or change path in [state]"
	case causedBy(cause, syscall.ENOENT), causedBy(cause, syscall.ENOTDIR):
		text += "; make its directory, or change path in [state]"
	}
	return &fileError{ErrUnwritable, cause, text}
}

// reason leaves out the operation and path of a system error: during a compaction the path is a temporary one.
func reason(err error) error {
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return errno
	}
	return err
}

// causedBy also looks into the text, because bbolt wraps some system errors with %s.
func causedBy(err error, errno syscall.Errno) bool {
	return errors.Is(err, errno) || strings.Contains(err.Error(), errno.Error())
}
