package slack_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/slack"
)

// nightly is a sink that is quiet from 18:30 to 09:30, in Seoul.
func nightly(t *testing.T, change func(*slack.Config)) *slack.Sink {
	t.Helper()
	hours, err := talkrelay.ParseHours([]string{"18:30-09:30"})
	if err != nil {
		t.Fatal(err)
	}
	return newFake(t).sink(func(c *slack.Config) {
		c.Quiet = hours
		if change != nil {
			change(c)
		}
	})
}

// at is a time of a clock in Seoul, on the day before if that is in the evening.
func at(clock string) time.Time {
	day := "2026-11-26 "
	if clock > "12:00" {
		day = "2026-11-25 "
	}
	seen, err := time.ParseInLocation("2006-01-02 15:04", day+clock, seoul())
	if err != nil {
		panic(err)
	}
	return seen
}

// nightItem is an inquiry of a chat of its own that was seen at a time.
func nightItem(chat, clock string, change func(*talkrelay.Event)) sink.Item {
	e := inquiry()
	e.ID, e.Seen, e.At, e.Chat.ID, e.User.Name = "e-"+chat+clock, at(clock), at(clock), chat, "손님"+chat
	e.Chat.AskedAt, e.Chat.OpenedAt, e.Chat.FirstRepliedAt, e.Chat.HandlingType = at(clock), at(clock), time.Time{}, "manager"
	if change != nil {
		change(&e)
	}
	return sink.Item{Event: e}
}

// later is item with its chat as it is in the morning.
func later(item sink.Item, change func(*talkrelay.Event)) sink.Item {
	now := item.Event
	change(&now)
	item.Latest = &now
	return item
}

// What quiet hours have held back goes out in one message, everything else as ever, in order.
func TestQuietHoursSumUp(t *testing.T) {
	t.Parallel()
	night := func(n int) (items []sink.Item) {
		for i := range n {
			items = append(items, nightItem(fmt.Sprint(i), "20:00", nil))
		}
		return items
	}
	evening, morning := nightItem("a", "18:29", nil), nightItem("b", "09:30", nil)
	for name, test := range map[string]struct {
		follow bool
		items  []sink.Item
		want   []int // events of each message in turn
	}{
		"a night":            {false, night(9), []int{9}},
		"before and after":   {false, append(append([]sink.Item{evening}, night(3)...), morning, morning), []int{1, 3, 1, 1}},
		"one":                {false, night(1), []int{1}},
		"one that is edited": {true, night(1), []int{1}},
		"more than fit":      {false, night(slack.MaxHeld + 2), []int{slack.MaxHeld, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := nightly(t, func(c *slack.Config) { c.Follow, c.DigestAbove = test.follow, 2 })
			var got []int
			for rest := test.items; len(rest) > 0; {
				body, n, err := s.Prepare(shipment, rest, "")
				if err != nil {
					t.Fatal(err)
				}
				summary := strings.Contains(text(t, body), "조용한 시간")
				if inNight := !s.Quiet(rest[0].Event.Seen).IsZero(); summary != (inNight && !test.follow) {
					t.Errorf("summary %t of\n%s", summary, text(t, body))
				}
				got, rest = append(got, n), rest[n:]
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("messages of %v events, want %v", got, test.want)
			}
		})
	}
}

