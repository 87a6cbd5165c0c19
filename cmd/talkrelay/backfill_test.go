package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
	"talkrelay/state"
)

// swift are the settings of a shop whose services have no limits, so that a test need not wait for a budget.
var swift = slices.Concat(hurried, []string{
	"[retry]", "[backfill]\nrequests_per_minute = 6000\n\n[retry]",
	"poll          = ", "requests_per_second = 1000.0\npoll          = ",
})

// newOldShop is a rig with n chats a day for some days before the daemon's first look, most of them closed.
func newOldShop(t *testing.T, n, days int, edits ...string) *rig {
	t.Helper()
	shop, err := openShop()
	if err != nil {
		t.Fatal(err)
	}
	shop.channel.SetQuirks(sandbox.Quirks{Unlimited: true})
	shop.world.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	shop.world.Google.Set(sandbox.GoogleSettings{WritesPerMinute: -1, ReadsPerMinute: -1})
	for day := days; day > 0; day-- {
		for i := range n {
			at := time.Now().AddDate(0, 0, -day).Add(time.Duration(i) * time.Minute)
			user := shop.channel.AddUser(sandbox.User{Name: fmt.Sprintf("옛 고객 %d-%d", day, i)})
			open := sandbox.Opening{At: at, State: sandbox.StateClosed}
			if i%4 == 0 {
				open.State = ""
			}
			shop.channel.OpenChat(user, fmt.Sprintf("옛 문의 %d-%d", day, i), open)
		}
	}
	shop.before = len(shop.channel.Happenings())
	return newRigOf(t, shop, append(slices.Clone(swift), edits...)...)
}

// keysOf are the openings there were, each chat with its count.
func (r *rig) keysOf(happenings []sandbox.Happening) []string {
	var keys []string
	count := map[string]int{}
	for _, h := range happenings {
		if h.Kind == sandbox.ChatOpened || h.Kind == sandbox.ChatReopened {
			keys = append(keys, numbered(count, h.ChatID))
		}
	}
	return keys
}

// assertFilled fails unless the sheet holds every opening there ever was, once, and Slack those in slack.
func (r *rig) assertFilled(slack []string) {
	r.t.Helper()
	sheet := sandbox.Compare(r.keysOf(r.channel.Happenings()), rowKeys(r.rows(demoInquiries)))
	if len(sheet.Lost)+len(sheet.Doubled)+len(sheet.Extra) > 0 {
		r.t.Errorf("sheet: %+v", sheet)
	}
	if d := sandbox.Compare(slack, r.slackKeys()); len(d.Lost)+len(d.Doubled)+len(d.Extra) > 0 {
		r.t.Errorf("slack: %+v", d)
	}
	if v := r.world.Violations(); len(v) > 0 {
		r.t.Error(v)
	}
}

