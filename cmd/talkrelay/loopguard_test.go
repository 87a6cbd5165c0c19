package main

import (
	"fmt"
	"strings"
	"testing"

	"talkrelay/sandbox"
)

// TestTwoRelaysDoNotEcho points two relays at each other: a bot carries everything that either of them posts into a chat that
// the other one watches. talkrelay itself writes nothing there, and what bots write reaches no route that does not ask for it:
// after one round there is silence.
func TestTwoRelaysDoNotEcho(t *testing.T) {
	t.Parallel()
	relays := [2]*echo{newEcho(t, "가"), newEcho(t, "나")}
	carry := func() (n int) {
		for i, r := range relays {
			n += r.carry(relays[1-i].chat)
		}
		return n
	}
	carry()
	for _, r := range relays {
		before := r.posted()
		r.chat.CustomerSays("한 마디 더")
		await(t, "what the customer wrote", func() bool { return r.posted() > before }, r.process.log)
	}
	if n := carry(); n < 2 {
		t.Fatalf("%d messages were carried over: this test could not fail", n)
	}
	settled := [2]int{relays[0].posted(), relays[1].posted()}
	for range 3 {
		for _, r := range relays {
			r.awaitPoll(r.process)
		}
		carry()
	}
	for i, r := range relays {
		if n := r.posted(); n != settled[i] {
			t.Errorf("%d messages came of what the bot wrote:\n%s", n-settled[i], strings.Join(r.slack.Texts(), "\n"))
		}
		for _, q := range r.world.ChannelTalk.Requests() {
			if q.Method != "GET" {
				t.Errorf("%s %s was sent to Channel Talk", q.Method, q.Path)
			}
		}
		r.process.stop()
	}
}

// echo is a relay whose posts are carried into another one's chat.
type echo struct {
	*rig
	process *process
	chat    *sandbox.Chat
	carried int // of its posts
}

// newEcho starts a relay that tells of inquiries and messages, and opens a chat.
func newEcho(t *testing.T, customer string) *echo {
	r := newRig(t, append([]string{
		"[[route]]\nname = \"새 문의\"", "[[route]]\nname = \"메시지\"\non   = [\"message.created.userChat\"]\nto   = [\"cs-alerts\"]\n\n[[route]]\nname = \"새 문의\"",
	}, hurried...)...)
	e := &echo{rig: r, process: r.start()}
	e.awaitBaseline(e.process)
	e.chat = e.customer(customer, "상담")
	await(t, "the opening, and what it began with", func() bool { return e.posted() >= 2 }, e.process.log)
	return e
}

func (e *echo) posted() int { return len(e.slack.Messages()) }

// carry lets a bot say in a chat what e has posted since, and returns how much that was.
func (e *echo) carry(into *sandbox.Chat) int {
	news := e.slack.Messages()[e.carried:]
	for _, m := range news {
		into.BotSays(fmt.Sprintf("[다른 쪽] %s", m.Text))
	}
	e.carried += len(news)
	return len(news)
}
