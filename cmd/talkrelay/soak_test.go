package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

const eventsVariable = "TALKRELAY_EVENTS"

// Destinations of a soak: so many channels, and as many tabs.
const soakChannels = 10

// TestSoak sends many inquiries to twenty destinations, while all services misbehave and the daemon is killed every few
// seconds. It is the long form of number 25 of TestNumberedFaults and runs if the environment says how long:
//
//	TALKRELAY_EVENTS=10000 TALKRELAY_SEED=7 go test -count 1 -v -run TestSoak -timeout 1h ./cmd/talkrelay
func TestSoak(t *testing.T) {
	events := setting(t, eventsVariable, 0)
	if events == 0 {
		t.Skip("runs with " + eventsVariable)
	}
	t.Log(soak(t, int(events), setting(t, seedVariable, uint64(time.Now().UnixNano()))))
}

func shortSoak(t *testing.T) string {
	soak(t, 200, setting(t, seedVariable, uint64(time.Now().UnixNano())))
	return "200 inquiries, 20 destinations: none lost, none doubled, one order everywhere"
}

// soaked is a shop whose inquiries are spread over many destinations.
type soaked struct {
	*rig
	rooms []*sandbox.SlackChannel
	wants map[string][]string // destination → chats
}

func newSoaked(t *testing.T) *soaked {
	t.Helper()
	s := &soaked{rig: newRig(t, crashPace...), wants: map[string][]string{}}
	s.channel.SetQuirks(sandbox.Quirks{Unlimited: true})
	s.edit("name = \"새 문의\"\n", "name = \"새 문의\"\nwhere = '\"nobody\" in tags'\n")
	for i := range soakChannels {
		room := s.world.Slack.AddChannel(fmt.Sprintf("room-%d", i))
		s.rooms = append(s.rooms, room)
		s.append(fmt.Sprintf(`
[[sink.slack]]
name    = "room-%[1]d"
token   = %[2]q
channel = %[3]q
api_url = %[4]q
timeout = "2s"
lookups_answered   = ["100ms", "200ms"]
lookups_unanswered = ["300ms", "600ms"]
recheck_after = "2s"

[[sink.sheets]]
name             = "tab-%[1]d"
credentials_file = "google.json"
spreadsheet      = %[5]q
sheet            = "tab-%[1]d"
timeout          = "2s"
endpoint         = %[6]q

[[route]]
name  = "room-%[1]d"
on    = ["userChat.opened"]
where = '"room-%[1]d" in tags'
to    = ["room-%[1]d"]

[[route]]
name  = "tab-%[1]d"
on    = ["userChat.opened"]
where = '"tab-%[1]d" in tags'
to    = ["tab-%[1]d"]
`, i, s.world.Slack.Token, room.ID, s.world.Slack.APIURL(), s.sheet.ID, s.world.Google.Endpoint()))
	}
	return s
}

// open lets one customer write, to one tab and, once in a while, to a channel too.
func (s *soaked) open(random *rand.Rand, seldom int) {
	tags := []string{fmt.Sprintf("tab-%d", random.IntN(soakChannels))}
	if random.IntN(seldom) == 0 {
		tags = append(tags, fmt.Sprintf("room-%d", random.IntN(soakChannels)))
	}
	text := mischief[random.IntN(len(mischief))]
	chat := s.channel.OpenChat(s.channel.AddUser(sandbox.User{Name: text}), text, sandbox.Opening{Tags: tags})
	for _, tag := range tags {
		s.wants[tag] = append(s.wants[tag], chat.ID())
	}
}

// holds is what stands at a destination.
func (s *soaked) holds(destination string) []string {
	if !strings.HasPrefix(destination, "room-") {
		return s.sheet.Column(destination, 0, 1)
	}
	i := slices.IndexFunc(s.rooms, func(c *sandbox.SlackChannel) bool { return c.Name == destination })
	return sandbox.KeysIn(s.rooms[i].Texts(), s.wants[destination]...)
}

// left counts what has not arrived, and what has arrived too often.
func (s *soaked) left() (lost, doubled int) {
	for destination, want := range s.wants {
		d := sandbox.Compare(want, s.holds(destination))
		lost += len(d.Lost)
		doubled += len(d.Doubled) + len(d.Extra)
	}
	return lost, doubled
}

func soak(t *testing.T, events int, seed uint64) string {
	t.Logf("%s=%d %s=%d", eventsVariable, events, seedVariable, seed)
	start, random := time.Now(), rand.New(rand.NewPCG(seed, 2))
	s := newSoaked(t)
	p := s.start()
	s.awaitBaseline(p)
	s.world.SetFault(misbehave(seed))
	kills, batch := 0, max(20, events/100)
	for n := 0; n < events; n += batch {
		for range batch {
			s.open(random, max(2, events/500))
		}
		time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond) // wherever it is by then
		p.kill()
		kills++
		p = s.start()
	}
	s.world.SetFault(nil)
	awaitNone(t, "everything, once each", func() int { lost, doubled := s.left(); return lost + doubled }, p.log)
	p.stop()
	lost, doubled := s.left()
	if violations := s.world.Violations(); lost+doubled+len(violations) > 0 {
		t.Errorf("%d lost, %d doubled, violations %q", lost, doubled, violations)
	}
	s.assertOneOrder()
	return fmt.Sprintf("%d events to %d destinations, %d kills, lost %d, doubled %d, seed %d, %s; at most %d writes of Google's in a minute",
		events, 2*soakChannels, kills, lost, doubled, seed, time.Since(start).Round(time.Second), s.world.Google.Account().MaxWritesPerMinute())
}

// assertOneOrder fails if two chats that both a channel and a tab hold stand in two orders.
func (s *soaked) assertOneOrder() {
	s.t.Helper()
	for i := range soakChannels {
		room := s.holds(fmt.Sprintf("room-%d", i))
		for j := range soakChannels {
			tab := s.holds(fmt.Sprintf("tab-%d", j))
			both := func(in, of []string) []string {
				return slices.DeleteFunc(slices.Clone(of), func(id string) bool { return !slices.Contains(in, id) })
			}
			if a, b := both(tab, room), both(room, tab); !slices.Equal(a, b) {
				s.t.Errorf("room-%d has %v, tab-%d %v", i, a, j, b)
			}
		}
	}
}
