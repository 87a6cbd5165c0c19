package main

import (
	"fmt"
	"strings"
	"testing"
)

// numberedFault is one of the 25 faults that a strict reviewer would try on something that delivers to Slack and Sheets.
type numberedFault struct {
	what  string
	cells []cell                    // of the matrix, which shows it
	run   func(t *testing.T) string // shows it, and says what was seen
	tests string                    // other tests that show it, or more of it
	long  bool                      // not with -short
}

// cell is a place in the matrix.
type cell struct {
	fault  string
	column int
}

// says is what the matrix holds there.
func (c cell) says() string {
	for _, m := range matrixCases() {
		if m.fault.name == c.fault && m.site.column == c.column {
			return m.want.says
		}
	}
	return ""
}

func inSlack(faults ...string) (cells []cell) { return cellsOf(slackColumn, faults) }

func inSheets(faults ...string) (cells []cell) { return cellsOf(sheetsColumn, faults) }

func cellsOf(column int, faults []string) (cells []cell) {
	for _, f := range faults {
		cells = append(cells, cell{f, column})
	}
	return cells
}

// TestNumberedFaults goes through the 25 faults by number. What the matrix shows is looked up there.
func TestNumberedFaults(t *testing.T) {
	t.Parallel()
	faults := numberedFaults()
	if len(faults) != 25 {
		t.Errorf("%d faults", len(faults))
	}
	seen := make([]string, len(faults))
	numbers := make([]int, len(faults))
	for i := range faults {
		numbers[i] = i
	}
	pooled(numbers, func(i int) {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) { seen[i] = faults[i].test(t) })
	})
	var b strings.Builder
	b.WriteString("| | fault | seen | more |\n|---|---|---|---|\n")
	for i, f := range faults {
		if seen[i] == "" {
			return // not all of them ran
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", i+1, f.what, seen[i], f.tests)
	}
	if !t.Failed() {
		assertDocument(t, "numbered", b.String())
	}
}

func (n numberedFault) test(t *testing.T) string {
	if n.long && testing.Short() {
		t.Skip("takes long")
	}
	seen := n.inMatrix(t)
	if n.run != nil {
		seen = append(seen, n.run(t))
	}
	if len(seen) == 0 {
		t.Error("nothing shows it")
	}
	return strings.Join(seen, "; ")
}

// inMatrix is what the matrix shows of it, the faults together of which it says the same.
func (n numberedFault) inMatrix(t *testing.T) (seen []string) {
	var order []string
	faults := map[string][]string{}
	for _, c := range n.cells {
		says := c.says()
		if says == "" {
			t.Errorf("the matrix has no %q at %s", c.fault, sites[c.column].name)
		}
		if c.column != slackColumn {
			says += " (" + sites[c.column].name + ")"
		}
		if faults[says] == nil {
			order = append(order, says)
		}
		faults[says] = append(faults[says], "*"+c.fault+"*")
	}
	for _, says := range order {
		seen = append(seen, strings.Join(faults[says], ", ")+": "+says)
	}
	return seen
}

func numberedFaults() []numberedFault {
	return []numberedFault{
		{what: "Slack: kill -9 after “sending” is synced, before the request", run: killedBeforeTheRequest, tests: "TestSeams, TestKill"},
		{what: "Slack: applied, then the connection is reset", cells: inSlack("reset after the request is applied")},
		{what: "Slack: applied, the answer comes after the timeout, killed meanwhile", cells: inSlack("applied, and held past the timeout"), run: killedBeforeTheAnswer},
		{what: "Slack: the history lags", cells: inSlack("history that lags by one look-up"), tests: "sink/slack TestDoubtWithLaggingHistory"},
		{what: "Slack: applied long after the resend", cells: inSlack("applied late, after the resend"), tests: "sink/slack TestLateCopyIsDeleted"},
		{what: "Slack: 200 and `{}`, `ok:false` alone, no ts, HTML, half a JSON text", cells: inSlack("200 and {}", "ok:false without error", "ok:true without ts", "200 and a web page", "200 and half a JSON text")},
		{what: "Slack: `ok:true` with an echo that cannot be decoded", run: undecodableEcho},
		{what: "Slack: 429 with Retry-After 3, 0, none, “abc”; no post to any channel of the token before", cells: inSlack("429, Retry-After: 2", "429, Retry-After: 0", "429 without Retry-After", "429, Retry-After: soon"), run: oneRefusalHoldsTheToken, tests: "sink/slack TestThrottledHoldsEveryChannel, also with an HTTP date"},
		{what: "Slack: 200 and `ratelimited`, retry_after in the body alone", cells: inSlack("200 and ok:false, ratelimited", "200 and retry_after in the body alone")},
		{what: "Slack: 307 to another host; nobody comes there", cells: inSlack("307 to another host"), tests: "sink/slack TestNoCallFollowsARedirect"},
		{what: "both: HTTP/2 RST_STREAM (PROTOCOL_ERROR) after the whole request", cells: append(inSlack("RST_STREAM after the request is applied"), inSheets("RST_STREAM after the request is applied")...), run: oneRequestAReset},
		{what: "both: a kept connection is closed", cells: append(inSlack("kept connection closed"), inSheets("kept connection closed")...), tests: "sink TestClientDoesNotRepeatOnKeptConnection"},
		{what: "Slack: a history of several pages, full of what other apps have malformed", run: foundOnAnotherPage, tests: "sink/slack TestResolveReadsEveryPage, TestResolveWindow"},
		{what: "Slack: another bot posts our id", cells: inSlack("our id at somebody else's")},
		{what: "Slack: channel_not_found at one channel; invalid_auth", run: oneChannelThenTheToken},
		{what: "Slack: an unknown code for 1,000 messages", run: thousandUnknown, long: true},
		{what: "Slack: hostile text, with and without blocks", run: hostileAndPlain, long: true, tests: "TestHostileTexts, sink/slack TestHostileProperty, TestLimits"},
		{what: "Slack: a thread that is locked, or whose first message is gone", run: threadRefused, tests: "sink/slack TestReply, TestReplyIsFound"},
		{what: "Slack: chat:write.public and no membership: the doubt is held until somebody invites the bot", cells: inSlack("a channel it may write to and not read"), tests: "sink/slack TestCheck"},
		{what: "Sheets: applied, then reset; the resend is refused and the id looked at", cells: inSheets("reset after the request is applied"), run: idIsLookedAt},
		{what: "Sheets: applied after the resend", cells: inSheets("applied late, after the resend"), tests: "sink/sheets TestZombie"},
		{what: "Sheets: the id is somebody else's; a tab of id 0", cells: inSheets("our id at somebody else's"), run: tabZero, tests: "sink/sheets TestForeignID, TestSheetIDZero"},
		{what: "Sheets: 200 `{}`, 502, 503, cut off; 429; a token refused or late", cells: append(inSheets("200 and {}", "502", "503", "200, cut off", "429 without Retry-After"), cell{"400", tokenColumn}, cell{"503", tokenColumn})},
		{what: "Sheets: hostile cells; people sort, insert, rename; a tab protected, full or deleted", cells: inSheets("400, the tab is protected", "400, the spreadsheet is full"), run: cellsAsTheyAre, tests: "TestTabDeleted, TestTabRenamed, sink/sheets TestPeopleAtWork, TestCustomerTextStaysText"},
		{what: "both: random faults and kills, many destinations", run: shortSoak, long: true, tests: "TestSoak with TALKRELAY_EVENTS=10000, TestKill"},
	}
}
