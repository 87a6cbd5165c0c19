package main

import (
	"context"
	"fmt"
	"html"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"talkrelay/sandbox"
)

// demoWatcher prints what happens in the shop and what arrives, as it does.
type demoWatcher struct {
	shop  *demoShop
	out   io.Writer
	start time.Time
	seen  map[string]int    // how much has been printed of each place
	posts map[string]string // by ts, as printed last
}

func newDemoWatcher(shop *demoShop, out io.Writer) *demoWatcher {
	return &demoWatcher{shop: shop, out: out, start: time.Now(), seen: map[string]int{}, posts: map[string]string{}}
}

func (w *demoWatcher) say(what string) { w.line("채널톡", what) }

func (w *demoWatcher) line(where, what string) {
	fmt.Fprintf(w.out, "%5.1fs  %s  %s\n", time.Since(w.start).Seconds(), where, what)
}

// look prints what has arrived since the last look.
func (w *demoWatcher) look() {
	for _, m := range w.shop.slack.Messages() {
		switch before, known := w.posts[m.TS]; {
		case !known && m.ThreadTS != "":
			w.line("  ↳ Slack", html.UnescapeString(m.Text))
		case !known:
			w.line("  → Slack", html.UnescapeString(m.Text))
		case before != m.Text:
			w.line("  ✎ Slack", html.UnescapeString(m.Text))
		}
		w.posts[m.TS] = m.Text
	}
	for _, tab := range []string{demoInquiries, demoChanges} {
		rows := w.shop.rows(tab)
		for _, row := range rows[min(w.seen[tab], len(rows)):] {
			w.line("  → "+tab, strings.Join(row[:min(4, len(row))], " | "))
		}
		w.seen[tab] = len(rows)
	}
}

// pause waits for d and prints what arrives meanwhile.
func (w *demoWatcher) pause(ctx context.Context, d time.Duration) error {
	end := time.NewTimer(d)
	defer end.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return nil
		case <-tick.C:
			w.look()
		}
	}
}

// until waits until done holds, settleLimit at most.
func (w *demoWatcher) until(ctx context.Context, done func() bool) {
	for end := time.Now().Add(settleLimit); time.Now().Before(end) && !done(); {
		if w.pause(ctx, 100*time.Millisecond) != nil {
			return
		}
	}
}

// rows returns a tab's rows as text, without the header; nil if the tab is not there yet.
func (s *demoShop) rows(tab string) [][]string {
	cells := s.sheet.Rows(tab)
	if len(cells) == 0 {
		return nil
	}
	var rows [][]string
	for _, r := range cells[1:] {
		row := make([]string, len(r))
		for i, c := range r {
			row[i] = c.String()
		}
		rows = append(rows, row)
	}
	return rows
}

// compare holds what arrived against what happened since the daemon's first look.
func (s *demoShop) compare() demoResult {
	var all, inquiries, changes []string
	count := map[string]int{}
	for _, h := range s.channel.Happenings()[s.before:] {
		id := h.ChatID
		if h.Kind == sandbox.ContactChanged {
			id = h.UserID
		}
		key := numbered(count, id)
		all = append(all, key)
		if h.Kind == sandbox.ContactChanged {
			changes = append(changes, key)
		} else {
			inquiries = append(inquiries, key)
		}
	}
	r := demoResult{events: len(all), violations: s.world.Violations()}
	r.slack = sandbox.Compare(inquiries, s.slackKeys())
	r.sheets = sandbox.Compare(inquiries, rowKeys(s.rows(demoInquiries)))
	r.changes = countChanges(changes, len(s.rows(demoChanges)))
	r.pings = s.customerPings()
	if s.living {
		r.untrue = s.untrue()
	}
	return r
}

// untrue counts the messages about closed chats that do not say so, and those about others that do.
func (s *demoShop) untrue() (n int) {
	for _, chat := range s.chats {
		for _, m := range s.slack.Messages() {
			about := m.ThreadTS == "" && strings.Contains(string(m.Blocks), chat.ID())
			if about && strings.HasPrefix(m.Text, "✅") != (chat.State() == "closed") {
				n++
			}
		}
	}
	return n
}

// countChanges compares changes with rows by number only: a row of a change names no customer by id.
func countChanges(changes []string, rows int) sandbox.Diff {
	got := slices.Clone(changes[:min(rows, len(changes))])
	for range rows - len(got) {
		got = append(got, "another")
	}
	return sandbox.Compare(changes, got)
}

// slackKeys returns the chats that the posts about inquiries name, each with its count so far: a chat that is opened
// again is posted again.
func (s *demoShop) slackKeys() []string {
	var ids []string
	for _, h := range s.channel.Happenings() {
		ids = append(ids, h.ChatID)
	}
	var keys []string
	count := map[string]int{}
	for _, id := range sandbox.KeysIn(s.inquiryTexts(), ids...) {
		keys = append(keys, numbered(count, id))
	}
	return keys
}

func (s *demoShop) inquiryTexts() []string {
	var texts []string
	for _, text := range s.slack.Texts() {
		if !strings.Contains(text, "연락처 변경") {
			texts = append(texts, text)
		}
	}
	return texts
}

func rowKeys(rows [][]string) []string {
	var keys []string
	count := map[string]int{}
	for _, row := range rows {
		keys = append(keys, numbered(count, row[0]))
	}
	return keys
}

func numbered(count map[string]int, id string) string {
	count[id]++
	return fmt.Sprintf("%s/%d", id, count[id])
}

// customerPings counts what is live in the channel beside the links to the desk. No customer may cause any.
func (s *demoShop) customerPings() int {
	n := 0
	for _, p := range s.slack.Pings() {
		if p.Kind.Mention() || !strings.HasPrefix(p.Target, "https://desk.channel.io/") {
			n++
		}
	}
	return n
}

// print shows what Slack and the sheet hold in the end.
func (s *demoShop) print(out io.Writer) {
	fmt.Fprintln(out, "\n── Slack #cs-alerts ──")
	for _, m := range s.slack.Messages() {
		fmt.Fprintln(out, m.Terminal())
	}
	for _, tab := range []string{demoInquiries, demoChanges} {
		fmt.Fprintf(out, "── Google Sheets: %s ──\n", tab)
		for _, row := range s.rows(tab) {
			fmt.Fprintln(out, "  "+strings.ReplaceAll(strings.Join(row, " | "), "\n", " "))
		}
	}
}

// writePage writes the HTML page to path, or to a new file, and returns where it is.
func (s *demoShop) writePage(path string) (string, error) {
	f, err := createPage(path)
	if err != nil {
		return "", err
	}
	page := sandbox.Page{
		Title:    "talkrelay demo",
		Location: time.FixedZone("KST", 9*60*60),
		Channels: []*sandbox.SlackChannel{s.slack},
		Sheets:   []*sandbox.Spreadsheet{s.sheet},
	}
	if err := sandbox.WritePage(f, page); err != nil {
		_ = f.Close()
		return "", err
	}
	return f.Name(), f.Close()
}

func createPage(path string) (*os.File, error) {
	if path != "" {
		return os.Create(path)
	}
	return os.CreateTemp("", "talkrelay-demo-*.html")
}
