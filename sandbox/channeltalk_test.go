package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

func TestChannelTalkRefuses(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	other := w.ChannelTalk.AddChannel("other")
	key := func(key, secret string) http.Header {
		return http.Header{"X-Access-Key": {key}, "X-Access-Secret": {secret}}
	}
	good := key(shop.AccessKey, shop.AccessSecret)
	tests := map[string]struct {
		method, path string
		header       http.Header
		status       int
		violation    string // "" = none
	}{
		"good":              {"GET", "channel", good, 200, ""},
		"wrong secret":      {"GET", "channel", key(shop.AccessKey, "x"), 401, ""},
		"no key":            {"GET", "channel", nil, 401, ""},
		"somebody's secret": {"GET", "channel", key(shop.AccessKey, other.AccessSecret), 401, ""},
		"post":              {"POST", "user-chats/1/messages", good, 405, "nothing but GET"},
		"delete":            {"DELETE", "users/1", good, 405, "nothing but GET"},
		"unknown path":      {"GET", "nothing", good, 404, "unknown path"},
		"deprecated cases":  {"GET", "user-chats/cases", good, 404, "unknown path"},
		"unknown chat":      {"GET", "user-chats/1", good, 404, ""},
		"unknown user":      {"GET", "users/1", good, 404, ""},
		"unknown member":    {"GET", "users/@1", good, 404, ""},
		"limit 501":         {"GET", "user-chats?limit=501", good, 422, "bad state, sortOrder or limit"},
		"limit 0":           {"GET", "user-chats?limit=0", good, 422, "bad state, sortOrder or limit"},
		"unknown state":     {"GET", "user-chats?state=open", good, 422, "bad state, sortOrder or limit"},
		"unknown parameter": {"GET", "user-chats?updatedAfter=1", good, 200, "unknown or repeated parameter updatedAfter"},
		"a cursor of none":  {"GET", "user-chats?since=abc", good, 422, "since"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { // one after another: violations are counted
			w.ChannelTalk.Forget()
			r := do(t, tt.method, w.ChannelTalk.URL()+"/open/v5/"+tt.path, tt.header, "")
			if r.status != tt.status || r.json == nil {
				t.Errorf("got %d %s", r.status, r.body)
			}
			if tt.violation == "" {
				wantClean(t, w)
			} else {
				wantViolation(t, w, tt.violation)
			}
		})
	}
	shop.SetRevoked(true)
	if r := read(t, w.ChannelTalk, shop, "channel"); r.status != 401 {
		t.Errorf("revoked key: %d", r.status)
	}
	if r := read(t, w.ChannelTalk, other, "channel"); r.status != 200 || r.path("channel.name") != "other" {
		t.Errorf("the other channel: %d", r.status)
	}
}

// stored reads the chat back as a client sees it.
func stored(t *testing.T, w *sandbox.World, shop *sandbox.Channel, chat *sandbox.Chat) map[string]any {
	t.Helper()
	r := read(t, w.ChannelTalk, shop, "user-chats/"+chat.ID())
	o, _ := r.path("userChat").(map[string]any)
	if o == nil {
		t.Fatalf("chat: %d %s", r.status, r.body)
	}
	return o
}

