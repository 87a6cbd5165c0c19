package poller_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

const wroteInGroup = talkrelay.TeamChatMessage

// group adds a public team chat.
func (a *talk) group(id, title string) string {
	a.groups = append(a.groups, channeltalk.Group{
		ID: id, ChannelID: "7", Title: title, Scope: "public", CreatedAt: a.tick(), Raw: fmt.Appendf(nil, `{"id":%q,"title":%q}`, id, title),
	})
	return id
}

// post adds a message to a team chat and returns the id of its event.
func (a *talk) post(group, person string, change func(*channeltalk.Message)) string {
	at := a.tick()
	m := said(fmt.Sprintf("m%d", a.now), group, person, "text", change)
	m.CreatedAt, m.PersonID = at, map[string]string{"manager": "m1", "bot": "b1"}[person]
	a.messages[group] = append([]channeltalk.Message{m}, a.messages[group]...)
	return "message.created.teamChat/" + group + "/" + m.ID
}

// groupRequests is how many requests there were for lists of team chats and for their messages.
func (a *talk) groupRequests() (n int) {
	for op, count := range a.requests {
		if strings.HasPrefix(op, "group") {
			n += count
		}
	}
	return n
}

// teamChats asks for messages of team chats alone, of these groups.
func teamChats(choice ...string) func(*poller.Config) {
	return func(c *poller.Config) { c.Kinds, c.Groups = []talkrelay.Kind{wroteInGroup}, choice }
}

// readGroups lets p read every team chat once.
func readGroups(t *testing.T, a *talk, p *poller.Poller) {
	t.Helper()
	for range 2 + len(a.groups) {
		run(t, p, poller.JobGroups)
	}
}

// What is there at the first look is nobody's news; afterwards each message is told once, unless it is of a class that is not
// asked for. Edits and removals are no news, and nothing new costs one request a group and no write.
func TestTeamChats(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	a.group("g1", "배송")
	a.group("g2", "공지")
	empty := a.group("g3", "잡담")
	for range 700 {
		a.post("g1", "manager", nil)
	}
	p := newPoller(t, a, s, teamChats())
	readGroups(t, a, p)
	if len(s.order) > 0 || a.requests["group g1"] != 2 {
		t.Fatalf("at the first look: %v, %v", s.order, a.requests)
	}
	answer := a.post("g1", "manager", func(m *channeltalk.Message) { m.Files, m.RootID = 2, "root" })
	want := []string{answer, a.post("g1", "manager", nil), a.post(empty, "manager", nil)}
	a.post("g1", "bot", nil)
	a.post("g1", "bot", logged)
	a.post("g1", "manager", private)
	a.post("g1", "manager", func(m *channeltalk.Message) { m.State = "removed" })
	readGroups(t, a, p)
	wantIDs(t, s, wroteInGroup, want...)
	e := s.event(t, answer)
	if e.Group != (talkrelay.Group{ID: "g1", Name: "배송", Scope: "public"}) || e.Message.PersonName != "김상담" || e.Message.Files != 2 || e.Chat.ID != "" || e.User.ID != "" {
		t.Errorf("%+v", e)
	}
	if e.DeskURL != "https://desk.channel.io/#/channels/7/team_chats/groups/g1/root" {
		t.Errorf("leads to %s", e.DeskURL)
	}
	for _, part := range []string{`"event":"push"`, `"type":"message"`, `"refers":{"group":{"id":"g1",`} {
		if !strings.Contains(string(e.Envelope), part) {
			t.Errorf("envelope without %s: %s", part, e.Envelope)
		}
	}
	a.messages["g1"][5].Text, a.messages["g1"][6].State = "edited", "removed"
	commits, before := s.commits, a.groupRequests()
	run(t, p, poller.JobGroups, poller.JobGroups, poller.JobGroups)
	if n := a.groupRequests() - before; len(s.again) > 0 || s.commits != commits || n != 3 {
		t.Errorf("again %v, %d writes, %d requests for three groups in which nobody wrote", s.again, s.commits-commits, n)
	}
}

