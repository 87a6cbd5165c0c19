package sink_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talkrelay"
	"talkrelay/sink"
)

func TestNewViewMovesTimes(t *testing.T) {
	t.Parallel()
	e := sink.SampleEvents()[0]
	for zone, want := range map[string]string{
		"Asia/Seoul": "2026-11-22 14:03", "Asia/Tokyo": "2026-11-22 14:03", "Europe/Berlin": "2026-11-22 06:03",
		"": "2026-11-22 05:03", "UTC": "2026-11-22 05:03", "Mars/Olympus": "2026-11-22 05:03",
	} {
		e.TimeZone = zone
		v := sink.NewView(e, sink.Korean)
		for name, got := range map[string]sink.Time{
			"At": v.At, "Chat.OpenedAt": v.Chat.OpenedAt, "Chat.CreatedAt": v.Chat.CreatedAt, "Chat.FirstAskedAt": v.Chat.FirstAskedAt,
			"Chat.AskedAt": v.Chat.AskedAt, "Message.CreatedAt": v.Message.CreatedAt,
		} {
			if got.String() != want {
				t.Errorf("%s in %q: got %s, want %s", name, zone, got, want)
			}
		}
	}
}

func TestNewViewInUsualZone(t *testing.T) {
	t.Parallel()
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	e := sink.SampleEvents()[0]
	for zone, want := range map[string]string{
		"": "14:03 KST", "Asia/Seoul": "14:03 KST", "Mars/Olympus": "14:03 KST", "Asia/Tokyo": "14:03 JST", "UTC": "05:03 UTC",
	} {
		e.TimeZone = zone
		if got := sink.NewViewIn(e, sink.Korean, seoul).At.Format("15:04 MST"); got != want {
			t.Errorf("%q: got %s, want %s", zone, got, want)
		}
	}
}

func TestNewViewCleans(t *testing.T) {
	t.Parallel()
	const dirty, line, text = " a\x00\tb\u202e\r\n\u1112\u1161\u11abc ", "a b 한c", " a b\n한c "
	v := sink.NewView(talkrelay.Event{
		Kind: talkrelay.UserChatOpened,
		Chat: talkrelay.Chat{Name: dirty, Title: dirty, Page: dirty, Description: dirty, Tags: []string{dirty, "\x00"}},
		User: talkrelay.User{
			Name: dirty, Tags: []string{dirty}, Profile: map[string]string{dirty: dirty},
			Contact: talkrelay.Contact{Email: dirty, MobileNumber: dirty, LandlineNumber: dirty},
		},
		Old:      talkrelay.Contact{Email: dirty, MobileNumber: dirty, LandlineNumber: dirty},
		Message:  talkrelay.Message{Text: dirty},
		Assignee: talkrelay.Person{Name: dirty, Email: dirty},
		Team:     talkrelay.Team{Name: dirty},
	}, sink.Korean)
	contact := talkrelay.Contact{Email: line, MobileNumber: line, LandlineNumber: line}
	want := sink.NewView(talkrelay.Event{Kind: talkrelay.UserChatOpened}, sink.Korean)
	want.Chat.Name, want.Chat.Title, want.Chat.Page, want.Chat.Description = line, line, line, text
	want.Chat.Tags, want.Chat.Chat.Tags, want.Tags = sink.List{line}, []string{line}, sink.List{line}
	want.User.Name, want.User.Contact, want.Old = line, contact, contact
	want.User.Tags, want.User.User.Tags = sink.List{line}, []string{line}
	want.User.Profile, want.User.User.Profile = sink.Profile{line: text}, map[string]string{line: text}
	want.Message.Text = text
	want.AssigneeMention = line
	want.Assignee, want.Team = talkrelay.Person{Name: line, Email: line}, talkrelay.Team{Name: line}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("want - got +:\n%s", diff)
	}
}

// Ids, states and the rest come from outside as well: a customer's own systems choose the member id, for one.
func TestNewViewCleansEveryText(t *testing.T) {
	t.Parallel()
	e := talkrelay.Event{Kind: talkrelay.UserChatClosed}
	for _, part := range []any{&e.Chat, &e.User, &e.User.Contact, &e.Old, &e.Before, &e.Message, &e.Assignee, &e.Team, &e.DeskURL} {
		eachText(part, func(text reflect.Value) { text.SetString("a\x00\u202eb") })
	}
	v := sink.NewView(e, sink.Korean)
	for _, part := range []any{&v.Chat, &v.User, &v.Old, &v.Before, &v.Message, &v.Assignee, &v.Team, &v.DeskURL} {
		eachText(part, func(text reflect.Value) {
			if text.String() != "ab" {
				t.Errorf("%T holds %q", part, text)
			}
		})
	}
}

