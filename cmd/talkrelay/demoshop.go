package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"text/template"
	"time"

	"talkrelay/sandbox"
)

// demoShop is a small shop: its Channel Talk channel, its Slack channel and its spreadsheet, all simulated.
type demoShop struct {
	world   *sandbox.World
	channel *sandbox.Channel
	slack   *sandbox.SlackChannel
	sheet   *sandbox.Spreadsheet
	agent   *sandbox.Manager
	before  int // happenings before the daemon's first look, which must send nothing

	living bool            // Slack's messages follow their chats
	chats  []*sandbox.Chat // of the story
}

// Tabs of the demo's spreadsheet.
const (
	demoInquiries = "문의"
	demoChanges   = "변경이력"
)

func openShop() (*demoShop, error) { return openShopWith(sandbox.Options{}) }

func openShopWith(services sandbox.Options) (*demoShop, error) {
	world, err := sandbox.Start(services)
	if err != nil {
		return nil, err
	}
	s := &demoShop{
		world:   world,
		channel: world.ChannelTalk.AddChannel("모두의가게"),
		slack:   world.Slack.AddChannel("cs-alerts"),
		sheet:   world.Google.AddSpreadsheet("고객 문의"),
	}
	s.agent = s.channel.AddManager("이상담", "lee@example.com")
	for i := range 3 { // yesterday's chats, of which nobody wants to hear again
		old := s.channel.AddUser(sandbox.User{Name: fmt.Sprintf("지난 고객 %d", i+1)})
		s.channel.OpenChat(old, "어제 문의했던 내용입니다", sandbox.Opening{At: time.Now().Add(-24*time.Hour + time.Duration(i)*time.Hour)})
	}
	s.before = len(s.channel.Happenings())
	return s, nil
}

var demoConfig = template.Must(template.New("config").Parse(`language = "ko"

[state]
path = "demo.db"

[[channel]]
name          = "shop"
access_key    = {{.AccessKey}}
access_secret = {{.AccessSecret}}
base_url      = {{.BaseURL}}
poll          = "@every 1s"
sweep         = "@every 3s"

[[sink.slack]]
name    = "cs-alerts"
token   = {{.Token}}
channel = {{.SlackChannel}}
api_url = {{.APIURL}}
{{.Follow}}{{.Lookups}}

[[sink.sheets]]
name             = "inquiries"
credentials_file = "google.json"
spreadsheet      = {{.Spreadsheet}}
sheet            = "문의"
endpoint         = {{.Endpoint}}

[[sink.sheets]]
name             = "changes"
credentials_file = "google.json"
spreadsheet      = {{.Spreadsheet}}
sheet            = "변경이력"
endpoint         = {{.Endpoint}}

[[route]]
name = "새 문의"
on   = ["userChat.opened"]
to   = ["cs-alerts", "inquiries"]

[[route]]
name  = "연락처 변경"
on    = ["lead.upserted.contact", "member.upserted.contact"]
where = 'change == "updated"'
to    = ["cs-alerts", "changes"]
`))

// demoLookups are soon: a message that was under way when Slack stopped is looked for before it is sent again, and
// nobody waits a minute for a demo.
const demoLookups = `lookups_answered   = ["1s", "2s"]
lookups_unanswered = ["2s", "4s"]`

// writeConfig writes the config and key file that a user of these services would have.
func (s *demoShop) writeConfig(dir, path string) error {
	if err := os.WriteFile(filepath.Join(dir, "google.json"), s.world.Google.ServiceAccountJSON(), 0o600); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	values := map[string]string{
		"AccessKey":    s.channel.AccessKey,
		"AccessSecret": s.channel.AccessSecret,
		"BaseURL":      s.world.ChannelTalk.URL(),
		"Token":        s.world.Slack.Token,
		"SlackChannel": s.slack.ID,
		"APIURL":       s.world.Slack.APIURL(),
		"Spreadsheet":  s.sheet.ID,
		"Endpoint":     s.world.Google.Endpoint(),
	}
	for k, v := range values {
		values[k] = strconv.Quote(v)
	}
	values["Lookups"], values["Follow"] = demoLookups, ""
	if s.living {
		values["Follow"] = "follow  = true\n"
	}
	if err := demoConfig.Execute(f, values); err != nil {
		return err
	}
	return f.Close()
}

