package channeltalk_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"talkrelay/channeltalk"
)

func TestUserFields(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw string
		want      channeltalk.User
	}{
		{
			"all",
			`{"id":"u1","memberId":"m-1","type":"member","member":true,"name":"김손님","email":"a@example.com","mobileNumber":"+821012345678",
			"landlineNumber":"+8225551234","tags":["단골"],"language":"ko","country":"KR","unsubscribeEmail":true,"unsubscribeTexting":"true","updatedAt":1731000000000,
			"profile":{"name":"old","email":"old@example.com","orders":3,"vip":true,"rate":1.50,"none":null,"list":[1],"object":{"a":"b"},"empty":""}}`,
			channeltalk.User{
				ID: "u1", MemberID: "m-1", Type: "member", Member: true, Name: "김손님", Email: "a@example.com", MobileNumber: "+821012345678",
				LandlineNumber: "+8225551234", Tags: []string{"단골"}, Language: "ko", Country: "KR", UnsubscribeEmail: true, UnsubscribeTexting: true,
				UpdatedAt: ms(1731000000000),
				Profile:   map[string]string{"name": "old", "email": "old@example.com", "orders": "3", "vip": "true", "rate": "1.50", "empty": ""},
			},
		},
		{
			"contact in the profile only",
			`{"profile":{"name":"김손님","email":"a@example.com","mobileNumber":821012345678,"landlineNumber":"+8225551234"},"email":"","id":"u1"}`,
			channeltalk.User{
				ID: "u1", Name: "김손님", Email: "a@example.com", MobileNumber: "821012345678", LandlineNumber: "+8225551234",
				Profile: map[string]string{"name": "김손님", "email": "a@example.com", "mobileNumber": "821012345678", "landlineNumber": "+8225551234"},
			},
		},
		{"lead with odd fields", `{"id":"u1","type":"lead","member":"no","profile":[1],"tags":{},"unsubscribeEmail":7}`, channeltalk.User{ID: "u1", Type: "lead"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.want.Raw = []byte(tt.raw)
			u, err := answering(`{"online":{"id":"x"},"user":`+tt.raw+`}`).User(context.Background(), "u1")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, u); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMessageFields(t *testing.T) {
	t.Parallel()
	raw := `{"id":"m1","chatId":"c1","chatType":"userChat","personType":"user","personId":"u1","plainText":"안녕하세요","blocks":[{"type":"text","value":"no"}],
		"options":["private","silent"],"log":{"action":"assign","values":["1"]},"files":[{"id":"f"},{"id":"g"}],"createdAt":1731000000000,"state":"sent"}`
	page, err := answering(`{"messages":[`+raw+`],"bots":[{"name":"b"}],"next":"n"}`).Messages(context.Background(), "c1", channeltalk.MessageQuery{})
	if err != nil {
		t.Fatal(err)
	}
	want := &channeltalk.MessagePage{Next: "n", Skipped: 1, Messages: []channeltalk.Message{{
		ID: "m1", ChatID: "c1", ChatType: "userChat", PersonType: "user", PersonID: "u1", Text: "안녕하세요", Options: []string{"private", "silent"},
		LogAction: "assign", State: "sent", Files: 2, CreatedAt: ms(1731000000000), Raw: []byte(raw),
	}}}
	if diff := cmp.Diff(want, page); diff != "" {
		t.Error(diff)
	}
}

func TestMessagePrivateAndLog(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fields       string
		private, log bool
	}{
		{``, false, false},
		{`,"options":["actAsManager","silent"]`, false, false},
		{`,"options":["actAsManager","private"]`, true, false},
		{`,"options":"private"`, false, false},
		{`,"log":{"action":"open"}`, false, true},
		{`,"log":{}`, false, true},
		{`,"log":null`, false, false},
	}
	for _, tt := range tests {
		page := chatPage(t, `{"userChats":[],"messages":[{"id":"m"`+tt.fields+`}]}`)
		if m := page.Messages[0]; m.Private() != tt.private || m.IsLog() != tt.log {
			t.Errorf("%s: private %v, log %v; want %v, %v", tt.fields, m.Private(), m.IsLog(), tt.private, tt.log)
		}
	}
}

func TestTextOfBlocks(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, fields, want string }{
		{"none", ``, ""},
		{"plain text goes first", `"plainText":"p","blocks":[{"type":"text","value":"b"}]`, "p"},
		{"empty plain text", `"blocks":[{"type":"text","value":"b"}],"plainText":""`, "b"},
		{"lines", `"blocks":[{"type":"text","value":"a"},{"type":"text"},{"type":"text","value":"b"}]`, "a\nb"},
		{"mark-up", `"blocks":[{"type":"text","value":"<b>굵게</b> <i>a</i> <link type=\"url\" value=\"https://x\">여기</link>"}]`, "굵게 a 여기"},
		{"entities", `"blocks":[{"type":"text","value":"1 &lt; 2 &amp;amp; <b>&quot;&lt;b&gt;&quot;</b>"}]`, `1 < 2 &amp; "<b>"`},
		{"the writer's own brackets", `"blocks":[{"type":"text","value":"a <- b <bold> 1<2 <i"}]`, "a <- b <bold> 1<2 <i"},
		{"code", `"blocks":[{"type":"code","language":"html","value":"<b>&amp;</b>"}]`, "<b>&</b>"},
		{"bullets", `"blocks":[{"type":"text","value":"t"},{"type":"bullets","blocks":[{"type":"text","value":"<b>a</b>"},{"type":"bullets","blocks":[{"type":"text","value":"b"}]}]}]`, "t\n• a\n• b"},
		{"unknown type", `"blocks":[{"type":"quote","value":"q","blocks":[{"value":"r"}]}]`, "q\nr"},
		{"wrong types", `"blocks":{"type":"text","value":"a"}`, ""},
		{"wrong types inside", `"blocks":[null,7,{"type":1,"value":["a"]},{"value":"b","blocks":"c"}]`, "b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fields := tt.fields
			if fields != "" {
				fields += ","
			}
			page := chatPage(t, `{"messages":[{`+fields+`"id":"m"}]}`)
			if got := page.Messages[0].Text; got != tt.want {
				t.Errorf("text = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestManagersAndChannel(t *testing.T) {
	t.Parallel()
	raw := `{"id":"7","name":"김상담","email":"kim@example.com","avatar":{"id":"not this"}}`
	page, err := answering(`{"managers":[`+raw+`],"next":"8"}`).Managers(context.Background(), "", 0)
	want := &channeltalk.ManagerPage{Managers: []channeltalk.Manager{{ID: "7", Name: "김상담", Email: "kim@example.com", Raw: []byte(raw)}}, Next: "8"}
	if diff := cmp.Diff(want, page); err != nil || diff != "" {
		t.Error(err, diff)
	}
	ch, err := answering(`{"channel":{"id":12345,"name":"가게","timeZone":"Asia/Seoul"},"manager":{"id":"7"}}`).Channel(context.Background())
	if diff := cmp.Diff(&channeltalk.Channel{ID: "12345", Name: "가게", TimeZone: "Asia/Seoul"}, ch); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	raw := `{"id":12,"channelId":"7","title":"배송","name":"old","scope":"public","managerIds":["1"],"createdAt":1700000000000,"icon":{"id":"not this"}}`
	page, err := answering(`{"groups":[`+raw+`,{"id":"13","name":"이름만","archivedAt":1700000000001},{"title":"no id"},null],"next":"반품"}`).Groups(context.Background(), "", 0)
	want := &channeltalk.GroupPage{
		Groups: []channeltalk.Group{
			{ID: "12", ChannelID: "7", Title: "배송", Scope: "public", CreatedAt: ms(1700000000000), Raw: []byte(raw)},
			{ID: "13", Title: "이름만", ArchivedAt: ms(1700000000001), Raw: []byte(`{"id":"13","name":"이름만","archivedAt":1700000000001}`)},
		},
		Next: "반품", Skipped: 2,
	}
	if diff := cmp.Diff(want, page); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, body := range []string{`{}`, `{"groups":null}`, `{"groups":[],"next":"x"}`} {
		if page, err := answering(body).Groups(context.Background(), "", 0); err != nil || len(page.Groups) > 0 || page.Next != "" {
			t.Errorf("%s: %v, %v", body, page, err)
		}
	}
	for _, body := range []string{`{"groups":{}}`, `{"status":500,"errors":[]}`, `[]`, `<html>`, `{"groups":[`} {
		if _, err := answering(body).Groups(context.Background(), "", 0); channeltalk.KindOf(err) != channeltalk.NotJSON {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestGroupMessages(t *testing.T) {
	t.Parallel()
	raw := `{"id":"m","chatType":"group","chatId":"12","personType":"manager","personId":"7","plainText":"네","thread":{"id":"t","rootMessageId":"m0"}}`
	page, err := answering(`{"messages":[`+raw+`],"next":"n"}`).GroupMessages(context.Background(), "12", channeltalk.MessageQuery{})
	want := channeltalk.Message{ID: "m", ChatType: "group", ChatID: "12", PersonType: "manager", PersonID: "7", Text: "네", RootID: "m0", Raw: []byte(raw)}
	if err != nil || len(page.Messages) != 1 || page.Next != "n" {
		t.Fatal(page, err)
	}
	if diff := cmp.Diff(want, page.Messages[0]); diff != "" {
		t.Error(diff)
	}
}
