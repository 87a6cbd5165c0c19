package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestVerifyDaily has a daemon count, and heal, by a setting that a reload brings.
func TestVerifyDaily(t *testing.T) {
	t.Parallel()
	r := newOldShop(t, 2, 2)
	p := r.start()
	r.awaitBaseline(p)
	r.edit("[retry]", "[verify]\nat = \"@every 1s\"\n\n[retry]")
	p.signal(syscall.SIGHUP)
	p.awaitLine("verified, and something differs", "day=", "≠ 시트 0")
	r.edit("at = \"@every 1s\"", "at = \"@every 1s\"\nheal = true")
	p.signal(syscall.SIGHUP)
	p.awaitLine("level=INFO msg=verified", "day=", "= 슬랙", "= 시트")
	p.stop()
	r.assertDiscreet(r.written())
}

// results are the messages with a count that came to in.
func (in *inbox) results() (texts []string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, p := range in.posts {
		if strings.Contains(p.Text, "채널톡 ") || strings.HasPrefix(p.Text, "talkrelay verify: ") {
			texts = append(texts, p.Text)
		}
	}
	return texts
}

// TestVerifyTells has a daemon tell each count once: with every line of the log goes one message, but for a count that the
// end of the daemon falls into.
func TestVerifyTells(t *testing.T) {
	t.Parallel()
	r, in := newOldShop(t, 2, 2), newInbox(t)
	r.withAlerts("[alert.webhook]\nurl = \"" + in.URL + "\"\n")
	r.edit("[retry]", "[verify]\nat = \"@every 1s\"\ntell = \"always\"\n\n[retry]")
	yesterday := func() string { return dayOf(time.Now(), seoul).from.Add(-time.Hour).Format(dayLayout) }
	before := yesterday() // it may be midnight meanwhile
	p := r.start()
	r.awaitBaseline(p)
	await(t, "two results", func() bool { return len(in.results()) >= 2 }, p.log)
	p.stop()
	counts := strings.Count(p.log(), `msg="verified, and something differs"`)
	if told := len(in.results()); told != counts && told != counts-1 {
		t.Errorf("%d messages about %d counts\n%q\n%s", told, counts, in.results(), p.log())
	}
	day, result, _ := strings.Cut(in.results()[0], "  ")
	if day != before && day != yesterday() || !strings.HasPrefix(result, "채널톡 ") || !strings.HasSuffix(result, "≠ 시트 0") {
		t.Errorf("%q is not about %s", in.results()[0], before)
	}
	r.assertDiscreet(strings.Join(in.results(), "\n"))
}

// TestTell: who wants to hear of what, and each once by each path but the heartbeat.
func TestTell(t *testing.T) {
	t.Parallel()
	r, one, two := newRig(t), newInbox(t), newInbox(t)
	r.withAlerts("[alert.webhook]\nurl = \"" + one.URL + "\"\n[alert.heartbeat]\nurl = \"" + two.URL + "/beat\"\nfail_url = \"" + two.URL + "/fail\"\n")
	cfg, err := readConfig(r.config, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		tell                      string
		equal, differing, failing int // messages about each
	}{{tellNobody, 0, 0, 0}, {tellDifferences, 0, 1, 1}, {tellAlways, 1, 1, 1}} {
		cfg.Verify.Tell = test.tell
		for result, want := range map[*verifyResult]int{
			{Text: "채널톡 1 = 시트 1", Equal: true, Done: true}: test.equal,
			{Text: "채널톡 1 ≠ 시트 0", Done: true}:              test.differing,
			{Error: "channel shop: 401"}:                    test.failing,
		} {
			before := len(one.results())
			(&daemon{}).tell(t.Context(), cfg, *result)
			if told := len(one.results()) - before; told != want {
				t.Errorf("tell = %q, %+v: %d messages, want %d", test.tell, *result, told, want)
			}
		}
	}
	if n := len(two.posts) + two.heartbeats(); n > 0 {
		t.Errorf("the heartbeat heard %d times", n)
	}
}
