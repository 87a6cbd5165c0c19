// Package jsonl writes events into a file, a line of JSON each, exactly once.
//
// A line is on the disk (fsync) before it counts as delivered. What was being written when the process or the machine
// died is found again: every Send looks at the end of the file first, finishes what is there of its lines, and takes
// off a torn line. Files are rotated by size and by day, never between two tries of the same lines.
package jsonl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"talkrelay"
	"talkrelay/sink"
)

const (
	opWrite = "write to the file"

	// MaxItems is how many lines are written, and synced, at once.
	MaxItems = 500
	maxBody  = 4 << 20 // bytes of lines after which no other is added
)

// Sink writes to one file. It implements sink.Sink.
type Sink struct{ cfg Config }

var _ sink.Sink = (*Sink)(nil)

// New returns a sink. It touches no file.
func New(cfg Config) (*Sink, error) {
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, problems
	}
	cfg.Options = cfg.Defaults()
	return &Sink{cfg}, nil
}

// Wait returns at once: a disk has no pace.
func (s *Sink) Wait(ctx context.Context) error { return ctx.Err() }

// line is what the file holds of one delivery: fields are added, never renamed or reused.
type line struct {
	Delivery string `json:"delivery"` // all lines written at once have the same
	Route    string `json:"route,omitempty"`
	talkrelay.Event
}

// Prepare renders as many of items as are to be written at once.
func (s *Sink) Prepare(id string, items []sink.Item, _ string) (body []byte, n int, err error) {
	for n < len(items) && n < MaxItems && len(body) < maxBody {
		e := items[n].Event
		if s.cfg.Mask {
			e = sink.MaskEvent(e)
		}
		text, err := json.Marshal(line{id, items[n].Route, e})
		if err != nil && n == 0 {
			return nil, 0, fmt.Errorf("render the event as JSON: %w", err)
		}
		if err != nil { // it is the first of the next lines, and fails alone
			break
		}
		body = append(append(body, text...), '\n')
		n++
	}
	if n == 0 {
		return nil, 0, errors.New("render lines: nothing to render")
	}
	return body, n, nil
}

// Send writes the lines of m that the file does not hold yet.
func (s *Sink) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return "", &sink.Error{Verdict: sink.Retry, Op: opWrite, Reason: "stopped before it was written", Err: err}
	}
	err := s.write(m.Body)
	var e *sink.Error
	switch {
	case err == nil:
		return sink.Receipt(m.ID), nil
	case errors.As(err, &e):
		return "", e
	}
	// Whatever is in the file by now, the next Send finds it.
	return "", &sink.Error{Op: opWrite, Reason: "make room on its disk, or correct path of " + s.named(), Err: err, Answered: true}
}

// Resolve is never asked: to write again is to look.
func (s *Sink) Resolve(context.Context, sink.Message) (sink.Receipt, bool, error) {
	return "", false, nil
}

// Check tries whether the file can be written to, and leaves it as it is.
func (s *Sink) Check(context.Context) []sink.Finding {
	f, err := os.OpenFile(s.cfg.Path, os.O_WRONLY|os.O_APPEND, 0)
	if errors.Is(err, os.ErrNotExist) {
		if f, err = os.CreateTemp(filepath.Dir(s.cfg.Path), ".talkrelay-check-*"); err == nil {
			defer os.Remove(f.Name())
		}
	}
	if err != nil {
		return []sink.Finding{{Name: "file", Text: err.Error(), Fix: s.advice()}}
	}
	_ = f.Close()
	return []sink.Finding{{Name: "file", OK: true, Text: s.cfg.Path}}
}

// named names the sink as the config file does.
func (s *Sink) named() string { return fmt.Sprintf("sink.jsonl %q", s.cfg.Name) }

func (s *Sink) advice() string {
	return "let the user that runs talkrelay write there (under systemd: below the state directory), or correct path of " + s.named()
}

// ending says what the end of a file holds of body.
type ending struct {
	keep    int64 // the file is good up to here; what follows is a torn line
	written int   // bytes of body that stand before keep
	open    bool  // the last line is whole but for its line break
}

// examine looks at the end of a file. tail is its last part, longer than body unless it is the whole file, and begins
// at offset from.
func examine(tail []byte, from int64, body []byte) ending {
	size := from + int64(len(tail))
	last := 0 // where the last line begins
	for i := 0; i < len(tail); i++ {
		if i > 0 && tail[i-1] != '\n' || i == 0 && from > 0 {
			continue
		}
		if last = i; bytes.HasPrefix(body, tail[i:]) {
			return ending{keep: size, written: len(tail) - i}
		}
	}
	switch {
	case len(tail) == 0 || tail[len(tail)-1] == '\n':
		return ending{keep: size}
	case json.Valid(tail[last:]):
		return ending{keep: size, open: true}
	}
	before := examine(tail[:last], from, body) // lines of body may stand whole before the torn one
	return ending{keep: from + int64(last), written: before.written}
}
