// Package jsonl writes events into a file, a line of JSON each, exactly once.
//
// A line is on the disk (fsync) before it counts as delivered. What was being written when the process or the machine
// died is found again: every Send looks at the end of the file first, takes off a torn line, and writes its lines over
// those of them that stand there. Files are rotated by size and by day, never between two tries of the same lines.
package jsonl

import (
	"context"

	"talkrelay/sink"
)

const (
	block   = "sink.jsonl" // in the config file
	opWrite = "write to the file"

	// MaxItems is how many lines are written, and synced, at once.
	MaxItems = 500
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

// Prepare renders as many of items as are to be written at once.
func (s *Sink) Prepare(id string, items []sink.Item, _ string) ([]byte, int, error) {
	return s.cfg.Records(id, items, MaxItems)
}

// Send writes the lines of m that the file does not hold yet.
func (s *Sink) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return "", &sink.Error{Verdict: sink.Retry, Op: opWrite, Reason: "stopped before it was written", Err: err}
	}
	f, err := sink.OpenFile(s.cfg.Path)
	if err != nil {
		return "", &sink.Error{Verdict: sink.PauseDestination, Op: opWrite, Reason: sink.FileAdvice + "path of " + s.cfg.Named(block), Err: err}
	}
	defer func() { _ = f.Close() }() // what matters is synced
	if err := s.write(f, m.Body); err != nil {
		// Whatever is in the file by now, the next Send finds it.
		return "", &sink.Error{Op: opWrite, Reason: "make room on its disk, or correct path of " + s.cfg.Named(block), Err: err, Answered: true}
	}
	return sink.Receipt(m.ID), nil
}

// Resolve is never asked: to write again is to look.
func (s *Sink) Resolve(context.Context, sink.Message) (sink.Receipt, bool, error) {
	return "", false, nil
}

// Check tries whether the file can be written to, and leaves it as it is.
func (s *Sink) Check(context.Context) []sink.Finding {
	_, done, err := sink.TryFile(s.cfg.Path)
	defer done()
	if err != nil {
		return []sink.Finding{{Name: "file", Text: err.Error(), Fix: sink.FileAdvice + "path of " + s.cfg.Named(block)}}
	}
	return []sink.Finding{{Name: "file", OK: true, Text: s.cfg.Path}}
}
