package main

import (
	"fmt"
	"strings"
	"testing"

	"talkrelay/sandbox"
)

// TestTwoRelaysDoNotEcho lets a bot carry everything that talkrelay posts back into Channel Talk, from each of two chats into
// the other, as two relays do that point at each other. talkrelay itself writes nothing there, and what bots write reaches no
// route that does not ask for it: after one round there is silence.
func TestTwoRelaysDoNotEcho(t *testing.T) {
	t.Parallel()
	r := newRig(t, append([]string{
		"[[route]]\nname = \"새 문의\"", "[[route]]\nname = \"메시지\"\non   = [\"message.created.userChat\"]\nto   = [\"cs-alerts\"]\n\n[[route]]\nname = \"새 문의\"",
	}, hurried...)...)
	p := r.start()
	r.awaitBaseline(p)
	chats := [2]*sandbox.Chat{r.customer("가", "첫째 상담"), r.customer("나", "둘째 상담")}
	posted := func() int { return len(r.slack.Messages()) }
	await(t, "the openings, and what they began with", func() bool { return posted() >= 4 }, p.log)

	carried := map[string]bool{}
	carry := func() (n int) {
		for _, m := range r.slack.Messages() {
			if carried[m.TS] {
				continue
			}
			carried[m.TS] = true
			n++
			for i, c := range chats {
				if strings.Contains(string(m.Blocks), c.ID()) {
					chats[1-i].BotSays(fmt.Sprintf("[다른 쪽] %s", m.Text))
				}
			}
		}
		return n
	}
	carry()
	for i, c := range chats {
		c.CustomerSays(fmt.Sprintf("한 마디 더 %d", i))
	}
	before := posted()
	await(t, "what the customers wrote", func() bool { return posted() >= before+2 }, p.log)
	if n := carry(); n < 2 {
		t.Fatalf("%d messages were carried over: this test could not fail", n)
	}
	settled := posted()
	for range 3 {
		r.awaitPoll(p)
		carry()
	}
	if n := posted(); n != settled {
		t.Errorf("%d messages came of what the bot wrote:\n%s", n-settled, strings.Join(r.slack.Texts(), "\n"))
	}
	for _, q := range r.world.ChannelTalk.Requests() {
		if q.Method != "GET" {
			t.Errorf("%s %s was sent to Channel Talk", q.Method, q.Path)
		}
	}
	p.stop()
}
