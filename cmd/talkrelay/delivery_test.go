package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay"
	"talkrelay/dispatch"
	"talkrelay/sandbox"
	"talkrelay/sink"
	"talkrelay/state"
)

// letterbox is a simulated destination that outlives the processes which deliver to it. Something is wrong with e2.
type letterbox struct {
	sheet   bool   // refuses an id that it has, and has no history; else it takes all it is sent, and can be searched
	trouble string // with e2
	sends   int    // of e2
	letters []letter
	step    func() error // called before and after a letter is put in
}

type letter struct {
	id, body string
	at       time.Time // later than now: on its way
}

// in lists what lies in the box, oldest first, of one id or (with "") of all.
func (b *letterbox) in(id string) (list []letter) {
	for _, l := range b.letters {
		if !l.at.After(time.Now()) && (id == "" || l.id == id) {
			list = append(list, l)
		}
	}
	slices.SortStableFunc(list, func(x, y letter) int { return x.at.Compare(y.at) })
	return list
}

func (b *letterbox) put(m sink.Message, at time.Time) {
	if !b.sheet || len(b.in(m.ID)) == 0 {
		b.letters = append(b.letters, letter{m.ID, string(m.Body), at})
	}
}

func (b *letterbox) Wait(ctx context.Context) error { return ctx.Err() }

func (b *letterbox) Prepare(_ string, items []sink.Item, form string) ([]byte, int, error) {
	body := form
	for _, item := range items {
		body += item.Event.ID + " "
	}
	return []byte(body), len(items), nil
}

func (b *letterbox) Send(_ context.Context, m sink.Message) (sink.Receipt, error) {
	if err := b.step(); err != nil {
		return "", err
	}
	at, verdict := time.Now(), error(nil)
	if strings.Contains(string(m.Body), "e2") {
		b.sends++
		at, verdict = b.judge(m)
	}
	if !at.IsZero() {
		b.put(m, at)
	}
	if err := b.step(); err != nil {
		return "", err
	}
	return sink.Receipt("receipt of " + m.ID), verdict
}

// judge returns when a letter with e2 arrives, zero for never, and what its sender is told.
func (b *letterbox) judge(m sink.Message) (at time.Time, err error) {
	says := func(v sink.Verdict) error { return &sink.Error{Verdict: v, Op: "send", Reason: "test", Form: "plain "} }
	now, never := time.Now(), time.Time{}
	switch {
	case b.trouble == "bad":
		return never, says(sink.Bad)
	case b.trouble == "rework" && !strings.HasPrefix(string(m.Body), "plain "):
		return never, says(sink.Rework)
	case b.sends > 1:
		return now, nil
	case b.trouble == "refused":
		return never, says(sink.Retry)
	case b.trouble == "paused":
		return never, says(sink.PauseDestination)
	case b.trouble == "answer lost":
		return now, says(sink.InDoubt)
	case b.trouble == "request lost":
		return never, says(sink.InDoubt)
	case b.trouble == "late":
		return now.Add(200 * time.Second), says(sink.InDoubt)
	}
	return now, nil
}

func (b *letterbox) Resolve(_ context.Context, m sink.Message) (sink.Receipt, bool, error) {
	return "found", len(b.in(m.ID)) > 0, nil
}

func (b *letterbox) Recheck(_ context.Context, m sink.Message) (removed int, err error) {
	for _, surplus := range b.in(m.ID)[1:] {
		b.letters = slices.DeleteFunc(b.letters, func(l letter) bool { return l == surplus })
		removed++
	}
	return removed, nil
}

var errKilled = errors.New("killed")

// mortal is a real queue in a process that dies at a step: nothing is written from then on.
type mortal struct {
	*state.Queue
	steps  int
	killAt int // 0 = never
	kill   context.CancelFunc
}

func (q *mortal) step() error {
	q.steps++
	if q.killAt == 0 || q.steps < q.killAt {
		return nil
	}
	q.kill()
	return errKilled
}

// write takes two steps: one at which the process dies before the write, and one at which it dies after it.
func (q *mortal) write(f func() error) error {
	if err := q.step(); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	return q.step()
}

func (q *mortal) Save(s *talkrelay.Shipment) error {
	return q.write(func() error { return q.Queue.Save(s) })
}

func (q *mortal) Settle(s *talkrelay.Shipment, o talkrelay.Outcome) error {
	return q.write(func() error { return q.Queue.Settle(s, o) })
}

func (q *mortal) DropRecheck(id string) error {
	return q.write(func() error { return q.Queue.DropRecheck(id) })
}