// Bots, notes and log entries count where somebody asks for them.
func TestTeamChatClasses(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	a.group("g", "배송")
	p := newPoller(t, a, s, func(c *poller.Config) { c.Include = []string{"bot", "private", "log"} })
	readGroups(t, a, p)
	want := []string{a.post("g", "bot", nil), a.post("g", "bot", logged), a.post("g", "manager", private), a.post("g", "manager", nil)}
	readGroups(t, a, p)
	wantIDs(t, s, wroteInGroup, want...)
}

// Bursts over several pages, with failures, lost commits and a restart after every step: each message is told once, in order.
func TestTeamChatBurst(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	a.cap = 1 // the list of groups has pages, too
	a.group("g1", "배송")
	a.group("g2", "반품")
	if err := newPoller(t, a, s, teamChats()).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := stumble(a, s, 5, 4)
	var want []string
	for _, burst := range []int{1, 500, 24, 25, 26, 1700} {
		for i := range burst {
			want = append(want, a.post([]string{"g1", "g2"}[i%7/6], "manager", nil))
		}
		for range 40 {
			p := newPoller(t, a, s, teamChats())
			for range *n % 7 {
				_ = p.PollOnce(t.Context(), poller.JobGroups)
			}
		}
	}
	a.fail, s.refuse = nil, nil
	if err := newPoller(t, a, s, teamChats()).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, s, wroteInGroup, want...)
	if len(s.again) > 0 {
		t.Errorf("found again: %d", len(s.again))
	}
	for _, group := range []string{"/g1/", "/g2/"} {
		var told []string
		for _, id := range s.order {
			if strings.Contains(id, group) {
				told = append(told, id)
			}
		}
		if !slices.IsSortedFunc(told, func(x, y string) int { return s.events[x].At.Compare(s.events[y].At) }) {
			t.Errorf("messages of %s are out of order", group)
		}
	}
}

// oddGroups answers requests for messages of team chats as it likes.
type oddGroups struct {
	*talk
	nothing int                                                                                // so many lists of groups come with nothing in them
	answer  func(groupID string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) // nil, nil = as usual
}

func (a *oddGroups) GroupMessages(ctx context.Context, groupID string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
	if page, err := a.answer(groupID, q); page != nil || err != nil {
		return page, err
	}
	return a.talk.GroupMessages(ctx, groupID, q)
}

func (a *oddGroups) Groups(ctx context.Context, since string, limit int) (*channeltalk.GroupPage, error) {
	if a.nothing > 0 {
		a.nothing--
		return &channeltalk.GroupPage{ServerTime: time.UnixMilli(a.now)}, nil
	}
	return a.talk.Groups(ctx, since, limit)
}

// A list that ignores its cursor, rows that come twice and an empty answer in the middle lose nothing that was shown and double nothing.
func TestTeamChatPages(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(a *talk) func(string, channeltalk.MessageQuery) (*channeltalk.MessagePage, error){
		"cursor ignored": func(a *talk) func(string, channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
			return func(id string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
				return &channeltalk.MessagePage{Messages: slices.Clone(a.messages[id][:min(q.Limit, len(a.messages[id]))]), Next: "next"}, nil
			}
		},
		"boundary twice": func(a *talk) func(string, channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
			return func(id string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
				page, err := a.GroupMessages(context.Background(), id, q)
				if q.Since != "" && err == nil {
					page.Messages = append(slices.Clone(a.messages[id][:groupPage]), page.Messages...)
				}
				return page, err
			}
		},
		"empty page": func(a *talk) func(string, channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
			n := 0
			return func(_ string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
				if n++; q.Since != "" && n%2 == 0 {
					return &channeltalk.MessagePage{}, nil
				}
				return nil, nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s := newTalk(), newStore()
			odd := &oddGroups{talk: a, answer: func(string, channeltalk.MessageQuery) (*channeltalk.MessagePage, error) { return nil, nil }}
			a.group("g", "배송")
			p := newPoller(t, odd, s, teamChats())
			a.post("g", "manager", nil)
			readGroups(t, a, p)
			var want []string
			for range 300 {
				want = append(want, a.post("g", "manager", nil))
			}
			odd.answer = answer(a)
			if err := p.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantIDs(t, s, wroteInGroup, want...)
			if len(s.again) > 0 {
				t.Errorf("found again: %v", s.again)
			}
		})
	}
}

