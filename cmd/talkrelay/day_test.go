package main

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay/sandbox"
)

var seoul = time.FixedZone("KST", 9*60*60)

// day is one day of a daemon in a bubble of testing/synctest.
type day struct {
	*rig
	daemon *daemon
	log    printed
	start  time.Time // midnight in Seoul
}

// until lets time pass until a time of the day.
func (d *day) until(clock string) {
	at, err := time.Parse("15:04", clock)
	if err != nil {
		d.t.Fatal(err)
	}
	time.Sleep(time.Until(d.start.Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)))
	synctest.Wait()
}

// look is what `status` prints at a time of the day.
func (d *day) look(clock string) string {
	d.until(clock)
	var b bytes.Buffer
	d.daemon.status().print(&b, 0, &screenEnglish)
	return b.String()
}

// startDay opens a shop on a network of pipes and starts a daemon in it at half past midnight. The poll is slower than
// the default, so that a day takes a second.
func startDay(t *testing.T) *day {
	network := newPipeNet()
	over := sandbox.ServiceOptions{Listen: network.listen}
	shop, err := openShopWith(sandbox.Options{ChannelTalk: over, Slack: over, Google: over})
	if err != nil {
		t.Fatal(err)
	}
	r := newRigOf(t, shop, `"@every 1s"`, `"@every 1m"`, `sweep         = "@every 2s"`, `sweep         = "45 * * * *"
contact_requests_per_minute = 0`, `path = "demo.db"`, "path = \"demo.db\"\nretention = \"2h\"\nsweep = \"15 20 * * *\"", "min = \"50ms\"\nmax = \"500ms\"", "")
	d := &day{rig: r, start: time.Date(2026, 11, 23, 0, 0, 0, 0, seoul)}
	writeFile(t, r.dir, "talkrelay.sock", "", 0o600) // in the place of the control socket: to wait on that would stop the bubble's clock
	d.until("00:30")
	if d.daemon, err = (runOptions{config: r.config, log: logConfig{Format: "logfmt"}, seams: network}).openDaemon(&d.log); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDay lets a day pass in which Slack has an outage, Channel Talk's key and Slack's token are revoked, and all of it
// comes back. Its log is the golden file. At each trouble the log and the status alone say what broke, since when, and
// what to do.
func TestDay(t *testing.T) {
	t.Parallel()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // the first to ask for a signal waits for the runtime, which no bubble may
	defer signal.Stop(hup)
	synctest.Test(t, func(t *testing.T) {
		d := startDay(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.daemon.serve(ctx) }()
		d.pass()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := d.daemon.db.Close(); err != nil {
			t.Error(err)
		}
		if diff := d.compare(); !diff.ok() {
			t.Error(diff.verdict())
		}
		_ = d.world.Close()
		assertListed(t, d.log.log())
		d.assertDiscreet(d.log.log())
		goldenText(t, "day.log", d.readable())
	})
}

// pass lets the day pass.
func (d *day) pass() {
	d.until("09:15")
	hong := d.channel.AddUser(sandbox.User{Name: "홍길동", Member: true, Contact: sandbox.Contact{MobileNumber: "+821012345678"}})
	d.channel.OpenChat(hong, "배송이 아직 안 왔어요", sandbox.Opening{})
	d.assertWell(d.look("09:25"))

	d.until("10:05")
	d.world.Slack.Down()
	d.until("10:15")
	d.customer("김영희", "환불하고 싶어요")
	d.assertTells(d.look("10:35"), trouble{part: "cs-alerts", since: "10:15", state: "BROKEN", waits: "1",
		says: "connection refused", remedy: "check network, proxy and api_url", message: "delivery paused"})
	d.until("10:47")
	if err := d.world.Slack.Up(); err != nil {
		d.t.Error(err)
	}
	d.assertWell(d.look("11:05"))

	d.until("13:05")
	d.channel.SetRevoked(true)
	d.until("13:15")
	d.customer("박민수", "쿠폰이 적용되지 않아요")
	d.assertTells(d.look("13:35"), trouble{part: "shop", since: "13:05", state: "BROKEN",
		says: "401", remedy: "check access_key and access_secret", message: "channel not read"})
	d.until("13:37")
	d.channel.SetRevoked(false)
	d.assertWell(d.look("14:05"))

	d.until("15:05")
	d.world.Slack.SetTokenError("token_revoked")
	d.until("15:15")
	d.customer("佐藤花子", "返品したいです")
	d.assertTells(d.look("15:35"), trouble{part: "cs-alerts", since: "15:15", state: "PAUSED", waits: "1",
		says: "token_revoked", remedy: `token of sink.slack "cs-alerts"`, message: "delivery paused"})
	d.until("15:47")
	d.world.Slack.SetTokenError("")
	d.assertWell(d.look("16:05"))
	d.until("23:55")
}

// trouble is what somebody must be able to tell.
type trouble struct {
	part         string // of the config
	since        string // within the ten minutes from then on
	state        string
	waits        string // how many deliveries
	says, remedy string
	message      string // of the log
}

// assertTells fails unless the status and the last line of the log about a part tell of its trouble.
func (d *day) assertTells(status string, want trouble) {
	d.t.Helper()
	line := regexp.MustCompile(`(?m)^` + want.part + ` .*$`).FindString(status)
	told := regexp.MustCompile(want.state + ` for ([\dhms ]+): `).FindStringSubmatch(line)
	if told == nil || !strings.Contains(line, want.says) || !strings.Contains(line, want.remedy) || !strings.Contains(line, "  "+want.waits) {
		d.t.Errorf("the status does not say all of %+v:\n%s", want, status)
		return
	}
	lasts, err := time.ParseDuration(strings.ReplaceAll(told[1], " ", ""))
	since := time.Now().Add(-lasts).In(seoul)
	if err != nil || since.Format("15:04")[:4] != want.since[:4] {
		d.t.Errorf("the status says since %s, %v; want %s", since, err, want.since)
	}
	logged := ""
	for l := range strings.Lines(d.log.log()) {
		if strings.Contains(l, "msg=\""+want.message+"\"") {
			logged = strings.ReplaceAll(l, `\"`, `"`)
		}
	}
	at := regexp.MustCompile(`since=(\S+)`).FindStringSubmatch(logged)
	if at == nil || !strings.Contains(logged, "level=WARN") || !strings.Contains(logged, "="+want.part+" ") || !strings.Contains(logged, want.says) || !strings.Contains(logged, want.remedy) {
		d.t.Errorf("the log does not say all of %+v:\n%s", want, logged)
		return
	}
	if since, err := time.Parse(time.RFC3339, at[1]); err != nil || since.In(seoul).Format("15:04")[:4] != want.since[:4] {
		d.t.Errorf("the log says since %s, %v; want %s", at[1], err, want.since)
	}
}

// assertWell fails if a status tells of trouble, or of anything that waits.
func (d *day) assertWell(status string) {
	d.t.Helper()
	if strings.Contains(status, "PAUSED") || strings.Contains(status, "BROKEN") || d.daemon.status().troubled() {
		d.t.Errorf("trouble:\n%s", status)
	}
}

// readable is the log without what differs from run to run: times are told to the hour, and to ten minutes where they say
// since when. What the sinks say at the same moment comes in any order, and after what the channel says.
func (d *day) readable() string {
	var lines []string
	for line := range strings.Lines(d.log.log()) {
		if !strings.Contains(line, "no control socket") { // see startDay
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	moment := func(line string) string { return stamp.FindString(line) }
	slices.SortStableFunc(lines, func(a, b string) int {
		ofSinkA, ofSinkB := strings.Contains(a, "sink="), strings.Contains(b, "sink=")
		switch {
		case moment(a) != moment(b):
			return strings.Compare(moment(a), moment(b))
		case ofSinkA && ofSinkB:
			return strings.Compare(a, b)
		case ofSinkA:
			return 1
		case ofSinkB:
			return -1
		}
		return 0
	})
	for i, line := range lines {
		lines[i] = stable(line)
	}
	return strings.Join(lines, "\n") + "\n"
}

var (
	stamp     = regexp.MustCompile(`(time|since|next_try)=(\S+)`)
	eventPath = regexp.MustCompile(`event=(\S+?)/\S+`)
	address   = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	counted   = regexp.MustCompile(`(since=\S+ count)=\d+`)
	tried     = regexp.MustCompile(`attempt=([2-9]|\d\d+)`)
)

func stable(line string) string {
	line = stamp.ReplaceAllStringFunc(line, func(s string) string {
		key, text, _ := strings.Cut(s, "=")
		at, err := time.Parse(time.RFC3339, text)
		switch {
		case err != nil:
			return s
		case key == "next_try":
			return key + "=…"
		case key == "since":
			return key + "=" + at.In(seoul).Format("15:04")[:4] + "…"
		}
		return at.In(seoul).Format("15") + "h"
	})
	line = eventPath.ReplaceAllString(line, "event=$1/…")
	line = counted.ReplaceAllString(line, "$1=…")
	line = tried.ReplaceAllString(line, "attempt=…")
	return address.ReplaceAllString(line, "HOST")
}