// The summary shows each chat once, as it is now, those that wait longest first.
func TestSummary(t *testing.T) {
	t.Parallel()
	s := nightly(t, func(c *slack.Config) { c.Mention = "<!here>" })
	waiting := func(e *talkrelay.Event) {
		e.Kind, e.Stage, e.Waited = talkrelay.UserChatWaiting, 1, time.Hour
	}
	items := []sink.Item{
		nightItem("1", "22:00", nil),
		later(nightItem("2", "20:00", nil), func(e *talkrelay.Event) { e.Chat.State, e.Chat.AskedAt = "closed", time.Time{} }),
		later(nightItem("3", "21:00", nil), func(e *talkrelay.Event) { e.Assignee.Name = "박새벽" }),
		nightItem("3", "23:00", waiting),
		later(nightItem("4", "23:10", nil), func(e *talkrelay.Event) { e.Chat.AskedAt, e.Chat.FirstRepliedAt = time.Time{}, at("08:00") }),
		nightItem("5", "23:20", func(e *talkrelay.Event) { e.Chat.HandlingType = "alf" }),
		nightItem("1", "23:30", func(e *talkrelay.Event) {
			e.User.Name, e.Kind, e.Old.MobileNumber = "손님6", talkrelay.LeadContact, "+821087654321"
		}),
		nightItem("1", "23:35", func(e *talkrelay.Event) {
			e.ID, e.Kind, e.Chat.AskedAt = "tagged", talkrelay.UserChatTagged, at("22:00")
		}),
		later(nightItem("7", "23:40", nil), func(e *talkrelay.Event) { e.Chat.State = "snoozed" }),
	}
	body, n, err := s.Summarize(shipment, items, at("09:30"))
	if err != nil || n != len(items) {
		t.Fatalf("%d, %v", n, err)
	}
	checkMessage(t, body, "<!here>", "<"+items[0].Event.DeskURL+"|→>")
	got := text(t, body)
	for _, want := range []string{
		"🌙 조용한 시간 동안 7건 · 응대 필요 2 · 처리됨 3 · ALF 응대 중 1 · 그 밖 1",
		"<!here>",
		"*응대 필요* 2\n• 🆕 *손님3*", "12시간 30분째 대기 · 담당 박새벽", "\n• 🆕 *손님1*", "11시간 30분째 대기",
		"*처리됨* 3\n• ✅ *손님2*", "\n• 💬 *손님4*", "\n• 💤 *손님7*", "*ALF 응대 중* 1\n• 🤖 *손님5*", "*그 밖* 1\n• 📇 *손님6*",
	} {
		_, rest, found := strings.Cut(got, want)
		if !found {
			t.Fatalf("no %q, or not in its place, in\n%s", want, text(t, body))
		}
		got = rest
	}
}

// Messages of team chats are news each by itself, beside the chats with customers.
func TestSummaryOfTeamChats(t *testing.T) {
	t.Parallel()
	s := nightly(t, nil)
	items := []sink.Item{nightItem("1", "22:00", nil)}
	for _, clock := range []string{"22:10", "22:20"} {
		items = append(items, sink.Item{Event: talkrelay.Event{
			ID: clock, Kind: talkrelay.TeamChatMessage, Channel: items[0].Event.Channel, At: at(clock), Seen: at(clock),
			Group: talkrelay.Group{ID: "42", Name: "배송"}, Message: talkrelay.Message{PersonType: "manager", PersonName: "김상담", Text: "마감 " + clock},
		}})
	}
	body, n, err := s.Summarize(shipment, items, at("09:30"))
	if err != nil || n != len(items) {
		t.Fatalf("%d, %v", n, err)
	}
	got := text(t, body)
	for _, want := range []string{"3건 · 응대 필요 1 · 그 밖 2", "*응대 필요* 1\n• 🆕 *손님1*", "*그 밖* 2\n• 👥 *#배송*", "마감 22:10", "\n• 👥 *#배송*", "마감 22:20"} {
		_, rest, found := strings.Cut(got, want)
		if !found {
			t.Fatalf("no %q, or not in its place, in\n%s", want, text(t, body))
		}
		got = rest
	}
}

// However much there is, and whatever customers call themselves, the message is one that Slack takes.
func TestSummaryOfMuch(t *testing.T) {
	t.Parallel()
	s := nightly(t, nil)
	var items []sink.Item
	for i := range 100 {
		items = append(items, nightItem(fmt.Sprint(i), "20:00", func(e *talkrelay.Event) {
			e.User.Name = "<!channel> *@here* " + strings.Repeat("&<>", 100)
			e.Assignee.Name = "<@U0123456789>" + strings.Repeat("가", 500)
			e.Message.Text = strings.Repeat("<!everyone> ", 400)
		}))
	}
	for _, form := range []string{"", slack.FormPlain} {
		body, n, err := s.Prepare(shipment, items, form)
		if err != nil || n != len(items) {
			t.Fatalf("%d, %v", n, err)
		}
		checkMessage(t, body, "<"+items[0].Event.DeskURL+"|→>")
		values, err := url.ParseQuery(string(body))
		if err != nil || values.Has("blocks") != (form == "") {
			t.Errorf("form %q: %v", form, values)
		}
		if got := text(t, body); form == "" && (strings.Count(got, "•") != 40 || !strings.HasSuffix(got, "외 60건")) {
			t.Errorf("%d lines in\n%s", strings.Count(got, "•"), got)
		}
	}
}

func TestQuietMustEnd(t *testing.T) {
	t.Parallel()
	cfg := newFake(t).config()
	var err error
	if cfg.Quiet, err = talkrelay.ParseHours([]string{"00:00-24:00"}); err != nil {
		t.Fatal(err)
	}
	if p := cfg.Validate(); len(p) != 1 || p[0].Key != "quiet" {
		t.Errorf("%v", p)
	}
}
