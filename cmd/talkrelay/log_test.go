package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"talkrelay"
)

// TestLogKeepsSecretsAndCustomersOut logs what nobody should, in both formats.
func TestLogKeepsSecretsAndCustomersOut(t *testing.T) {
	t.Parallel()
	user := talkrelay.User{Name: "홍길동"}
	user.MobileNumber = "+821012345678"
	secrets := []string{"xoxb-1234", "xoxb-1234-longer", `pa"ss\word`, "abc"}
	tests := []struct {
		name string
		attr slog.Attr
		want string // in the line
		not  []string
	}{
		{"token in an error", slog.String("err", "post with xoxb-1234: 401"), "(secret)", nil},
		{"token that begins with another", slog.String("err", "xoxb-1234-longer"), "(secret)", []string{"-longer"}},
		{"secret that is quoted", slog.String("err", `with pa"ss\word`), "(secret)", []string{"ss", "word"}},
		{"too short to be told from words", slog.String("err", "abcdef"), "abcdef", nil},
		{"phone in an error", slog.Any("err", errors.New("user +821012345678: 404")), "404", []string{"12345678"}},
		{"struct", slog.Any("event", user), "(talkrelay.User)", []string{"홍길동", "1234"}},
		{"struct as the error", slog.Any("err", user), "(talkrelay.User)", []string{"홍길동", "1234"}},
		{"pointer in a group", slog.Group("g", slog.Any("user", &user)), "(*talkrelay.User)", []string{"홍길동"}},
		{"texts of a list", slog.Any("event", []string{"홍길동"}), "([]string)", []string{"홍길동"}},
		{"error under another key", slog.Any("event", errors.New("홍길동")), "errorString", []string{"홍길동"}},
		{"scalars", slog.Duration("next_try", 5*time.Second), "5", nil},
	}
	for _, format := range []string{"logfmt", "json"} {
		for _, test := range tests {
			var out bytes.Buffer
			newLogger(&out, logConfig{Format: format}, secrets).With("sink", "alerts").LogAttrs(t.Context(), slog.LevelWarn, "send", test.attr)
			line := out.String()
			if !strings.Contains(line, test.want) || strings.Count(line, "\n") != 1 || !strings.Contains(line, "alerts") {
				t.Errorf("%s, %s: want %q in one line:\n%s", format, test.name, test.want, line)
			}
			for _, not := range append(test.not, "xoxb-1234", "+8210") {
				if strings.Contains(line, not) {
					t.Errorf("%s, %s: %q is in:\n%s", format, test.name, not, line)
				}
			}
		}
	}
}

func TestLogForTheJournal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newLogger(&out, logConfig{Journal: true}, nil)
	log.Debug("left out")
	log.Info("started")
	log.Warn("paused")
	log.Error("undone", "err", "line one\nline two")
	want := "<6>level=INFO msg=started\n<4>level=WARN msg=paused\n<3>level=ERROR msg=undone err=\"line one\\nline two\"\n"
	if out.String() != want {
		t.Errorf("got:\n%swant:\n%s", out.String(), want)
	}
}

func TestUnderJournal(t *testing.T) {
	t.Parallel()
	f, err := os.Create(t.TempDir() + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	for stream, want := range map[string]bool{
		fmt.Sprintf("%d:%d", st.Dev, st.Ino):   true,
		fmt.Sprintf("%d:%d", st.Dev, st.Ino+1): false, // stderr is redirected
		"":                                     false,
		"x:y":                                  false,
	} {
		if got := underJournal(f, func(string) string { return stream }); got != want {
			t.Errorf("JOURNAL_STREAM=%q: %t", stream, got)
		}
	}
}
