package dispatch_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talkrelay"
	"talkrelay/dispatch"
)

var (
	allSinks    = []string{"cs-alerts", "inquiries", "changes"}
	allChannels = []string{"main", "japan"}
)

func router(t testing.TB, routes ...dispatch.RouteConfig) *dispatch.Router {
	t.Helper()
	r, problems := dispatch.NewRouter(routes, allSinks, allChannels)
	if len(problems) > 0 {
		t.Fatalf("new router: %v", problems)
	}
	return r
}

func TestMatchFirstRouteDecidesForEachSink(t *testing.T) {
	t.Parallel()
	opened := []string{"userChat.opened"}
	r := router(t,
		dispatch.RouteConfig{Name: "refunds", On: opened, Where: `"환불" in tags`, To: []string{"cs-alerts"}},
		dispatch.RouteConfig{Name: "japan", On: opened, Channels: []string{"japan"}, To: []string{"inquiries"}},
		dispatch.RouteConfig{Name: "all", On: opened, To: []string{"cs-alerts", "inquiries"}},
		dispatch.RouteConfig{Name: "contacts", On: []string{"lead.upserted.contact", "member.upserted.contact"}, To: []string{"changes"}},
	)
	events := []talkrelay.Event{
		{ID: "1", Kind: talkrelay.UserChatOpened, Channel: "main"},
		{ID: "2", Kind: talkrelay.UserChatOpened, Channel: "main", Chat: talkrelay.Chat{Tags: []string{"배송", "환불"}}},
		{ID: "3", Kind: talkrelay.MemberContact, Channel: "japan"},
		{ID: "4", Kind: talkrelay.UserChatOpened, Channel: "japan"},
		{ID: "5", Kind: "userChat.closed", Channel: "main"},
	}
	want := []talkrelay.Delivery{
		{EventID: "1", Sink: "cs-alerts", Route: "all"},
		{EventID: "1", Sink: "inquiries", Route: "all"},
		{EventID: "2", Sink: "cs-alerts", Route: "refunds"},
		{EventID: "2", Sink: "inquiries", Route: "all"},
		{EventID: "3", Sink: "changes", Route: "contacts"},
		{EventID: "4", Sink: "inquiries", Route: "japan"},
		{EventID: "4", Sink: "cs-alerts", Route: "all"},
	}
	for range 3 {
		if diff := cmp.Diff(want, r.Match(events)); diff != "" {
			t.Fatalf("deliveries (-want +got):\n%s", diff)
		}
	}
	if got := r.Match(nil); len(got) != 0 {
		t.Errorf("deliveries of no events: %v", got)
	}
}

// Kinds that no route asks for on a channel need not be looked for there.
func TestRouterKinds(t *testing.T) {
	t.Parallel()
	r := router(t,
		dispatch.RouteConfig{Name: "a", On: []string{"userChat.closed", "userChat.opened"}, Channels: []string{"main"}, To: []string{"changes"}},
		dispatch.RouteConfig{Name: "b", On: []string{"userChat.opened", "member.upserted.contact"}, Where: "false", To: []string{"changes"}},
	)
	for channel, want := range map[string][]talkrelay.Kind{
		"main":  {talkrelay.UserChatOpened, talkrelay.MemberContact, talkrelay.UserChatClosed},
		"japan": {talkrelay.UserChatOpened, talkrelay.MemberContact},
	} {
		if got := r.Kinds(channel); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", channel, got, want)
		}
	}
	if got := router(t).Kinds("main"); got == nil || len(got) > 0 {
		t.Errorf("without routes: %#v, want none, and not nil", got)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	opened := []string{"userChat.opened"}
	r := router(t,
		dispatch.RouteConfig{Name: "kind", On: []string{"lead.upserted.contact"}, To: []string{"changes"}},
		dispatch.RouteConfig{Name: "channel", On: opened, Channels: []string{"japan"}, To: []string{"changes"}},
		dispatch.RouteConfig{Name: "where", On: opened, Where: "chat.botOnly", To: []string{"changes"}},
		dispatch.RouteConfig{Name: "fails", On: opened, Where: `tags[3] == "x"`, To: []string{"changes"}},
		dispatch.RouteConfig{Name: "taken", On: opened, To: []string{"changes"}},
		dispatch.RouteConfig{Name: "rest", On: opened, To: []string{"changes", "inquiries"}},
	)
	want := []dispatch.Explanation{
		{Route: "kind", Reason: dispatch.ReasonKind},
		{Route: "channel", Reason: dispatch.ReasonChannel},
		{Route: "where", Reason: dispatch.ReasonWhere, Untrue: "chat.botOnly"},
		{Route: "fails", Matched: true, Sinks: []string{"changes"}, Reason: dispatch.ReasonFailed},
		{Route: "taken", Matched: true, Reason: dispatch.ReasonTaken, TakenBy: map[string]string{"changes": "fails"}},
		{Route: "rest", Matched: true, Sinks: []string{"inquiries"}, Reason: dispatch.ReasonMatched, TakenBy: map[string]string{"changes": "fails"}},
	}
	got := r.Explain(talkrelay.Event{Kind: talkrelay.UserChatOpened, Channel: "main"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("explanations (-want +got):\n%s", diff)
	}
}

// A filter of several parts says which of them is not true.
func TestExplainNamesThePart(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]string{
		`change == "updated" and user.member`:                                     "user.member",
		`user.name == "" && ("환불" in tags or "vip" in user.tags) && change == ""`: `change == ""`,
		`not ("환불" in tags) and user.member`:                                      `not ("환불" in tags)`,
		`let x = chat.botOnly; x and user.member`:                                 `let x = chat.botOnly; x and user.member`,
		`int(message.text) > 1 and user.member`:                                   "", // cannot be evaluated: it matches
		`"vip" in user.tags and tags[9] == "" and user.member`:                    "",
		`chat.state == "closed" or user.member`:                                   `chat.state == "closed" or user.member`,
	} {
		r := router(t, dispatch.RouteConfig{Name: "r", On: []string{"member.upserted.contact"}, Where: where, To: []string{"changes"}})
		e := fullEvent()
		e.User.Member = false
		x := r.Explain(e)[0]
		if x.Untrue != want || x.Matched != (want == "") {
			t.Errorf("%s: %+v, want %q", where, x, want)
		}
	}
}

