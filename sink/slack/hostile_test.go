package slack_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/slack"
)

// piece is one text of a message as Slack gets it.
type piece struct {
	kind  string // "mrkdwn", "plain_text", "text" (rich text), "top" (the notification)
	where string // block type
	text  string
}

// pieces takes a body apart without the help of what built it.
func pieces(t testingT, body []byte) (out []piece, blocks []map[string]any) {
	t.Helper()
	form, err := url.ParseQuery(string(body))
	if err != nil {
		t.Fatalf("body: %v", err)
	}
	out = append(out, piece{"top", "", form.Get("text")})
	if form.Has("blocks") {
		if err := json.Unmarshal([]byte(form.Get("blocks")), &blocks); err != nil {
			t.Fatalf("blocks: %v", err)
		}
	}
	for _, b := range blocks {
		out = append(out, textsIn(b, b["type"].(string))...)
	}
	return out, blocks
}

func textsIn(v any, where string) (out []piece) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			out = append(out, textsIn(e, where)...)
		}
	case map[string]any:
		kind, _ := v["type"].(string)
		if text, ok := v["text"].(string); ok {
			return append(out, piece{kind, where, text})
		}
		for _, e := range v {
			out = append(out, textsIn(e, where)...)
		}
	}
	return out
}

type testingT interface {
	Helper()
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

// checkMessage fails unless the body is one that Slack accepts and that mentions and links nothing but what allowed
// lists.
func checkMessage(t testingT, body []byte, allowed ...string) {
	t.Helper()
	texts, blocks := pieces(t, body)
	if len(blocks) > 50 {
		t.Errorf("%d blocks", len(blocks))
	}
	for _, b := range blocks {
		fields, _ := b["fields"].([]any)
		if len(fields) > 10 {
			t.Errorf("%d fields", len(fields))
		}
		for _, p := range textsIn(fields, "field") {
			if n := sink.LenUTF16(p.text); n > 1900 {
				t.Errorf("%d UTF-16 units in a field", n)
			}
		}
		checkRichText(t, b)
	}
	for _, p := range texts {
		limit := map[string]int{"top": 3800, "plain_text": 140, "mrkdwn": 2900, "text": 2900}[p.kind]
		if n := sink.LenUTF16(p.text); n == 0 || n > limit || strings.TrimSpace(p.text) == "" {
			t.Errorf("%s of %s: %d UTF-16 units, want 1 to %d", p.kind, p.where, n, limit)
		}
		if !utf8.ValidString(p.text) || strings.ContainsAny(p.text, "\x00\x01\x1b\u202e\u2028") {
			t.Errorf("%s of %s is not clean: %q", p.kind, p.where, p.text)
		}
		if p.kind == "mrkdwn" || p.kind == "top" {
			checkMarkup(t, p, allowed)
		}
	}
}

// checkMarkup fails on any <…> in mrkdwn that is not allowed, and on an entity that was cut.
func checkMarkup(t testingT, p piece, allowed []string) {
	t.Helper()
	text := strings.ReplaceAll("\n"+p.text, "\n> ", "\n") // the mark of a quoted line
	for _, a := range allowed {
		text = strings.ReplaceAll(text, a, "")
	}
	if i := strings.IndexAny(text, "<>"); i >= 0 {
		t.Errorf("%s of %s holds mark-up of a customer: %q", p.kind, p.where, text[i:min(len(text), i+60)])
	}
	for rest := text; ; {
		i := strings.IndexByte(rest, '&')
		if i < 0 {
			return
		}
		rest = rest[i:]
		if !strings.HasPrefix(rest, "&amp;") && !strings.HasPrefix(rest, "&lt;") && !strings.HasPrefix(rest, "&gt;") {
			t.Errorf("%s of %s has a bare &: %q", p.kind, p.where, rest[:min(len(rest), 20)])
		}
		rest = rest[1:]
	}
}

// checkRichText fails if a rich text block holds any element but text: a mention would need one of its own.
func checkRichText(t testingT, b map[string]any) {
	t.Helper()
	if b["type"] != "rich_text" {
		return
	}
	for _, quote := range b["elements"].([]any) {
		for _, e := range quote.(map[string]any)["elements"].([]any) {
			if kind := e.(map[string]any)["type"]; kind != "text" {
				t.Errorf("rich text holds an element %q", kind)
			}
		}
	}
}

// hostileEvent has text wherever a stranger, or a colleague, may put one.
func hostileEvent(kind talkrelay.Kind, text string) talkrelay.Event {
	return talkrelay.Event{
		ID: "e", Kind: kind, Change: talkrelay.Updated, At: time.Unix(1795320000, 0),
		Chat: talkrelay.Chat{
			ID: text, State: text, Name: text, Title: text, Description: text, MediumType: text, Page: text,
			HandlingType: text, Tags: []string{text, text}, AskedAt: time.Unix(1795310000, 0),
		},
		User: talkrelay.User{
			ID: text, MemberID: text, Name: text, Tags: []string{text}, Profile: map[string]string{text: text},
			Contact: talkrelay.Contact{Email: text, MobileNumber: text, LandlineNumber: text},
		},
		Before:   talkrelay.Before{State: text, Tags: []string{"x" + text}},
		Old:      talkrelay.Contact{Email: "x" + text, MobileNumber: "x" + text, LandlineNumber: "x" + text},
		Message:  talkrelay.Message{Text: text, PersonType: text, Files: 3},
		Assignee: talkrelay.Person{ID: text, Name: text, Email: text},
		Team:     talkrelay.Team{ID: text, Name: text},
		Channel:  text, DeskURL: desk, TimeZone: "Asia/Seoul",
	}
}

const (
	desk      = "https://desk.channel.io/#/channels/1/user_chats/abc"
	subteam   = "<!subteam^S0CS>"
	ownFixed  = "<!here> <@U0123456789> <https://wiki.example.com|wiki>"
	everyText = ownFixed + ` {{.Chat.ID}} {{.Chat.Name}} {{.Chat.Title}} {{.Chat.Description}} {{.Chat.Page}} {{.Chat.State}}
{{state .Chat.State}} {{medium .Chat.MediumType}} {{.Tags}} {{join "|" .Tags}} {{range .Chat.Tags}}{{.}}{{end}} {{.Chat.Chat.Tags}}
{{.User}} {{.User.Name}} {{.User.MemberID}} {{.User.Email}} {{.User.MobileNumber}} {{.User.LandlineNumber}} {{.User.Profile}} {{.User.Tags}}
{{.Old}} {{.Old.Email}} {{.Old.MobileNumber}} {{.Before}} {{.Before.Removed}} {{range .Changes}}{{.Field}} {{.Old}} {{.New}}{{end}}
{{.Message.Text}} {{truncate 20 .Message.Text}} {{oneline .Message.Text}} {{mask .User.Email}} {{maskName .User.Name}} {{default "-" .User.Name}}
{{.Assignee}} {{.Team.Name}} {{.Channel}} {{.DeskURL}} <{{.DeskURL}}|desk>`
)

// everyForm renders an event in every way there is and checks each.
func everyForm(t testingT, sinks map[string]*slack.Sink, text string) {
	t.Helper()
	for _, kind := range talkrelay.Kinds() {
		item := sink.Item{Event: hostileEvent(kind, text)}
		for name, s := range sinks {
			for _, form := range []string{"", slack.FormPlain} {
				body, _, err := s.Prepare(shipment, []sink.Item{item}, form)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				checkMessage(t, body, subteam, "<!here>", "<@U0123456789>", "<https://wiki.example.com|wiki>", "<"+desk+"|desk>",
					"<"+desk+"|💬 채널톡에서 답변하기 →>", "<"+desk+"|💬 Answer in Channel Talk →>")
			}
		}
	}
}

func hostileSinks(t *testing.T) map[string]*slack.Sink {
	f := newFake(t)
	return map[string]*slack.Sink{
		"default":  f.sink(func(c *slack.Config) { c.Mention = subteam }),
		"unmasked": f.sink(func(c *slack.Config) { c.Mask, c.Language = ptr(false), sink.English }),
		"own":      f.sink(func(c *slack.Config) { c.Text, c.Mask = everyText, ptr(false) }),
		"masked":   f.sink(func(c *slack.Config) { c.Text = everyText }),
	}
}

var hostileTexts = []string{
	"", " ", "\n", "\x00", "\ufdd0\ufdd1!here\ufdd2", "\ufffe<!here>", "\u200b", "-", "<!channel>", "<!here> <!everyone> <@U1> <#C1> <!subteam^S1>", "<https://evil.example|bank>",
	"&lt;!channel&gt;", "&amp;lt;!here&amp;gt;", "& < >", "&", "<", ">", "`<!here>`", "```\n<!here>\n```", "@here @channel @everyone",
	"\u202e<!here>", "\xff\xfe<!here>\xc3", "a\x00b\x1b[31m", "\u2028\u2029", "🆕👨‍👩‍👧‍👦", "*bold* _it_ ~x~", "{{.User.Email}}", `\u003c!here\u003e`,
	"https://evil.example|click", "<", "＜!here＞", "<!date^1^{date}^https://evil.example|x>", "mailto:x@example.com", "</quote>", `{"type":"broadcast"}`,
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	sinks := hostileSinks(t)
	for _, text := range hostileTexts {
		everyForm(t, sinks, text)
		everyForm(t, sinks, strings.Repeat(text, 30))
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	sinks := hostileSinks(t)
	for _, text := range []string{"a", "한", "<", "👨‍👩‍👧‍👦", "a b\n", "𝕏&", "e\u0301"} {
		for _, length := range []int{1, 141, 301} {
			everyForm(t, sinks, strings.Repeat(text, length))
		}
	}
	for _, text := range []string{"한", "&", "👨‍👩‍👧‍👦"} {
		e := inquiry()
		e.Message.Text = strings.Repeat(text, 50_000/utf8.RuneCountInString(text))
		e.User.Name, e.Chat.Page = e.Message.Text, e.Message.Text
		for _, form := range []string{"", slack.FormPlain} {
			body, _, err := sinks["default"].Prepare(shipment, []sink.Item{{Event: e}}, form)
			if err != nil {
				t.Fatal(err)
			}
			checkMessage(t, body, subteam, "<"+e.DeskURL+"|💬 채널톡에서 답변하기 →>")
		}
	}
}

func TestHostileProperty(t *testing.T) {
	t.Parallel()
	sinks := hostileSinks(t)
	atoms := append([]string{"<!", "<@U", "<#C", "<http", "|", "^", "\r\n", "한글", "👩‍🚀", "a", " ", "010-1234-5678", "a@b.co"}, hostileTexts...)
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom(atoms), 0, 40).Draw(rt, "words")
		everyForm(rt, sinks, strings.Join(words, ""))
	})
}

