package sandbox_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"talkrelay/sandbox"
)

// Lists of team chats go by name, show public ones alone, and their messages page like those of a chat.
func TestGroups(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	m := shop.AddManager("김지원", "jiwon@example.com")
	var groups []*sandbox.Group
	for _, name := range []string{"배송", "반품", "공지"} {
		groups = append(groups, shop.AddGroup(name))
	}
	hidden := shop.AddGroup("가격")
	hidden.SetPrivate(true)
	var names []string
	for since, more := "", true; more && len(names) < 10; {
		r := read(t, w.ChannelTalk, shop, "groups?limit=2&since="+url.QueryEscape(since))
		for _, g := range r.path("groups").([]any) {
			names = append(names, g.(map[string]any)["title"].(string))
		}
		since, more = r.path("next").(string)
	}
	if got := strings.Join(names, " "); got != "공지 반품 배송" {
		t.Errorf("listed %q", got)
	}
	var want, got []string
	for i := range 5 {
		want = append(want, groups[0].Says(m, fmt.Sprint("말", i)))
	}
	for since, more := "", true; more && len(got) < 10; {
		r := read(t, w.ChannelTalk, shop, "groups/"+groups[0].ID()+"/messages?sortOrder=desc&limit=2&since="+since)
		for _, m := range r.path("messages").([]any) {
			got = append(got, m.(map[string]any)["id"].(string))
		}
		since, more = r.path("next").(string)
	}
	slices.Reverse(got)
	if !slices.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
	groups[1].Delete()
	for _, g := range []*sandbox.Group{groups[1], hidden} {
		if r := read(t, w.ChannelTalk, shop, "groups/"+g.ID()+"/messages?sortOrder=desc"); r.status != 404 {
			t.Errorf("a group that is not to be seen: status %d", r.status)
		}
	}
	wantClean(t, w)
}
