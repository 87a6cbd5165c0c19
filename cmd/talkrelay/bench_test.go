package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sandbox"
	"talkrelay/state"
)

// These benchmarks run the real, stripped binary as a process of its own against the simulated services on loopback.
// They measure once; run them with
//
//	go test -run '^$' -bench . -benchtime 1x ./cmd/talkrelay

// benchRig is a rig for benchmarks: no rate limits on either side but Sheets' own pace.
func benchRig(b *testing.B, edits ...string) (*rig, string) {
	b.Helper()
	r := newRig(b, append([]string{
		`api_url = `, "per_second = 1000.0\nper_minute = 100000.0\napi_url = ",
		`"@every 2s"`, `"@every 1m"`,
	}, edits...)...)
	r.world.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	r.channel.SetQuirks(sandbox.Quirks{Unlimited: true})
	return r, buildBinary(b)
}

// startBinary starts binary on the rig's config.
func (r *rig) startBinary(binary string) *process {
	r.t.Helper()
	p := &process{t: r.t, cmd: exec.Command(binary, "run", "--config", r.config), ended: make(chan struct{})}
	p.run()
	return p
}

// BenchmarkLatency opens a chat a second and measures from the list request that could first show it to the message's
// acceptance by Slack.
func BenchmarkLatency(b *testing.B) {
	r, binary := benchRig(b)
	p := r.startBinary(binary)
	r.awaitBaseline(p)
	const chats = 60
	opened := map[string]time.Time{}
	for i := range chats {
		c := r.customer(fmt.Sprintf("고객 %d", i), "얼마나 빠를까요?")
		opened[c.ID()] = time.Now()
		time.Sleep(time.Second)
	}
	r.awaitAll(p)
	var waits []float64
	for _, m := range r.slack.Messages() {
		for id, at := range opened {
			if strings.Contains(m.Plain(), id) {
				waits = append(waits, r.beyondPoll(at, m.Posted))
			}
		}
	}
	if len(waits) != chats {
		b.Fatalf("%d of %d chats measured", len(waits), chats)
	}
	slices.Sort(waits)
	b.ReportMetric(waits[len(waits)/2], "p50-ms")
	b.ReportMetric(waits[len(waits)*99/100], "p99-ms")
	b.ReportMetric(0, "ns/op")
}

// beyondPoll returns the milliseconds from the list request that could first show what happened at from, to to.
func (r *rig) beyondPoll(from, to time.Time) float64 {
	for _, q := range r.world.ChannelTalk.Requests() {
		if q.Time.After(from) && strings.HasSuffix(q.Path, "/user-chats") && q.Query.Get("state") == "opened" {
			return float64(to.Sub(q.Time).Microseconds()) / 1000
		}
	}
	r.t.Fatal("no poll followed")
	return 0
}

