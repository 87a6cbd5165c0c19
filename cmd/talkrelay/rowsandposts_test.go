package main

import (
	stdsql "database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// discordChannel is a Discord that fails in every way there is, with more or less applied. It cannot be asked what it has.
type discordChannel struct {
	*httptest.Server
	mu       sync.Mutex
	well     bool
	requests int
	posts    []post
	untold   int // posts of whose arrival nobody has heard
}

// post is a message with the id that its request named.
type post struct{ id, content string }

const discordPath = "/api/webhooks/112233/token-of-the-webhook"

func newDiscordChannel(t *testing.T) *discordChannel {
	t.Helper()
	d := &discordChannel{}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

// discordAnswers are what it says to every eighth request and those after it. What is not here is taken, and told.
var discordAnswers = map[int]func(d *discordChannel, w http.ResponseWriter, p post){
	1: func(_ *discordChannel, w http.ResponseWriter, _ post) { resetConnection(w) },
	2: func(_ *discordChannel, w http.ResponseWriter, _ post) {
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = fmt.Fprint(w, `{"message":"You are being rate limited.","retry_after":0.1,"global":false}`)
	},
	3: func(_ *discordChannel, w http.ResponseWriter, _ post) { w.WriteHeader(http.StatusServiceUnavailable) },
	5: func(d *discordChannel, w http.ResponseWriter, p post) { d.take(p, false); resetConnection(w) },
	6: func(d *discordChannel, w http.ResponseWriter, p post) {
		d.take(p, false)
		w.WriteHeader(http.StatusBadGateway)
	},
}

func (d *discordChannel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct{ Content string }
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || r.URL.Path != discordPath || r.URL.Query().Get("wait") != "true" {
		w.WriteHeader(http.StatusBadRequest) // or the daemon was killed while it sent
		return
	}
	p := post{r.Header.Get("Webhook-Id"), m.Content}
	d.mu.Lock()
	d.requests++
	n, well := d.requests, d.well
	d.mu.Unlock()
	if fail := discordAnswers[n%8]; fail != nil && !well {
		fail(d, w, p)
		return
	}
	d.take(p, true)
	w.Header().Set("X-RateLimit-Remaining", fmt.Sprint(n%2))
	w.Header().Set("X-RateLimit-Reset-After", "0.05")
	_, _ = fmt.Fprintf(w, `{"id":"%d"}`, 1000+n)
}

func (d *discordChannel) take(p post, told bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.posts = append(d.posts, p)
	if !told {
		d.untold++
	}
}

// names lists the customers told of, each once, in order, and how many messages there are beyond that.
func (d *discordChannel) names() (names []string, surplus int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := map[string]bool{}
	for _, p := range d.posts {
		if seen[p.id] {
			surplus++
			continue
		}
		seen[p.id] = true
		title, _, _ := strings.Cut(p.content, "\n")
		_, name, _ := strings.Cut(strings.Trim(title, "*"), " · ")
		names = append(names, name)
	}
	return names, surplus
}

func (d *discordChannel) recover() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.well = true
}

// rowTraps are where the daemon dies besides at random instants.
var rowTraps = [...]trap{
	{Sink: "database", Seam: beforeSend, Nth: 1, Fault: kill},
	{Sink: "database", Seam: afterAcceptance, Nth: 1, Fault: kill},
	{Sink: "ops", Seam: beforeSend, Nth: 2, Fault: kill},
	{Sink: "ops", Seam: afterAcceptance, Nth: 2, Fault: kill},
	{Sink: "database", Seam: beforeSettle, Nth: 1, Fault: kill},
}

// TestRowsAndPostsThroughKills kills the daemon at the worst places and at random instants while chats open and close. At the end the database has
// each event as one row, in order, and Discord each message: twice only where nobody heard that it had arrived.
func TestRowsAndPostsThroughKills(t *testing.T) {
	t.Parallel()
	seed := setting(t, seedVariable, uint64(time.Now().UnixNano()))
	t.Logf("%s=%d", seedVariable, seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	discord := newDiscordChannel(t)
	r := newRig(t, "[[route]]\nname = \"새 문의\"", fmt.Sprintf(`
[[sink.sql]]
name   = "database"
driver = "sqlite"
dsn    = "events.db"

[[sink.discord]]
name    = "ops"
url     = "%s"
timeout = "2s"

[[route]]
name = "rows"
on   = ["userChat.opened", "userChat.closed"]
to   = ["database"]

[[route]]
name = "posts"
on   = ["userChat.opened"]
to   = ["ops"]

[[route]]
name = "새 문의"`, discord.URL+discordPath))
	p := r.start()
	r.awaitBaseline(p)
	var names, ids, closed []string
	kills := 0
	for life := range 2 * len(rowTraps) {
		if life%2 == 0 { // it dies where a row or a post is done, or not, and nobody has noted it
			p.kill()
			p = r.startTrapped(&rowTraps[life/2])
			kills += 2
		}
		var open []*sandbox.Chat
		for i := range 4 {
			name := fmt.Sprintf("고객%d번%d", life, i)
			chat := r.customer(name, "문의합니다")
			open, names, ids = append(open, chat), append(names, name), append(ids, chat.ID())
		}
		if life%2 == 0 {
			await(t, "the trap", p.sprung, p.log)
			<-p.ended
			p = r.start()
		}
		await(t, "rows of what opened", func() bool { return len(r.rowsOf("opened", "chat_id")) >= len(ids) }, p.log)
		for _, chat := range open {
			chat.Close()
			closed = append(closed, chat.ID())
		}
		select {
		case <-p.ended:
			t.Fatalf("the daemon ended by itself:\n%s", p.log())
		case <-time.After(time.Duration(chance.Int64N(int64(1500 * time.Millisecond)))):
		}
		p.kill()
		p = r.start()
		kills++
	}
	discord.recover()
	await(t, "all rows and posts", func() bool {
		told, _ := discord.names()
		return len(r.rowsOf("closed", "chat_id")) >= len(closed) && len(told) >= len(names)
	}, p.log)
	r.awaitAll(p)
	for column, want := range map[string][]string{"chat_id": ids, "user_name": names} {
		if got := r.rowsOf("opened", column); !slices.Equal(got, want) {
			t.Errorf("%s of what opened:\n%q, want\n%q", column, got, want)
		}
	}
	r.assertSameSet("chats that were closed", closed, r.rowsOf("closed", "chat_id"))
	told, surplus := discord.names()
	if !slices.Equal(told, names) {
		t.Errorf("Discord got\n%q, want\n%q", told, names)
	}
	t.Logf("%d requests to Discord, %d messages of whose arrival nobody heard, %d kills, %d messages there twice", discord.requests, discord.untold, kills, surplus)
	if surplus < 1 || surplus > discord.untold+kills {
		t.Errorf("%d messages are there twice; %d may be, where nobody heard of their arrival, and one for each of %d kills", surplus, discord.untold, kills)
	}
}

// rowsOf lists a column of the rows that SQLite has of a kind of event, in the order in which they came.
func (r *rig) rowsOf(kind, column string) (list []string) {
	r.t.Helper()
	db, err := stdsql.Open("sqlite", "file:"+filepath.Join(r.dir, "events.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT " + column + " FROM talkrelay_userchat_" + kind + " ORDER BY rowid")
	if err != nil {
		return nil // there is no file yet, or no table
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			r.t.Fatal(err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return list
}
