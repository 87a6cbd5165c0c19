package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"talkrelay/sandbox"
)

// walk reads a whole list and returns the chats' ids and how many pages there were. It gives up after 50.
func walk(t *testing.T, w *sandbox.World, shop *sandbox.Channel, query string) (ids []string, pages int) {
	t.Helper()
	since := ""
	for {
		r := read(t, w.ChannelTalk, shop, "user-chats?"+query+since)
		if r.status != 200 {
			t.Fatalf("page %d: %d %s", pages, r.status, r.body)
		}
		pages++
		chats, _ := r.path("userChats").([]any)
		for _, c := range chats {
			ids = append(ids, c.(map[string]any)["id"].(string))
		}
		next, _ := r.path("next").(string)
		if next == "" || pages == 50 {
			return ids, pages
		}
		since = "&since=" + url.QueryEscape(next)
	}
}

func openMany(shop *sandbox.Channel, n int) (chats []*sandbox.Chat, ids []string) {
	for i := range n {
		c := shop.OpenChat(shop.AddUser(sandbox.User{Name: fmt.Sprint("고객", i)}), "안녕", sandbox.Opening{})
		chats, ids = append(chats, c), append(ids, c.ID())
	}
	return chats, ids
}

func reversed(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Reverse(ids)
	return ids
}

func TestListOrders(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	chats, ids := openMany(shop, 5)
	chats[1].Close()
	chats[1].Reopen("다시")
	byOpening := append(slices.Delete(slices.Clone(ids), 1, 2), ids[1])
	tests := map[string]struct {
		order sandbox.Order
		query string
		want  []string
	}{
		"newest first": {sandbox.NewestFirst, "limit=2", reversed(byOpening)},
		"rising":       {sandbox.NewestFirst, "limit=2&sortOrder=asc", byOpening},
		"both":         {sandbox.NewestFirst, "limit=2&sortOrder=both", reversed(byOpening)},
		"created":      {sandbox.CreatedFirst, "limit=2", reversed(ids)},
		"oldest first": {sandbox.OldestFirst, "limit=2", byOpening},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { // one after another: they share the channel
			shop.SetQuirks(sandbox.Quirks{Order: tt.order})
			got, pages := walk(t, w, shop, tt.query)
			if !slices.Equal(got, tt.want) || pages != 3 {
				t.Errorf("%d pages: %q, want %q", pages, got, tt.want)
			}
		})
	}
	shop.SetQuirks(sandbox.Quirks{Order: sandbox.Shuffled})
	got, _ := walk(t, w, shop, "limit=2")
	again, _ := walk(t, w, shop, "limit=3")
	if !slices.Equal(got, again) || slices.Equal(got, ids) || len(sandbox.Compare(ids, got).Lost) > 0 {
		t.Errorf("shuffled: %q, then %q", got, again)
	}
	wantClean(t, w)
}

func TestListQuirks(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	_, ids := openMany(shop, 6)
	newest := reversed(ids)
	tests := map[string]struct {
		quirks sandbox.Quirks
		query  string
		got    []string // nil = newest
		pages  int
	}{
		"none":            {sandbox.Quirks{}, "limit=3", nil, 2},
		"one page":        {sandbox.Quirks{}, "limit=6", nil, 1},
		"boundary twice":  {sandbox.Quirks{BoundaryTwice: true}, "limit=3", slices.Insert(slices.Clone(newest), 3, newest[2]), 2},
		"empty last page": {sandbox.Quirks{EmptyLastPage: true}, "limit=3", nil, 3},
		"next repeated":   {sandbox.Quirks{NextRepeated: true}, "limit=3", append(slices.Clone(newest), slices.Repeat(newest[3:], 48)...), 50},
		"cursor ignored":  {sandbox.Quirks{CursorIgnored: true}, "limit=3", slices.Repeat(newest[:3], 50), 50},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			shop.SetQuirks(tt.quirks)
			want := tt.got
			if want == nil {
				want = newest
			}
			got, pages := walk(t, w, shop, tt.query)
			if !slices.Equal(got, want) || pages != tt.pages {
				t.Errorf("%d pages, want %d: %q", pages, tt.pages, got)
			}
		})
	}
	shop.SetQuirks(sandbox.Quirks{LeaveOutUsers: 2})
	r := read(t, w.ChannelTalk, shop, "user-chats")
	if users := r.path("users").([]any); len(users) != 3 {
		t.Errorf("%d users of 6", len(users))
	}
}

