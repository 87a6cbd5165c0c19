package slack_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/slack"
)

// seen returns items of inquiries, seen at so many seconds after each other.
func seen(gaps ...int) (items []sink.Item) {
	at := time.Unix(1795320000, 0)
	for i, gap := range gaps {
		at = at.Add(time.Duration(gap) * time.Second)
		e := inquiry()
		e.ID, e.Seen, e.User.Name = fmt.Sprintf("e%d", i), at, fmt.Sprintf("손님%d", i)
		items = append(items, sink.Item{Event: e})
	}
	return items
}

func every(n, gap int) []int {
	gaps := make([]int, n)
	for i := range gaps {
		gaps[i] = gap
	}
	return gaps
}

// TestDigest: more than so many events within a minute become one message, fewer do not.
func TestDigest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		above int
		items []sink.Item
		want  []int // events of each message in turn
	}{
		{"off", 0, seen(every(5, 0)...), []int{1, 1, 1, 1, 1}},
		{"not above", 5, seen(every(5, 0)...), []int{1, 1, 1, 1, 1}},
		{"above", 4, seen(every(5, 0)...), []int{5}},
		{"slow", 4, seen(every(6, 20)...), []int{1, 1, 1, 1, 1, 1}},
		{"the rest of a flood", 4, seen(append(every(slack.MaxDigest+3, 0), 120, 1)...), []int{slack.MaxDigest, 3, 1, 1}},
		{"one left", 4, seen(every(slack.MaxDigest+1, 0)...), []int{slack.MaxDigest, 1}},
	} {
		s := newFake(t).sink(func(c *slack.Config) { c.DigestAbove = test.above })
		var got []int
		for rest := test.items; len(rest) > 0; {
			body, n, err := s.Prepare(shipment, rest, "")
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			checkMessage(t, body, "<"+desk+"|→>", "<"+rest[0].Event.DeskURL+"|→>", "<"+rest[0].Event.DeskURL+"|💬 채널톡에서 답변하기 →>")
			for _, item := range rest[:n] {
				if !strings.Contains(text(t, body), item.Event.User.Name) {
					t.Errorf("%s: %s is not in the message", test.name, item.Event.User.Name)
				}
			}
			got, rest = append(got, n), rest[n:]
		}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: messages of %v events, want %v", test.name, got, test.want)
		}
	}
}

func text(t *testing.T, body []byte) string {
	t.Helper()
	var all []string
	texts, _ := pieces(t, body)
	for _, p := range texts {
		all = append(all, p.text)
	}
	return strings.Join(all, "\n")
}

// TestDigestRefused: a digest whose blocks Slack refuses is taken apart.
func TestDigestRefused(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(func(c *slack.Config) { c.DigestAbove = 2 })
	items := seen(0, 0, 0)
	if _, n, err := s.Prepare(shipment, items, ""); err != nil || n != 3 {
		t.Fatalf("%d, %v", n, err)
	}
	if _, n, err := s.Prepare(shipment, items, slack.FormPlain); err != nil || n != 1 {
		t.Errorf("%d events in the plain form, %v", n, err)
	}
}

// cardKinds has one kind of each form that a message takes.
var cardKinds = []talkrelay.Kind{talkrelay.UserChatOpened, talkrelay.LeadContact, talkrelay.UserChatTagged, talkrelay.UserChatReplied}

// TestHostileDigest: what cannot ping in a message cannot in a digest.
func TestHostileDigest(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(func(c *slack.Config) { c.DigestAbove, c.Mention = 1, subteam })
	for _, hostile := range hostileTexts {
		for _, kind := range cardKinds {
			for _, times := range []int{1, 30} {
				var items []sink.Item
				for range slack.MaxDigest {
					items = append(items, sink.Item{Event: hostileEvent(kind, strings.Repeat(hostile, times))})
				}
				body, n, err := s.Prepare(shipment, items, "")
				if err != nil || n != slack.MaxDigest {
					t.Fatalf("%d, %v", n, err)
				}
				checkMessage(t, body, subteam, "<"+desk+"|→>")
			}
		}
	}
}
