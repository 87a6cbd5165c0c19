package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// screen is what a command has an answer of the daemon for, with figures that never change.
type screen func(io.Writer, *screenWords) error

// screenOf is what somebody without a terminal sees.
func screenOf(p screen, words *screenWords) string {
	var b bytes.Buffer
	_ = p(&b, words) // a buffer takes everything
	return b.String()
}

var sampleNow = time.Date(2026, 11, 23, 15, 35, 0, 0, time.Local)

func sampleStatus() status {
	left := 987
	hours := [24]int{0: 7, 1: 5, 2: 2, 17: 9, 18: 12, 19: 7, 20: 3, 21: 8, 22: 10, 23: 6}
	return status{
		Version: "1.0.0", Now: sampleNow, Started: sampleNow.Add(-26 * time.Hour), Config: defaultConfig,
		Channels: []channelStatus{{Name: "main", LastGood: sampleNow.Add(-3 * time.Second), Left: &left}},
		Sinks:    []sinkStatus{{Name: "cs-alerts", Hours: hours[:], Today: 55}, {Name: "문의", Hours: hours[:], Today: 55}},
	}
}

func (s status) screen() screen {
	return func(w io.Writer, words *screenWords) error { s.print(w, 0, words); return nil }
}

func statusOfDay() screen { return sampleStatus().screen() }

// sampleBroken has a key that Channel Talk refuses, a token that Slack refuses, and a sink that keeps quiet.
func sampleBroken() status {
	s := sampleStatus()
	c := &s.Channels[0]
	c.LastGood, c.Lag, c.Left, c.Since = time.Time{}, 3700, nil, sampleNow.Add(-time.Hour)
	c.Trouble = "read user chats (state=opened): 401: check access_key and access_secret of this channel; the key must be active, and the channel's plan must include the Open API"
	k := &s.Sinks[0]
	k.Why, k.Waiting, k.Oldest, k.Since, k.NextTry = "paused", 2, sampleNow.Add(-19*time.Minute), sampleNow.Add(-20*time.Minute), sampleNow.Add(4*time.Minute)
	k.InDoubt, k.Dead = true, 1
	k.Trouble = `test the bot token: Slack refuses the bot token (token_revoked): put a valid one into token of sink.slack "cs-alerts" and restart`
	s.Sinks[1].Quiet = sampleNow.Add(41 * time.Hour)
	return s
}

func brokenStatus() screen { return sampleBroken().screen() }

// TestNarrowScreens: in no language is a line of a table wider than a terminal of 40 columns.
func TestNarrowScreens(t *testing.T) {
	t.Parallel()
	for _, lang := range sink.Languages() {
		var b bytes.Buffer
		sampleBroken().print(&b, 40, screenWordsOf(lang))
		_ = printEvents(&b, sampleEvents(), 40, screenWordsOf(lang)) // a buffer takes everything
		_, tables, _ := strings.Cut(b.String(), "\n")                // the first line is none
		for line := range strings.Lines(tables) {
			if n := displayWidth(strings.TrimSuffix(line, "\n")); n > 40 {
				t.Errorf("%s: %d columns: %s", lang, n, line)
			}
		}
	}
}

func (r verifyResult) screen() screen { return r.print }

// verifyOfDay is a day on which all arrived.
func verifyOfDay() screen {
	sinks := []*verifySink{{Name: "cs-alerts", Kind: "slack", Expected: 37, Found: 37}, {Name: "문의", Kind: "sheets", Expected: 37, Found: 37}}
	return verifyResult{ChannelTalk: 37, Equal: true, Sinks: sinks, Done: true}.screen()
}

// gappedVerify has a gap of each kind.
func gappedVerify() screen {
	at := time.Date(2026, 11, 22, 10, 4, 0, 0, time.Local)
	gap := func(chat, why string) verifyGap {
		return verifyGap{chat, at, why, "https://desk.channel.io/#/channels/1/user_chats/" + chat}
	}
	sinks := []*verifySink{
		{Name: "cs-alerts", Kind: "slack", Expected: 37, Found: 36, Gaps: []verifyGap{gap("6641e1f2a0b1c2d3", "dead letter: no answer in time")},
			Note: "sink cs-alerts: read channel history: no answer in time"},
		{Name: "문의", Kind: "sheets", Expected: 37, Found: 34, Gaps: []verifyGap{
			gap("6641e1f2a0b1c2d4", "delivered 2026-11-22 10:04:02, and no longer there"), gap("6641e1f2a0b1c2d5", "never delivered"), gap("6641e1f2a0b1c2d6", "waits in the queue"),
		}, Surplus: []verifyGap{gap("6641e1f2a0b1c2d7", "stands there 2 times"), {Chat: "6641e1f2a0b1c2d8", Why: "Channel Talk shows no such inquiry"}}},
	}
	return verifyResult{ChannelTalk: 37, Sinks: sinks, Healed: 2, Left: 1, Done: true}.screen()
}