// live lets the shop's day happen: the story first, then chance inquiries until lasts is over.
func (s *demoShop) live(ctx context.Context, lasts time.Duration, w *demoWatcher) error {
	end := time.Now().Add(lasts)
	story := s.story(ctx, w)
	pace := max((lasts-2*time.Second)/time.Duration(len(story)), 700*time.Millisecond)
	for _, scene := range story {
		scene()
		if err := w.pause(ctx, min(pace, time.Second)); err != nil {
			return err
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for time.Until(end) > time.Second {
		s.chance(random, w)
		if err := w.pause(ctx, time.Duration(random.ExpFloat64()*float64(2*time.Second))); err != nil {
			return err
		}
	}
	return s.world.Slack.Up()
}

// story is what every demo shows, a scene at a time.
func (s *demoShop) story(ctx context.Context, w *demoWatcher) []func() {
	var hong *sandbox.Customer
	var first *sandbox.Chat
	seen := func() bool { return len(s.rows(demoInquiries)) > 0 && len(s.slack.Messages()) > 0 } // 홍길동 writes first
	edited := func() bool { return !s.living || s.untrue() == 0 }
	return []func(){
		func() {
			w.say("홍길동 님이 문의합니다")
			hong = s.channel.AddUser(sandbox.User{Name: "홍길동", Member: true,
				Contact: sandbox.Contact{MobileNumber: "+821012345678", Email: "hong@example.com"}})
			first = s.open(hong, "배송이 아직 안 왔어요. 확인 부탁드려요.", sandbox.Opening{Page: "/orders/123", Tags: []string{"배송"}})
		},
		func() {
			w.say("김영희 님이 환불을 문의합니다")
			kim := s.channel.AddUser(sandbox.User{Name: "김영희", Contact: sandbox.Contact{Email: "younghee@example.com"}})
			s.open(kim, "사이즈가 안 맞아서 환불하고 싶어요 🙏", sandbox.Opening{Page: "/products/77", Tags: []string{"환불"}, Assignee: s.agent})
		},
		func() {
			w.say("누군가 알림과 수식을 심어 보려 합니다")
			bad := s.channel.AddUser(sandbox.User{Name: "<!channel> =1+2"})
			s.open(bad, "<!channel> 긴급! <https://evil.example|은행 로그인> =IMPORTXML(\"https://evil.example\")", sandbox.Opening{})
		},
		func() {
			w.until(ctx, seen) // a number nobody had seen before has not changed
			w.say("홍길동 님의 휴대폰 번호가 바뀝니다")
			hong.ChangeContact(sandbox.Contact{MobileNumber: "+821099998888", Email: "hong@example.com"})
		},
		func() {
			w.say("Slack이 잠시 멈춥니다; 그사이 두 분이 문의합니다")
			s.world.Slack.Down()
			for _, name := range []string{"박민수", "佐藤花子"} {
				s.open(s.channel.AddUser(sandbox.User{Name: name}), "쿠폰이 적용되지 않아요", sandbox.Opening{})
			}
		},
		func() {
			w.say("이상담 님이 홍길동 님의 상담을 맡아 답하고 종료합니다")
			first.Assign(s.agent)
			first.ManagerSays(s.agent, "오늘 도착 예정입니다.")
			first.Close()
		},
		func() {
			w.say("Slack이 돌아옵니다")
			_ = s.world.Slack.Up()
		},
		func() {
			w.until(ctx, edited) // on a slow machine nobody would see that it had been closed
			w.say("홍길동 님이 종료된 상담을 다시 엽니다")
			first.Reopen("아직 도착하지 않았어요!")
		},
	}
}

// open opens a chat of which all that comes is to show.
func (s *demoShop) open(u *sandbox.Customer, text string, o sandbox.Opening) *sandbox.Chat {
	chat := s.channel.OpenChat(u, text, o)
	s.chats = append(s.chats, chat)
	return chat
}

var demoNames = []string{"최지우", "정우성", "한소희", "이강인", "윤아름", "田中太郎", "Gildong Hong"}
var demoTexts = []string{"교환하고 싶어요", "영수증 부탁드립니다", "주문을 취소할 수 있나요?", "비밀번호를 잊었어요", "재입고 언제 되나요?", "안녕하세요"}

// chance makes one more thing happen.
func (s *demoShop) chance(random *rand.Rand, w *demoWatcher) {
	name := demoNames[random.IntN(len(demoNames))]
	w.say(name + " 님이 문의합니다")
	user := s.channel.AddUser(sandbox.User{Name: name, Contact: sandbox.Contact{MobileNumber: fmt.Sprintf("+82107%07d", random.IntN(1e7))}})
	chat := s.open(user, demoTexts[random.IntN(len(demoTexts))], sandbox.Opening{})
	if random.IntN(3) == 0 {
		chat.Close()
	}
}
