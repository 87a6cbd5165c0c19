package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// typist reads what somebody types, a line at a time and no byte beyond it, so that echo can be off for just one line.
type typist struct {
	in  io.Reader
	out io.Writer
}

// maxTyped bounds a line. No key is that long.
const maxTyped = 16 << 10

// line reads one line, without the white space around it. With hidden it does not show on a terminal. The error is the
// context's, or io.EOF where nothing is typed any more.
func (t typist) line(ctx context.Context, hidden bool) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	read, restore := t.readLine, func() {}
	if f, ok := t.in.(*os.File); ok && hidden && term.IsTerminal(int(f.Fd())) {
		before, err := term.GetState(int(f.Fd()))
		if err != nil {
			return "", fmt.Errorf("read terminal: %w", err)
		}
		read, restore = func() (string, error) { return t.readHidden(f) }, func() { _ = term.Restore(int(f.Fd()), before) }
	}
	type typed struct {
		text string
		err  error
	}
	done := make(chan typed, 1)
	go func() { // cannot be interrupted: when the context ends, so does the process
		text, err := read()
		done <- typed{text, err}
	}()
	select {
	case <-ctx.Done():
		restore()
		return "", ctx.Err()
	case got := <-done:
		if err := ctx.Err(); err != nil { // at the same instant
			return "", err
		}
		return strings.TrimSpace(got.text), got.err
	}
}

func (t typist) readHidden(f *os.File) (string, error) {
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(t.out) // the line break was not shown either
	return string(b), err
}

func (t typist) readLine() (string, error) {
	var text []byte
	one := make([]byte, 1)
	for {
		n, err := t.in.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			return string(text), nil
		case n == 1:
			if text = append(text, one[0]); len(text) > maxTyped {
				return "", errors.New("the line is too long")
			}
		case err == io.EOF && len(text) > 0:
			return string(text), nil
		case err != nil:
			return "", err
		}
	}
}
