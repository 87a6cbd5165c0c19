package sink

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// FileAdvice is what to do about a file that cannot be written; the setting that names it comes behind.
const FileAdvice = "let the user that runs talkrelay write there (under systemd: below the state directory), or correct "

// OpenFile opens a destination's file for reading and writing. One that is not there is made, for its owner alone, and its
// name is on the disk then.
func OpenFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return os.OpenFile(path, os.O_RDWR, 0)
	}
	if err != nil {
		return nil, err
	}
	return f, SyncName(path)
}

// SyncName brings a new name of a file onto the disk.
func SyncName(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// TryFile is for checks, which leave nothing behind: it tries whether OpenFile could open path, and returns path, or that of
// an empty file beside it if there is none yet, which done removes.
func TryFile(path string) (name string, done func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		_ = f.Close()
		return path, func() {}, err
	}
	if f, err = os.CreateTemp(filepath.Dir(path), ".talkrelay-check-*"); err != nil {
		return path, func() {}, err
	}
	_ = f.Close()
	return f.Name(), func() { _ = os.Remove(f.Name()) }, nil
}