// backfill runs the command, which must succeed, and returns the result.
func (r *rig) backfill(args ...string) (p backfillProgress) {
	r.t.Helper()
	code, out, errs := here(r.t.(*testing.T), append([]string{"backfill", "--config", r.config, "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &p); code != exitOK || err != nil || !p.Done {
		r.t.Fatalf("backfill %q: exit code %d, %v\n%s%s", args, code, err, out, errs)
	}
	return p
}

func fromDay(days int) string {
	return time.Now().In(time.FixedZone("KST", 9*3600)).AddDate(0, 0, -days).Format(dayLayout)
}

// TestBackfill fills a sheet with what was before the first look while the daemon delivers, twice, and after the state has
// forgotten all of it.
func TestBackfill(t *testing.T) {
	t.Parallel()
	r := newOldShop(t, 6, 12)
	p := r.start()
	r.awaitBaseline(p)
	first := r.customer("홍길동", "새 문의")
	r.awaitAll(p)
	first.Close()
	first.Reopen("다시 문의")
	r.customer("김영희", "새 문의")
	r.awaitAll(p)
	live := r.keysOf(r.channel.Happenings()[r.before:])

	dry := r.backfill("--from", fromDay(30), "--dry-run")
	r.assertSameSet("while it only counts", r.keysOf(r.channel.Happenings()[r.before:]), rowKeys(r.rows(demoInquiries)))
	done := r.backfill("--from", fromDay(30))
	r.assertFilled(live)
	if dry.added() != 75 || done.added() != 75 || done.Unrouted+done.Left > 0 || done.Resumed != 0 {
		t.Errorf("to add %d, added %d of 75: %+v", dry.added(), done.added(), done)
	}
	for _, row := range r.rows(demoInquiries) {
		if strings.HasPrefix(row[3], "옛 고객") && row[6] != strings.Replace(row[3], "고객", "문의", 1) {
			t.Errorf("a row with other words than the customer's: %q", row)
		}
	}
	if again := r.backfill("--from", fromDay(30)); again.added() != 0 {
		t.Errorf("again: %+v", again)
	}
	p.awaitLine("old inquiries brought", "count=75")

	p.stop()
	r.forgetDelivered()
	if again := r.backfill("--from", fromDay(30)); again.added() != 0 { // now without a daemon
		t.Errorf("after the retention: %+v", again)
	}
	p = r.start()
	r.customer("박민수", "그 뒤의 문의")
	await(t, "the next inquiry", func() bool { return len(r.slackKeys()) == len(live)+1 }, p.log)
	await(t, "its row", func() bool { return len(r.rows(demoInquiries)) == 75+len(live)+1 }, p.log)
	r.assertFilled(r.keysOf(r.channel.Happenings()[r.before:]))
	r.assertDiscreet(r.written())
}

func (r *rig) assertSameSet(what string, want, got []string) {
	r.t.Helper()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		r.t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// forgetDelivered has the state forget what is settled, as it does after the retention.
func (r *rig) forgetDelivered() {
	r.t.Helper()
	db, err := state.Open(state.Config{Path: filepath.Join(r.dir, "demo.db")})
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	report, err := db.Sweep(r.t.Context(), time.Now().Add(800*time.Hour))
	if err != nil || report.Erased == 0 {
		r.t.Fatalf("erased %d: %v", report.Erased, err)
	}
}

// TestBackfillIntoSlack fills two sinks of which one has it all already, and fills Slack when all that knows of its messages is
// Slack.
func TestBackfillIntoSlack(t *testing.T) {
	t.Parallel()
	r := newOldShop(t, 3, 4)
	all := func() []string { return r.keysOf(r.channel.Happenings()) }
	if first := r.backfill("--from", fromDay(30)); first.added() != 15 { // and there was never a daemon
		t.Errorf("into the sheet: %+v", first)
	}
	r.assertFilled(nil)
	both := r.backfill("--from", fromDay(30), "--sink", "cs-alerts,inquiries")
	r.assertFilled(all())
	if n := both.Sinks["inquiries"]; both.added() != 15 || len(n) == 0 {
		t.Errorf("into both: %+v", both)
	}
	r.forgetDelivered()
	if again := r.backfill("--from", fromDay(30), "--sink", "cs-alerts", "--sink", "inquiries"); again.added() != 0 {
		t.Errorf("after the retention: %+v", again)
	}
	r.assertFilled(all())
	p := r.start()
	r.awaitPoll(p)
	r.assertFilled(all())
}

// TestBackfillPeriod brings the days that were asked for, the last one included.
func TestBackfillPeriod(t *testing.T) {
	t.Parallel()
	r := newOldShop(t, 2, 20)
	done := r.backfill("--from", fromDay(15), "--to", fromDay(11))
	if n := done.added(); n < 9 || n > 11 { // by the time of day, a chat falls on the day before
		t.Errorf("added %d, want the 10 of five days", n)
	}
	for _, row := range r.rows(demoInquiries) {
		if row[1] < fromDay(15) || row[1] > fromDay(10) {
			t.Errorf("a row of another time: %q", row[:2])
		}
	}
}

// TestBackfillKilled kills whoever does the work, again and again, and ends with every opening once.
func TestBackfillKilled(t *testing.T) {
	t.Parallel()
	for _, daemon := range []bool{false, true} {
		t.Run(fmt.Sprintf("daemon=%t", daemon), func(t *testing.T) {
			t.Parallel()
			r := newOldShop(t, 40, 10)
			r.world.SetFault(sandbox.Only(":batchUpdate", sandbox.Always(sandbox.Fault{After: 300 * time.Millisecond})))
			var p *process
			if daemon {
				p = r.start()
				r.awaitBaseline(p)
			}
			for kill := range 3 {
				rows := len(r.rows(demoInquiries))
				job := r.start("backfill", "--config", r.config, "--from", fromDay(30))
				await(t, "some rows", func() bool { return len(r.rows(demoInquiries)) > rows }, job.log)
				if daemon && kill%2 == 0 {
					p.kill()
					if code := job.wait(time.Minute); code != exitFailed || !strings.Contains(job.log(), "run the same command again") {
						t.Errorf("exit code %d\n%s", code, job.log())
					}
					p = r.start()
					await(t, "the daemon to answer", func() bool { code, _, _ := here(t, "events", "--config", r.config); return code == exitOK }, p.log)
				}
				job.kill()
			}
			r.world.SetFault(nil)
			await(t, "the last caller to be gone", func() bool {
				code, _, _ := here(t, "backfill", "--config", r.config, "--from", fromDay(30))
				return code == exitOK
			}, func() string { return "" })
			r.assertFilled(nil)
		})
	}
}

// TestBackfillRefusals: each says what to do instead.
func TestBackfillRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"", exitUsage, "say from when on"},
		{"--from yesterday", exitUsage, `--from "yesterday" is no day or time`},
		{"--from 2026-01-01 --to x", exitUsage, `--to "x" is no day`},
		{"--from 2026-03-01 --to 2026-02-01", exitUsage, "is before --from"},
		{"--from 2026-01-01 --sink cs-alert", exitFailed, `did you mean "cs-alerts"?`},
		{"--from 2026-01-01 --sink changes", exitFailed, "no route sends userChat.opened to sink changes"},
	} {
		code, out, errs := here(t, append([]string{"backfill", "--config", r.config}, strings.Fields(test.args)...)...)
		if code != test.code || out != "" || !strings.Contains(errs, test.says) {
			t.Errorf("%q: exit code %d\n%s%s", test.args, code, out, errs)
		}
	}
	r.edit("channel = ", "digest_above = 5\nchannel = ")
	code, _, errs := here(t, "backfill", "--config", r.config, "--from", "2026-01-01", "--sink", "cs-alerts")
	if code != exitFailed || !strings.Contains(errs, "digest_above") {
		t.Errorf("digests: exit code %d\n%s", code, errs)
	}
}
