package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// receiver is a program that takes webhooks and drops what it has already, by the webhook-id. It fails in every way there
// is, with more or less applied.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	well     bool
	requests int
	repeats  int
	ids      map[string]bool
	chats    []string // in order of their arrival
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{ids: map[string]bool{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the daemon was killed while it sent
	}
	r.mu.Lock()
	r.requests++
	n, well := r.requests, r.well
	r.mu.Unlock()
	if !well && n%5 == 1 {
		w.WriteHeader([]int{429, 500, 503, 302, 502}[n/5%5])
		return
	}
	r.take(req.Header.Get("webhook-id"), body)
	switch {
	case !well && n%10 == 2:
		panic(http.ErrAbortHandler) // applied, and nobody is told
	case !well && n%10 == 7:
		resetConnection(w)
	case !well && n%5 == 3:
		w.WriteHeader(http.StatusBadGateway)
	}
}

// resetConnection ends the connection as a firewall does that has lost it.
func resetConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func (r *receiver) take(id string, body []byte) {
	var e struct{ Entity struct{ ID string } }
	_ = json.Unmarshal(body, &e) // what is no envelope has no chat, which the test sees
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ids[id] {
		r.repeats++
		return
	}
	r.ids[id] = true
	r.chats = append(r.chats, e.Entity.ID)
}

func (r *receiver) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.chats)
}

func (r *receiver) recover() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.well = true
}

// TestFurtherSinksThroughKills kills the daemon again and again while inquiries arrive and destinations misbehave. At the
// end every one of them has each inquiry once, in order.
func TestFurtherSinksThroughKills(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	r := newRig(t, "[[route]]\nname = \"새 문의\"", fmt.Sprintf(`
[[sink.webhook]]
name    = "crm"
url     = "%s/hook"
secret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
timeout = "2s"

[[sink.jsonl]]
name = "archive"
path = "archive.jsonl"

[[route]]
name = "all"
on   = ["userChat.opened"]
to   = ["crm", "archive"]

[[route]]
name = "새 문의"`, hook.URL))
	p := r.start()
	r.awaitBaseline(p)
	var chats []string
	for life := range 8 {
		for i := range 4 {
			chats = append(chats, r.customer(fmt.Sprintf("고객 %d-%d", life, i), "문의합니다").ID())
		}
		await(t, "something to arrive", func() bool { return len(hook.seen()) > life*4 }, p.log)
		p.kill()
		p = r.start()
	}
	hook.recover()
	await(t, "all inquiries", func() bool { return min(len(hook.seen()), len(r.archived("archive.jsonl"))) >= len(chats) }, p.log)
	r.awaitAll(p)
	if got := hook.seen(); !slices.Equal(got, chats) {
		t.Errorf("the webhook's receiver got\n%s\nwant\n%s", strings.Join(got, " "), strings.Join(chats, " "))
	}
	if got := r.archived("archive.jsonl"); !slices.Equal(got, chats) {
		t.Errorf("the file holds\n%s\nwant\n%s", strings.Join(got, " "), strings.Join(chats, " "))
	}
	t.Logf("%d requests, %d repeats of the same id", hook.requests, hook.repeats)
	if hook.repeats == 0 {
		t.Error("nothing was ever sent twice: the test does not try what it is for")
	}
}

// archived lists the chats in a JSON-lines file, line by line.
func (r *rig) archived(name string) []string {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.t.Fatal(err)
	}
	var chats []string
	for line := range bytes.Lines(data) {
		var e struct{ Chat struct{ ID string } }
		if err := json.Unmarshal(line, &e); err != nil {
			continue // it is being written; the test asks again
		}
		chats = append(chats, e.Chat.ID)
	}
	return chats
}

// TestWebhookHolds leaves an event in doubt with on_unknown = "hold": it waits, is told, and goes out again when the
// setting is changed.
func TestWebhookHolds(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	hook.requests = 1 // the next one is applied, and nobody is told
	r := newRig(t, "[[route]]\nname = \"새 문의\"\non   = [\"userChat.opened\"]\nto   = [\"cs-alerts\", \"inquiries\"]",
		fmt.Sprintf("[[sink.webhook]]\nname = \"crm\"\nurl = %q\non_unknown = \"hold\"\n\n[[route]]\nname = \"새 문의\"\non = [\"userChat.opened\"]\nto = [\"crm\"]", hook.URL))
	p := r.start()
	r.awaitBaseline(p)
	chat := r.customer("홍길동", "문의합니다").ID()
	p.awaitLog("on_unknown")
	p.kill()
	p = r.start()
	p.awaitLog("on_unknown")
	if n := hook.repeats; n != 0 {
		t.Errorf("%d repeats although the sink holds", n)
	}
	hook.recover()
	r.edit(`"hold"`, `"resend"`)
	p.kill()
	p = r.start()
	await(t, "the event to go out again", func() bool {
		hook.mu.Lock()
		defer hook.mu.Unlock()
		return hook.repeats == 1
	}, p.log)
	if got := hook.seen(); !slices.Equal(got, []string{chat}) {
		t.Errorf("got %q, want %q", got, chat)
	}
}
