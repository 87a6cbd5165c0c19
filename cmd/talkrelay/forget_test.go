package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"talkrelay"
	"talkrelay/sandbox"
)

func TestIdentity(t *testing.T) {
	t.Parallel()
	contact := talkrelay.Contact{Email: "Kim@Example.com", MobileNumber: "+821012345678", LandlineNumber: "+81312345678"}
	for text, want := range map[string]bool{
		"u1": true, "010-1234-5678": true, "+82 10 1234 5678": true, "821012345678": true, "03-1234-5678": true, "kim@example.com ": true,
		"u": false, "5678": false, "010-1234-5679": false, "kim@example.org": false, "12345678": false,
	} {
		if got := newIdentity(text).is("u1", contact); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	if newIdentity("0000000").is("", talkrelay.Contact{}) {
		t.Error("a customer without contact is everybody")
	}
}

// TestForgetCommand erases a customer who was delivered to the sheet and waits for Slack.
func TestForgetCommand(t *testing.T) {
	t.Parallel()
	r := newRig(t, slices.Concat(hurried, inEnglish)...)
	p := r.start()
	r.awaitBaseline(p)
	r.world.Slack.SetTokenError("token_revoked")
	known := r.channel.AddUser(canary)
	r.channel.OpenChat(known, canaryText, sandbox.Opening{})
	r.customer("이영희", "다른 문의")
	r.awaitOutput(`(?m)이\S+ .*inquiries$`, "events")

	code, out, errs := here(t, "forget", "--config", r.config, "--yes", "010-0000-0000")
	if code != exitFailed || !strings.Contains(errs, "nothing is known of this customer") {
		t.Errorf("a stranger: exit code %d\n%s%s", code, out, errs)
	}
	forget := r.start("forget", "--config", r.config, "010-5551-2345") // asks, and reads the end of its input
	if code := forget.wait(patience); code != exitFailed {
		t.Errorf("exit code %d\n%s", code, forget.log())
	}
	for _, want := range []string{"Would be erased: 1 events, 1 waiting deliveries, 0 dead letters, contact fields of 1 customers.", "nothing was erased"} {
		if !strings.Contains(forget.log(), want) {
			t.Errorf("no %q in:\n%s", want, forget.log())
		}
	}
	known.Delete() // else the next poll would read the contact fields again
	r.awaitPoll(p)
	r.mustMatch(r.outputOf("forget", "--yes", "010-5551-2345"), `^Erased: 1 events, 1 waiting deliveries, 0 dead letters, contact fields of 1 customers\.$`,
		`^  20.* inquiries  https://docs\.google\.com/spreadsheets/d/`)
	p.awaitLine("asked to", "POST /forget", "uid=")
	r.assertDiscreet(p.log())
	for _, e := range []string{canary.Name, canaryText, canary.Contact.Email} {
		if n := r.inState(e); n > 0 {
			t.Errorf("%q is still %d times in the state", e, n)
		}
	}
	if n := r.inState("다른 문의"); n == 0 {
		t.Error("another customer is gone")
	}
	r.world.Slack.SetTokenError("")
	await(t, "the other customer in Slack", func() bool { return len(r.slack.Messages()) == 1 }, p.log)
}

// inState counts how often text is in the files of the state.
func (r *rig) inState(text string) (n int) {
	r.t.Helper()
	names, err := filepath.Glob(filepath.Join(r.dir, "demo.db*"))
	if err != nil || len(names) == 0 {
		r.t.Fatal(names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			r.t.Fatal(err)
		}
		n += bytes.Count(data, []byte(text))
	}
	return n
}
