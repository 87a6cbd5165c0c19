package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

const hostile = "<script>alert(1)</script> &lt;!channel&gt;"

func TestWritePageEscapesEverything(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	room := w.Slack.AddChannel("cs-alerts")
	call(t, w.Slack, "chat.postMessage", form{"channel": room.ID, "text": "새 문의", "blocks": `[
		{"type":"header","text":{"type":"plain_text","text":"새 문의 <b>홍길동</b>"}},
		{"type":"rich_text","elements":[{"type":"rich_text_quote","elements":[{"type":"text","text":"` + hostile + `"}]}]},
		{"type":"section","fields":[{"type":"mrkdwn","text":"*전화*\n010"}]},
		{"type":"section","text":{"type":"mrkdwn","text":"<javascript:alert(1)|눌러> <https://desk.channel.io/x|답변하기> <!here>"}},
		{"type":"divider"},
		{"type":"context","elements":[{"type":"mrkdwn","text":"ID abc"}]}]`})
	sheet := w.Google.AddSpreadsheet("문의 대장")
	sheet.SetRow("시트1", 0, "상담ID", "<img src=x onerror=alert(1)>")
	var b strings.Builder
	if err := sandbox.WritePage(&b, sandbox.Page{
		Title: "</title>", Channels: []*sandbox.SlackChannel{room}, Sheets: []*sandbox.Spreadsheet{sheet}, Location: time.UTC,
	}); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, bad := range []string{"<script", "<img", "<b>홍", "javascript:", "<title></title>", "http-equiv", "src="} {
		if strings.Contains(page, bad) {
			if bad == "src=" && strings.Count(page, bad) == strings.Count(page, "&lt;img src=") {
				continue
			}
			t.Errorf("page contains %q", bad)
		}
	}
	for _, want := range []string{
		`<a href="https://desk.channel.io/x" rel="noopener noreferrer">답변하기</a>`, "<b>전화</b>", `<span class="mention">@here</span>`,
		"&lt;script&gt;", "문의 대장", "상담ID", "Noto Sans KR", "<hr>", "ID abc",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %q", want)
		}
	}
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	room := w.Slack.AddChannel("cs-alerts")
	call(t, w.Slack, "chat.postMessage", form{"channel": room.ID, "text": "fallback", "blocks": `[
		{"type":"header","text":{"type":"plain_text","text":"새 문의"}},
		{"type":"rich_text","elements":[{"type":"rich_text_quote","elements":[{"type":"text","text":"첫 줄\n\u001b[2J둘째 줄"}]}]},
		{"type":"section","fields":[{"type":"mrkdwn","text":"*전화*\n010-****-5678"}]},
		{"type":"section","text":{"type":"mrkdwn","text":"<https://desk.channel.io/x|답변하기>"}},
		{"type":"divider"},
		{"type":"context","elements":[{"type":"mrkdwn","text":"14:03 접수"},{"type":"plain_text","text":"ID abc"}]}]`})
	want := "■ 새 문의\n│ 첫 줄\n│ \uFFFD[2J둘째 줄\n  전화  010-****-5678\n답변하기 <https://desk.channel.io/x>\n────────\n  14:03 접수 · ID abc"
	if got := room.Messages()[0].Terminal(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	call(t, w.Slack, "chat.postMessage", form{"channel": room.ID, "text": "그냥 글 &lt;!channel&gt;"})
	if got := room.Messages()[1].Terminal(); got != "그냥 글 <!channel>" {
		t.Errorf("got %q", got)
	}
}