func TestListShowsTheLastMessageOfEachChat(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	manager := shop.AddManager("김지원", "")
	chat := shop.OpenChat(shop.AddUser(sandbox.User{}), "첫 말", sandbox.Opening{Tags: []string{"배송", "급함"}, Assignee: manager})
	chat.CustomerSays("둘째 말")
	chat.Note(manager, "비밀")
	r := read(t, w.ChannelTalk, shop, "user-chats")
	if m := r.path("messages").([]any); len(m) != 1 || r.path("messages.0.plainText") != "둘째 말" {
		t.Errorf("messages: %v", m)
	}
	if r.path("managers.0.name") != "김지원" || r.path("chatTags.1.name") != "급함" || r.path("bots") != nil || r.path("next") != nil {
		t.Errorf("list: %s", r.body)
	}
	shop.SetQuirks(sandbox.Quirks{DeskMessages: true})
	if r := read(t, w.ChannelTalk, shop, "user-chats"); r.path("messages.0.plainText") != "비밀" {
		t.Errorf("desk message: %s", r.body)
	}
	if r := read(t, w.ChannelTalk, shop, "user-chats?state=closed"); string(r.body) != "{}" {
		t.Errorf("empty list: %s", r.body)
	}
}

func TestCursorNeedsEncoding(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	openMany(shop, 2)
	next := read(t, w.ChannelTalk, shop, "user-chats?limit=1").path("next").(string)
	if r := read(t, w.ChannelTalk, shop, "user-chats?limit=1&since="+next); r.status != 422 {
		t.Errorf("a raw cursor: %d", r.status)
	}
	wantViolation(t, w, "URL-encoded")
}

func TestPagingWhileChatsMove(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	chats, ids := openMany(shop, 300)
	r := read(t, w.ChannelTalk, shop, "user-chats?limit=100")
	for _, c := range chats[50:250] { // among them the row the cursor stands on
		c.Close()
	}
	openMany(shop, 3)
	r = read(t, w.ChannelTalk, shop, "user-chats?limit=100&since="+url.QueryEscape(r.path("next").(string)))
	var got []string
	for _, c := range r.path("userChats").([]any) {
		got = append(got, c.(map[string]any)["id"].(string))
	}
	if !slices.Equal(got, reversed(ids[:50])) {
		t.Errorf("%d rows: %q", len(got), got)
	}
	closed, _ := walk(t, w, shop, "state=closed&limit=500")
	if !slices.Equal(closed, reversed(ids[50:250])) {
		t.Errorf("%d closed", len(closed))
	}
}

// fetch reads a page without decoding it, and returns the cursor of the next.
func fetch(b *testing.B, address string, shop *sandbox.Channel) string {
	b.Helper()
	req, err := http.NewRequest("GET", address, nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header = http.Header{"X-Access-Key": {shop.AccessKey}, "X-Access-Secret": {shop.AccessSecret}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	_, next, _ := strings.Cut(string(body[max(0, len(body)-200):]), `"next":"`)
	return strings.TrimSuffix(next, `"}`)
}

func BenchmarkList5000(b *testing.B) {
	shop, list := benchShop(b, 5000)
	for b.Loop() {
		since := ""
		for range 10 {
			since = "&since=" + url.QueryEscape(fetch(b, list+"?limit=500"+since, shop))
		}
		if since != "&since=" {
			b.Fatal("more than ten pages")
		}
	}
}

func BenchmarkEmptyPollBeside100000Chats(b *testing.B) {
	shop, list := benchShop(b, 100_000)
	for b.Loop() {
		fetch(b, list+"?limit=25", shop)
	}
}

func benchShop(b *testing.B, chats int) (shop *sandbox.Channel, list string) {
	b.Helper()
	w, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := w.Close(); err != nil {
			b.Error(err)
		}
	})
	shop = w.ChannelTalk.AddChannel("shop")
	shop.SetQuirks(sandbox.Quirks{Unlimited: true})
	openMany(shop, chats)
	return shop, w.ChannelTalk.URL() + "/open/v5/user-chats"
}