func FuzzMessage(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text, desk)
	}
	f.Add("x", "https://a.example/>|<!here>")
	s, err := slack.New(slack.Config{Name: "a", Token: token, Channel: chanA, Mention: subteam}, nil)
	if err != nil {
		f.Fatal(err)
	}
	own, err := slack.New(slack.Config{Name: "b", Token: token, Channel: chanA, Text: everyText}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, link string) {
		escaped := strings.NewReplacer("&", "&amp;").Replace(link)
		everyForm(t, map[string]*slack.Sink{"default": s, "own": own}, text)
		e := hostileEvent(talkrelay.UserChatOpened, text)
		e.DeskURL = link
		for _, one := range []*slack.Sink{s, own} {
			body, _, err := one.Prepare(shipment, []sink.Item{{Event: e}}, "")
			if err != nil {
				t.Fatal(err)
			}
			allowed := []string{subteam, "<!here>", "<@U0123456789>", "<https://wiki.example.com|wiki>", "<|desk>"}
			if strings.HasPrefix(strings.ToLower(link), "http") && !strings.ContainsAny(link, "<>|") {
				allowed = append(allowed, "<"+escaped+"|desk>", "<"+escaped+"|💬 채널톡에서 답변하기 →>")
			}
			checkMessage(t, body, allowed...)
		}
	})
}
