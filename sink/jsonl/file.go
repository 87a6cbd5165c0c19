package jsonl

import (
	"bytes"
	"encoding/json"
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
func (s *Sink) write(f *os.File, body []byte) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end, err := takeOffTorn(f, info.Size(), len(body))
	if err != nil {
		return err
	}
	there := standing(end, body)
	if there > 0 || len(end) == 0 || !s.due(info, len(body)) {
		return extend(f, end, there, body)
	}
	if err := s.rotate(time.Now()); err != nil {
		return err
	}
	if f, err = sink.OpenFile(s.cfg.Path); err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return extend(f, nil, 0, body)
}

// takeOffTorn cuts a file of that size off behind its last whole line and returns the end of what is left: more than n
// bytes, unless it is all. A last line that is whole but for its line break stays.
func takeOffTorn(f *os.File, size int64, n int) (end []byte, err error) {
	for want := int64(n) + 1; ; want *= 2 {
		from := max(0, size-want)
		end = make([]byte, size-from)
		if _, err := f.ReadAt(end, from); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		switch whole := bytes.LastIndexByte(end, '\n') + 1; {
		case whole == 0 && from > 0: // not a line yet
		case whole == len(end) || json.Valid(end[whole:]):
			return end, nil
		default:
			return end[:whole], f.Truncate(from + int64(whole))
		}
	}
}

// standing returns how many bytes of body stand at the end of a file, in whole lines but for the last line break.
func standing(end, body []byte) int {
	for n := len(body); n > 0; n = bytes.LastIndexByte(body[:n-1], '\n') + 1 {
		switch {
		case bytes.HasSuffix(end, body[:n]):
			return n
		case bytes.HasSuffix(end, body[:n-1]):
			return n - 1
		}
	}
	return 0
}

// extend writes body over the first bytes of it that stand there already: after a sync that failed the system may take for
// written what is not.
func extend(f *os.File, end []byte, there int, body []byte) error {
	if end = end[:len(end)-there]; len(end) > 0 && end[len(end)-1] != '\n' {
		body = append([]byte{'\n'}, body...)
	}
	begin, err := f.Seek(-int64(there), io.SeekEnd)
	if err == nil {
		_, err = f.Write(body)
	}
	if err == nil {
		return f.Sync()
	}
	_ = f.Truncate(begin) // others read the file too; a torn line that stays the next look finds
	return err
}

// due reports whether the file is to be rotated before n bytes are added.
func (s *Sink) due(file os.FileInfo, n int) bool {
	day := func(t time.Time) string { return t.In(s.cfg.Location).Format(time.DateOnly) }
	return s.cfg.MaxSize > 0 && file.Size()+int64(n) > s.cfg.MaxSize || s.cfg.Daily && day(file.ModTime()) != day(time.Now())
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
	if s.cfg.Keep > 0 {
		removeOld(base, now.Add(-s.cfg.Keep))
	}
	return sink.SyncName(s.cfg.Path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// removeOld removes files that base was rotated into and that were last written before then. What cannot be removed now is
// tried again at the next rotation.
func removeOld(base string, then time.Time) {
	rotated := regexp.MustCompile("^" + regexp.QuoteMeta(filepath.Base(base)) + `-\d{8}-\d{6}(\.\d+)?\.jsonl$`)
	entries, _ := os.ReadDir(filepath.Dir(base))
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && rotated.MatchString(entry.Name()) && info.Mode().IsRegular() && info.ModTime().Before(then) {
			_ = os.Remove(filepath.Join(filepath.Dir(base), entry.Name()))
		}
	}
}
