package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// keyedInquiries makes 문의 one row a chat, of new inquiries that are about money. Nothing else is asked for.
var keyedInquiries = []string{
	`sheet            = "문의"`, "sheet            = \"문의\"\nmode             = \"upsert\"",
	`on   = ["userChat.opened"]
to   = ["cs-alerts", "inquiries"]
`, `on    = ["userChat.opened"]
where = 'message.text contains "환불"'
to    = ["inquiries"]
`,
}

// TestRowsOfInquiriesStayTrue: a tab with one row a chat gets openings alone, and its rows show all the same how their chats
// are. What becomes of a chat that the route does not send there makes no row, and nothing of it makes a message.
func TestRowsOfInquiriesStayTrue(t *testing.T) {
	t.Parallel()
	r := newRig(t, keyedInquiries...)
	p := r.start()
	r.awaitBaseline(p)
	asked, other := r.customer("김환불", "환불해 주세요"), r.customer("이배송", "배송이 늦어요")
	shows := func(want string) {
		t.Helper()
		await(t, "the row to say "+want, func() bool { return r.cellOf(asked.ID(), "상태") == want }, func() string {
			return strings.Join(slices.Concat(r.rows(demoInquiries)...), " ") + "\n" + p.log()
		})
	}
	shows("진행중")
	for _, c := range []*sandbox.Chat{asked, other} {
		c.Assign(r.agent)
		c.Snooze(time.Hour)
	}
	shows("보류중")
	asked.Open()
	other.Open()
	shows("진행중")
	if got := r.cellOf(asked.ID(), "담당자"); got != "이상담" {
		t.Errorf("assignee: %q", got)
	}
	asked.Close()
	other.Close()
	shows("종료됨")
	r.awaitPoll(p)
	p.stop()
	if n := len(r.rows(demoInquiries)); n != 1 {
		t.Errorf("%d rows for one inquiry", n)
	}
	if texts := r.slack.Texts(); len(texts) != 0 {
		t.Errorf("messages: %q", texts)
	}
}

// cellOf returns what a column of 문의 says of a chat, "" if the chat has no row.
func (r *rig) cellOf(chat, header string) string {
	texts := r.sheet.Texts(demoInquiries)
	if len(texts) == 0 {
		return ""
	}
	id, col := slices.Index(texts[0], "상담ID"), slices.Index(texts[0], header)
	for _, row := range texts[1:] {
		if max(id, col) < len(row) && row[id] == chat {
			return row[col]
		}
	}
	return ""
}
