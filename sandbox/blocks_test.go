package sandbox_test

import (
	"strings"
	"testing"

	"talkrelay/sandbox"
)

func TestBlockLimits(t *testing.T) {
	t.Parallel()
	s := func(n int) string { return strings.Repeat("가", n) }
	section := func(text string) string { return `{"type":"section","text":` + text + `}` }
	plain := func(n int) string { return `{"type":"plain_text","text":"` + s(n) + `"}` }
	mrkdwn := func(n int) string { return `{"type":"mrkdwn","text":"` + s(n) + `"}` }
	list := func(n int, item string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
	}
	rich := func(leaf string) string {
		return `{"type":"rich_text","elements":[{"type":"rich_text_quote","elements":[` + leaf + `]}]}`
	}
	tests := map[string]struct {
		blocks string
		err    string // "" = fine
		detail string
	}{
		"50 blocks":              {list(50, `{"type":"divider"}`), "", ""},
		"51 blocks":              {list(51, `{"type":"divider"}`), "invalid_blocks", "no more than 50 items"},
		"header 150":             {`[{"type":"header","text":` + plain(150) + `}]`, "", ""},
		"header 151":             {`[{"type":"header","text":` + plain(151) + `}]`, "invalid_blocks", "less than 151 characters [json-pointer:/blocks/0/text/text]"},
		"header in mrkdwn":       {`[{"type":"header","text":` + mrkdwn(1) + `}]`, "invalid_blocks", "unsupported type"},
		"header of nothing":      {`[{"type":"header","text":` + plain(0) + `}]`, "invalid_blocks", "more than 0 characters"},
		"section 3000":           {"[" + section(mrkdwn(3000)) + "]", "", ""},
		"section 3001":           {"[" + section(mrkdwn(3001)) + "]", "invalid_blocks", "less than 3001"},
		"section of nothing":     {`[{"type":"section"}]`, "invalid_blocks", "missing required field"},
		"10 fields":              {`[{"type":"section","fields":` + list(10, mrkdwn(1)) + `}]`, "", ""},
		"11 fields":              {`[{"type":"section","fields":` + list(11, mrkdwn(1)) + `}]`, "invalid_blocks", "no more than 10 items"},
		"field 2001":             {`[{"type":"section","fields":` + list(1, mrkdwn(2001)) + `}]`, "invalid_blocks", "less than 2001"},
		"no fields":              {`[{"type":"section","fields":[]}]`, "invalid_blocks", "no fewer than 1"},
		"10 in a context":        {`[{"type":"context","elements":` + list(10, mrkdwn(1)) + `}]`, "", ""},
		"11 in a context":        {`[{"type":"context","elements":` + list(11, mrkdwn(1)) + `}]`, "invalid_blocks", "no more than 10 items"},
		"all blocks too long":    {list(5, section(mrkdwn(2700))), "msg_blocks_too_long", ""},
		"all blocks just fit":    {list(4, section(mrkdwn(3000))), "", ""},
		"surrogates count twice": {"[" + section(`{"type":"mrkdwn","text":"`+strings.Repeat("😀", 1501)+`"}`) + "]", "invalid_blocks", "less than 3001"},
		"unknown type":           {`[{"type":"video"}]`, "invalid_blocks", "unsupported type: video"},
		"no type":                {`[{}]`, "invalid_blocks", "unsupported type"},
		"unknown key":            {`[{"type":"divider","colour":"red"}]`, "invalid_blocks", "invalid additional property: colour"},
		"emoji in mrkdwn":        {"[" + section(`{"type":"mrkdwn","text":"a","emoji":true}`) + "]", "invalid_blocks", "additional property: emoji"},
		"text that is none":      {"[" + section(`{"type":"mrkdwn","text":5}`) + "]", "invalid_blocks", "must be a string"},
		"block_id twice":         {list(2, `{"type":"divider","block_id":"a"}`), "invalid_blocks", "already exists"},
		"block_id 256":           {`[{"type":"divider","block_id":"` + s(256) + `"}]`, "invalid_blocks", "less than 256"},
		"rich text":              {"[" + rich(`{"type":"text","text":"a","style":{"bold":true}},{"type":"link","url":"https://x"}`) + "]", "", ""},
		"rich text of nothing":   {"[" + rich(`{"type":"text","text":""}`) + "]", "invalid_blocks", "more than 0 characters"},
		"rich text, unknown":     {"[" + rich(`{"type":"mrkdwn","text":"a"}`) + "]", "invalid_blocks", "unsupported type: mrkdwn"},
		"rich list": {
			`[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"bullet","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a"}]}]}]}]`,
			"", "",
		},
		"button": {`[{"type":"actions","elements":[{"type":"button","text":` + plain(75) + `,"url":"https://x","action_id":"a"}]}]`, "", ""},
		"button 76": {
			`[{"type":"actions","elements":[{"type":"button","text":` + plain(76) + `}]}]`, "invalid_blocks", "less than 76",
		},
		"no array": {`"text"`, "invalid_blocks_format", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startWorld(t)
			room := w.Slack.AddChannel("cs")
			r := call(t, w.Slack, "chat.postMessage", form{"channel": room.ID, "text": "hi", "blocks": tt.blocks})
			if tt.err == "" {
				if r.path("ok") != true {
					t.Errorf("refused: %s", r.body)
				}
				wantClean(t, w)
				return
			}
			if r.path("error") != tt.err || !strings.Contains(string(r.body), tt.detail) {
				t.Errorf("got %.300s", r.body)
			}
			wantViolation(t, w, tt.err)
		})
	}
}