const groupPage = 25 // messages in the first request

// A group that cannot be read holds up no other, one that is gone is let go, and both are read when they can be.
func TestTeamChatThatCannotBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		bad := "g1"
		odd := &oddGroups{talk: a, answer: func(id string, _ channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
			if id == bad {
				return nil, &channeltalk.Error{Op: "read messages of a team chat", Kind: channeltalk.Server, Status: 500}
			}
			return nil, nil
		}}
		var log bytes.Buffer
		p := newPoller(t, odd, s, func(c *poller.Config) {
			teamChats()(c)
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		a.group("g1", "가")
		a.group("g2", "나")
		a.group("g3", "다")
		bad = ""
		readGroups(t, a, p)
		bad = "g1"
		first, second := a.post("g1", "manager", nil), a.post("g2", "manager", nil)
		for range 3 {
			readGroups(t, a, p)
		}
		wantIDs(t, s, wroteInGroup, second)
		bad = ""
		a.groups[1].Scope = "private" // 404 from now on
		readGroups(t, a, p)
		wantIDs(t, s, wroteInGroup, first, second)
		if told := strings.Count(log.String(), "team chats not read") + strings.Count(log.String(), "team chats read again"); told != 2 {
			t.Errorf("%d lines about one trouble:\n%s", told, log.String())
		}
		before := a.requests["group g2"]
		readGroups(t, a, p)
		if n := a.requests["group g2"] - before; n > 0 {
			t.Errorf("a group that is gone was asked for %d times more", n)
		}
		a.groups[1].Scope = "public"
		third := a.post("g2", "manager", nil)
		time.Sleep(6 * time.Minute) // the next list
		readGroups(t, a, p)
		wantIDs(t, s, wroteInGroup, first, second, third)
	})
}

// A group made after the first look is read from its first message on, one that was hidden from the last list on; after a
// restart, too.
func TestTeamChatMadeLater(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	a.group("old", "배송")
	hidden := a.group("hidden", "비밀")
	a.groups[1].Scope = "private"
	for range 300 {
		a.post(hidden, "manager", nil)
	}
	a.now += 10 * time.Minute.Milliseconds()
	if err := newPoller(t, a, s, teamChats()).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, full := newPoller(t, a, s, teamChats()), true
	s.refuse = func(talkrelay.Commit) error {
		if full {
			full = false // once: what the list brought is lost
			return errFull
		}
		return nil
	}
	a.group("new", "신설")
	want := []string{a.post("new", "manager", nil)}
	for range 600 {
		want = append(want, a.post("new", "manager", nil))
	}
	a.groups[1].Scope = "public"
	want = append(want, a.post(hidden, "manager", nil))
	runFailing(t, p, poller.JobGroups)
	if err := p.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, s, wroteInGroup, want...)
}

