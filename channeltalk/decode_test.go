package channeltalk_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"talkrelay/channeltalk"
)

// answering returns a client whose every request is answered with body.
func answering(body string) *channeltalk.Client {
	return channeltalk.New(channeltalk.Config{AccessKey: "key", AccessSecret: "secret", Transport: replay(body)})
}

func chatPage(t *testing.T, body string) *channeltalk.ChatPage {
	t.Helper()
	page, err := answering(body).UserChats(context.Background(), channeltalk.Query{})
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func ms(n int64) time.Time { return time.UnixMilli(n).UTC() }

func TestUserChatFields(t *testing.T) {
	t.Parallel()
	raw := `{ "id":"c1", "channelId":"1", "userId":"u1","state":"opened","name":"손님","title":"배송","description":"d","priority":"high",
		"mediumType":"phone","contactMediumType":"native","source":{"page":"https://shop.example.com","workflow":{"id":"w1"},"medium":{"mediumType":"app"}},
		"handling":{"id":"h","type":"alf"},"assigneeId":"m1","teamId":"t1","managerIds":["m1","m2"],"tags":["환불","배송"],
		"createdAt":1731000000001,"firstOpenedAt":1731000000002,"openedAt":1731000000003,"firstQueuedAt":1731000000004,"queuedAt":1731000000005,
		"snoozedAt":1731000000006,"closedAt":1731000000007,"firstAskedAt":1731000000008,"askedAt":1731000000009,"firstRepliedAtAfterOpen":1731000000010,
		"waitingTime":90000,"frontMessageId":"f1","deskMessageId":"d1","userLastMessageId":"l1","somethingNew":{"deep":[1,{"a":null}]}}`
	want := channeltalk.UserChat{
		ID: "c1", ChannelID: "1", UserID: "u1", State: "opened", Name: "손님", Title: "배송", Description: "d", Priority: "high",
		MediumType: "phone", Page: "https://shop.example.com", WorkflowID: "w1", HandlingType: "alf",
		AssigneeID: "m1", TeamID: "t1", ManagerIDs: []string{"m1", "m2"}, Tags: []string{"환불", "배송"},
		CreatedAt: ms(1731000000001), FirstOpenedAt: ms(1731000000002), OpenedAt: ms(1731000000003), FirstQueuedAt: ms(1731000000004),
		QueuedAt: ms(1731000000005), SnoozedAt: ms(1731000000006), ClosedAt: ms(1731000000007), FirstAskedAt: ms(1731000000008),
		AskedAt: ms(1731000000009), FirstRepliedAtAfterOpen: ms(1731000000010), WaitingTime: 90 * time.Second,
		FrontMessageID: "f1", DeskMessageID: "d1", UserLastMessageID: "l1", Raw: []byte(raw),
	}
	got := chatPage(t, `{"userChats": [ `+raw+` ]}`).UserChats
	if diff := cmp.Diff([]channeltalk.UserChat{want}, got); diff != "" {
		t.Error(diff)
	}
	one, err := answering(`{"user":{"id":"u1"},"userChat":`+raw+`}`).UserChat(context.Background(), "c1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, one); diff != "" {
		t.Error(diff)
	}
}

// TestLenientFields shows that nothing in a field costs more than that field.
func TestLenientFields(t *testing.T) {
	t.Parallel()
	at := ms(1731000000000)
	tests := []struct {
		name, fields string
		want         channeltalk.UserChat
	}{
		{"nothing else", ``, channeltalk.UserChat{}},
		{"nulls", `,"state":null,"tags":null,"openedAt":null,"source":null,"handling":null,"waitingTime":null`, channeltalk.UserChat{}},
		{"wrong types", `,"state":{"a":[1]},"name":["x"],"title":true,"tags":"VIP","openedAt":[],"source":"web","handling":7,"waitingTime":{}`, channeltalk.UserChat{}},
		{"the fields after a wrong one", `,"state":[{"x":"}]"}],"name":"n"`, channeltalk.UserChat{Name: "n"}},
		{"unknown enum values", `,"state":"parked","priority":"urgent"`, channeltalk.UserChat{State: "parked", Priority: "urgent"}},
		{"numbers for text", `,"channelId":12345,"teamId":7`, channeltalk.UserChat{ChannelID: "12345", TeamID: "7"}},
		{"time as text", `,"openedAt":"1731000000000"`, channeltalk.UserChat{OpenedAt: at}},
		{"time as float", `,"openedAt":1731000000000.0`, channeltalk.UserChat{OpenedAt: at}},
		{"time with exponent", `,"openedAt":1.731E12`, channeltalk.UserChat{OpenedAt: at}},
		{"time as words", `,"openedAt":"yesterday"`, channeltalk.UserChat{}},
		{"time zero", `,"openedAt":0`, channeltalk.UserChat{}},
		{"time negative", `,"openedAt":-1731000000000`, channeltalk.UserChat{}},
		{"time in seconds", `,"openedAt":1731000000`, channeltalk.UserChat{}},
		{"time beyond int64", `,"openedAt":99999999999999999999`, channeltalk.UserChat{}},
		{"time beyond float", `,"openedAt":1e999,"closedAt":"NaN","snoozedAt":"Inf"`, channeltalk.UserChat{}},
		{"waiting time as text", `,"waitingTime":"1500"`, channeltalk.UserChat{WaitingTime: 1500 * time.Millisecond}},
		{"waiting time negative", `,"waitingTime":-5`, channeltalk.UserChat{}},
		{"waiting time beyond measure", `,"waitingTime":9223372036854775807`, channeltalk.UserChat{}},
		{"odd tags", `,"tags":["a",null,"",{"b":1},["c"],3]`, channeltalk.UserChat{Tags: []string{"a", "3"}}},
		{"medium of the source", `,"contactMediumType":"phone","source":{"medium":{"mediumType":"app"}}`, channeltalk.UserChat{MediumType: "app"}},
		{"contact medium", `,"contactMediumType":"phone","source":{"medium":7}`, channeltalk.UserChat{MediumType: "phone"}},
		{"a field twice", `,"state":"opened","state":"closed"`, channeltalk.UserChat{State: "closed"}},
		{"escapes", `,"name":"\ud55c \"\u003cb\u003e\" \ud83d\ude00 \/ \\u0041\n"`, channeltalk.UserChat{Name: "한 \"<b>\" 😀 / \\u0041\n"}},
		{"half a surrogate pair", `,"name":"a\ud83db"`, channeltalk.UserChat{Name: "a\uFFFDb"}},
		{"not UTF-8", ",\"name\":\"a\xff\"", channeltalk.UserChat{Name: "a\uFFFD"}},
		{"NULs", `,"name":"a\u0000b\\u0000","title":"` + "\x00" + `t"`, channeltalk.UserChat{Name: `ab\u0000`, Title: "t"}},
		{"escaped key", `,"n\u0061me":"n"`, channeltalk.UserChat{Name: "n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.want.ID = "c1"
			page := chatPage(t, `{"userChats":[{"id":"c1"`+tt.fields+`},{"id":"c2"}]}`)
			if len(page.UserChats) != 2 || page.Skipped != 0 {
				t.Fatalf("%d chats, %d skipped; want 2 and 0", len(page.UserChats), page.Skipped)
			}
			if diff := cmp.Diff(tt.want, page.UserChats[0], cmpopts.IgnoreFields(channeltalk.UserChat{}, "Raw")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRawHasNoNULs(t *testing.T) {
	t.Parallel()
	page := chatPage(t, `{"userChats":[{"id":"c1","name":"a\u0000\\u0000\u0000b","x": 1 }]}`)
	if got, want := string(page.UserChats[0].Raw), `{"id":"c1","name":"a\\u0000b","x": 1 }`; got != want {
		t.Errorf("Raw = %s, want %s", got, want)
	}
}

func TestSkipped(t *testing.T) {
	t.Parallel()
	page := chatPage(t, `{"userChats":[{"id":"c1"},{"name":"no id"},null,"text",[],{"id":""},{"id":{}},{"id":"\u0000"},{"id":"c2"}],
		"users":[{"email":"a@example.com"}],"messages":[7],"managers":[{"id":9}],"next":"n"}`)
	if page.Skipped != 9 || len(page.UserChats) != 2 || page.UserChats[1].ID != "c2" {
		t.Errorf("skipped %d and kept %d chats, want 9 and 2", page.Skipped, len(page.UserChats))
	}
	if page.Next != "n" || len(page.Managers) != 1 || page.Managers[0].ID != "9" {
		t.Errorf("next = %q, managers = %v", page.Next, page.Managers)
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, since, want string }{
		{"there", `{"userChats":[{"id":"c"}],"next":"n1"}`, "", "n1"},
		{"another", `{"next":"n2","userChats":[{"id":"c"}]}`, "n1", "n2"},
		{"a number", `{"next":17,"userChats":[{"id":"c"}]}`, "n1", "17"},
		{"absent", `{"userChats":[{"id":"c"}]}`, "n1", ""},
		{"null", `{"userChats":[{"id":"c"}],"next":null}`, "n1", ""},
		{"empty", `{"userChats":[{"id":"c"}],"next":""}`, "n1", ""},
		{"repeated", `{"userChats":[{"id":"c"}],"next":"n1"}`, "n1", ""},
		{"of another type", `{"userChats":[{"id":"c"}],"next":{"id":"n2"}}`, "n1", ""},
		{"after an empty list", `{"userChats":[ ],"next":"n2"}`, "n1", ""},
		{"after no list", `{"users":[{"id":"u"}],"next":"n2"}`, "n1", ""},
		{"after rows without id", `{"userChats":[{}],"next":"n2"}`, "n1", "n2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			page, err := answering(tt.body).UserChats(context.Background(), channeltalk.Query{Since: tt.since})
			if err != nil || page.Next != tt.want {
				t.Errorf("next = %q, %v; want %q", page.Next, err, tt.want)
			}
		})
	}
}

// TestShape tells empty pages, whose keys the API leaves out, from replies that are not Channel Talk's.
func TestShape(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body string
		ok   bool
	}{
		{`{}`, true},
		{" \r\n\t{ } ", true},
		{`{"userChats":null}`, true},
		{`{"userChats":[],"users":{},"messages":"x"}`, true},
		{`{"users":[],"newList":[1,2]}`, true},
		{`{"userChats":[{"id":"c"}],"type":"page","status":200}`, true},
		{`{"errors":null,"status":null}`, true},
		{`{"type":"unauthorized","errors":[{"message":"x"}]}`, false},
		{`{"status":500}`, false},
		{`{"code":"x"}`, false},
		{`{"error":"x"}`, false},
		{`{"errors":["x"]}`, false},
		{`{"message":"x"}`, false},
		{`{"type":"x"}`, false},
		{`{"userChats":{"id":"c"}}`, false},
		{`{"userChats":"none"}`, false},
		{`[]`, false},
		{`[{"userChats":[]}]`, false},
		{`"ok"`, false},
		{`null`, false},
		{`true`, false},
		{`1`, false},
		{``, false},
		{`<!doctype html><title>Sign in</title>`, false},
		{`{"userChats":[{"id":"c"}`, false},
		{`{"userChats":[{"id":"c`, false},
		{`{"userChats":[{"id":"c"},]}`, false},
		{`{"userChats":[{"id":"c"}]} {}`, false},
		{`{"userChats":[{"id":"c" "state":"opened"}]}`, false},
		{`{"userChats":[{"id":"c\x"}]}`, false},
		{`{"userChats":[{"id":"c\u00"}]}`, false},
		{`{"userChats":[],"x":\u00\u000000}`, false},
		{`{"userChats":[],"x":01}`, false},
		{`{"userChats":[],"x":-}`, false},
		{`{"userChats":[],"x":1.}`, false},
		{`{"userChats":[],"x":1e+}`, false},
		{`{"userChats":[],"x":nul}`, false},
		{"{\"userChats\":[],\"x\":\"\n\"}", false},
		{`{"userChats":[],"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, false},
	}
	for _, tt := range tests {
		page, err := answering(tt.body).UserChats(context.Background(), channeltalk.Query{})
		if tt.ok && err != nil {
			t.Errorf("%.60s: %v", tt.body, err)
		}
		if !tt.ok && (!errors.Is(err, channeltalk.NotJSON) || page != nil) {
			t.Errorf("%.60s: %v, want not json and no page", tt.body, err)
		}
	}
}

func TestShapeOfOne(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `[]`, `{"user":null}`, `{"user":{}}`, `{"user":{"name":"x"}}`, `{"user":"u"}`, `{"user":{"id":"u"}`, `<html>`} {
		if u, err := answering(body).User(context.Background(), "u"); !errors.Is(err, channeltalk.NotJSON) || u != nil {
			t.Errorf("%s: %v, %v; want not json", body, u, err)
		}
	}
}
