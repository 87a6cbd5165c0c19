package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/dispatch"
	"talkrelay/sink"
)

const docs = "../../docs"

// readPage returns the text of a file of the docs.
func readPage(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(docs, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var tomlBlock = regexp.MustCompile("(?ms)^```toml\n(.*?)^```$")

// recipeSinks are the sinks that the cookbook's routes name.
const recipeSinks = `
[[channel]]
name = "main"
access_key = "key"
access_secret = "0123456789abcdef"
`

func recipeConfig(block string) string {
	text := recipeSinks
	for _, name := range []string{"cs-alerts", "urgent"} {
		text += fmt.Sprintf("[[sink.slack]]\nname = %q\ntoken = \"xoxb-1234567890\"\nchannel = \"C0123456789\"\n", name)
	}
	for _, name := range []string{"inquiries", "changes"} {
		if !strings.Contains(block, "[[sink.sheets]]") || name != "inquiries" {
			text += fmt.Sprintf("[[sink.sheets]]\nname = %q\ncredentials_file = \"google.json\"\nspreadsheet = \"1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789\"\nsheet = %q\n", name, name)
		}
	}
	if !strings.Contains(block, "[[route]]") {
		text += "[[route]]\nname = \"all\"\non = [\"userChat.opened\"]\nto = [\"inquiries\", \"cs-alerts\", \"urgent\"]\n"
	}
	return text + block
}

// recipe is an event that a route of the cookbook is for, made from a plain one, which it is not for.
type recipe struct {
	kind talkrelay.Kind
	yes  func(*talkrelay.Event)
	no   func(*talkrelay.Event) // nil = the plain event
}

// plainEvent is what none of the narrow recipes is for: a customer with nothing special, on a Monday at ten.
func plainEvent(kind talkrelay.Kind) talkrelay.Event {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, seoul)
	return talkrelay.Event{
		ID: "plain", Kind: kind, Channel: "main", At: at, Seen: at, Change: talkrelay.Created, TimeZone: "Asia/Seoul",
		Chat: talkrelay.Chat{ID: "6641e1f2a0", State: "opened", Page: "/", MediumType: "native", AssigneeID: "7", TeamID: "3", OpenedAt: at},
		User: talkrelay.User{ID: "u1", Member: true, Name: "홍길동", Contact: talkrelay.Contact{MobileNumber: "+821012345678"}},
		Team: talkrelay.Team{ID: "3", Name: "CS팀"}, Assignee: talkrelay.Person{ID: "7", Name: "이상담"},
		Message: talkrelay.Message{Text: "안녕하세요", PersonType: "user"}, DeskURL: "https://desk.channel.io/",
	}
}

func recipes() map[string]recipe {
	opened := func(yes func(*talkrelay.Event)) recipe { return recipe{talkrelay.UserChatOpened, yes, nil} }
	changed := func(e *talkrelay.Event) {
		e.Change, e.Old = talkrelay.Updated, talkrelay.Contact{MobileNumber: "+821000000000"}
	}
	night := func(e *talkrelay.Event) { e.Seen = e.Seen.Add(12 * time.Hour) }
	phoned := func(e *talkrelay.Event) { e.Chat.MediumType = "phone" }
	return map[string]recipe{
		"새 문의":     opened(func(*talkrelay.Event) {}),
		"환불 교환":    opened(func(e *talkrelay.Event) { e.Chat.Tags = []string{"배송", "교환"} }),
		"급한 문의":    opened(func(e *talkrelay.Event) { e.Message.Text = "결제가 안 돼요" }),
		"당직":       opened(night),
		"VIP":      opened(func(e *talkrelay.Event) { e.User.Profile = map[string]string{"grade": "gold"} }),
		"물류팀":      opened(func(e *talkrelay.Event) { e.Team.Name = "물류팀" }),
		"미배정":      opened(func(e *talkrelay.Event) { e.Chat.AssigneeID = "" }),
		"다시 열린 상담": opened(func(e *talkrelay.Event) { e.Chat.Reopened = true }),
		"주문 화면":    opened(func(e *talkrelay.Event) { e.Chat.Page = "/orders/123" }),
		"연락처 변경":   {talkrelay.LeadContact, changed, nil},
		"휴대폰 변경":   {talkrelay.MemberContact, changed, nil},
		"전화와 이메일":  opened(phoned),
		"채팅":       {talkrelay.UserChatOpened, func(*talkrelay.Event) {}, phoned},

		"일본어 담당": opened(func(e *talkrelay.Event) { e.User.Language, e.Assignee.Email = "ja", "lee@example.com" }),
		"조용한 채널": opened(func(*talkrelay.Event) {}),
		"환불 이야기": {talkrelay.UserChatMessage, func(e *talkrelay.Event) { e.Message.Text = "REFUND please" }, nil},
		"내부 메모": {talkrelay.UserChatMessage, func(e *talkrelay.Event) {
			e.Message.Private, e.Message.PersonType, e.Message.PersonName = true, "manager", "이상담"
		}, nil},
		"배송팀 이야기": {talkrelay.TeamChatMessage, func(e *talkrelay.Event) {
			e.Chat, e.User, e.Message.Text, e.Message.PersonName = talkrelay.Chat{}, talkrelay.User{}, "배송 지연 2건", "이상담"
			e.Group = talkrelay.Group{ID: "42", Name: "배송"}
		}, nil},
		"기다리는 고객":   {talkrelay.UserChatWaiting, func(e *talkrelay.Event) { e.Stage, e.Waited = 1, 30*time.Minute }, nil},
		"오래 기다린 고객": {talkrelay.UserChatWaiting, func(e *talkrelay.Event) { e.Stage, e.Waited = 1, 4*time.Hour }, nil},
	}
}

// TestCookbook reads every block of the cookbook with the config's own reader. Each route gets an event it is for and one
// it is not for, and its text is made of the former.
func TestCookbook(t *testing.T) {
	t.Parallel()
	r := newRig(t) // for its key file
	want, seen := recipes(), 0
	for _, m := range tomlBlock.FindAllStringSubmatch(readPage(t, "cookbook.md"), -1) {
		path := writeFile(t, r.dir, "recipe.toml", recipeConfig(m[1]), 0o600)
		cfg, err := readConfig(path, os.Getenv)
		if err != nil {
			t.Errorf("%v\n%s", err, m[1])
			continue
		}
		if !strings.Contains(m[1], "[[route]]") {
			continue
		}
		seen++
		for _, route := range cfg.Routes {
			w, ok := want[route.Name]
			if !ok {
				t.Errorf("no example event for route %q", route.Name)
				continue
			}
			w.try(t, cfg, route)
			delete(want, route.Name)
		}
	}
	if seen < 12 || len(want) > 0 {
		t.Errorf("%d recipes; not in the cookbook: %v", seen, want)
	}
}

func (w recipe) try(t *testing.T, cfg *config, route routeFile) {
	t.Helper()
	match := func(change func(*talkrelay.Event)) (talkrelay.Event, bool) {
		e := plainEvent(w.kind)
		if change != nil {
			change(&e)
		}
		for _, x := range cfg.plan.router.Explain(e) {
			if x.Reason == dispatch.ReasonFailed {
				t.Errorf("%s: the filter cannot be evaluated", x.Route)
			}
			if x.Route == route.Name {
				return e, x.Matched
			}
		}
		return e, false
	}
	e, yes := match(w.yes)
	if !yes {
		t.Errorf("%s does not match what it is for", route.Name)
	}
	if _, yes := match(w.no); yes && route.Where != "" {
		t.Errorf("%s matches what it is not for", route.Name)
	}
	if route.Text == "" {
		return
	}
	text, err := sink.ParseTemplate(route.Text)
	if err != nil {
		t.Fatal(err)
	}
	out, err := text.Execute(sink.NewView(e, sink.Korean))
	if err != nil || len(strings.TrimSpace(out)) < 10 || strings.Contains(out, "<no value>") {
		t.Errorf("%s: %v, %q", route.Name, err, out)
	}
}

// TestTroubleshooting looks for each text that the page explains in the source of the program.
func TestTroubleshooting(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		source.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(.+?)` \\|").FindAllStringSubmatch(readPage(t, "troubleshooting.md"), -1)
	for _, m := range rows {
		if !strings.Contains(source.String(), m[1]) {
			t.Errorf("nothing says %q", m[1])
		}
	}
	if len(rows) < 20 {
		t.Errorf("only %d rows", len(rows))
	}
}
