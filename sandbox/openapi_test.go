package sandbox_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"talkrelay/sandbox"
)

// apiDocument is the part of an OpenAPI document that says what replies look like.
type apiDocument struct {
	Paths map[string]struct {
		Get struct {
			Responses map[string]struct {
				Content map[string]struct {
					Schema *apiSchema `json:"schema"`
				} `json:"content"`
			} `json:"responses"`
		} `json:"get"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]*apiSchema `json:"schemas"`
	} `json:"components"`
}

type apiSchema struct {
	Ref        string                `json:"$ref"`
	Type       string                `json:"type"`
	Enum       []string              `json:"enum"`
	Required   []string              `json:"required"`
	Properties map[string]*apiSchema `json:"properties"`
	Items      *apiSchema            `json:"items"`
	Additional json.RawMessage       `json:"additionalProperties"`
}

// TestRepliesFitTheOpenAPIDocument checks every key and type of the replies against Channel Talk's own document, where
// the workplace has it.
func TestRepliesFitTheOpenAPIDocument(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../shared/openapi/channel-open-api-*.json")
	if err != nil || len(files) == 0 {
		t.Skip("no OpenAPI document here")
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var doc apiDocument
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	chat, user, manager := busyChat(shop)
	group := busyGroup(shop, manager)
	requests := map[string]string{
		"user-chats?limit=1":      "/open/v5/user-chats",
		"user-chats/" + chat.ID(): "/open/v5/user-chats/{userChatId}",
		"user-chats/" + chat.ID() + "/messages?sortOrder=asc&limit=100": "/open/v5/user-chats/{userChatId}/messages",
		"users/" + user.ID():        "/open/v5/users/{userId}",
		"users/@" + user.MemberID(): "/open/v5/users/@{memberId}",
		"managers?limit=1":          "/open/v5/managers",
		"managers/" + manager.ID():  "/open/v5/managers/{managerId}",
		"channel":                   "/open/v5/channel",
		"groups?limit=1":            "/open/v5/groups",
		"groups/" + group.ID():      "/open/v5/groups/{groupId}",
		"groups/" + group.ID() + "/messages?sortOrder=desc&limit=100": "/open/v5/groups/{groupId}/messages",
	}
	for request, path := range requests {
		r := read(t, w.ChannelTalk, shop, request)
		schema := doc.Paths[path].Get.Responses["default"].Content["application/json"].Schema
		if r.status != 200 || schema == nil {
			t.Errorf("%s: status %d, schema %v", request, r.status, schema)
			continue
		}
		for _, problem := range doc.check(request, r.json, schema) {
			t.Error(problem)
		}
	}
}

// busyChat makes a chat that has as many fields as possible.
func busyChat(shop *sandbox.Channel) (*sandbox.Chat, *sandbox.Customer, *sandbox.Manager) {
	user := shop.AddUser(sandbox.User{
		Name: "홍길동", Contact: sandbox.Contact{Email: "h@example.com", MobileNumber: "+821012345678", LandlineNumber: "+82212345678"},
		Tags: []string{"VIP"}, Profile: map[string]any{"등급": "gold"},
	})
	manager := shop.AddManager("김지원", "jiwon@example.com")
	shop.AddManager("박서준", "")
	chat := shop.OpenChat(user, "안녕하세요", sandbox.Opening{
		State: sandbox.StateQueued, Title: "배송", Page: "/orders/1", Workflow: "3", ALF: true, Tags: []string{"배송"},
		Assignee: manager, TeamID: "5", Files: 1,
	})
	chat.Open()
	chat.ALFSays("잠시만요")
	chat.Note(manager, "메모")
	chat.ManagerSays(manager, "네")
	chat.CustomerSays("감사합니다")
	chat.Snooze(1e9)
	chat.Close()
	chat.Reopen("하나 더요")
	shop.OpenChat(user, "또", sandbox.Opening{})
	return chat, user, manager
}

// busyGroup makes a team chat that has as many fields as possible.
func busyGroup(shop *sandbox.Channel, m *sandbox.Manager) *sandbox.Group {
	group := shop.AddGroup("배송")
	shop.AddGroup("잡담")
	group.Edit(group.Says(m, "오늘 택배 마감은 <4시>"), "오늘 택배 마감은 5시")
	group.Remove(group.Says(m, "아니다"))
	group.Sends(m, 2)
	group.BotSays("배포했습니다")
	group.Log("invite")
	group.Archive()
	return group
}

// check returns what in v does not fit s.
func (d *apiDocument) check(at string, v any, s *apiSchema) []string {
	if s.Ref != "" {
		s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	switch v := v.(type) {
	case map[string]any:
		if s.Type != "object" {
			return []string{at + " is an object, not " + s.Type}
		}
		if s.Properties == nil {
			return nil // a map of anything
		}
		var problems []string
		for _, key := range s.Required {
			if _, ok := v[key]; !ok {
				problems = append(problems, at+" lacks "+key)
			}
		}
		for key, value := range v {
			if property := s.Properties[key]; property == nil && s.Additional == nil {
				problems = append(problems, at+" has an unknown key "+key)
			} else if property != nil {
				problems = append(problems, d.check(at+"."+key, value, property)...)
			}
		}
		return problems
	case []any:
		if s.Type != "array" {
			return []string{at + " is an array, not " + s.Type}
		}
		var problems []string
		for _, e := range v {
			problems = append(problems, d.check(at+"[]", e, s.Items)...)
		}
		return problems
	case string:
		if s.Type != "string" || len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
			return []string{at + " is " + v + ", not " + s.Type + " " + strings.Join(s.Enum, "|")}
		}
	case float64:
		if s.Type != "number" && s.Type != "integer" {
			return []string{at + " is a number, not " + s.Type}
		}
	case bool:
		if s.Type != "boolean" {
			return []string{at + " is a truth value, not " + s.Type}
		}
	default:
		return []string{at + " is null"}
	}
	return nil
}