func TestNewRouterProblems(t *testing.T) {
	t.Parallel()
	good := dispatch.RouteConfig{Name: "good", On: []string{"userChat.opened"}, To: []string{"inquiries"}}
	with := func(change func(*dispatch.RouteConfig)) dispatch.RouteConfig {
		c := good
		change(&c)
		return c
	}
	tests := []struct {
		name  string
		route dispatch.RouteConfig
		key   string
		text  []string // parts of it
	}{
		{"name missing", with(func(c *dispatch.RouteConfig) { c.Name = "" }), "route[1].name", []string{"missing"}},
		{"name twice", with(func(c *dispatch.RouteConfig) { c.Name = "first" }), "route[1].name", []string{`"first"`, "route[0]"}},
		{"on empty", with(func(c *dispatch.RouteConfig) { c.On = nil }), "route[1].on", []string{"empty", "userChat.opened"}},
		{
			"kind unknown", with(func(c *dispatch.RouteConfig) { c.On = []string{"userChat.opened", "userChat.open"} }),
			"route[1].on[1]", []string{`"userChat.open"`, "lead.upserted.contact", `did you mean "userChat.opened"?`},
		},
		{"kind twice", with(func(c *dispatch.RouteConfig) { c.On = []string{"userChat.opened", "userChat.opened"} }), "route[1].on[1]", []string{"twice"}},
		{"channel unknown", with(func(c *dispatch.RouteConfig) { c.Channels = []string{"mian"} }), "route[1].channel[0]", []string{`did you mean "main"?`}},
		{"to empty", with(func(c *dispatch.RouteConfig) { c.To = []string{} }), "route[1].to", []string{"at least one sink", "cs-alerts"}},
		{"sink unknown", with(func(c *dispatch.RouteConfig) { c.To = []string{"inquiry"} }), "route[1].to[0]", []string{`"inquiry" is no sink`, "known: cs-alerts"}},
		{"name in filter", with(func(c *dispatch.RouteConfig) { c.Where = "not\n chatt.botOnly" }), "route[1].where", []string{"2:2: unknown name chatt", "known: kind, change, channel", `did you mean "chat"?`}},
		{"function in filter", with(func(c *dispatch.RouteConfig) { c.Where = "lenght(tags) > 1" }), "route[1].where", []string{"1:1:", "lenght"}},
		{"field in filter", with(func(c *dispatch.RouteConfig) { c.Where = `chat.state == "" and chat.botonly` }), "route[1].where", []string{"1:", "chat has no field botonly", `did you mean "botOnly"?`}},
		{"embedded field", with(func(c *dispatch.RouteConfig) { c.Where = `user.mobilenumber == ""` }), "route[1].where", []string{"user has no field mobilenumber", `did you mean "mobileNumber"?`}},
		{"field of a time", with(func(c *dispatch.RouteConfig) { c.Where = `chat.openedAt.hour > 3` }), "route[1].where", []string{"1:", "hour"}},
		{"field of a text", with(func(c *dispatch.RouteConfig) { c.Where = `kind.name == ""` }), "route[1].where", []string{"1:", "name"}},
		{"type in filter", with(func(c *dispatch.RouteConfig) { c.Where = `chat.tags == 3` }), "route[1].where", []string{"1:11:", "mismatched types"}},
		{"not a condition", with(func(c *dispatch.RouteConfig) { c.Where = `chat.id` }), "route[1].where", []string{"expected bool", "true or false"}},
		{"syntax", with(func(c *dispatch.RouteConfig) { c.Where = `chat.id == "x` }), "route[1].where", []string{"1:"}},
		{"loop in loop", with(func(c *dispatch.RouteConfig) { c.Where = `any(tags, any(user.tags, # == "x"))` }), "route[1].where", []string{"1:26:", "loop inside a loop"}},
		{"long", with(func(c *dispatch.RouteConfig) { c.Where = strings.Repeat("true and ", 1000) + "true" }), "route[1].where", []string{"longer than"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			first := good
			first.Name = "first"
			r, problems := dispatch.NewRouter([]dispatch.RouteConfig{first, tt.route}, allSinks, allChannels)
			if r != nil || len(problems) != 1 {
				t.Fatalf("router %v, problems:\n%v\nwant one problem", r, problems)
			}
			p := problems[0]
			if p.Key != tt.key {
				t.Errorf("key %q, want %q", p.Key, tt.key)
			}
			if strings.Contains(p.Text, "\n") {
				t.Errorf("text has several lines: %q", p.Text)
			}
			for _, part := range tt.text {
				if !strings.Contains(p.Text, part) {
					t.Errorf("text %q lacks %q", p.Text, part)
				}
			}
		})
	}
}

