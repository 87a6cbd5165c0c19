package dispatch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"talkrelay"
	"talkrelay/dispatch"
)

// messagesTo returns a route for messages.
func messagesTo(where string, include ...string) dispatch.RouteConfig {
	return dispatch.RouteConfig{Name: "r", On: []string{"message.created.userChat"}, Where: where, Include: include, To: []string{"changes"}}
}

// Messages of bots, private notes and log entries reach a route that asks for all that they are, and no other.
func TestMessagesLeftOut(t *testing.T) {
	t.Parallel()
	messages := map[string]talkrelay.Message{
		"user": {PersonType: "user"}, "manager": {PersonType: "manager"}, "bot": {PersonType: "bot"},
		"note": {PersonType: "manager", Private: true}, "bot's note": {PersonType: "bot", Private: true},
		"log": {PersonType: "bot", Log: "close"},
	}
	tests := []struct {
		where   string
		include []string
		want    string
	}{
		{"", nil, "manager user"},
		{"true", nil, "manager user"},
		{"", []string{"bot"}, "bot manager user"},
		{"", []string{"private"}, "manager note user"},
		{"", []string{"log"}, "log manager user"},
		{"", []string{"private", "bot", "log"}, "bot bot's note log manager note user"},
		{`message.personType != "manager"`, nil, "bot user"},
		{`message.private`, nil, "note"},
		{`message["private"] and message.personType == "bot"`, nil, "bot's note"},
		{`message.log == "close"`, nil, "log"},
		{`message.text == "" and "bot" != "private"`, nil, "manager user"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.where, tt.include), func(t *testing.T) {
			t.Parallel()
			r := router(t, messagesTo(tt.where, tt.include...))
			var got []string
			for name, m := range messages {
				e := talkrelay.Event{ID: name, Kind: talkrelay.UserChatMessage, Channel: "main", Message: m}
				if len(r.Match([]talkrelay.Event{e})) > 0 {
					got = append(got, name)
				} else if x := r.Explain(e)[0]; x.Reason != dispatch.ReasonClass && x.Reason != dispatch.ReasonWhere {
					t.Errorf("%s: %s", name, x.Reason)
				}
			}
			slices.Sort(got)
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
		})
	}
}

// What an opening shows of a bot's message holds back no opening.
func TestOnlyMessagesAreLeftOut(t *testing.T) {
	t.Parallel()
	r := router(t, dispatch.RouteConfig{Name: "r", On: []string{"userChat.opened"}, To: []string{"changes"}})
	e := talkrelay.Event{ID: "e", Kind: talkrelay.UserChatOpened, Channel: "main", Message: talkrelay.Message{PersonType: "bot", Private: true}}
	if len(r.Match([]talkrelay.Event{e})) != 1 {
		t.Error("not delivered")
	}
}

// Includes is what the routes of a channel ask for, all of them together.
func TestIncludes(t *testing.T) {
	t.Parallel()
	japan := messagesTo(`message.personType == "bot"`)
	japan.Name, japan.Channels = "japan", []string{"japan"}
	opened := dispatch.RouteConfig{Name: "opened", On: []string{"userChat.opened"}, Where: "not message.private", To: []string{"changes"}}
	r := router(t, messagesTo("", "log"), japan, opened)
	if main, jp := fmt.Sprint(r.Includes("main")), fmt.Sprint(r.Includes("japan")); main != "[log]" || jp != "[bot log]" {
		t.Errorf("main %s, japan %s", main, jp)
	}
}

func TestHasAny(t *testing.T) {
	t.Parallel()
	tests := []struct {
		where string
		want  bool
	}{
		{`hasAny(message.text, ["환불", "취소"])`, true},
		{`hasAny(message.text, ["교환", "반품"])`, false},
		{`hasAny(message.text, ["REFUND"])`, true},
		{`hasAny(message.text, tags)`, true},
		{`hasAny(message.text, user.tags)`, false},
		{`hasAny(message.text, [])`, false},
		{`hasAny(message.text, [""])`, false},
		{`not hasAny("", ["환불"])`, true},
		{`message.files > 1 and hasAny(message.text, ["환불"])`, true},
	}
	e := talkrelay.Event{
		ID: "e", Kind: talkrelay.UserChatMessage, Channel: "main", Chat: talkrelay.Chat{Tags: []string{"배송", "환불"}},
		Message: talkrelay.Message{PersonType: "user", Text: "환불 부탁드려요. A Refund!", Files: 2},
	}
	for _, tt := range tests {
		x := router(t, messagesTo(tt.where)).Explain(e)[0]
		if x.Matched != tt.want || x.Reason == dispatch.ReasonFailed {
			t.Errorf("%s: %+v", tt.where, x)
		}
	}
}

// A call that makes no sense is found when the config is read.
func TestHasAnyMisused(t *testing.T) {
	t.Parallel()
	for _, where := range []string{`hasAny(message.text, "환불")`, `hasAny(message.text)`, `hasAny(tags, ["a"])`, `hasAny(message.files, ["a"])`} {
		if _, problems := dispatch.NewRouter([]dispatch.RouteConfig{messagesTo(where)}, allSinks, allChannels); len(problems) != 1 {
			t.Errorf("%s: %v", where, problems)
		}
	}
}
