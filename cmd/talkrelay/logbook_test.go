package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// docs/logs.md is the one list of all messages that the daemon may log, with their levels and keys. The tests here keep
// the code to it, and what every daemon of every other test has written.

// logEntry is one message of the list.
type logEntry struct {
	level string
	keys  []string
}

// logbook is the list: messages and, by their names, the keys.
type logbook struct {
	messages map[string]logEntry
	keys     []string
}

var bookRow = regexp.MustCompile("^\\| `(.+?)` \\| (debug|info|warn|error) \\| ?([a-z_ ]*?) ?\\| (.+) \\| (.+) \\|$")
var bookKey = regexp.MustCompile("^\\| ((?:`[a-z_]+`(?:, )?)+) \\| [^|]+ \\|$")

func readLogbook(path string) (logbook, error) {
	data, err := os.ReadFile(path)
	b := logbook{messages: map[string]logEntry{}}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if m := bookRow.FindStringSubmatch(line); m != nil {
			if _, twice := b.messages[m[1]]; twice {
				return b, fmt.Errorf("%s: %q stands there twice", path, m[1])
			}
			b.messages[m[1]] = logEntry{level: m[2], keys: strings.Fields(m[3])}
		} else if m := bookKey.FindStringSubmatch(line); m != nil {
			for name := range strings.SplitSeq(m[1], ", ") {
				b.keys = append(b.keys, strings.Trim(name, "`"))
			}
		} else if strings.HasPrefix(line, "| `") {
			return b, fmt.Errorf("%s: a row that is neither a message nor a key: %s", path, line)
		}
	}
	return b, err
}

const (
	bookFile       = "../../docs/logs.md"
	bookFileKorean = "../../docs/logs.ko.md"
)

var theLogbook = sync.OnceValues(func() (logbook, error) { return readLogbook(bookFile) })

func openLogbook(t testing.TB) logbook {
	t.Helper()
	b, err := theLogbook()
	if err != nil || len(b.messages) == 0 || len(b.keys) == 0 {
		t.Fatalf("%s: %v, %d messages, %d keys", bookFile, err, len(b.messages), len(b.keys))
	}
	return b
}

// TestLogbooksAgree compares the two languages of the list, and its messages with its keys.
func TestLogbooksAgree(t *testing.T) {
	t.Parallel()
	en := openLogbook(t)
	ko, err := readLogbook(bookFileKorean)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(en.messages)) {
		if got, want := fmt.Sprint(ko.messages[name]), fmt.Sprint(en.messages[name]); got != want {
			t.Errorf("%q: %s in Korean, %s in English", name, got, want)
		}
	}
	if len(ko.messages) != len(en.messages) || !slices.Equal(ko.keys, en.keys) {
		t.Errorf("%d and %d messages, keys %q and %q", len(ko.messages), len(en.messages), ko.keys, en.keys)
	}
	used := map[string]bool{}
	for name, entry := range en.messages {
		for _, key := range entry.keys {
			used[key] = true
			if !slices.Contains(en.keys, key) {
				t.Errorf("%q has a key that the list does not explain: %s", name, key)
			}
		}
	}
	for _, key := range en.keys {
		if !used[key] {
			t.Errorf("no message has the key %s", key)
		}
	}
}

// check says what is wrong with one line of logfmt, "" if it is in the list.
func (b logbook) check(line string) string {
	fields, err := parseLogfmt(line)
	if err != nil {
		return err.Error()
	}
	var level, msg string
	var keys []string
	for _, f := range fields {
		switch f.key {
		case "time":
		case "level":
			level = strings.ToLower(f.value)
		case "msg":
			msg = f.value
		default:
			if slices.Contains(keys, f.key) {
				return "key twice: " + f.key
			}
			keys = append(keys, f.key)
		}
	}
	entry, ok := b.messages[msg]
	switch {
	case !ok:
		return "message not in " + bookFile
	case entry.level != level:
		return "level is " + entry.level + " in " + bookFile
	}
	for _, key := range keys {
		if !slices.Contains(entry.keys, key) {
			return "key not in " + bookFile + ": " + key
		}
	}
	return ""
}

type logField struct{ key, value string }

func parseLogfmt(line string) (fields []logField, err error) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimPrefix(line, " ") {
		key, rest, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("no logfmt: %s", line)
		}
		value := rest
		if strings.HasPrefix(rest, `"`) {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, err
			}
			value, err = strconv.Unquote(quoted)
			if err != nil {
				return nil, err
			}
			line = rest[len(quoted):]
		} else {
			value, _, _ = strings.Cut(rest, " ")
			line = rest[len(value):]
		}
		fields = append(fields, logField{key, value})
	}
	return fields, nil
}

// assertListed fails if a line of a daemon's output is a log line which is not in the list.
func assertListed(t testing.TB, output string) {
	t.Helper()
	b := openLogbook(t)
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "time=") || !strings.HasSuffix(line, "\n") { // a process that was killed in the middle of it
			continue
		}
		if wrong := b.check(line); wrong != "" {
			t.Errorf("%s\n%s", wrong, line)
		}
	}
}

// TestLogbookFindsStrangers: the check that all daemons of all tests go through can fail.
func TestLogbookFindsStrangers(t *testing.T) {
	t.Parallel()
	b := openLogbook(t)
	for line, want := range map[string]string{
		`level=INFO msg=started channels=1 sinks=2`:                           "",
		`time=2026-11-27T21:00:36Z level=WARN msg=config err="a \"b\" c=d e"`: "",
		`level=INFO msg="started today"`:                                      "message not in",
		`level=WARN msg=started`:                                              "level is info",
		`level=INFO msg=started customer=1`:                                   "key not in",
		`level=INFO msg=started sinks=1 sinks=2`:                              "key twice",
		`level=INFO msg="star`:                                                "invalid syntax",
		`panic: no`:                                                           "no logfmt",
	} {
		if got := b.check(line); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
