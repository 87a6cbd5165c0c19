package main

import (
	"encoding/json"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// fault is one thing that can be wrong with a set-up, and how it is mended.
type fault struct {
	name    string
	breakIt func(*rig)
	mend    func(*rig)
	restart bool // what was changed is read at the start only

	log     []string          // one line of the daemon's log holds all of these
	healthy func(*rig) bool   // what arrives meanwhile; nil = nothing can
	check   map[string]string // the findings of `check` that fail, as in "sink cs-alerts: token", and what each says

}

// slackArrived reports whether Slack has every inquiry so far, once and in order.
func slackArrived(r *rig) bool { return r.compare().slack.OK() }

// sheetArrived reports whether the sheet has every inquiry so far, once and in order.
func sheetArrived(r *rig) bool { return r.compare().sheets.OK() }

// hurried shortens the waits of a Slack sink, so that a test need not sit through them.
var hurried = []string{"channel = ", `lookups_answered = ["100ms", "300ms"]
lookups_unanswered = ["200ms", "500ms"]
per_second = 50.0
channel = `}

// TestFaultLosesNothing breaks one thing under a running daemon. It must say so in one line that names what to change,
// go on with everything else, and deliver what waited once the thing is mended, each once and in order.
func TestFaultLosesNothing(t *testing.T) {
	t.Parallel()
	for _, f := range slices.Concat(slackFaults, sheetsFaults, channelFaults) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.test(t, newRig(t, hurried...))
		})
	}
}

func (f fault) test(t *testing.T, r *rig) {
	p := r.start()
	r.awaitBaseline(p)
	known := r.channel.AddUser(sandbox.User{Name: "먼저 온 고객"})
	r.channel.OpenChat(known, "고장 나기 전의 문의", sandbox.Opening{})
	r.awaitAll(p)

	f.breakIt(r)
	if f.restart {
		p = r.restart(p)
	}
	r.plantCanaries(known)
	p.awaitLine(f.log...)
	if f.healthy != nil {
		await(t, "the healthy sink", func() bool { return f.healthy(r) }, func() string { return r.compare().verdict() + p.log() })
	}
	f.mend(r)
	if f.restart {
		p = r.restart(p)
	}
	r.awaitAll(p)
	r.assertDiscreet(r.written())
}

// restart ends p in good order and starts the daemon again.
func (r *rig) restart(p *process) *process {
	r.t.Helper()
	p.stop()
	return r.start()
}

// stop ends the process as a service manager does. It must end well, whatever is broken.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(time.Minute); code != exitOK {
		p.t.Fatalf("exit code %d after SIGTERM\n%s", code, p.log())
	}
}

// awaitLine waits for one line of the log that holds all of texts. Quotes are looked for as they were before logfmt
// escaped them.
func (p *process) awaitLine(texts ...string) {
	p.t.Helper()
	await(p.t, "a line with "+strings.Join(texts, " … "), func() bool { return lineWith(p.log(), texts...) }, p.log)
}

// awaitDelivered waits until the log tells of n messages to a Slack sink: a cheap look where texts are large.
func (p *process) awaitDelivered(sink string, n int) {
	p.t.Helper()
	delivered := "msg=delivered sink=" + sink
	await(p.t, "messages to "+sink, func() bool { return strings.Count(p.log(), delivered) >= n }, p.log)
}

func lineWith(log string, texts ...string) bool {
	for line := range strings.Lines(strings.ReplaceAll(log, `\"`, `"`)) {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			return true
		}
	}
	return false
}

// canary is a customer whose data is nowhere else, so that it is known again wherever it turns up.
var canary = sandbox.User{Name: "카나리아김", Contact: sandbox.Contact{MobileNumber: "+821055512345", Email: "canary.kim@example.org"}}

const canaryText = "아무도 몰라야 하는 내용"

// plantCanaries lets canaries open three chats, and gives known a canary's phone number.
func (r *rig) plantCanaries(known *sandbox.Customer) {
	for range 3 {
		r.channel.OpenChat(r.channel.AddUser(canary), canaryText, sandbox.Opening{})
	}
	known.ChangeContact(sandbox.Contact{MobileNumber: "+821066654321", Email: canary.Email})
}

// written returns what all daemons of the rig have written.
func (r *rig) written() string {
	var all strings.Builder
	for _, p := range r.started {
		all.WriteString(p.log())
	}
	return all.String()
}

// assertDiscreet fails if a secret or anything of a customer stands in what was written.
func (r *rig) assertDiscreet(written string) {
	r.t.Helper()
	var key struct {
		PrivateKey string `json:"private_key"`
	}
	if err := json.Unmarshal(r.world.Google.ServiceAccountJSON(), &key); err != nil {
		r.t.Fatal(err)
	}
	forbidden := append(strings.Split(strings.TrimSpace(key.PrivateKey), "\n")[:2],
		canary.Name, canary.Email, canaryText, "먼저 온 고객", "고장 나기 전의 문의",
		"1055512345", "010-5551-2345", "1066654321", "010-6665-4321",
		r.channel.AccessKey, r.channel.AccessSecret, r.world.Slack.Token, wrongSecret, wrongToken)
	for _, f := range forbidden {
		if strings.Contains(written, f) {
			r.t.Errorf("%q stands in the output:\n%s", f, written)
		}
	}
}