func TestPings(t *testing.T) {
	t.Parallel()
	mrkdwn := func(text string) string { return `{"type":"section","text":{"type":"mrkdwn","text":"` + text + `"}}` }
	rich := func(leaf string) string {
		return `{"type":"rich_text","elements":[{"type":"rich_text_quote","elements":[` + leaf + `]}]}`
	}
	tests := map[string]struct {
		args form
		want string // kind and target of each ping
	}{
		"escaped":               {form{"text": "&lt;!channel&gt; &amp;lt;@U1&amp;gt;"}, ""},
		"channel":               {form{"text": "a <!channel> b"}, "broadcast channel"},
		"here with a label":     {form{"text": "<!here|여기>"}, "broadcast here"},
		"everyone":              {form{"text": "<!everyone>"}, "broadcast everyone"},
		"user":                  {form{"text": "<@U123>"}, "user U123"},
		"group":                 {form{"text": "<!subteam^S0CS|@cs>"}, "usergroup S0CS"},
		"room":                  {form{"text": "<#C123|general>"}, "channel C123"},
		"link with a label":     {form{"text": "<https://evil.example|click>"}, "link https://evil.example"},
		"bare link":             {form{"text": "see https://evil.example/x?a=1&amp;b now"}, "bare link https://evil.example/x?a=1&b"},
		"bare link, parse none": {form{"text": "see https://evil.example", "parse": "none"}, ""},
		"no mark-up":            {form{"text": "<!channel>", "mrkdwn": "false"}, ""},
		"unclosed":              {form{"text": "1 < 2 <!channel"}, ""},
		"in a section":          {form{"blocks": "[" + mrkdwn("<!channel>") + "]"}, "broadcast channel"},
		"in a field":            {form{"blocks": `[{"type":"section","fields":[{"type":"mrkdwn","text":"<@U1>"}]}]`}, "user U1"},
		"in a context":          {form{"blocks": `[{"type":"context","elements":[{"type":"mrkdwn","text":"<@U1>"}]}]`}, "user U1"},
		"in plain text":         {form{"blocks": `[{"type":"header","text":{"type":"plain_text","text":"<!channel> https://x.example"}}]`}, ""},
		"verbatim":              {form{"blocks": `[{"type":"section","text":{"type":"mrkdwn","text":"https://x.example","verbatim":true}}]`}, ""},
		"rich text":             {form{"blocks": "[" + rich(`{"type":"text","text":"<!channel> https://x.example"}`) + "]"}, ""},
		"rich broadcast":        {form{"blocks": "[" + rich(`{"type":"broadcast","range":"here"}`) + "]"}, "broadcast here"},
		"rich user":             {form{"blocks": "[" + rich(`{"type":"user","user_id":"U1"}`) + "]"}, "user U1"},
		"rich group":            {form{"blocks": "[" + rich(`{"type":"usergroup","usergroup_id":"S1"}`) + "]"}, "usergroup S1"},
		"rich link":             {form{"blocks": "[" + rich(`{"type":"link","url":"https://x.example","text":"y"}`) + "]"}, "link https://x.example"},
		"button":                {form{"blocks": `[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"a"},"url":"https://x.example"}]}]`}, "link https://x.example"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startWorld(t)
			room := w.Slack.AddChannel("cs")
			tt.args["channel"] = room.ID
			if r := call(t, w.Slack, "chat.postMessage", tt.args); r.path("ok") != true {
				t.Fatalf("refused: %s", r.body)
			}
			var got []string
			for _, p := range room.Pings() {
				got = append(got, string(p.Kind)+" "+p.Target)
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestMentionsRing(t *testing.T) {
	t.Parallel()
	for kind, want := range map[sandbox.SpanKind]bool{
		sandbox.SpanBroadcast: true, sandbox.SpanUser: true, sandbox.SpanGroup: true,
		sandbox.SpanLink: false, sandbox.SpanAutoLink: false, sandbox.SpanRoom: false, sandbox.SpanText: false,
	} {
		if kind.Mention() != want {
			t.Errorf("%s: %v", kind, kind.Mention())
		}
	}
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	room := w.Slack.AddChannel("cs")
	call(t, w.Slack, "chat.postMessage", form{"channel": room.ID, "text": "*새* _문의_ ~x~ `y` 2*3*4 a_b_c &lt;끝&gt;", "blocks": `[
		{"type":"section","text":{"type":"mrkdwn","text":"<https://x.example|링크>"},"accessory":{"type":"button","text":{"type":"plain_text","text":"버튼"}}},
		{"type":"rich_text","elements":[{"type":"rich_text_list","style":"bullet","elements":[
			{"type":"rich_text_section","elements":[{"type":"text","text":"하나"},{"type":"emoji","name":"tada"}]}]}]}]`})
	if got, want := room.Texts()[0], "새 문의 x y 2*3*4 a_b_c <끝>\n링크\n버튼\n하나:tada:"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	bold := false
	for _, s := range room.Messages()[0].Parts()[0].Runs[0] {
		bold = bold || s.Bold && s.Text == "새"
	}
	if !bold {
		t.Error("*새* is not bold")
	}
}
