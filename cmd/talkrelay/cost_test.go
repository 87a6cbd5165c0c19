package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/poller"
	"talkrelay/sandbox"
)

// The number of chats that TestCostOfKinds and TestDelayOfKinds know can be set, for the figures of docs/events.md:
//
//	TALKRELAY_KNOWN=100000 go test -v -run 'TestCostOfKinds|TestDelayOfKinds' -timeout 30m ./cmd/talkrelay
const knownVariable = "TALKRELAY_KNOWN"

// fillShop lets a shop have many chats of the last month: one in a hundred is open, the others are closed; none was closed in
// the last two days, as far as a sweep looks. It returns those that are open, oldest first.
func fillShop(r *rig, known int) (open []*sandbox.Chat) {
	const days, quiet = 28 * 24 * time.Hour, 48 * time.Hour
	for i := range known {
		at := time.Now().Add(-days - quiet + days*time.Duration(i)/time.Duration(known))
		o := sandbox.Opening{At: at, State: sandbox.StateClosed}
		if i%100 == 0 {
			o.State = sandbox.StateOpened
		}
		c := r.channel.OpenChat(r.channel.AddUser(sandbox.User{Name: fmt.Sprint("고객", i), At: at}), "문의", o)
		if i%100 == 0 {
			open = append(open, c)
		}
	}
	return open
}

// TestCostOfKinds counts the requests of each job where many chats are known, most of them closed long ago.
func TestCostOfKinds(t *testing.T) {
	t.Parallel()
	known := int(setting(t, knownVariable, 100))
	r := newRig(t)
	r.channel.SetQuirks(sandbox.Quirks{Unlimited: true})
	start := time.Now()
	open := fillShop(r, known)
	filled := time.Since(start)
	group := r.channel.AddGroup("배송")
	p := r.poller(nil)
	requests := func(jobs ...string) int {
		t.Helper()
		before := p.Status().Requests
		for _, job := range jobs {
			if err := p.PollOnce(t.Context(), job); err != nil {
				t.Fatal(err)
			}
		}
		return int(p.Status().Requests - before)
	}
	start = time.Now()
	first := requests(poller.JobPoll)
	t.Logf("%d chats, made in %.1f s: the first look took %.1f s and %d requests", known, filled.Seconds(), time.Since(start).Seconds(), first)
	if err := p.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	tick, idle := requests(poller.JobPoll), requests(poller.JobMessages)
	open[0].CustomerSays("언제 오나요?")
	requests(poller.JobPoll, poller.JobSweep)
	message := requests(poller.JobMessages)
	sweep := requests(poller.JobSweep)
	quiet := requests(poller.JobGroups)
	group.Says(r.agent, "오늘은 5시 마감")
	requests(poller.JobGroups) // and one for the names of the managers, every five minutes
	group.Says(r.agent, "내일은 6시")
	team := requests(poller.JobGroups)
	t.Logf("%d chats known, %d open: %d requests a poll, %d a sweep, %d for messages of a chat, %d when nobody writes", known, len(open), tick, sweep, message, idle)
	if tick != 2 || idle != 0 || message != 1 {
		t.Errorf("want 2 requests a poll, 1 for new messages of a chat, none when nobody writes")
	}
	if quiet != 1 || team != 1 {
		t.Errorf("%d requests for a look at a team chat, %d when somebody wrote there, want 1", quiet, team)
	}
}

