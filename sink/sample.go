package sink

import (
	"time"

	"talkrelay"
)

// SampleView is SampleEvents' first event in lang: an inquiry with every field filled. For tests, docs and previews.
func SampleView(lang Language) View { return NewView(SampleEvents()[0], lang) }

// SampleEvents returns one event of every kind, with all fields filled, about a customer who does not exist.
func SampleEvents() []talkrelay.Event {
	opened := sampleEvent()
	lead, member := opened, opened
	lead.ID, lead.Kind, lead.Change = "sample-lead", talkrelay.LeadContact, talkrelay.Updated
	member.ID, member.Kind, member.Change = "sample-member", talkrelay.MemberContact, talkrelay.Created
	lead.User.Member, lead.User.Type, lead.User.MemberID = false, "lead", ""
	member.Old = talkrelay.Contact{}
	opened.Old = talkrelay.Contact{}
	events := append([]talkrelay.Event{opened, lead, member}, sampleLife(opened)...)
	return append(append(events, sampleCustomer(lead, member)...), sampleMessage(opened), sampleTeamMessage(opened))
}

// sampleTeamMessage is what a manager writes to colleagues.
func sampleTeamMessage(e talkrelay.Event) talkrelay.Event {
	at := e.At.Add(4 * time.Minute)
	return talkrelay.Event{
		ID: "sample-team-message", Kind: talkrelay.TeamChatMessage, Channel: e.Channel, At: at, Seen: at.Add(3 * time.Second), TimeZone: e.TimeZone,
		Group: talkrelay.Group{ID: "42", Name: "배송", Scope: "public"},
		Message: talkrelay.Message{
			ID: "m3", PersonType: "manager", PersonID: "7", PersonName: "김상담", Text: "오늘 택배는 5시에 마감해요.", Files: 1, CreatedAt: at,
		},
		DeskURL: "https://desk.channel.io/#/channels/1/team_chats/groups/42/m3",
	}
}

// sampleMessage is what a manager writes in the chat of an opening.
func sampleMessage(e talkrelay.Event) talkrelay.Event {
	e.ID, e.Kind, e.Change = "sample-message", talkrelay.UserChatMessage, ""
	e.At, e.Seen = e.At.Add(3*time.Minute), e.Seen.Add(3*time.Minute)
	e.Message = talkrelay.Message{
		ID: "m2", PersonType: "manager", PersonID: "7", PersonName: "김상담", Text: "바로 확인해 드릴게요.", Files: 1, CreatedAt: e.At,
	}
	return e
}

// sampleCustomer is what becomes of customers.
func sampleCustomer(lead, member talkrelay.Event) []talkrelay.Event {
	lead.ID, lead.Kind, lead.Old = "sample-subscription", talkrelay.LeadSubscription, talkrelay.Contact{}
	lead.User.UnsubscribeEmail, lead.OldSubscription = true, talkrelay.Subscription{UnsubscribeTexting: true, UnsubscribeAppPush: true}
	same := member
	same.ID, same.Kind, same.Change = "sample-member-subscription", talkrelay.MemberSubscription, talkrelay.Updated
	same.OldSubscription.UnsubscribeEmail = true
	member.ID, member.Kind, member.Change = "sample-deleted", talkrelay.MemberDeleted, ""
	gone := lead
	gone.ID, gone.Kind, gone.Change = "sample-lead-deleted", talkrelay.LeadDeleted, ""
	return []talkrelay.Event{lead, same, member, gone}
}

