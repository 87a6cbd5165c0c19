package jsonl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"talkrelay/sink"
)

// write brings body to the end of the file and onto the disk.
func (s *Sink) write(body []byte) error {
	f, err := s.open()
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // what matters is synced
	end, err := lookAtEnd(f, body)
	if err != nil {
		return err
	}
	if end.written == 0 && s.due(f, end.keep, len(body)) {
		_ = f.Close()
		if err := s.rotate(time.Now()); err != nil {
			return err
		}
		if f, err = s.open(); err != nil {
			return err
		}
		end = ending{}
	}
	return extend(f, end, body)
}

// open opens the file, and makes it if it is not there.
func (s *Sink) open() (*os.File, error) {
	f, err := os.OpenFile(s.cfg.Path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return f, syncDir(s.cfg.Path)
	}
	if errors.Is(err, os.ErrExist) {
		f, err = os.OpenFile(s.cfg.Path, os.O_RDWR, 0)
	}
	if err != nil {
		return nil, &sink.Error{Verdict: sink.PauseDestination, Op: opWrite, Reason: s.advice(), Err: err}
	}
	return f, nil
}

// lookAtEnd reads as much of the end of f as is needed to know it: more than body, and a whole line.
func lookAtEnd(f *os.File, body []byte) (ending, error) {
	info, err := f.Stat()
	if err != nil {
		return ending{}, err
	}
	size := info.Size()
	for want := int64(len(body)) + 1; ; want *= 2 {
		from := max(0, size-want)
		tail := make([]byte, size-from)
		if _, err := f.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
			return ending{}, err
		}
		if from == 0 || bytes.IndexByte(tail, '\n') >= 0 {
			return examine(tail, from, body), nil
		}
	}
}

// extend writes what is missing of body. If that fails the file is cut back: after a failed sync the system may take
// for written what is not.
func extend(f *os.File, end ending, body []byte) error {
	if err := f.Truncate(end.keep); err != nil {
		return err
	}
	rest := body[end.written:]
	if end.open {
		rest = append([]byte{'\n'}, rest...)
	}
	_, err := f.WriteAt(rest, end.keep)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		_ = f.Truncate(end.keep - int64(end.written)) // if this fails too, the next look finds what there is
	}
	return err
}

// due reports whether the file, of that size, is to be rotated before n bytes are added.
func (s *Sink) due(f *os.File, size int64, n int) bool {
	info, err := f.Stat()
	if err != nil || size == 0 {
		return false
	}
	day := func(t time.Time) string { return t.In(s.cfg.Location).Format(time.DateOnly) }
	return s.cfg.MaxSize > 0 && size+int64(n) > s.cfg.MaxSize || s.cfg.Daily && day(info.ModTime()) != day(time.Now())
}

// rotate gives the file the name of the moment, and removes those that are too old.
func (s *Sink) rotate(now time.Time) error {
	base := strings.TrimSuffix(s.cfg.Path, suffix)
	name := base + now.In(s.cfg.Location).Format("-20060102-150405")
	free := name + suffix
	for n := 2; exists(free); n++ {
		free = fmt.Sprintf("%s.%d%s", name, n, suffix)
	}
	if err := os.Rename(s.cfg.Path, free); err != nil {
		return err
	}
	s.removeOld(now)
	return syncDir(s.cfg.Path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// removeOld removes rotated files last written longer ago than Keep. What cannot be removed now is tried again at the
// next rotation.
func (s *Sink) removeOld(now time.Time) {
	if s.cfg.Keep == 0 {
		return
	}
	dir, base := filepath.Dir(s.cfg.Path), strings.TrimSuffix(filepath.Base(s.cfg.Path), suffix)
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		rest, ours := strings.CutPrefix(entry.Name(), base)
		info, err := entry.Info()
		if ours && stamped.MatchString(rest) && err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > s.cfg.Keep {
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}

// stamped is what follows the base name of a rotated file.
var stamped = regexp.MustCompile(`^-\d{8}-\d{6}(\.\d+)?\.jsonl$`)

// syncDir brings a new name onto the disk.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