// sampleEvents are one with a delivery in each stand, and one that only its id is kept of.
func sampleEvents() []eventView {
	return []eventView{
		{ID: "userChat.opened/6641e1f2a0b1c2d3/1795395600000", Seen: sampleNow, Kept: true, Kind: talkrelay.UserChatOpened, Channel: "main", At: sampleNow,
			ChatID: "6641e1f2a0b1c2d3", UserID: "u1", Name: "홍*동", Phone: "010-****-5678", Email: "h***@example.com", Text: "••••••••••", DeskURL: "https://desk.channel.io/#/x",
			Deliveries: []deliveryView{
				{Sink: "cs-alerts", Stand: "delivered", At: sampleNow, Link: "https://slack.com/archives/C1/p1"}, {Sink: "문의", Stand: "waiting", Ahead: 3},
				{Sink: "crm", Stand: "delivered", At: sampleNow, Receipt: "200"}, {Sink: "old", Stand: "dropped", At: sampleNow},
				{Sink: "mail", Stand: "dead", At: sampleNow, Err: "no answer in time", Number: 17},
				{Sink: "두번째", Stand: "in doubt", Err: "no answer in time", NextTry: sampleNow.Add(time.Minute)},
			},
			Routes: []routeView{{Route: "새 문의", Matched: true, Sinks: []string{"cs-alerts", "문의"}, Reason: "matched"}, {Route: "환불", Reason: "the filter says no"}}},
		{ID: "userChat.closed/6641e1f2a0b1c2d9/1795395600001", Seen: sampleNow, Deliveries: []deliveryView{}},
	}
}

func eventsScreen(w io.Writer, words *screenWords) error {
	return printEvents(w, sampleEvents(), 0, words)
}

func showScreen(w io.Writer, words *screenWords) error {
	for _, e := range sampleEvents() {
		e.print(w, words)
	}
	return nil
}

func queueScreen(w io.Writer, words *screenWords) error {
	id := sampleEvents()[0].ID
	return errors.Join(printQueue(w, 0, nil, words), printQueue(w, 0, []queueView{
		{Sink: "cs-alerts", Number: 17, Stand: "sending", Since: sampleNow, Event: id},
		{Sink: "문의", Number: 3, Stand: "dead", Since: sampleNow, Event: id, Err: "append rows: 400, the tab is gone"},
	}, words))
}

func backfillScreen(w io.Writer, words *screenWords) error {
	v := newBackfillView(w, words)
	v.began = sampleNow.Add(-time.Minute)
	for _, p := range []backfillProgress{
		{Total: 900, Step: "looking at what 문의 holds"},
		{Total: 900, Chats: 300, Waiting: 50},
		{Total: 900, Chats: 300, Dry: true, Trouble: "sink 문의: append rows: no answer in time"},
	} {
		v.next = sampleNow
		v.show(p, sampleNow)
	}
	months := map[string]map[string]backfillCount{"문의": {"2026-10": {Added: 20, There: 1}, "2026-11": {Added: 5}}}
	return errors.Join(
		backfillProgress{Sinks: months, Unrouted: 2, Left: 1, Done: true}.print(w, words),
		backfillProgress{Sinks: months, Dry: true, Done: true}.print(w, words),
		backfillProgress{Done: true}.print(w, words))
}

func previewScreen(w io.Writer, words *screenWords) error {
	v := previewView{Kind: talkrelay.UserChatOpened, At: sampleNow, Name: "홍*동", Channel: "main", ChatID: "c", UserID: "u", Held: true,
		Routes: []previewRoute{{Route: "새 문의", Reason: `another channel (channel = ["x"])`}},
		Sinks: []previewSink{{Sink: "cs-alerts", Text: "■ 새 문의", Builder: "https://app.slack.com/block-kit-builder#…", Cut: true}, {Sink: "second", Text: "■", Cut: true},
			{Sink: "문의", Cells: []sink.PreviewCell{{Header: "상담ID", Value: "c"}, {Header: "이름", Value: "홍*동"}}}},
	}
	_, err := io.WriteString(w, v.text(0, words))
	return err
}

func forgetScreen(w io.Writer, words *screenWords) error {
	a := forgetAnswer{Customers: 1, Events: 2, Waiting: 3, Dead: 4, Snapshots: 1, Delivered: []deliveryView{{Sink: "문의", At: sampleNow, Link: "https://docs.google.com/x"}}}
	a.print(w, words.Erasable, words)
	a.print(w, words.Erased, words)
	return nil
}

func checkScreen(w io.Writer, words *screenWords) error {
	c := checker{out: w, words: words}
	c.add("channel main", sink.Finding{Name: "access key", OK: true, Text: `channel "모두의가게", id 10001`})
	c.add("sink 문의", sink.Finding{Name: "spreadsheet", Text: "open spreadsheet: 403, no permission", Fix: "share the spreadsheet with talkrelay@x.iam.gserviceaccount.com as editor"})
	_ = c.result(words.AllGood) // says that something is to be mended
	return c.printRemotes([]remote{
		{Host: "proxy", Port: "3128", Scheme: "http", For: []string{"channel main"}, Proxy: true},
		{Host: "slack.com", Port: "443", Scheme: "https", For: []string{"sink cs-alerts", "alert.slack"}, Via: "proxy:3128"},
	})
}

// TestOtherScreens compares what the commands that docs/screens.md shows in one language, or not at all, print in each.
func TestOtherScreens(t *testing.T) {
	t.Parallel()
	for _, lang := range sink.Languages() {
		var page bytes.Buffer
		for _, s := range []struct {
			command string
			screen  screen
		}{
			{"queue list", queueScreen}, {"events", eventsScreen}, {"show", showScreen}, {"check", checkScreen},
			{"preview", previewScreen}, {"backfill", backfillScreen}, {"forget", forgetScreen},
		} {
			page.WriteString("$ talkrelay " + s.command + "\n" + screenOf(s.screen, screenWordsOf(lang)) + "\n")
		}
		goldenText(t, "screens/"+string(lang)+".txt", page.String())
	}
}
