package main

import (
	"cmp"
	"fmt"
	"html"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// The size of TestDayInTheLife can be set, for the long form of it:
//
//	TALKRELAY_CHATS=200 TALKRELAY_KILLS=20 TALKRELAY_SEED=7 go test -v -run TestDayInTheLife -timeout 1h ./cmd/talkrelay
const chatsVariable = "TALKRELAY_CHATS"

// livingConfig makes Slack's messages and the rows of 문의 follow their chats.
var livingConfig = []string{
	"channel = ", "follow = true\nedits_per_minute = 6000.0\nchannel = ",
	`sheet            = "문의"`, "sheet            = \"문의\"\nmode             = \"upsert\"",
	`on   = ["userChat.opened"]
to   = ["cs-alerts", "inquiries"]
`, `on   = ["userChat.opened"]
to   = ["cs-alerts", "inquiries"]

[[route]]
name = "상담 진행"
on   = ["userChat.assigned", "userChat.replied", "userChat.tagged", "userChat.snoozed", "userChat.closed"]
to   = ["inquiries"]
`,
}

// TestDayInTheLife lets chats begin, be assigned, answered, tagged, snoozed, closed and opened again, while the daemon is
// killed and all services misbehave. At the end there is one post for each opening, every post shows how its chat is, and so
// does the one row of each chat.
func TestDayInTheLife(t *testing.T) {
	t.Parallel()
	chats, kills := uint64(40), uint64(5)
	if testing.Short() {
		chats, kills = 20, 2
	}
	chats, kills = setting(t, chatsVariable, chats), setting(t, killsVariable, kills)
	seed := setting(t, seedVariable, uint64(time.Now().UnixNano()))
	t.Logf("%s=%d %s=%d %s=%d", chatsVariable, chats, killsVariable, kills, seedVariable, seed)
	d := newShopDay(t, seed)
	p := d.start()
	d.awaitBaseline(p)
	d.world.SetFault(misbehave(seed))
	for n := range kills {
		for range chats / kills {
			d.begin()
		}
		for range 4 * chats / kills {
			d.goOn()
			d.pause()
		}
		p.kill()
		p = d.start()
		t.Logf("killed %d times", n+1)
	}
	d.world.SetFault(nil)
	await(t, "every post and every row to be true", func() bool { return d.untrue() == "" }, func() string { return d.untrue() + "\n" + p.log() })
	p.stop()
	if posts, openings := len(d.inquiryTexts()), len(d.channel.Happenings())-d.before; posts != openings {
		t.Errorf("%d posts for %d openings", posts, openings)
	}
	if v := d.world.Violations(); len(v) > 0 {
		t.Errorf("%v", v)
	}
}

// shopDay is a shop with what becomes of its chats.
type shopDay struct {
	*rig
	random *rand.Rand
	chats  []*dayChat
}

// dayChat is a chat and what must show of it.
type dayChat struct {
	*sandbox.Chat
	openings int
	assigned bool
	answered bool // since it was opened last
	tag      string
}

func newShopDay(t *testing.T, seed uint64) *shopDay {
	d := &shopDay{rig: newRig(t, append(slices.Clone(crashPace), livingConfig...)...), random: rand.New(rand.NewPCG(seed, 1))}
	d.channel.SetQuirks(world(seed))
	d.world.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	d.world.Google.Set(sandbox.GoogleSettings{WritesPerMinute: -1, ReadsPerMinute: -1})
	return d
}

func (d *shopDay) begin() {
	name := mischief[d.random.IntN(len(mischief))]
	d.chats = append(d.chats, &dayChat{Chat: d.customer(name, "문의 "+name), openings: 1})
}

// goOn lets something become of a chat.
func (d *shopDay) goOn() {
	c := d.chats[d.random.IntN(len(d.chats))]
	switch d.random.IntN(6) {
	case 0:
		c.Assign(d.agent)
		c.assigned = true
	case 1:
		if c.State() == "opened" {
			c.ManagerSays(d.agent, "확인하겠습니다")
			c.answered = true
		}
	case 2:
		c.tag = fmt.Sprintf("태그%d", d.random.IntN(9))
		c.Tag(c.tag)
	case 3:
		if c.State() == "opened" {
			c.Snooze(time.Hour)
		}
	case 4:
		if c.State() != "closed" {
			c.Close()
		}
	case 5:
		// Two openings between two looks are one: the one before must have been seen.
		if c.State() == "closed" && d.posts(c) == c.openings {
			c.Reopen("또 문의합니다")
			c.openings, c.answered = c.openings+1, false
		}
	}
}

// pause waits as long as things take to happen, which is nothing that a test could wait for.
func (d *shopDay) pause() {
	time.Sleep(time.Duration(d.random.ExpFloat64() * float64(60*time.Millisecond)))
}

// posts counts the messages about a chat.
func (d *shopDay) posts(c *dayChat) (n int) {
	for _, m := range d.slack.Messages() {
		if m.ThreadTS == "" && strings.Contains(string(m.Blocks), c.ID()) {
			n++
		}
	}
	return n
}

// untrue says what does not show how its chat is; "" if all do.
func (d *shopDay) untrue() string {
	rows := map[string][]string{}
	header := d.sheet.Texts(demoInquiries)
	if len(header) == 0 {
		return "there is no tab"
	}
	id := slices.Index(header[0], "상담ID")
	for _, row := range header[1:] {
		if id < len(row) && row[id] != "" {
			if rows[row[id]] != nil {
				return "two rows of " + row[id]
			}
			rows[row[id]] = row
		}
	}
	for _, c := range d.chats {
		if n := d.posts(c); n != c.openings {
			return fmt.Sprintf("%d posts about %s, which was opened %d times", n, c.ID(), c.openings)
		}
		for _, m := range d.slack.Messages() {
			if text := html.UnescapeString(m.Text); strings.Contains(string(m.Blocks), c.ID()) && !c.shownBy(text, string(m.Blocks)) {
				return fmt.Sprintf("%s is %s (assigned %v, answered %v, tag %s), the post says %s", c.ID(), c.State(), c.assigned, c.answered, c.tag, text)
			}
		}
		if what := c.wrongIn(header[0], rows[c.ID()]); what != "" {
			return fmt.Sprintf("%s is %s, the row says %s", c.ID(), c.State(), what)
		}
	}
	return ""
}

// shownBy reports whether a post tells how the chat is.
func (c *dayChat) shownBy(text, blocks string) bool {
	want := "문의" // new, or opened again
	switch {
	case c.State() == "closed":
		want = "✅ 종료"
	case c.State() == "snoozed":
		want = "💤 보류"
	case c.answered:
		want = "💬 첫 답변"
	case c.assigned && strings.Contains(text, "👤 배정"): // else it was so when the post was made, and the post names the assignee
		want = "👤 배정"
	}
	return strings.Contains(text, want) && strings.Contains(blocks, c.tag) && (!c.assigned || strings.Contains(blocks, "이상담"))
}

// wrongIn returns what is wrong in the chat's row, "" if nothing is.
func (c *dayChat) wrongIn(header, row []string) string {
	cell := func(name string) string {
		if i := slices.Index(header, name); i >= 0 && i < len(row) {
			return row[i]
		}
		return ""
	}
	states := map[string]string{"opened": "진행중", "snoozed": "보류중", "closed": "종료됨"}
	if got := cell("상태"); got != cmp.Or(states[c.State()], c.State()) {
		return "상태 " + got
	}
	if got := cell("담당자"); c.assigned && got != "이상담" {
		return "담당자 " + got
	}
	if got := cell("상담 태그"); !strings.Contains(got, c.tag) {
		return "상담 태그 " + got
	}
	return ""
}