func TestNewRouterReportsAllProblems(t *testing.T) {
	t.Parallel()
	_, problems := dispatch.NewRouter([]dispatch.RouteConfig{{Where: "x"}, {Name: "b", On: []string{"y"}, To: []string{"z"}}}, nil, nil)
	var keys []string
	for _, p := range problems {
		keys = append(keys, p.Key)
	}
	want := []string{"route[0].name", "route[0].on", "route[0].to", "route[0].where", "route[1].on[0]", "route[1].to[0]"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestWhere(t *testing.T) {
	t.Parallel()
	empty := talkrelay.Event{Kind: talkrelay.UserChatOpened}
	full := fullEvent()
	tests := []struct {
		where       string
		empty, full bool
	}{
		{``, true, true},
		{"  \n", true, true},
		{`not chat.botOnly and "환불" in chat.tags`, false, true},
		{`"환불" in tags`, false, true},
		{`"vip" in user.tags or "1" in chat.managerIds`, false, true},
		{`kind == "userChat.opened"`, true, false},
		{`kind startsWith "member."`, false, true},
		{`change == "updated"`, false, true},
		{`channel == "main"`, false, true},
		{`user.mobileNumber != old.mobileNumber`, false, true},
		{`user.profile.grade == "gold"`, false, true},
		{`user.profile["grade"] == "gold"`, false, true},
		{`"grade" in user.profile`, false, true},
		{`user.member and message.files > 0 and message.text matches "(?i)refund"`, false, true},
		{`message.text contains "Refund"`, false, true},
		{`assignee.name == "" and team.name == ""`, true, false},
		{`chat.waitingTime > duration("5m")`, false, true},
		{`chat.openedAt.Hour() >= 9`, false, true}, // 10:00 in Seoul, 1:00 by UTC
		{`chat.openedAt.IsZero()`, true, false},
		{`now() - chat.openedAt == duration("1m")`, false, true},
		{`now().Hour() == 10`, false, true},
		{`any(tags, # startsWith "환")`, false, true},
		{`len(tags) == 2`, false, true},
		{`len(filter(tags, # != "환불")) == 1`, false, true},
		// What cannot be evaluated matches.
		{`tags[0] == "배송"`, true, true},
		{`int(user.profile.age) > 20`, true, true},
		{`message.text matches user.profile.bad`, true, true},
		{`fromJSON(message.text).x == 1`, true, true},
		{`len(1..1000000) == 0`, true, true},
		{`fromJSON("1")`, true, true},      // neither true nor false
		{`fromJSON("null")`, false, false}, // nothing is zero
	}
	for _, tt := range tests {
		t.Run(tt.where, func(t *testing.T) {
			t.Parallel()
			r := router(t, dispatch.RouteConfig{
				Name: "r", On: []string{"userChat.opened", "member.upserted.contact"}, Where: tt.where, To: []string{"inquiries"},
			})
			if got := len(r.Match([]talkrelay.Event{empty})) == 1; got != tt.empty {
				t.Errorf("empty event: %t, want %t (%+v)", got, tt.empty, r.Explain(empty))
			}
			if got := len(r.Match([]talkrelay.Event{full})) == 1; got != tt.full {
				t.Errorf("full event: %t, want %t (%+v)", got, tt.full, r.Explain(full))
			}
		})
	}
}

func fullEvent() talkrelay.Event {
	opened := time.Date(2026, 11, 20, 1, 0, 0, 0, time.UTC)
	return talkrelay.Event{
		ID: "e", Kind: talkrelay.MemberContact, Channel: "main", Change: talkrelay.Updated, TimeZone: "Asia/Seoul",
		At: opened, Seen: opened.Add(time.Minute),
		Chat: talkrelay.Chat{
			ID: "c", State: "opened", Tags: []string{"배송", "환불"}, OpenedAt: opened, WaitingTime: 10 * time.Minute, ManagerIDs: []string{"1"},
		},
		User: talkrelay.User{
			ID: "u", Member: true, Contact: talkrelay.Contact{MobileNumber: "+821012345678"}, Tags: []string{"vip"},
			Profile: map[string]string{"grade": "gold", "bad": "(", "age": "스물"},
		},
		Old:      talkrelay.Contact{MobileNumber: "+821000000000"},
		Message:  talkrelay.Message{Text: "Refund please", Files: 1},
		Assignee: talkrelay.Person{Name: "김"},
		Team:     talkrelay.Team{Name: "CS"},
	}
}

func TestFailingFilterIsLoggedOnceWithoutCustomerData(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	r := router(t, dispatch.RouteConfig{Name: "r", On: []string{"member.upserted.contact"}, Where: `int(message.text) > 1`, To: []string{"changes"}})
	r.LogTo(slog.New(slog.NewTextHandler(&log, nil)))
	e := fullEvent()
	good := e
	good.Message.Text = "12"
	if n := len(r.Match(slices.Repeat([]talkrelay.Event{e, good}, 50))); n != 100 {
		t.Errorf("%d deliveries, want 100", n)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines, want 1:\n%s", n, log.String())
	}
	for _, secret := range []string{"8210", "Refund"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("customer data in the log: %s", log.String())
		}
	}
	if !strings.Contains(log.String(), "route=r") || !strings.Contains(log.String(), "at 1:") {
		t.Errorf("line does not name route and position: %s", log.String())
	}
}

func FuzzWhere(f *testing.F) {
	for _, seed := range []string{
		`not chat.botOnly and "환불" in chat.tags`, `tags[99] == ""`, `any(tags, # == "x")`, `let x = 1..999; all(x, # > 0)`,
		`user.profile.x matches message.text`, `now() > chat.openedAt`, `repeat("a", 1000000) == ""`, `reduce(1..9, #acc + #) > 1`, `chat?.id ?? "" == ""`,
		`fromJSON(message.text)`, `sortBy(tags, #)[0] == "a"`, `{"a": 1}.a == 1`, `$env == nil`, `1/0 > 1`, `true ? kind : false`, "\x00", `"\`,
	} {
		f.Add(seed)
	}
	events := []talkrelay.Event{{Kind: talkrelay.UserChatOpened}, fullEvent()}
	events[1].Kind = talkrelay.UserChatOpened
	f.Fuzz(func(t *testing.T, where string) {
		r, problems := dispatch.NewRouter([]dispatch.RouteConfig{{Name: "r", On: []string{"userChat.opened"}, Where: where, To: []string{"s"}}}, []string{"s"}, nil)
		if (r == nil) != (len(problems) > 0) {
			t.Fatalf("router %v with problems %v", r, problems)
		}
		if r == nil {
			if text := problems[0].Text; text == "" || strings.Contains(text, "\n") {
				t.Errorf("text of the problem: %q", text)
			}
			return
		}
		start := time.Now()
		r.Match(events)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("took %s", d)
		}
	})
}