// sampleLife is what becomes of the chat of an opening.
func sampleLife(opened talkrelay.Event) []talkrelay.Event {
	at := opened.At
	before := talkrelay.Before{State: "opened", AssigneeID: "8", TeamID: "2", Tags: []string{"배송", "재문의"}}
	step := func(id string, kind talkrelay.Kind, after time.Duration) talkrelay.Event {
		e := opened
		e.ID, e.Kind, e.Change, e.Before = id, kind, "", before
		e.At, e.Seen = at.Add(after), at.Add(after+3*time.Second)
		return e
	}
	assigned := step("sample-assigned", talkrelay.UserChatAssigned, time.Minute)
	tagged := step("sample-tagged", talkrelay.UserChatTagged, 2*time.Minute)
	replied := step("sample-replied", talkrelay.UserChatReplied, 3*time.Minute)
	replied.Message = talkrelay.Message{ID: "m2", PersonType: "manager", Text: "바로 확인해 드릴게요.", CreatedAt: replied.At}
	replied.Chat.AskedAt = time.Time{}
	snoozed := step("sample-snoozed", talkrelay.UserChatSnoozed, time.Hour)
	snoozed.Chat.State = "snoozed"
	closed := step("sample-closed", talkrelay.UserChatClosed, 2*time.Hour)
	closed.Chat.State, closed.Chat.AskedAt = "closed", time.Time{}
	waiting := step("sample-waiting", talkrelay.UserChatWaiting, 2*time.Hour)
	waiting.Before, waiting.Stage, waiting.Waited = talkrelay.Before{}, 2, 2*time.Hour
	return []talkrelay.Event{assigned, tagged, replied, snoozed, closed, waiting}
}

func sampleEvent() talkrelay.Event {
	at := time.Date(2026, 11, 22, 5, 3, 0, 0, time.UTC)
	return talkrelay.Event{
		ID: "sample-opened", Kind: talkrelay.UserChatOpened, Channel: "main",
		At: at, Seen: at.Add(3 * time.Second), Change: talkrelay.Created,
		Chat: sampleChat(at), User: sampleUser(),
		Old:      talkrelay.Contact{Email: "old@example.com", MobileNumber: "+821087654321", LandlineNumber: "+8225557777"},
		Message:  talkrelay.Message{ID: "m1", PersonType: "user", PersonID: "u1", PersonName: "홍길동", Text: "배송이 아직 안 왔어요. 확인 부탁드려요.", Files: 1, CreatedAt: at},
		Assignee: talkrelay.Person{ID: "7", Name: "김상담", Email: "agent@example.com"},
		Team:     talkrelay.Team{ID: "3", Name: "CS팀"},
		DeskURL:  "https://desk.channel.io/#/channels/1/user_chats/6641a7e0c5",
		TimeZone: "Asia/Seoul",
	}
}

func sampleChat(at time.Time) talkrelay.Chat {
	return talkrelay.Chat{
		ID: "6641a7e0c5", ChannelID: "1", UserID: "u1", State: "opened", Name: "홍길동", Title: "배송 문의",
		Description: "주문 123", Priority: "medium", MediumType: "native", Page: "/orders/123", Workflow: "w1",
		HandlingType: "manager", AssigneeID: "7", TeamID: "3", ManagerIDs: []string{"7", "8"}, Tags: []string{"배송", "VIP"},
		CreatedAt: at, FirstOpenedAt: at, OpenedAt: at, QueuedAt: at, SnoozedAt: at.Add(time.Hour), ExpiresAt: at.Add(24 * time.Hour),
		ClosedAt: at.Add(2 * time.Hour), FirstAskedAt: at, AskedAt: at, FirstRepliedAt: at.Add(3 * time.Minute), WaitingTime: 3 * time.Minute, UserLastMessage: "m1",
	}
}

func sampleUser() talkrelay.User {
	return talkrelay.User{
		ID: "u1", MemberID: "hong", Type: "member", Member: true, Name: "홍길동",
		Contact:      talkrelay.Contact{Email: "hong@example.com", MobileNumber: "+821012345678", LandlineNumber: "+8225551234"},
		Subscription: talkrelay.Subscription{UnsubscribeAppPush: true},

		Tags:     []string{"단골"},
		Language: "ko", Country: "KR",
		Profile: map[string]string{"grade": "gold"},
	}
}
