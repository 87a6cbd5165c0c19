package slack_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/slack"
)

// What looks like a phone number or an address is masked wherever a customer may have written it.
func TestMask(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	const phone, email = "010-9876-5432", "secret.person@example.com"
	text := "call " + phone + " or " + email
	e := hostileEvent(talkrelay.UserChatOpened, text)
	e.Chat.ID, e.User.ID, e.Chat.State, e.Chat.MediumType, e.Chat.HandlingType, e.Chat.Tags = "c", "u", "opened", "native", "", nil
	e.User.Tags, e.User.Profile = nil, map[string]string{"memo": text}
	e.Assignee, e.Team, e.Channel = talkrelay.Person{Name: "김"}, talkrelay.Team{Name: "CS"}, "main"
	e.User.Contact = talkrelay.Contact{Email: email, MobileNumber: "+821098765432", LandlineNumber: "+82298765432"}
	e.Old = talkrelay.Contact{Email: "other." + email, MobileNumber: "+821098765431"}
	e.Before = talkrelay.Before{State: "opened", Tags: []string{"환불"}}
	leaks := regexp.MustCompile(`9876|secret\.person`)
	for _, kind := range talkrelay.Kinds() {
		e.Kind = kind
		for _, own := range []string{"", everyText} {
			for _, form := range []string{"", slack.FormPlain} {
				s := f.sink(func(c *slack.Config) { c.Text = own })
				body, _, err := s.Prepare(shipment, []sink.Item{{Event: e}}, form)
				if err != nil {
					t.Fatal(err)
				}
				texts, _ := pieces(t, body)
				for _, p := range texts {
					if leaks.MatchString(p.text) {
						t.Errorf("%s, own=%v, form=%q: %s of %s leaks: %q", kind, own != "", form, p.kind, p.where, p.text)
					}
				}
			}
		}
		s := f.sink(func(c *slack.Config) { c.Mask = ptr(false) })
		if body := string(message(t, s, e).Body); !leaks.MatchString(body) {
			t.Errorf("%s: masked although mask = false", kind)
		}
	}
}

// The page a customer came from may carry the address as browsers write it.
func TestMaskEncodedAddress(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	e := inquiry()
	e.Chat.Page = "https://shop.example/?email=secret.person%40example.com"
	for _, own := range []string{"", "{{.Chat.Page}}"} {
		s := f.sink(func(c *slack.Config) { c.Text = own })
		texts, _ := pieces(t, message(t, s, e).Body)
		for _, p := range texts {
			if strings.Contains(p.text, "secret.person") {
				t.Errorf("own=%v: %s of %s leaks: %q", own != "", p.kind, p.where, p.text)
			}
		}
	}
}

// Two numbers with the same last digits look alike when masked. The change is shown all the same.
func TestMaskedChangeIsShown(t *testing.T) {
	t.Parallel()
	e := talkrelay.Event{
		ID: "e", Kind: talkrelay.LeadContact, Change: talkrelay.Updated,
		User: talkrelay.User{Name: "홍", Contact: talkrelay.Contact{MobileNumber: "+821011115678"}},
		Old:  talkrelay.Contact{MobileNumber: "+821022225678"},
	}
	texts, _ := pieces(t, message(t, newFake(t).sink(nil), e).Body)
	if got := texts[0].text; !strings.Contains(got, "010-****-5678 → 010-****-5678") {
		t.Errorf("notification is %q", got)
	}
}

func TestOwnText(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.sink(func(c *slack.Config) {
		c.Text = "general {{.User.Name}}"
		c.RouteText = map[string]string{"refunds": "<!here> {{.Message.Text}} <{{.DeskURL}}|open>", "blank": "{{if false}}x{{end}} \u200b"}
	})
	e := inquiry()
	e.Message.Text, e.User.Name, e.DeskURL = "<!channel> & co", "<b>", "https://desk.example/?a=1&b=2"
	for route, want := range map[string]string{
		"":        "general &lt;b&gt;",
		"other":   "general &lt;b&gt;",
		"refunds": "<!here> &lt;!channel&gt; &amp; co <https://desk.example/?a=1&amp;b=2|open>",
		"blank":   "🆕 새 문의 · &lt;b&gt; · &lt;!channel&gt; &amp; co 📎 첨부파일 1개", // nothing to see: the default message
	} {
		body, _, err := s.Prepare(shipment, []sink.Item{{Event: e, Route: route}}, "")
		if err != nil {
			t.Fatal(err)
		}
		texts, blocks := pieces(t, body)
		if texts[0].text != want || (len(blocks) == 0) != (route != "blank") {
			t.Errorf("route %q: %q with %d blocks, want %q", route, texts[0].text, len(blocks), want)
		}
	}
}

func TestDeskLink(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(nil)
	for url, linked := range map[string]bool{
		desk: true, "http://desk.local/x": true, "": false, "javascript:alert(1)": false, "ftp://x.example/": false, "https://": false,
		"https://a.example/|x": false, "https://a.example/><!here>": false, "https://a.example/ b": false, "//a.example": false,
		"https://a.example/\u200d": false, "https://a.example/\u202e": false, "https://a.example/\xff": false, "https://a.example/\x00": false, "https://a.example/" + strings.Repeat("x", 3000): false,
	} {
		e := inquiry()
		e.DeskURL = url
		texts, _ := pieces(t, message(t, s, e).Body)
		found := false
		for _, p := range texts {
			found = found || strings.Contains(p.text, "|💬")
		}
		if found != linked {
			t.Errorf("%q: linked = %v, want %v", url, found, linked)
		}
	}
}

// Times are in the event's zone, else in the sink's.
func TestTimeZone(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(nil) // Seoul
	for zone, want := range map[string]string{"": "14:03", "Asia/Tokyo": "14:03", "UTC": "05:03", "America/New_York": "00:03", "Nowhere/Land": "14:03"} {
		e := inquiry()
		e.TimeZone = zone
		texts, _ := pieces(t, message(t, s, e).Body)
		if got := texts[len(texts)-1].text; !strings.Contains(got, want) {
			t.Errorf("zone %q: %q, want %s", zone, got, want)
		}
	}
}

// A zone without a name in the database, as time.FixedZone makes, is as good as any.
func TestTimeZoneWithoutName(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(func(c *slack.Config) { c.Location = time.FixedZone("KST", 9*60*60) })
	e := inquiry()
	e.TimeZone = ""
	texts, _ := pieces(t, message(t, s, e).Body)
	if got := texts[len(texts)-1].text; !strings.Contains(got, "14:03") {
		t.Errorf("%q, want 14:03", got)
	}
}

func TestPrepareSameBytes(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(nil)
	now := time.Unix(1795320000, 0)
	a, _ := s.Render(shipment, sink.Item{Event: inquiry()}, "", now)
	b, _ := s.Render(shipment, sink.Item{Event: inquiry()}, "", now)
	if string(a) != string(b) {
		t.Error("the same message makes different bytes")
	}
	if _, _, err := s.Prepare(shipment, nil, ""); err == nil {
		t.Error("Prepare of nothing succeeds")
	}
	if _, n, err := s.Prepare(shipment, make([]sink.Item, 3), ""); n != 1 || err != nil {
		t.Errorf("Prepare of three = %d, %v; want one a message", n, err)
	}
}
