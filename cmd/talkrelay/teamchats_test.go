package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
	"talkrelay/sandbox"
	"talkrelay/state"
)

// teamRoute is a route for messages of team chats before the others of the rig's config.
const teamRoute = "[[route]]\nname  = \"팀\"\non    = [\"message.created.teamChat\"]\nwhere = 'group.name == \"배송\" and (message.files > 0 or hasAny(message.text, [\"마감\"]))'\nto    = [\"cs-alerts\", \"changes\"]\n\n"

// TestTeamChatsEndToEnd lets a daemon with a route for team chats live through a start, a kill and a restart, and looks at Slack
// and at what the commands say.
func TestTeamChatsEndToEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, append([]string{
		"[[route]]\nname = \"새 문의\"", teamRoute + "[[route]]\nname = \"새 문의\"",
		"access_key ", "group_requests_per_minute = 600\naccess_key ",
	}, append(slices.Clone(hurried), "per_second = 50.0", "per_second = 50.0\nfollow = true")...)...)
	delivery, notices := r.channel.AddGroup("배송"), r.channel.AddGroup("공지")
	delivery.Says(r.agent, "어제 마감은 4시")
	if _, out, _ := here(t, "check", "--config", r.config); !strings.Contains(out, "공개된 것 2개") {
		t.Errorf("check does not tell of two team chats:\n%s", out)
	}
	p := r.start()
	r.awaitBaseline(p)
	await(t, "the first look at both", func() bool { return r.looks(delivery) > 1 && r.looks(notices) > 1 }, p.log)
	told := func(n int) {
		t.Helper()
		await(t, fmt.Sprint(n, " messages"), func() bool { return len(r.slack.Messages()) >= n }, p.log)
	}
	first := delivery.Says(r.agent, "오늘 마감은 5시")
	delivery.Says(r.agent, "점심 먹고 올게요")
	notices.Says(r.agent, "마감 공지")
	told(1)
	p.kill()
	delivery.Sends(r.agent, 2)
	delivery.Edit(first, "오늘 마감은 6시")
	p = r.start()
	told(2)
	delivery.Remove(delivery.Says(r.agent, "잘못된 마감")) // perhaps read before it is taken back
	last := delivery.Says(r.agent, "내일 마감은 3시")
	await(t, "the last one", func() bool { return strings.Contains(strings.Join(r.slack.Texts(), "\n"), "내일 마감은 3시") }, p.log)
	texts := slices.DeleteFunc(r.slack.Texts(), func(s string) bool { return strings.Contains(s, "잘못된") })
	if len(texts) != 3 || !strings.Contains(texts[0], "#배송") || !strings.Contains(texts[1], "첨부파일 2개") {
		t.Errorf("Slack shows:\n%s", strings.Join(texts, "\n"))
	}
	if out := r.outputOf("events"); !strings.Contains(out, "#배송") || !strings.Contains(out, "message.created.teamChat") {
		t.Errorf("events:\n%s", out)
	}
	out := r.outputOf("show", last)
	if !strings.Contains(out, "#배송 "+delivery.ID()) || !strings.Contains(out, "/team_chats/groups/"+delivery.ID()+"/"+last) || strings.Contains(out, "내일") {
		t.Errorf("show:\n%s", out)
	}
	p.stop()
}

// TestTeamChatThatIsNotThere: `check` says which of the groups that the config names there are.
func TestTeamChatThatIsNotThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, "[[route]]\nname = \"새 문의\"", teamRoute+"[[route]]\nname = \"새 문의\"", "access_key ", "groups = [\"반품\"]\naccess_key ")
	r.channel.AddGroup("배송")
	_, out, _ := here(t, "check", "--config", r.config)
	r.mustMatch(out, `"반품".*공개 팀 채팅이 없음`, `→ .*groups.*"배송"`)
}

// TestTeamChatsThroughFaults reads bursts of 500 while Channel Talk misbehaves in every way and the poller is begun anew after
// every few steps: each message is told once, in the order of its team chat, and nothing that was there before.
func TestTeamChatsThroughFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.channel.SetQuirks(sandbox.Quirks{Unlimited: true})
	groups := []*sandbox.Group{r.channel.AddGroup("배송"), r.channel.AddGroup("공지"), r.channel.AddGroup("잡담")}
	for _, g := range groups {
		g.Says(r.agent, "전부터 있던 말")
	}
	db, err := state.Open(state.Config{Path: filepath.Join(t.TempDir(), "state.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	told := map[string][]string{} // ids by team chat
	begin := func() *poller.Poller {
		client := channeltalk.New(channeltalk.Config{
			BaseURL: r.world.ChannelTalk.URL(), AccessKey: r.channel.AccessKey, AccessSecret: r.channel.AccessSecret,
			RequestsPerSecond: 1000, ListRequestsPerSecond: 1000, Timeout: 5 * time.Second,
		})
		t.Cleanup(client.CloseIdleConnections)
		p, err := poller.New(poller.Config{
			Name: "main", Store: db, Epoch: db.Epoch(), Kinds: []talkrelay.Kind{talkrelay.TeamChatMessage}, API: client,
			Match: func(events []talkrelay.Event) []talkrelay.Delivery {
				for i := range events {
					told[events[i].Group.ID] = append(told[events[i].Group.ID], events[i].Message.ID)
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	steps := func(n int) {
		p := begin()
		for range n {
			_ = p.PollOnce(t.Context(), poller.JobGroups)
		}
	}
	r.world.ChannelTalk.SetFault(sandbox.RandomFaults(7, 0.3, 5*time.Millisecond))
	for range 20 {
		steps(5)
	}
	r.world.ChannelTalk.SetFault(nil)
	steps(20)
	want := map[string][]string{}
	r.world.ChannelTalk.SetFault(sandbox.RandomFaults(8, 0.3, 5*time.Millisecond))
	for burst, g := range groups {
		for i := range 500 {
			want[g.ID()] = append(want[g.ID()], g.Says(r.agent, fmt.Sprint("말", i)))
		}
		for range 10 {
			steps(3 + burst)
		}
	}
	r.world.ChannelTalk.SetFault(nil)
	steps(40)
	for id, ids := range want {
		if !slices.Equal(told[id], ids) {
			t.Errorf("team chat %s: %d messages told, want %d", id, len(told[id]), len(ids))
		}
	}
}
