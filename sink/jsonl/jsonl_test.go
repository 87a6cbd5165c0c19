package jsonl_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/jsonl"
	"talkrelay/sink/sinktest"
)

func newSink(t *testing.T, c jsonl.Config) *jsonl.Sink {
	t.Helper()
	c.Name = "archive"
	s, err := jsonl.New(c)
	return sinktest.Must(t, s, err)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return data
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sinktest.RunPlace(t, func(t *testing.T) sinktest.Place {
		dir, away := sinktest.Dir(t)
		path := filepath.Join(dir, "events.jsonl")
		return sinktest.Place{
			New: func() sink.Sink {
				return newSink(t, jsonl.Config{Path: path, Options: sink.Options{Mask: true}})
			},
			Count: func() int {
				data := read(t, path)
				for line := range bytes.Lines(data) {
					if !json.Valid(line) {
						t.Errorf("no JSON: %q", line)
					}
				}
				return bytes.Count(data, []byte("\n"))
			},
			Break: away,
		}
	})
}

func message(t *testing.T, s sink.Sink, id string, events ...string) sink.Message {
	t.Helper()
	var opened []talkrelay.Event
	for _, e := range events {
		opened = append(opened, talkrelay.Event{ID: e, Kind: talkrelay.UserChatOpened})
	}
	return sinktest.Message(t, s, id, opened...)
}

// Wherever the machine dies in a write, and whatever stands in the blocks that were not written, the lines stand there once.
func TestTornWrites(t *testing.T) {
	t.Parallel()
	for name, first := range map[string][]string{"alone": nil, "after others": {"e0"}} {
		for _, torn := range []string{"", "\x00\x00\x00\x00", `{"delivery":"`} {
			t.Run(name+fmt.Sprintf(" %q", torn), func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "events.jsonl")
				s := newSink(t, jsonl.Config{Path: path})
				var before []byte
				if first != nil {
					before = message(t, s, "before", first...).Body
				}
				m := message(t, s, "id", "e1", "e2", "e3")
				for cut := range len(m.Body) + 1 {
					if torn != "" && cut == len(m.Body) {
						continue // nothing is torn
					}
					if len(torn) > len(m.Body)-cut {
						continue // no write makes a file longer than it would become
					}
					whole := string(before) + string(m.Body[:cut]) + torn
					if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
						t.Fatal(err)
					}
					if _, err := s.Send(t.Context(), m); err != nil {
						t.Fatalf("cut at %d: %v", cut, err)
					}
					if got := read(t, path); string(got) != string(before)+string(m.Body) {
						t.Fatalf("cut at %d:\n%q\nwant\n%q", cut, got, string(before)+string(m.Body))
					}
				}
			})
		}
	}
}

// A torn line of another delivery, which was dropped meanwhile, is taken off; a whole one that only lacks its line break stays.
func TestForeignEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.jsonl")
	s := newSink(t, jsonl.Config{Path: path})
	m := message(t, s, "id", "e1")
	for end, want := range map[string]string{
		"{\"a\":1}\n" + strings.Repeat(`{"torn":"`, 1000): "{\"a\":1}\n" + string(m.Body),
		`{"torn":"`:              string(m.Body),
		"{\"a\":1}\n{\"b\":2}":   "{\"a\":1}\n{\"b\":2}\n" + string(m.Body),
		"not ours\nbut a line\n": "not ours\nbut a line\n" + string(m.Body),
	} {
		if err := os.WriteFile(path, []byte(end), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if got := string(read(t, path)); got != want {
			t.Errorf("after %.40q: got %q, want %q", end, got, want)
		}
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Size and day begin a new file, but never between two tries of the same lines; what is too old goes.
func TestRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "events.jsonl")
	s := newSink(t, jsonl.Config{Path: path, MaxSize: 300, Daily: true, Keep: 48 * time.Hour})
	send := func(m sink.Message) {
		t.Helper()
		if _, err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	age := func(path string, d time.Duration) {
		t.Helper()
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-d)); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 6 {
		send(message(t, s, fmt.Sprint("id", n), fmt.Sprint("e", n)))
	}
	all := files(t, dir)
	if len(all) < 3 {
		t.Fatalf("no rotation by size: %q", all)
	}
	for _, f := range all {
		if info, err := os.Stat(f); err != nil || info.Size() > 300 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Size(), info.Mode())
		}
	}
	last := message(t, s, "last", "e6")
	send(last)
	age(path, 24*time.Hour)
	before := len(files(t, dir))
	send(last) // again: it is there
	if n := len(files(t, dir)); n != before || bytes.Count(read(t, path), []byte(`"e6"`)) != 1 {
		t.Errorf("a second try was taken for something new: %d files, %q", n, read(t, path))
	}
	for _, f := range files(t, dir) {
		if f != path {
			age(f, 49*time.Hour)
		}
	}
	other := filepath.Join(dir, "events-of-mine.jsonl")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	age(other, 1000*time.Hour)
	age(path, 24*time.Hour)
	send(message(t, s, "next", "e7"))
	if got := files(t, dir); len(got) != 3 { // what was just rotated, the new one, and what is not ours
		t.Errorf("after the day's end: %q", got)
	}
}

