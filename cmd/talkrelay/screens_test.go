package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"talkrelay/sandbox"
	"talkrelay/sink"
)

// TestScreens writes the page of the docs that shows what the commands print, with -update, and compares it otherwise:
// on simulated services, with what differs from run to run made the same.
func TestScreens(t *testing.T) {
	t.Parallel()
	dialogue, err := os.ReadFile(filepath.Join("testdata", "init", "dialogue.ko.txt"))
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	shop := r.channel.AddUser(sandbox.User{Name: "홍길동", Contact: sandbox.Contact{MobileNumber: "+821012345678"}})
	r.channel.OpenChat(shop, "배송이 아직 안 왔어요", sandbox.Opening{Page: "/orders/123", Tags: []string{"배송"}})
	var page strings.Builder
	page.WriteString(`# What the commands print

Made by a test on simulated services: ` + "`go test ./cmd/talkrelay -run TestScreens -update`" + `. Names, numbers and texts of customers are masked
unless ` + "`--reveal`" + ` is given. What is printed is in the ` + "`language`" + ` of the config, here mostly Korean; JSON, errors and the log are English.
`)
	sample := func(title, command, says, text string) {
		page.WriteString("\n## " + title + "\n\n" + says + "\n\n```text\n$ " + command + "\n" + strings.TrimSpace(text) + "\n```\n")
	}
	screen := func(title, command, says, text string) { sample(title, command, says, r.stable(text)) }
	screen("init", "talkrelay init", "Asks for the keys, tries each as it is typed, and writes a config. Some answers here are wrong, to show what is said then.", string(dialogue))
	screen("check", "talkrelay check", "All well:", r.outputOf("check"))
	screen("check --network", "talkrelay check --network", "For the form that opens a firewall. A real config lists api.channel.io, slack.com and Google's hosts here:", r.outputOf("check", "--network"))
	r.world.Slack.SetTokenError("token_revoked")
	_, broken, _ := here(t, "check", "--config", r.config)
	r.world.Slack.SetTokenError("")
	screen("check, with a revoked token", "talkrelay check", "What fails says what to do:", broken)
	screen("preview", "talkrelay preview --last 1", "What the routes make of a real chat. Nothing is sent:", r.outputOf("preview", "--last", "1"))
	for _, lang := range sink.Languages() {
		w := screenWordsOf(lang)
		in := fmt.Sprintf(" (language = %q)", lang)
		sample("status"+in, "sudo talkrelay status", "All well:", screenOf(statusOfDay(), w))
		sample("status, with a revoked token"+in, "sudo talkrelay status", "What broke, since when, and what to do:", screenOf(brokenStatus(), w))
		sample("verify"+in, "sudo talkrelay verify", "A day on which all arrived:", screenOf(verifyOfDay(), w))
		sample("verify, with gaps"+in, "sudo talkrelay verify --heal", "What differs:", screenOf(gappedVerify(), w))
	}
	goldenText(t, "../../../docs/screens.md", page.String())
}

// stable makes a screen the same in every run.
func (r *rig) stable(text string) string {
	text = strings.ReplaceAll(text, r.dir, "/etc/talkrelay")
	for port, url := range map[string]string{"127.0.0.1:50001": r.world.ChannelTalk.URL(), "127.0.0.1:50002": r.world.Slack.URL(), "127.0.0.1:50003": r.world.Google.URL()} {
		host := strings.TrimPrefix(url, "http://")
		_, was, _ := strings.Cut(host, ":")
		_, is, _ := strings.Cut(port, ":")
		text = strings.ReplaceAll(strings.ReplaceAll(text, host, port), "  "+was+"  ", "  "+is+"  ")
	}
	for _, s := range []struct{ pattern, with string }{
		{`\b[0-9a-f]{24}\b`, "6641e1f2a0b1c2d3e4f50617"},
		{`20\d\d-\d\d-\d\d \d\d:\d\d(:\d\d)?`, "2026-11-23 10:00"},
		{`\d\d/\d\d\(\S+\) \d\d:\d\d`, "11/23(월) 10:00"},
		{`/\d{13}\b`, "/1795395600000"},
		{`\b[\d.µm]+s 걸림;`, "40ms 걸림;"},
		{`block-kit-builder#\S+`, "block-kit-builder#…"},
		{`(upserted\.contact/\S+?)/[0-9a-f]{4}-0`, "$1/8e68-0"},
	} {
		text = regexp.MustCompile(s.pattern).ReplaceAllString(text, s.with)
	}
	return text
}
