package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// Kills of TestKill, and its seed, can be set for a longer run or to repeat one:
//
//	TALKRELAY_KILLS=1000 TALKRELAY_SEED=7 go test -v -run TestKill -timeout 2h ./cmd/talkrelay
const (
	killsVariable = "TALKRELAY_KILLS"
	seedVariable  = "TALKRELAY_SEED"
)

func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestKill kills the daemon in every window and at random instants, while inquiries arrive, chats are opened again,
// numbers change, and all services misbehave, and starts it again. At the end every opening and every change stands once
// in Slack and once in its tab, in the same order, and inquiries in about the order in which they came. The seed decides what
// happens, when, where the daemon dies, and how the services fail; only which request meets which failure is up to the
// moment.
func TestKill(t *testing.T) {
	t.Parallel()
	kills := uint64(60)
	if testing.Short() {
		kills = 15
	}
	kills, seed := setting(t, killsVariable, kills), setting(t, seedVariable, uint64(time.Now().UnixNano()))
	t.Logf("%s=%d %s=%d", killsVariable, kills, seedVariable, seed)
	start := time.Now()
	plan := newCrashPlan(seed, int(kills))
	r := &victim{crashRig: newCrashRig(t, plan.regulars), died: map[string]int{}, hasty: map[string]bool{}, chats: map[int]*crashChat{}}
	if n := setting(t, worldVariable, 0); n != 0 {
		r.channel.SetQuirks(world(n))
	}
	r.world.SetFault(misbehave(seed))
	for _, l := range plan.lives[:kills] {
		r.live(l)
	}
	r.world.SetFault(nil)
	p := r.startTrapped(&trap{})
	r.left = append(r.left, plan.lives[kills].happenings...)
	await(t, "the last happenings", func() bool { r.happen(); return len(r.left) == 0 }, func() string {
		return fmt.Sprintf("left: %+v\n%s\n%s", r.left, r.result(), p.log())
	})
	result := r.settle(p)
	overtaken := r.assertOrder()
	t.Logf("%s\n%d events, lost %d, doubled %d, overtaken by %s at most, seed %d, %s", r.deaths(), result.events, result.lost(), result.doubled(),
		overtaken.Round(time.Millisecond), seed, time.Since(start).Round(time.Second))
}

// victim is a daemon that dies again and again, and its shop.
type victim struct {
	*crashRig
	chats map[int]*crashChat
	left  []happening     // whose time has come and that still wait for something
	died  map[string]int  // how often, where
	hasty map[string]bool // openings of chats that were closed at once
}

type crashChat struct {
	*sandbox.Chat
	openings int
}

// live runs the daemon until it dies.
func (r *victim) live(l life) {
	r.t.Helper()
	for len(l.happenings) > 0 && l.happenings[0].at == 0 {
		r.left = append(r.left, l.happenings[0])
		l.happenings = l.happenings[1:]
	}
	r.happen()
	start := time.Now()
	p := r.startTrapped(&trap{Seam: l.window.Seam, Sink: l.window.Sink, Nth: l.window.Nth, Fault: kill})
	for _, h := range l.happenings {
		if r.ended(p, time.Until(start.Add(h.at))) {
			break
		}
		r.left = append(r.left, h)
		l.happenings = l.happenings[1:]
		r.happen()
	}
	ended := r.ended(p, time.Until(start.Add(l.length)))
	p.kill()
	r.left = append(r.left, l.happenings...)
	switch {
	case p.sprung():
		r.died[l.window.name()]++
	case ended:
		r.t.Fatalf("the daemon ended by itself:\n%s", p.log())
	default:
		r.died[atRandom]++
	}
}

const atRandom = "at a random instant"

// ended waits for d, or until p has ended.
func (r *victim) ended(p *process, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.ended:
		return true
	case <-timer.C:
		return false
	}
}

// happen lets everything happen that is due and waits for nothing. Of one chat or regular nothing overtakes.
func (r *victim) happen() {
	seen := map[string]bool{}
	for _, key := range slices.Concat(rowKeys(r.rows(demoInquiries)), r.changeRows()) {
		seen[key] = true
	}
	type subject struct {
		regular bool
		who     int
	}
	waits := map[subject]bool{}
	r.left = slices.DeleteFunc(r.left, func(h happening) bool {
		s := subject{h.what == changes, h.who}
		if waits[s] = waits[s] || !r.ready(h, seen); waits[s] {
			return false
		}
		r.do(h)
		return true
	})
}

// ready reports whether what h builds on has been seen.
func (r *victim) ready(h happening, seen map[string]bool) bool {
	switch h.what {
	case opens:
		return true
	case changes:
		last := r.regulars[h.who].lastChange()
		return last == "" || seen[last]
	}
	c := r.chats[h.who]
	return c != nil && seen[fmt.Sprintf("%s/%d", c.ID(), c.openings)]
}

func (r *victim) do(h happening) {
	switch h.what {
	case opens:
		c := &crashChat{r.customer(h.text, h.text), 1}
		r.chats[h.who] = c
		if h.atOnce {
			c.Close()
			r.hasty[c.ID()+"/1"] = true
		}
	case reopens:
		c := r.chats[h.who]
		c.Reopen(h.text)
		c.openings++
	case closes:
		r.chats[h.who].Close()
	case changes:
		r.change(r.regulars[h.who], h.number)
	}
}

// maxOvertaking is how much earlier an inquiry may have happened than one that arrives before it. A poll that fails after some
// of its pages has what it found delivered; what was on the next page follows with the next poll that succeeds.
const maxOvertaking = time.Minute

// assertOrder compares the order of the inquiries with that in which they happened, and returns by how much one has
// overtaken another at most. A chat that was closed before anybody could look is found by a sweep, later than others.
func (r *victim) assertOrder() (worst time.Duration) {
	r.t.Helper()
	count, at := map[string]int{}, map[string]time.Time{}
	for _, h := range r.channel.Happenings()[r.before:] {
		if h.Kind == sandbox.ContactChanged {
			continue
		}
		if key := numbered(count, h.ChatID); !r.hasty[key] {
			at[key] = h.At
		}
	}
	var latest time.Time
	for _, key := range rowKeys(r.rows(demoInquiries)) {
		happened, ok := at[key]
		if !ok {
			continue
		}
		if d := latest.Sub(happened); d > maxOvertaking && !latest.IsZero() {
			r.t.Errorf("%s arrived after one that happened %s later", key, d)
		} else if !latest.IsZero() {
			worst = max(worst, d)
		}
		if happened.After(latest) {
			latest = happened
		}
	}
	return worst
}

// deaths lists where the daemon died, and how often.
func (r *victim) deaths() string {
	var lines []string
	for _, w := range append(windows(), window{Seam: atRandom}) {
		lines = append(lines, fmt.Sprintf("%5d %s", r.died[w.name()], w.name()))
	}
	return "killed:\n" + strings.Join(lines, "\n")
}