// Asked for later, or again, a group begins with what is written then; a choice of groups is kept, by name or id.
func TestTeamChatsAskedForLater(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	a.group("g1", "배송 팀")
	a.group("g2", "공지")
	look := func(change func(*poller.Config)) {
		t.Helper()
		if err := newPoller(t, a, s, change).Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	unasked := func(c *poller.Config) { c.Kinds = []talkrelay.Kind{talkrelay.UserChatClosed} }
	var want []string
	for range 2 {
		a.post("g1", "manager", nil)
		look(unasked)
		if n := a.requests["groups"]; len(want) == 0 && n > 0 {
			t.Fatalf("%d requests though nobody asks", n)
		}
		a.post("g1", "manager", nil)
		a.post("g2", "manager", nil)
		look(teamChats("#배송 팀"))
		want = append(want, a.post("g1", "manager", nil))
		a.post("g2", "manager", nil)
		look(teamChats("#배송 팀"))
		wantIDs(t, s, wroteInGroup, want...)
		a.post("g2", "manager", nil)
		want = append(want, a.post("g1", "manager", nil))
		look(teamChats("g2", "g1"))
		wantIDs(t, s, wroteInGroup, want...)
		want = append(want, a.post("g2", "manager", nil), a.post("g1", "manager", nil))
		look(teamChats("g1", "g2"))
		wantIDs(t, s, wroteInGroup, want...)
		look(teamChats("g1"))
		a.post("g2", "manager", nil)
		look(teamChats())
		wantIDs(t, s, wroteInGroup, want...)
	}
}

// First answers with nothing in them, as of a proxy, do not make old messages news.
func TestTeamChatsFirstAnswersEmpty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, firstAnswersEmpty)
}

func firstAnswersEmpty(t *testing.T) {
	a, s := newTalk(), newStore()
	a.group("g", "배송")
	for range 30 {
		a.post("g", "manager", nil)
	}
	empty := true
	odd := &oddGroups{talk: a, nothing: 1, answer: func(string, channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
		if empty {
			empty = false
			return &channeltalk.MessagePage{}, nil
		}
		return nil, nil
	}}
	p := newPoller(t, odd, s, teamChats())
	for range 3 {
		readGroups(t, a, p)
		time.Sleep(6 * time.Minute) // the next list
	}
	wantIDs(t, s, wroteInGroup)
	want := a.post("g", "manager", nil)
	readGroups(t, a, p)
	wantIDs(t, s, wroteInGroup, want)
}

// The budget is kept, pages included, and what is over it is read later. A list that fails leaves the old one in use.
func TestTeamChatBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newTalk(), newStore()
		p := newPoller(t, a, s, func(c *poller.Config) {
			teamChats()(c)
			c.GroupRequestsPerMinute, c.ContactRequestsPerMinute = 30, 0
		})
		for i := range 10 {
			a.group(fmt.Sprintf("g%d", i), fmt.Sprint("그룹", i))
		}
		lived(t, p, time.Minute)
		var want []string
		for i := range 6000 {
			want = append(want, a.post(fmt.Sprintf("g%d", i%10), "manager", nil))
		}
		before := a.groupRequests()
		lived(t, p, 2*time.Minute)
		if n := a.groupRequests() - before; n < 50 || n > 70 {
			t.Errorf("%d requests for team chats in two minutes of 30", n)
		}
		a.fail = func(op string) error {
			if op == "groups" {
				return errDown
			}
			return nil
		}
		lived(t, p, 6*time.Minute)
		want = append(want, a.post("g3", "manager", nil))
		lived(t, p, 2*time.Minute)
		wantIDs(t, s, wroteInGroup, want...)
	})
}

// A name that no group has is told of, with those that there are, and the other groups are read.
func TestTeamChatUnknown(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	a.group("g1", "배송")
	a.group("g2", "공지")
	var log bytes.Buffer
	p := newPoller(t, a, s, func(c *poller.Config) {
		teamChats("배송", "반품")(c)
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	readGroups(t, a, p)
	want := a.post("g1", "manager", nil)
	readGroups(t, a, p)
	wantIDs(t, s, wroteInGroup, want)
	if text := log.String(); !strings.Contains(text, "team chats not found") || !strings.Contains(text, "반품") || !strings.Contains(text, "공지") {
		t.Errorf("the log says %q", text)
	}
	found, err := poller.FindGroups(t.Context(), a, []string{"g1", "반품"})
	if err != nil || found.All != 2 || found.Shown(found.Missing) != `"반품"` || found.Shown(found.There) != `"공지", "배송"` {
		t.Errorf("%+v, %v", found, err)
	}
	a.fail = func(string) error { return errDown }
	if _, err := poller.FindGroups(t.Context(), a, nil); !errors.Is(err, channeltalk.Server) {
		t.Error(err)
	}
}
