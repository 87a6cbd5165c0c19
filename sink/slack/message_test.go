package slack_test

import (
	"encoding/json"
	"net/url"
	"regexp"
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

var control = regexp.MustCompile("<[^>]*>?|@here|@channel")

// checkMessage fails unless the body is one that Slack accepts and that mentions and links nothing but what allowed
// lists.
func checkMessage(t testingT, body []byte, allowed ...string) {
	t.Helper()
	texts, blocks := pieces(t, body)
	if len(blocks) > 50 {
		t.Errorf("%d blocks", len(blocks))
	}
	for _, b := range blocks {
		if fields, _ := b["fields"].([]any); len(fields) > 10 {
			t.Errorf("%d fields", len(fields))
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
{{.Old}} {{.Old.Email}} {{.Old.MobileNumber}} {{range .Changes}}{{.Field}} {{.Old}} {{.New}}{{end}}
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
		everyForm(t, sinks, strings.Repeat(text, 100))
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	sinks := hostileSinks(t)
	lengths := map[string][]int{"한&": {25_000}} // 50,000 characters
	for _, text := range []string{"a", "한", "&", "<", "👨‍👩‍👧‍👦", "\n", "é", "a b\n", "𝕏&", "e\u0301"} {
		lengths[text] = []int{1, 140, 141, 301}
	}
	for text, all := range lengths {
		for _, length := range all {
			everyForm(t, sinks, strings.Repeat(text, length))
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

// What looks like a phone number or an address is masked wherever a customer may have written it.
func TestMask(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	const phone, email = "010-9876-5432", "secret.person@example.com"
	text := "call " + phone + " or " + email
	e := hostileEvent(talkrelay.UserChatOpened, text)
	e.Chat.ID, e.User.ID, e.Chat.State, e.Chat.MediumType, e.Chat.HandlingType, e.Chat.Tags = "c", "u", "opened", "native", "", nil
	e.User.Tags, e.User.Profile = nil, map[string]string{"memo": text}
	e.Assignee, e.Team, e.Channel = talkrelay.Person{Name: "김"}, talkrelay.Team{Name: "CS"}, "main"
	e.User.Contact = talkrelay.Contact{Email: email, MobileNumber: "+821098765432", LandlineNumber: "+82298765432"}
	e.Old = talkrelay.Contact{Email: "other." + email, MobileNumber: "+821098765431"}
	leaks := regexp.MustCompile(`9876|secret\.person`)
	for _, kind := range talkrelay.Kinds() {
		e.Kind = kind
		for _, own := range []string{"", everyText} {
			for _, form := range []string{"", slack.FormPlain} {
				s := f.sink(func(c *slack.Config) { c.Text = own })
				body, _, err := s.Prepare(shipment, []sink.Item{{Event: e}}, form)
				if err != nil {
					t.Fatal(err)
				}
				texts, _ := pieces(t, body)
				for _, p := range texts {
					if leaks.MatchString(p.text) {
						t.Errorf("%s, own=%v, form=%q: %s of %s leaks: %q", kind, own != "", form, p.kind, p.where, p.text)
					}
				}
			}
		}
		s := f.sink(func(c *slack.Config) { c.Mask = ptr(false) })
		if body := string(message(t, s, e).Body); !leaks.MatchString(body) {
			t.Errorf("%s: masked although mask = false", kind)
		}
	}
}

// Two numbers with the same last digits look alike when masked. The change is shown all the same.
func TestMaskedChangeIsShown(t *testing.T) {
	t.Parallel()
	e := talkrelay.Event{
		ID: "e", Kind: talkrelay.LeadContact, Change: talkrelay.Updated,
		User: talkrelay.User{Name: "홍", Contact: talkrelay.Contact{MobileNumber: "+821011115678"}},
		Old:  talkrelay.Contact{MobileNumber: "+821022225678"},
	}
	texts, _ := pieces(t, message(t, newFake(t).sink(nil), e).Body)
	if got := texts[0].text; !strings.Contains(got, "010-****-5678 → 010-****-5678") {
		t.Errorf("notification is %q", got)
	}
}

func TestOwnText(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.sink(func(c *slack.Config) {
		c.Text = "general {{.User.Name}}"
		c.RouteText = map[string]string{"refunds": "<!here> {{.Message.Text}} <{{.DeskURL}}|open>", "blank": "{{if false}}x{{end}} \u200b"}
	})
	e := inquiry()
	e.Message.Text, e.User.Name, e.DeskURL = "<!channel> & co", "<b>", "https://desk.example/?a=1&b=2"
	for route, want := range map[string]string{
		"":        "general &lt;b&gt;",
		"other":   "general &lt;b&gt;",
		"refunds": "<!here> &lt;!channel&gt; &amp; co <https://desk.example/?a=1&amp;b=2|open>",
		"blank":   "🆕 새 문의 · &lt;b&gt; · &lt;!channel&gt; &amp; co 📎 첨부파일 1개", // nothing to see: the default message
	} {
		body, _, err := s.Prepare(shipment, []sink.Item{{Event: e, Route: route}}, "")
		if err != nil {
			t.Fatal(err)
		}
		texts, blocks := pieces(t, body)
		if texts[0].text != want || (len(blocks) == 0) != (route != "blank") {
			t.Errorf("route %q: %q with %d blocks, want %q", route, texts[0].text, len(blocks), want)
		}
	}
}

func TestDeskLink(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(nil)
	for url, linked := range map[string]bool{
		desk: true, "http://desk.local/x": true, "": false, "javascript:alert(1)": false, "ftp://x.example/": false, "https://": false,
		"https://a.example/|x": false, "https://a.example/><!here>": false, "https://a.example/ b": false, "//a.example": false,
		"https://a.example/\u200d": false, "https://a.example/" + strings.Repeat("x", 3000): false,
	} {
		e := inquiry()
		e.DeskURL = url
		texts, _ := pieces(t, message(t, s, e).Body)
		found := false
		for _, p := range texts {
			found = found || strings.Contains(p.text, "|💬")
		}
		if found != linked {
			t.Errorf("%q: linked = %v, want %v", url, found, linked)
		}
	}
}

// Times are in the event's zone, else in the sink's.
func TestTimeZone(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(nil) // Seoul
	for zone, want := range map[string]string{"": "14:03", "Asia/Tokyo": "14:03", "UTC": "05:03", "America/New_York": "00:03", "Nowhere/Land": "14:03"} {
		e := inquiry()
		e.TimeZone = zone
		texts, _ := pieces(t, message(t, s, e).Body)
		if got := texts[len(texts)-1].text; !strings.Contains(got, want) {
			t.Errorf("zone %q: %q, want %s", zone, got, want)
		}
	}
}

func TestPrepareSameBytes(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(nil)
	now := time.Unix(1795320000, 0)
	a, _ := s.Render(shipment, sink.Item{Event: inquiry()}, "", now)
	b, _ := s.Render(shipment, sink.Item{Event: inquiry()}, "", now)
	if string(a) != string(b) {
		t.Error("the same message makes different bytes")
	}
	if _, _, err := s.Prepare(shipment, nil, ""); err == nil {
		t.Error("Prepare of nothing succeeds")
	}
	if _, n, err := s.Prepare(shipment, make([]sink.Item, 3), ""); n != 1 || err != nil {
		t.Errorf("Prepare of three = %d, %v; want one a message", n, err)
	}
}