// eachText calls f for every text in the struct or text that part points to.
func eachText(part any, f func(reflect.Value)) {
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch {
		case v.Kind() == reflect.String:
			f(v)
		case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
			for _, field := range v.Fields() {
				walk(field)
			}
		}
	}
	walk(reflect.ValueOf(part).Elem())
}

func TestNewViewLeavesTheEventAlone(t *testing.T) {
	t.Parallel()
	e, same := sink.SampleEvents()[0], sink.SampleEvents()[0]
	e.Chat.Tags, same.Chat.Tags = []string{"a\x00"}, []string{"a\x00"}
	v := sink.NewView(e, sink.Korean)
	v.Tags[0], v.User.Profile["grade"], v.Chat.ManagerIDs[0] = "x", "x", "x"
	if diff := cmp.Diff(same, e); diff != "" {
		t.Errorf("the event changed:\n%s", diff)
	}
}

func TestViewChanges(t *testing.T) {
	t.Parallel()
	before := talkrelay.Contact{Email: "old@example.com", MobileNumber: "+821087654321", LandlineNumber: "+8225551234"}
	after := talkrelay.Contact{Email: "new@example.com", LandlineNumber: "+8225551234"}
	for _, tt := range []struct {
		name string
		kind talkrelay.Kind
		old  talkrelay.Contact
		lang sink.Language
		want []sink.FieldChange
	}{
		{"updated", talkrelay.LeadContact, before, sink.Korean, []sink.FieldChange{
			{Name: "mobileNumber", Field: "휴대폰 번호", Old: "+821087654321"},
			{Name: "email", Field: "이메일", Old: "old@example.com", New: "new@example.com"},
		}},
		{"created", talkrelay.MemberContact, talkrelay.Contact{}, sink.English, []sink.FieldChange{
			{Name: "landlineNumber", Field: "Landline", New: "+8225551234"},
			{Name: "email", Field: "E-mail", New: "new@example.com"},
		}},
		{"the same", talkrelay.MemberContact, after, sink.Korean, nil},
		{"an inquiry", talkrelay.UserChatOpened, talkrelay.Contact{}, sink.Korean, nil},
	} {
		v := sink.NewView(talkrelay.Event{Kind: tt.kind, User: talkrelay.User{Contact: after}, Old: tt.old}, tt.lang)
		if diff := cmp.Diff(tt.want, v.Changes); diff != "" {
			t.Errorf("%s: want - got +:\n%s", tt.name, diff)
		}
	}
}

// A field that samples leave empty is one that trying a template does not try.
func TestSampleIsFull(t *testing.T) {
	t.Parallel()
	e := sink.SampleEvents()[1]
	for _, part := range []any{e.Chat, e.User, e.Message, e.Assignee, e.Team, e.Old} {
		v := reflect.ValueOf(part)
		for field, value := range v.Fields() {
			switch field.Name {
			case "BotOnly", "Reopened", "Member", "MemberID", "Private", "Log":
				continue // false, and absent, for an unregistered customer who writes for the first time
			}
			if value.IsZero() {
				t.Errorf("%s.%s is empty", v.Type().Name(), field.Name)
			}
		}
	}
}

func TestValuesPrint(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 14, 3, 59, 0, time.UTC)
	for _, tt := range []struct {
		name, got, want string
	}{
		{"time", sink.Time{Time: at}.String(), "2026-11-22 14:03"},
		{"zero time", sink.Time{}.String(), ""},
		{"zero time with a layout", sink.Time{}.Format("15"), ""},
		{"zero time moved to Seoul", sink.NewView(talkrelay.Event{TimeZone: "Asia/Seoul"}, sink.Korean).At.String(), ""},
		{"duration", sink.Duration(90 * time.Second).String(), "1m30s"},
		{"minutes", sink.Duration(119 * time.Second).Minutes(), "1"},
		{"less than a minute", sink.Duration(time.Second).Minutes(), "0"},
		{"no duration", sink.Duration(0).String() + sink.Duration(0).Minutes(), ""},
		{"list", sink.List{"a", "b"}.String(), "a, b"},
		{"no list", sink.List(nil).String(), ""},
		{"profile", sink.Profile{"b": "2", "a": "1"}.String(), "a: 1, b: 2"},
		{"no profile", sink.Profile(nil).String(), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}
