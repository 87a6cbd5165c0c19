package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"talkrelay"
)

// logConfig says how lines are written.
type logConfig struct {
	Format  string // "logfmt" (default) or "json"
	Journal bool   // prefix each line with its syslog priority and leave the time to the journal
	Verbose bool   // debug lines too
}

// newLogger returns a logger on w whose lines never hold one of the secrets. Attributes are meant to be scalars: of
// anything else only the type is printed, since what is inside could be customer data.
func newLogger(w io.Writer, cfg logConfig, secrets []string) *slog.Logger {
	out := &lineWriter{w: w, secrets: replacer(secrets), journal: cfg.Journal}
	opts := &slog.HandlerOptions{ReplaceAttr: cfg.replaceAttr}
	if cfg.Verbose {
		opts.Level = slog.LevelDebug
	}
	var inner slog.Handler = slog.NewTextHandler(&out.buf, opts)
	if cfg.Format == "json" {
		inner = slog.NewJSONHandler(&out.buf, opts)
	}
	return slog.New(&lineHandler{out: out, inner: inner})
}

func (cfg logConfig) replaceAttr(groups []string, a slog.Attr) slog.Attr {
	switch {
	case cfg.Journal && a.Key == slog.TimeKey && len(groups) == 0:
		return slog.Attr{}
	case a.Key == "err" && a.Value.Kind() == slog.KindString:
		a.Value = slog.StringValue(talkrelay.MaskText(a.Value.String()))
	case a.Value.Kind() == slog.KindAny:
		a.Value = discreet(a.Key, a.Value.Any())
	}
	return a
}

// discreet returns what may be printed of a value that is no scalar: levels, the words of an error under "err", and of
// anything else its type.
func discreet(key string, x any) slog.Value {
	if level, ok := x.(slog.Level); ok {
		return slog.AnyValue(level)
	}
	if err, ok := x.(error); ok && key == "err" {
		return slog.StringValue(talkrelay.MaskText(err.Error()))
	}
	return slog.StringValue(fmt.Sprintf("(%T)", x))
}

// replacer blanks every secret of at least four characters; shorter ones would blank ordinary text. A secret is also
// looked for in the form that a quoted value gives it, and the longest first, since one may begin with another.
func replacer(secrets []string) *strings.Replacer {
	var forms []string
	for _, s := range secrets {
		if quoted := strconv.Quote(s); len(s) >= 4 {
			forms = append(forms, s, quoted[1:len(quoted)-1])
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, form := range forms {
		pairs = append(pairs, form, "(secret)")
	}
	return strings.NewReplacer(pairs...)
}

// lineHandler renders through inner into the line writer's buffer, then sends the line off with its level.
type lineHandler struct {
	out   *lineWriter
	inner slog.Handler
}

// lineWriter owns the buffer that all handlers of one logger render into.
type lineWriter struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	w       io.Writer
	secrets *strings.Replacer
	journal bool
}

func (h *lineHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.inner.Enabled(ctx, l) }

func (h *lineHandler) Handle(ctx context.Context, r slog.Record) error {
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	h.out.buf.Reset()
	if h.out.journal {
		fmt.Fprintf(&h.out.buf, "<%d>", priority(r.Level))
	}
	if err := h.inner.Handle(ctx, r); err != nil {
		return err
	}
	_, err := h.out.secrets.WriteString(h.out.w, h.out.buf.String())
	return err
}

func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lineHandler{out: h.out, inner: h.inner.WithAttrs(attrs)}
}

func (h *lineHandler) WithGroup(name string) slog.Handler {
	return &lineHandler{out: h.out, inner: h.inner.WithGroup(name)}
}

// priority is the syslog priority that journald reads from the prefix of a line.
func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}

// underJournal reports whether f is connected to the journal: systemd names the stream's device and inode.
func underJournal(f *os.File, getenv func(string) string) bool {
	var dev, ino uint64
	if n, _ := fmt.Sscanf(getenv("JOURNAL_STREAM"), "%d:%d", &dev, &ino); n != 2 {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && uint64(st.Dev) == dev && st.Ino == ino // Dev is an int32 on macOS, where there is no journal but a demo
}