// BenchmarkOneSinkDead takes Slack away for 20 s while a chat a second is opened, and measures what the sheet suffers.
func BenchmarkOneSinkDead(b *testing.B) {
	r, binary := benchRig(b)
	p := r.startBinary(binary)
	r.awaitBaseline(p)
	r.customer("첫 고객", "시트를 준비시킵니다")
	r.awaitAll(p)
	r.world.Slack.Down()
	opened := map[string]time.Time{}
	for i := range 20 {
		c := r.customer(fmt.Sprintf("고객 %d", i), "Slack은 멈췄습니다")
		opened[c.ID()] = time.Now()
		time.Sleep(time.Second)
	}
	if err := r.world.Slack.Up(); err != nil {
		b.Fatal(err)
	}
	r.awaitAll(p)
	var waits []float64
	for id, at := range opened {
		for _, q := range r.world.Google.Requests() {
			if strings.HasSuffix(q.Path, ":batchUpdate") && bytes.Contains(q.Body, []byte(id)) {
				waits = append(waits, r.beyondPoll(at, q.Time))
				break
			}
		}
	}
	if len(waits) != len(opened) {
		b.Fatalf("%d of %d rows measured", len(waits), len(opened))
	}
	b.ReportMetric(slices.Max(waits), "worst-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkBurst opens 5,000 chats at once and measures until all rows are in the sheet, from the first list request
// that showed one.
func BenchmarkBurst(b *testing.B) {
	r, binary := benchRig(b, `to   = ["cs-alerts", "inquiries"]`, `to   = ["inquiries"]`)
	p := r.startBinary(binary)
	r.awaitBaseline(p)
	const chats = 5000
	users := make([]*sandbox.Customer, chats)
	for i := range users {
		users[i] = r.channel.AddUser(sandbox.User{Name: fmt.Sprintf("고객 %d", i), Contact: sandbox.Contact{MobileNumber: fmt.Sprintf("+8210%08d", i)}})
	}
	time.Sleep(4 * time.Second) // until the sweep that follows the start is over
	r.world.ChannelTalk.Forget()
	r.world.Google.Forget()
	for i := range users {
		r.channel.OpenChat(users[i], fmt.Sprintf("한꺼번에 온 문의 %d", i), sandbox.Opening{})
	}
	begun := time.Now()
	await(b, "all rows", func() bool { return rowsDelivered(p.log()) == chats }, p.log)
	ended := time.Now()
	if rows := len(r.rows(demoInquiries)); rows != chats {
		b.Fatalf("%d rows, want %d", rows, chats)
	}
	pages, rows := 0, 0
	for _, q := range r.world.ChannelTalk.Requests() {
		if q.Time.Before(begun) || !strings.HasSuffix(q.Path, "/user-chats") || q.Query.Get("state") != "opened" || q.Time.After(ended) {
			continue
		}
		limit, _ := strconv.Atoi(q.Query.Get("limit"))
		pages, rows = pages+1, rows+limit
	}
	for _, q := range r.world.ChannelTalk.Requests() {
		if strings.HasSuffix(q.Path, "/user-chats") && !q.Time.Before(begun) {
			begun = q.Time
			break
		}
	}
	writes := 0
	for _, q := range r.world.Google.Requests() {
		if strings.HasSuffix(q.Path, ":batchUpdate") {
			writes++
		}
	}
	b.ReportMetric(ended.Sub(begun).Seconds(), "s")
	b.ReportMetric(float64(writes), "writes")
	b.ReportMetric(float64(pages), "list-pages")
	b.ReportMetric(0, "ns/op")
}

var deliveredRows = regexp.MustCompile(`msg=delivered sink=inquiries .* count=(\d+)`)

// rowsDelivered adds up what the log says of the sheet. It is cheap, so that waiting costs the daemon nothing.
func rowsDelivered(log string) int {
	n := 0
	for _, m := range deliveredRows.FindAllStringSubmatch(log, -1) {
		count, _ := strconv.Atoi(m[1])
		n += count
	}
	return n
}

// BenchmarkIdle runs a daemon that finds nothing, at a poll a second, and measures its memory and its share of a core.
func BenchmarkIdle(b *testing.B) {
	r, binary := benchRig(b)
	for i := range 100 { // chats that stay open
		r.customer(fmt.Sprintf("고객 %d", i), "오래된 문의")
	}
	p := r.startBinary(binary)
	r.awaitBaseline(p)
	const settle, measured = 15 * time.Second, 60 * time.Second
	time.Sleep(settle)
	before := cpuTime(b, p.cmd.Process.Pid)
	written := modified(b, filepath.Join(r.dir, "demo.db"))
	time.Sleep(measured)
	b.ReportMetric(float64(rss(b, p.cmd.Process.Pid))/(1<<20), "MiB-RSS")
	b.ReportMetric(100*(cpuTime(b, p.cmd.Process.Pid)-before).Seconds()/measured.Seconds(), "%-core")
	if !modified(b, filepath.Join(r.dir, "demo.db")).Equal(written) {
		b.Error("an idle minute wrote to the state file")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMillionUsers starts the daemon on a state file with 1,000,000 known customers and 100,000 chats.
func BenchmarkMillionUsers(b *testing.B) {
	r, binary := benchRig(b)
	p := r.startBinary(binary)
	r.awaitBaseline(p)
	p.kill()
	path := filepath.Join(r.dir, "demo.db")
	fillState(b, path, 1_000_000, 100_000)
	start := time.Now()
	p = r.startBinary(binary)
	p.awaitLog("msg=started")
	b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms-to-ready")
	r.customer("새 고객", "백만 명 뒤의 문의")
	r.awaitAll(p)
	time.Sleep(10 * time.Second)
	b.ReportMetric(float64(rss(b, p.cmd.Process.Pid))/(1<<20), "MiB-RSS")
	b.ReportMetric(float64(fileSize(b, path))/1_000_000, "bytes/user")
	b.ReportMetric(0, "ns/op")
}

// fillState adds customers and chats as the poller stores them.
func fillState(b *testing.B, path string, users, chats int) {
	b.Helper()
	db, err := state.Open(state.Config{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	cursor, err := db.Cursor("shop", "chats")
	if err != nil {
		b.Fatal(err)
	}
	commit := func(entities map[talkrelay.Ref][]byte) {
		err := db.Commit(talkrelay.Commit{Epoch: db.Epoch(), Channel: "shop", Stream: "chats", Read: cursor, Cursor: cursor, Entities: entities})
		if err != nil {
			b.Fatal(err)
		}
	}
	for from := 0; from < users; from += 10_000 {
		entities := map[talkrelay.Ref][]byte{}
		for i := from; i < min(from+10_000, users); i++ {
			id := fmt.Sprintf("%024x", i*977)
			entities[talkrelay.Ref{Type: talkrelay.EntityUser, ID: id}] =
				fmt.Appendf(nil, `{"e":"user%07d@example.com","m":"+8210%08d","u":1795388477351,"c":%q,"d":20780}`, i, i, id)
			if i < chats {
				entities[talkrelay.Ref{Type: talkrelay.EntityChat, ID: id}] = []byte(`{"o":1795388477351,"s":"closed"}`)
			}
		}
		commit(entities)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkManyChannels runs 500 channels in one process.
func BenchmarkManyChannels(b *testing.B) {
	r, binary := benchRig(b)
	data, err := os.ReadFile(r.config)
	if err != nil {
		b.Fatal(err)
	}
	text := bytes.NewBuffer(data)
	for i := range 499 {
		c := r.world.ChannelTalk.AddChannel(fmt.Sprintf("가게 %d", i))
		c.SetQuirks(sandbox.Quirks{Unlimited: true})
		fmt.Fprintf(text, "\n[[channel]]\nname = \"c%d\"\naccess_key = %q\naccess_secret = %q\nbase_url = %q\npoll = \"@every 5s\"\n",
			i, c.AccessKey, c.AccessSecret, r.world.ChannelTalk.URL())
	}
	if err := os.WriteFile(r.config, text.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	p := r.startBinary(binary)
	await(b, "500 first looks", func() bool { return strings.Count(p.log(), firstLook) == 500 }, func() string { return "" })
	time.Sleep(20 * time.Second)
	b.ReportMetric(float64(rss(b, p.cmd.Process.Pid))/(1<<20), "MiB-RSS")
	b.ReportMetric(0, "ns/op")
}

// rss returns the resident memory of a process in bytes.
func rss(b *testing.B, pid int) int64 {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		b.Skipf("no /proc here: %v", err)
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// cpuTime returns what a process has used so far.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skipf("no /proc here: %v", err)
	}
	f := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	const ticksPerSecond = 100
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

// modified returns when a file was last written to.
func modified(b *testing.B, path string) time.Time {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return info.ModTime()
}

func fileSize(b *testing.B, path string) int64 {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}