// TestDelayOfKinds logs how long each kind of event takes to be found by a poller with its default settings, the longest of
// some rounds. It says nothing of what is slow on this machine; it fails only if something is never found.
func TestDelayOfKinds(t *testing.T) {
	if os.Getenv(knownVariable) == "" {
		t.Skip("takes some minutes: set " + knownVariable)
	}
	known := int(setting(t, knownVariable, 100))
	r := newRig(t)
	r.channel.SetQuirks(sandbox.Quirks{Unlimited: true})
	open := fillShop(r, known)
	w := &watch{due: map[string]time.Time{}, longest: map[string]time.Duration{}}
	p := r.poller(w.found)
	if err := p.FirstLook(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- p.Run(ctx) }()
	start := p.Status().Requests
	began := time.Now()
	const rounds = 3 // each begins just after a poll and a sweep, which is when a wait is longest
	for n := range rounds {
		w.round(r, open[n*len(open)/rounds], n)
		await(t, "all that happened", func() bool { return w.left() == "" }, w.left)
	}
	minutes := time.Since(began).Minutes()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	t.Logf("%d chats known: %.0f requests a minute in %.1f minutes", known, float64(p.Status().Requests-start)/minutes, minutes)
	for _, what := range slices.Sorted(maps.Keys(w.longest)) {
		t.Logf("%-50s %5.1f s", what, w.longest[what].Seconds())
	}
}

// watch notes how long what happens takes to be found.
type watch struct {
	mu      sync.Mutex
	due     map[string]time.Time // by "kind id", where the id is that of chat or customer: when it happened
	longest map[string]time.Duration
}

// found is a Match.
func (w *watch) found(events []talkrelay.Event) []talkrelay.Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		for _, key := range []string{string(e.Kind) + " " + e.Chat.ID, string(e.Kind) + " " + e.User.ID, string(e.Kind) + ", older chat " + e.Chat.ID} {
			if at, ok := w.due[key]; ok {
				delete(w.due, key)
				what := key[:strings.LastIndex(key, " ")]
				w.longest[what] = max(w.longest[what], time.Since(at))
			}
		}
	}
	return nil
}

// happen lets something happen of which the kind will tell.
func (w *watch) happen(what, id string, do func()) {
	w.mu.Lock()
	w.due[what+" "+id] = time.Now()
	w.mu.Unlock()
	do()
}

// left says what has not been found yet.
func (w *watch) left() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(w.due)), ", ")
}

// round lets one thing of each kind happen that a chat shows, in chats of today and in one that has been open for long.
func (w *watch) round(r *rig, old *sandbox.Chat, n int) {
	var chats []*sandbox.Chat
	var customers []*sandbox.Customer
	for i := range 6 {
		customer := r.channel.AddUser(sandbox.User{Name: fmt.Sprint("새 고객", i), Member: i == 5, MemberID: fmt.Sprintf("m%d-%d", n, i)})
		customers = append(customers, customer)
		chats = append(chats, r.channel.OpenChat(customer, "문의", sandbox.Opening{}))
		w.happen("userChat.opened", chats[i].ID(), func() {})
	}
	await(r.t, "the openings", func() bool { return w.left() == "" }, w.left)
	w.happen("userChat.assigned", chats[0].ID(), func() { chats[0].Assign(r.agent) })
	w.happen("userChat.tagged", chats[1].ID(), func() { chats[1].Tag("배송") })
	w.happen("userChat.replied", chats[2].ID(), func() { chats[2].ManagerSays(r.agent, "확인하겠습니다") })
	w.happen("userChat.snoozed", chats[3].ID(), func() { chats[3].Snooze(time.Hour) })
	w.happen("userChat.closed", chats[4].ID(), chats[4].Close)
	w.happen("message.created.userChat", chats[5].ID(), func() { chats[5].CustomerSays("언제 오나요?") })
	w.happen("userChat.tagged, older chat", old.ID(), func() { old.Tag(fmt.Sprint("태그", n)) })
	w.happen("lead.upserted.contact", customers[0].ID(), func() { customers[0].ChangeContact(sandbox.Contact{Email: fmt.Sprintf("a%d@example.com", n)}) })
	w.happen("member.upserted.contact", customers[5].ID(), func() { customers[5].ChangeContact(sandbox.Contact{Email: fmt.Sprintf("b%d@example.com", n)}) })
	w.happen("lead.upserted.subscription", customers[1].ID(), func() { customers[1].SetUnsubscribed(true, false) })
}