// What a kill left of a line that nobody sends any more goes before its file is rotated, and does not keep it from that.
func TestTornLineBeforeRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "events.jsonl")
	if err := os.WriteFile(path, []byte("{\"a\":1}\n{\"torn\":"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	s := newSink(t, jsonl.Config{Path: path, Daily: true})
	m := message(t, s, "id", "e1")
	if _, err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	all := files(t, dir)
	if len(all) != 2 || string(read(t, path)) != string(m.Body) {
		t.Fatalf("%q, new file %q", all, read(t, path))
	}
	if got := string(read(t, all[0])); got != "{\"a\":1}\n" {
		t.Errorf("rotated file: %q", got)
	}
}

// With mask no line shows a phone number or an e-mail address, and nothing is left of Channel Talk's own objects.
func TestMask(t *testing.T) {
	t.Parallel()
	e := sink.SampleEvents()[1]
	e.Message.Text = "call 010-1234-5678"
	e.Envelope = json.RawMessage(`{"entity":{"mobileNumber":"+821012345678"}}`)
	for _, mask := range []bool{true, false} {
		s := newSink(t, jsonl.Config{Path: filepath.Join(t.TempDir(), "x.jsonl"), Options: sink.Options{Mask: mask}})
		body, _, err := s.Prepare("id", []sink.Item{{Event: e}}, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{e.User.MobileNumber, e.User.Email, e.Old.MobileNumber, "1234-5678"} {
			if strings.Contains(string(body), secret) == mask {
				t.Errorf("mask %t: %q in %s", mask, secret, body)
			}
		}
	}
	if e.User.Email != sink.SampleEvents()[1].User.Email || e.User.Profile["grade"] != "gold" {
		t.Error("masking changed the event")
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if f := newSink(t, jsonl.Config{Path: filepath.Join(dir, "x.jsonl")}).Check(t.Context()); !f[0].OK || len(files(t, dir)) != 0 {
		t.Errorf("%+v, %q", f, files(t, dir))
	}
	if f := newSink(t, jsonl.Config{Path: filepath.Join(dir, "no", "x.jsonl")}).Check(t.Context()); f[0].OK || f[0].Fix == "" {
		t.Errorf("%+v", f)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for key, c := range map[string]jsonl.Config{
		"path":        {},
		"max_size_mb": {Path: "x.jsonl", MaxSize: -1},
		"keep":        {Path: "x.jsonl", Keep: time.Second},
		"timeout":     {Path: "x.jsonl", Options: sink.Options{Timeout: time.Hour}},
	} {
		if p := c.Validate(); len(p) != 1 || p[0].Key != key {
			t.Errorf("%s: %v", key, p)
		}
	}
	if p := (jsonl.Config{Path: "events.txt"}).Validate(); len(p) != 1 {
		t.Errorf("events.txt: %v", p)
	}
}