func TestLifeOfAChat(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	user := shop.AddUser(sandbox.User{Name: "홍길동"})
	manager := shop.AddManager("김지원", "jiwon@example.com")
	chat := shop.OpenChat(user, "배송이 아직 안 왔어요", sandbox.Opening{Page: "/orders/123", Tags: []string{"배송"}})
	at := func(c map[string]any, key string) float64 { v, _ := c[key].(float64); return v }

	first := stored(t, w, shop, chat)
	if first["state"] != "opened" || at(first, "openedAt") == 0 || at(first, "openedAt") != at(first, "firstOpenedAt") ||
		at(first, "askedAt") == 0 || at(first, "askedAt") != at(first, "firstAskedAt") || first["userLastMessageId"] == nil {
		t.Errorf("opened: %v", first)
	}
	if first["assigneeId"] != nil || first["closedAt"] != nil || first["replyCount"] != nil {
		t.Errorf("empty values must drop their keys: %v", first)
	}
	if created, err := strconv.ParseInt(chat.ID()[:8], 16, 64); err != nil || float64(created) != float64(int64(at(first, "createdAt"))/1000) {
		t.Errorf("id %s does not begin with its second", chat.ID())
	}

	chat.Assign(manager)
	chat.ManagerSays(manager, "확인해 볼게요")
	answered := stored(t, w, shop, chat)
	if answered["askedAt"] != nil || at(answered, "waitingTime") == 0 || answered["assigneeId"] != manager.ID() ||
		answered["frontMessageId"] == first["frontMessageId"] || answered["userLastMessageId"] != first["userLastMessageId"] {
		t.Errorf("answered: %v", answered)
	}

	chat.Note(manager, "VIP 고객")
	noted := stored(t, w, shop, chat)
	if noted["frontMessageId"] != answered["frontMessageId"] || noted["deskMessageId"] == answered["deskMessageId"] {
		t.Errorf("a note moves the desk's last message only: %v", noted)
	}

	chat.Snooze(time.Hour)
	if c := stored(t, w, shop, chat); c["state"] != "snoozed" || at(c, "expiresAt")-at(c, "snoozedAt") != 3_600_000 {
		t.Errorf("snoozed: %v", c)
	}
	chat.Close()
	closed := stored(t, w, shop, chat)
	if closed["state"] != "closed" || at(closed, "closedAt") == 0 || closed["snoozedAt"] != nil {
		t.Errorf("closed: %v", closed)
	}
	chat.Touch()
	if c := stored(t, w, shop, chat); c["updatedAt"] == closed["updatedAt"] || c["closedAt"] != closed["closedAt"] {
		t.Errorf("touched: %v", c)
	}
	chat.Reopen("아직도 안 왔어요")
	again := stored(t, w, shop, chat)
	if again["state"] != "opened" || at(again, "openedAt") <= at(first, "openedAt") || again["firstOpenedAt"] != first["firstOpenedAt"] ||
		again["closedAt"] != nil || again["waitingTime"] != nil || again["firstRepliedAtAfterOpen"] != nil ||
		again["firstAskedAt"] != first["firstAskedAt"] || at(again, "askedAt") == 0 {
		t.Errorf("re-opened: %v", again)
	}
	chat.Untag("배송")
	if c := stored(t, w, shop, chat); c["tags"] != nil {
		t.Errorf("untagged: %v", c["tags"])
	}
	var kinds []sandbox.HappeningKind
	for _, h := range shop.Happenings() {
		kinds = append(kinds, h.Kind)
	}
	if !slices.Equal(kinds, []sandbox.HappeningKind{sandbox.ChatOpened, sandbox.ChatReopened}) {
		t.Errorf("happenings %v", kinds)
	}
	wantClean(t, w)
}