// live runs a worker on the state file for an hour, or until it is killed, and returns how many steps it took.
func live(t *testing.T, path string, box *letterbox, killAt int) int {
	t.Helper()
	db, err := state.Open(state.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Commit(fourEvents(db)); err != nil && !errors.Is(err, talkrelay.ErrMoved) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	q := &mortal{Queue: db.Queue("box"), killAt: killAt, kill: cancel}
	box.step = q.step
	cfg := dispatch.WorkerConfig{Sink: "box", Target: box, Outbox: q, Receipts: q, MaxItems: 3}
	if !box.sheet {
		cfg.MaxItems = 1
		cfg.LookupsUnanswered = []time.Duration{10 * time.Second, time.Minute}
		cfg.RecheckAfter = 5 * time.Minute
	}
	if err := dispatch.NewWorker(cfg).Run(ctx); err != nil {
		t.Error(err)
	}
	return q.steps
}

func fourEvents(db *state.DB) talkrelay.Commit {
	c := talkrelay.Commit{Epoch: db.Epoch(), Channel: "main", Stream: "chats", Cursor: []byte("1")}
	for _, id := range []string{"e1", "e2", "e3", "e4"} {
		c.Events = append(c.Events, talkrelay.Event{ID: id, Seen: time.Now()})
		c.Deliveries = append(c.Deliveries, talkrelay.Delivery{EventID: id, Sink: "box", Route: "all"})
	}
	return c
}

// settled says what is wrong with the end of it all.
func settled(t *testing.T, path string, box *letterbox) error {
	t.Helper()
	want, wantDead := "e1 e2 e3 e4", 0
	if box.trouble == "bad" {
		want, wantDead = "e1 e3 e4", 1
	}
	var got []string
	for _, l := range box.in("") {
		got = append(got, strings.Fields(strings.TrimPrefix(l.body, "plain "))...)
	}
	if text := strings.Join(got, " "); text != want {
		return fmt.Errorf("in the box: %s; want %s", text, want)
	}
	db, err := state.Open(state.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	q := db.Queue("box")
	waiting, dead, _, err := q.Depth()
	flying, err2 := q.InFlight()
	recheck, _, err3 := q.NextRecheck()
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	if waiting != 0 || dead != wantDead || flying != nil || recheck != nil {
		return fmt.Errorf("%d waiting, %d dead, in flight %v, recheck %v", waiting, dead, flying, recheck)
	}
	return nil
}

// TestDeliveryKilledAtEveryStep runs the real worker on the real state file, kills it before and after each write and
// each send, and starts it again.
func TestDeliveryKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, trouble := range []string{"none", "refused", "paused", "answer lost", "request lost", "late", "rework", "bad"} {
		for _, sheet := range []bool{false, true} {
			if sheet && trouble == "late" {
				continue // would arrive after its id is taken, and so never does
			}
			t.Run(fmt.Sprintf("%s, sheet=%t", trouble, sheet), func(t *testing.T) {
				t.Parallel()
				k, reached := 1, true
				for ; reached; k++ {
					synctest.Test(t, func(t *testing.T) {
						path, box := filepath.Join(t.TempDir(), "state.db"), &letterbox{trouble: trouble, sheet: sheet}
						reached = live(t, path, box, k) >= k
						live(t, path, box, 0)
						if err := settled(t, path, box); err != nil {
							t.Errorf("killed at step %d: %v", k, err)
						}
					})
				}
				if k < 12 {
					t.Errorf("only %d steps: the test does not reach what it is about", k)
				}
			})
		}
	}
}

// TestFlood lets more inquiries than digest_above arrive at once: one message names them all, each has its row, and all are
// settled.
func TestFlood(t *testing.T) {
	t.Parallel()
	r := newRig(t, append(hurried, `api_url = `, "digest_above = 20\napi_url = ")...)
	p := r.start()
	r.awaitBaseline(p)
	user := r.channel.AddUser(sandbox.User{Name: "홍길동"})
	r.world.ChannelTalk.Down() // so that one poll sees them all
	for i := range 27 {
		r.channel.OpenChat(user, fmt.Sprintf("%d번째 문의", i+1), sandbox.Opening{})
	}
	if err := r.world.ChannelTalk.Up(); err != nil {
		t.Fatal(err)
	}
	await(t, "the rows", func() bool { return sheetArrived(r) }, p.log)
	r.awaitOutput(screenKorean.NothingWaits, "queue", "list")
	messages := r.slack.Messages()
	if len(messages) != 1 || !strings.Contains(messages[0].Text, "한꺼번에 27건") {
		t.Fatalf("%d messages\n%s", len(messages), p.log())
	}
	text := messages[0].Terminal()
	for _, h := range r.channel.Happenings()[r.before:] {
		if h.Kind != sandbox.ContactChanged && !strings.Contains(text, h.ChatID) {
			t.Errorf("no link to %s in:\n%s", h.ChatID, text)
		}
	}
}

// TestFloodRefused has Slack refuse the blocks of a digest. Its inquiries are posted one by one, and the queue goes on.
func TestFloodRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, append(hurried, `api_url = `, "digest_above = 2\napi_url = ")...)
	r.world.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	digest := []byte(url.QueryEscape("📚"))
	r.world.Slack.SetFault(func(_ string, q sandbox.Request) *sandbox.Fault {
		if strings.HasSuffix(q.Path, "chat.postMessage") && bytes.Contains(q.Body, digest) {
			return &sandbox.Fault{Skip: true, Body: `{"ok":false,"error":"invalid_blocks"}`}
		}
		return nil
	})
	p := r.start()
	r.awaitBaseline(p)
	user := r.channel.AddUser(sandbox.User{Name: "홍길동"})
	r.world.ChannelTalk.Down() // so that one poll sees them all
	for i := range 5 {
		r.channel.OpenChat(user, fmt.Sprintf("%d번째 문의", i+1), sandbox.Opening{})
	}
	if err := r.world.ChannelTalk.Up(); err != nil {
		t.Fatal(err)
	}
	r.awaitAll(p)
}
