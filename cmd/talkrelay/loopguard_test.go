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

// TestTeamChatsDoNotEcho carries what talkrelay posts about a team chat back into it, as a bot: that reaches no route, and after one
// round there is silence.
func TestTeamChatsDoNotEcho(t *testing.T) {
	t.Parallel()
	r := newRig(t, append([]string{
		"[[route]]\nname = \"새 문의\"", "[[route]]\nname = \"팀\"\non   = [\"message.created.teamChat\"]\nto   = [\"cs-alerts\"]\n\n[[route]]\nname = \"새 문의\"",
		"access_key ", "group_requests_per_minute = 600\naccess_key ",
	}, hurried...)...)
	group := r.channel.AddGroup("배송")
	group.Says(r.agent, "전부터 있던 말")
	p := r.start()
	r.awaitBaseline(p)
	await(t, "the first look at the team chat", func() bool { return r.looks(group) > 0 }, p.log)
	posted := func() int { return len(r.slack.Messages()) }
	group.Says(r.agent, "오늘은 5시 마감")
	await(t, "what a manager wrote", func() bool { return posted() == 1 }, p.log)
	for round := range 3 {
		for _, text := range r.slack.Texts() {
			group.BotSays(fmt.Sprintf("[Slack %d] %s", round, text))
		}
		seen := r.looks(group)
		await(t, "a look at what the bot wrote", func() bool { return r.looks(group) > seen+1 }, p.log)
	}
	if n := posted(); n != 1 || !strings.Contains(r.slack.Texts()[0], "배송") {
		t.Errorf("%d messages:\n%s", n, strings.Join(r.slack.Texts(), "\n"))
	}
	for _, q := range r.world.ChannelTalk.Requests() {
		if q.Method != "GET" {
			t.Errorf("%s %s was sent to Channel Talk", q.Method, q.Path)
		}
	}
	p.stop()
}

// looks is how often the messages of a team chat were asked for.
func (r *rig) looks(g *sandbox.Group) (n int) {
	for _, q := range r.world.ChannelTalk.Requests() {
		if strings.HasSuffix(q.Path, "/groups/"+g.ID()+"/messages") {
			n++
		}
	}
	return n
}
