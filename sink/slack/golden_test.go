package slack_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/slack"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenEvents are what the golden files show, by the names they have there.
func goldenEvents() map[string]talkrelay.Event {
	opened := sink.SampleEvents()[0]
	opened.Assignee = talkrelay.Person{}
	opened.Message.Files = 0
	opened.Chat.HandlingType = ""

	reopened := opened
	reopened.Chat.Reopened = true
	reopened.Assignee = talkrelay.Person{ID: "7", Name: "김상담"}
	reopened.Message.Files = 2

	alf := opened
	alf.Chat.HandlingType = "alf"
	alf.Message = talkrelay.Message{PersonType: "bot", Text: "안녕하세요! 무엇을 도와드릴까요?"}

	bare := talkrelay.Event{ID: "bare", Kind: talkrelay.UserChatOpened, At: opened.At, Chat: talkrelay.Chat{ID: "6641a7e0c5"}}

	samples := sink.SampleEvents()
	note := samples[13]
	note.Message.Private, note.Message.Files = true, 0
	return map[string]talkrelay.Event{
		"assigned": samples[3], "tagged": samples[4], "replied": samples[5], "snoozed": samples[6], "closed": samples[7],
		"message": samples[13], "note": note, "team-message": samples[14], "waiting": samples[8], "subscription": samples[9], "deleted": samples[11],
		"opened": opened, "reopened": reopened, "alf": alf, "bare": bare,
		"changed": sink.SampleEvents()[1], "added": sink.SampleEvents()[2],
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for _, lang := range sink.Languages() {
		s := f.sink(func(c *slack.Config) {
			c.Language, c.Mention = lang, "<!subteam^S0CS>"
			c.WaitingMentions = []string{"", "<!here>", "<!channel>"}
		})
		for name, e := range goldenEvents() {
			t.Run(string(lang)+"/"+name, func(t *testing.T) {
				t.Parallel()
				body, err := s.Render(shipment, sink.Item{Event: e}, "", e.At.Add(2*time.Minute))
				if err != nil {
					t.Fatal(err)
				}
				golden(t, name+"."+string(lang)+".golden.json", readable(t, body))
			})
		}
	}
}

func TestGoldenUnmasked(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(func(c *slack.Config) { c.Mask = ptr(false) })
	e := goldenEvents()["opened"]
	body, err := s.Render(shipment, sink.Item{Event: e}, "", e.At.Add(2*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "unmasked.ko.golden.json", readable(t, body))
}

func TestGoldenPlain(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(func(c *slack.Config) { c.Mention = "<!here>" })
	e := goldenEvents()["opened"]
	body, err := s.Render(shipment, sink.Item{Event: e}, slack.FormPlain, e.At.Add(2*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "plain.ko.golden.json", readable(t, body))
}

// readable shows a body as JSON with its parts decoded.
func readable(t *testing.T, body []byte) []byte {
	t.Helper()
	form, err := url.ParseQuery(string(body))
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]any)
	for key := range form {
		out[key] = form.Get(key)
		if key == "blocks" || key == "metadata" {
			out[key] = json.RawMessage(form.Get(key))
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		t.Fatal(err)
	}
	return unescapeHTML(b.Bytes())
}

// unescapeHTML shows < > & as they are: inside a RawMessage they stay as json.Marshal wrote them.
func unescapeHTML(b []byte) []byte {
	for escaped, plain := range map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&"} {
		b = bytes.ReplaceAll(b, []byte(escaped), []byte(plain))
	}
	return b
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with -update, then read it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
