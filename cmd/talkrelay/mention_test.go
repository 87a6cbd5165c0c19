package main

import (
	"strings"
	"syscall"
	"testing"

	"talkrelay/sandbox"
)

// TestAssigneeIsMentioned: whoever is the assignee is called in Slack, found by the e-mail address. Without the scope for
// that the name stands there, and one warning says what to do.
func TestAssigneeIsMentioned(t *testing.T) {
	t.Parallel()
	r := newRig(t, "channel = ", "mention_assignee = true\nchannel = ")
	id := r.world.Slack.AddPerson("이상담", "lee@example.com")
	p := r.start()
	r.awaitBaseline(p)
	says := func(chat *sandbox.Chat, want string) string {
		t.Helper()
		found := ""
		await(t, "the message about the chat", func() bool {
			for _, m := range r.slack.Messages() {
				if strings.Contains(string(m.Blocks), chat.ID()) {
					found = string(m.Blocks)
				}
			}
			return found != ""
		}, p.log)
		if !strings.Contains(found, want) {
			t.Errorf("the message is without %s:\n%s\n%s", want, found, p.log())
		}
		return found
	}
	open := func(name string) *sandbox.Chat {
		return r.channel.OpenChat(r.channel.AddUser(sandbox.User{Name: name}), "문의", sandbox.Opening{Assignee: r.agent})
	}
	for _, name := range []string{"가", "나"} {
		if text := says(open(name), "이상담"); strings.Contains(text, id) {
			t.Errorf("without the scope somebody is called:\n%s", text)
		}
	}
	const warning = `msg="assignees not mentioned"`
	if n := strings.Count(p.log(), warning); n != 1 {
		t.Errorf("%d warnings, want 1:\n%s", n, p.log())
	}
	if log := p.log(); !strings.Contains(log, "add users:read and users:read.email to the app") || strings.Contains(log, "lee@example.com") {
		t.Errorf("the warning says not what to do, or more than it should:\n%s", log)
	}

	r.world.Slack.SetScopes(append(sandbox.DefaultScopes(), "users:read", "users:read.email")...)
	p.signal(syscall.SIGHUP) // the operator has mended the app
	p.awaitLog("reloaded")
	says(open("다"), "\\u003c@"+id+"\\u003e")
	p.stop()
}