func TestQueueAndInitial(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	user := shop.AddUser(sandbox.User{})
	waiting := shop.OpenChat(user, "여보세요", sandbox.Opening{State: sandbox.StateQueued})
	if c := stored(t, w, shop, waiting); c["state"] != "queued" || c["queuedAt"] == nil || c["openedAt"] != nil {
		t.Errorf("queued: %v", c)
	}
	early := shop.OpenChat(user, "봇과 이야기", sandbox.Opening{State: sandbox.StateInitial, ALF: true, Workflow: "7"})
	early.ALFSays("무엇을 도와드릴까요?")
	if c := stored(t, w, shop, early); c["state"] != "initial" || c["openedAt"] != nil || c["handling"].(map[string]any)["type"] != "alf" {
		t.Errorf("initial: %v", c)
	}
	if n := len(shop.Happenings()); n != 1 {
		t.Errorf("%d happenings; a chat that only a bot has seen is none", n)
	}
	waiting.Open()
	early.SetALF(false)
	early.Open()
	if c := stored(t, w, shop, waiting); c["state"] != "opened" || c["queuedAt"] != nil || c["firstQueuedAt"] == nil {
		t.Errorf("opened from the queue: %v", c)
	}
	if h := shop.Happenings(); len(h) != 2 || h[1].ChatID != early.ID() {
		t.Errorf("happenings %v", h)
	}
	old := shop.OpenChat(user, "옛날", sandbox.Opening{State: sandbox.StateClosed, At: time.UnixMilli(1_700_000_000_123)})
	if c := stored(t, w, shop, old); c["state"] != "closed" || c["openedAt"] != 1_700_000_000_123.0 || c["closedAt"] != 1_700_000_000_124.0 {
		t.Errorf("old: %v", c)
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	user := shop.AddUser(sandbox.User{Name: "홍길동", Member: true, MemberID: "m-1", Contact: sandbox.Contact{MobileNumber: "+821012345678"}})
	chat := shop.OpenChat(user, "안녕", sandbox.Opening{})
	get := func(path string) reply { return read(t, w.ChannelTalk, shop, "users/"+path) }
	if r := get("@m-1"); r.path("user.id") != user.ID() || r.path("user.type") != "member" || r.path("online.personId") != user.ID() ||
		r.path("user.mobileNumber") != "+821012345678" || r.path("user.profile.mobileNumber") != "+821012345678" || r.path("user.email") != nil {
		t.Errorf("user: %s", r.body)
	}
	before := get(user.ID())
	user.Visit()
	after := get(user.ID())
	if after.path("user.sessionsCount") == before.path("user.sessionsCount") || after.path("user.version") == before.path("user.version") {
		t.Error("a visit moves nothing")
	}
	to := sandbox.Contact{Email: "hong@example.com", LandlineNumber: "+82212345678"}
	user.ChangeContact(to)
	user.ChangeContact(to) // no change
	r := get(user.ID())
	if r.path("user.email") != to.Email || r.path("user.profile.landlineNumber") != to.LandlineNumber ||
		r.path("user.mobileNumber") != nil || r.path("user.profile.mobileNumber") != nil || user.Contact() != to {
		t.Errorf("changed: %s", r.body)
	}
	if h := shop.Happenings(); len(h) != 2 || h[1].Kind != sandbox.ContactChanged || h[1].UserID != user.ID() {
		t.Errorf("happenings %v", h)
	}
	if r := read(t, w.ChannelTalk, shop, "user-chats"); r.path("users.0.email") != to.Email {
		t.Errorf("the list shows the old user: %s", r.body)
	}
	user.SetUnsubscribed(true, false)
	user.Rename("홍길순")
	if r := get(user.ID()); r.path("user.unsubscribeEmail") != true || r.path("user.unsubscribeAppPush") != false || r.path("user.name") != "홍길순" {
		t.Errorf("consent: %s", r.body)
	}
	user.Delete()
	if a, b := get(user.ID()), get("@m-1"); a.status != 404 || b.status != 404 {
		t.Errorf("deleted: %d, %d", a.status, b.status)
	}
	if r := read(t, w.ChannelTalk, shop, "user-chats"); r.path("users") != nil || r.path("userChats.0.id") != chat.ID() {
		t.Errorf("a deleted user's chat: %s", r.body)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	manager := shop.AddManager("김지원", "")
	chat := shop.OpenChat(shop.AddUser(sandbox.User{}), "첫 <말>", sandbox.Opening{Files: 2})
	chat.BotSays("봇")
	chat.Note(manager, "비밀")
	chat.CustomerSends(1)
	base := "user-chats/" + chat.ID() + "/messages?"
	var texts []string
	since, pages := "", 0
	for {
		r := read(t, w.ChannelTalk, shop, base+"sortOrder=asc&limit=2"+since)
		messages, _ := r.path("messages").([]any)
		if len(messages) == 0 || r.path("bots.0.name") == nil {
			t.Fatalf("page: %d %s", r.status, r.body)
		}
		for _, m := range messages {
			m := m.(map[string]any)
			texts = append(texts, fmt.Sprint(m["personType"], " ", m["plainText"], " ", m["options"], " ", m["log"] != nil))
		}
		pages++
		next, _ := r.path("next").(string)
		if next == "" {
			break
		}
		since = "&since=" + url.QueryEscape(next)
	}
	want := []string{"user 첫 <말> <nil> false", "bot <nil> <nil> true", "bot 봇 <nil> false", "manager 비밀 [private] false", "user <nil> <nil> false"}
	if !slices.Equal(texts, want) || pages != 3 {
		t.Errorf("%d pages: %q", pages, texts)
	}
	r := read(t, w.ChannelTalk, shop, base+"sortOrder=desc&limit=1")
	if r.path("messages.0.files.0.key") == nil || r.path("messages.0.files.0.url") != nil {
		t.Errorf("file: %s", r.body)
	}
	// A message that comes between two pages of a descending walk is not on the second.
	chat.CustomerSays("새 말")
	r = read(t, w.ChannelTalk, shop, base+"sortOrder=desc&limit=1&since="+url.QueryEscape(r.path("next").(string)))
	if r.path("messages.0.plainText") != "비밀" {
		t.Errorf("second page: %s", r.body)
	}
	if r := read(t, w.ChannelTalk, shop, base+"limit=1"); r.status != 422 {
		t.Errorf("without sortOrder: %d", r.status)
	}
	if r := read(t, w.ChannelTalk, shop, strings.TrimSuffix(base, "?")+"?sortOrder=asc"); r.path("messages.0.blocks.0.value") != "첫 &lt;말&gt;" {
		t.Errorf("blocks hold mark-up: %s", r.body)
	}
}

func TestManagers(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	var ids []string
	for i := range 5 {
		ids = append(ids, shop.AddManager(fmt.Sprint("담당", i), "").ID())
	}
	var got []string
	since := ""
	for {
		r := read(t, w.ChannelTalk, shop, "managers?limit=2"+since)
		for _, m := range r.path("managers").([]any) {
			got = append(got, m.(map[string]any)["id"].(string))
		}
		next, _ := r.path("next").(string)
		if next == "" {
			break
		}
		since = "&since=" + next
	}
	if !slices.Equal(got, ids) {
		t.Errorf("got %q, want %q", got, ids)
	}
	if r := read(t, w.ChannelTalk, shop, "managers/"+ids[3]); r.path("manager.name") != "담당3" {
		t.Errorf("one: %s", r.body)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	w := startWith(t, sandbox.Options{Now: clock.now})
	shop := w.ChannelTalk.AddChannel("shop")
	shop.SetQuirks(sandbox.Quirks{Lists: sandbox.Limit{Burst: 2, PerSecond: 1}, RetryAfter: true})
	list := func() reply { return read(t, w.ChannelTalk, shop, "user-chats") }
	if r := list(); r.header.Get("X-Ratelimit-Limit") != "2" || r.header.Get("X-Ratelimit-Remaining") != "1" ||
		r.header.Get("X-Ratelimit-Reset") != strconv.FormatInt(clock.now().Unix()+1, 10) || r.header.Get("X-Ratelimit-Will-Be-Throttled") != "false" {
		t.Errorf("headers %v", r.header)
	}
	if r := list(); r.header.Get("X-Ratelimit-Will-Be-Throttled") != "true" {
		t.Errorf("headers %v", r.header)
	}
	if r := list(); r.status != 429 || r.header.Get("Retry-After") != "1" || r.header.Get("X-Ratelimit-Remaining") != "0" {
		t.Errorf("third: %d %v", r.status, r.header)
	}
	if r := read(t, w.ChannelTalk, shop, "channel"); r.status != 200 || r.header.Get("X-Ratelimit-Remaining") != "999" {
		t.Errorf("the lists have a bucket of their own: %d %v", r.status, r.header)
	}
	clock.add(time.Second)
	if r := list(); r.status != 200 {
		t.Errorf("after a second: %d", r.status)
	}
	shop.SetQuirks(sandbox.Quirks{Unlimited: true})
	for range 5 {
		if r := list(); r.status != 200 || r.header.Get("X-Ratelimit-Limit") != "" {
			t.Errorf("unlimited: %d %v", r.status, r.header)
		}
	}
	wantClean(t, w)
}

func TestTimesNeverRepeat(t *testing.T) {
	t.Parallel()
	w := startWith(t, sandbox.Options{Now: newWatch().now})
	shop := w.ChannelTalk.AddChannel("shop")
	user := shop.AddUser(sandbox.User{})
	last := time.Time{}
	for range 100 {
		at := shop.OpenChat(user, "", sandbox.Opening{}).OpenedAt()
		if !at.After(last) {
			t.Fatalf("%v after %v", at, last)
		}
		last = at
	}
}

func TestObjectsHaveAboutTheRealSize(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	manager := shop.AddManager("김지원", "jiwon@example.com")
	user := shop.AddUser(sandbox.User{Name: "홍길동", Contact: sandbox.Contact{Email: "hong@example.com", MobileNumber: "+821012345678"}})
	chat := shop.OpenChat(user, "배송이 아직 안 왔어요. 확인 부탁드려요.", sandbox.Opening{Page: "https://shop.example.com/orders/123", Assignee: manager})
	chat.ManagerSays(manager, "네")
	chat.CustomerSays("감사합니다")
	r := read(t, w.ChannelTalk, shop, "user-chats")
	for key, want := range map[string]int{"userChats": 1200, "messages": 600, "users": 1200} {
		b, err := json.Marshal(r.path(key + ".0"))
		if err != nil || len(b) < want*3/4 || len(b) > want*5/4 {
			t.Errorf("%s: %d bytes, want about %d", key, len(b), want)
		}
	}
}
