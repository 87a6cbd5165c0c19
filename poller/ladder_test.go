package poller_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

// waitingRoom is a channel with the stages 30m, 2h and 4h at all hours, and one chat "c" that has been told of.
type waitingRoom struct {
	*talk
	s    *store
	p    *poller.Poller
	c    *channeltalk.UserChat
	make func() *poller.Poller
}

func newWaitingRoom(t *testing.T, change func(*poller.Config)) *waitingRoom {
	t.Helper()
	r := &waitingRoom{talk: newTalk(), s: newStore()}
	r.make = func() *poller.Poller {
		return newPoller(t, r.talk, r.s, func(c *poller.Config) {
			c.Waiting.Stages = []time.Duration{30 * time.Minute, 2 * time.Hour, 4 * time.Hour}
			if change != nil {
				change(c)
			}
		})
	}
	r.p = r.make()
	run(t, r.p, poller.JobPoll)
	r.c = r.open("c", "opened")
	run(t, r.p, poller.JobPoll)
	return r
}

// says lets the customer write.
func (r *waitingRoom) says(text string) {
	at := r.tick()
	r.now += 10 // askedAt is set a little before the message
	m := channeltalk.Message{ID: fmt.Sprint("u", r.now), ChatID: "c", PersonType: "user", Text: text, CreatedAt: time.UnixMilli(r.now)}
	r.c.AskedAt, r.c.UserLastMessageID = at, m.ID
	r.messages["c"] = slices.Insert(r.messages["c"], 0, m)
}

// others lets somebody else write.
func (r *waitingRoom) others(person string, options ...string) {
	m := channeltalk.Message{ID: fmt.Sprint("x", r.tick().UnixMilli()), ChatID: "c", PersonType: person, Text: "네", Options: options, CreatedAt: time.UnixMilli(r.now)}
	r.messages["c"] = slices.Insert(r.messages["c"], 0, m)
	if person == "manager" && len(options) == 0 {
		r.reply(r.c)
	}
}

func (r *waitingRoom) wait(d time.Duration) { r.now += d.Milliseconds() }

// stages returns what was told, as in "1:30m0s 2:2h0m0s".
func (r *waitingRoom) stages() string {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	var out []string
	for _, id := range r.s.order {
		if e := r.s.events[id]; e.Kind == talkrelay.UserChatWaiting {
			out = append(out, fmt.Sprintf("%d:%v", e.Stage, e.Waited))
		}
	}
	return strings.Join(out, " ")
}

// Each case says what happens; between two steps all rows are looked at twice, so that nothing may be told again.
func TestLadder(t *testing.T) {
	t.Parallel()
	wait := func(d time.Duration) func(*waitingRoom) { return func(r *waitingRoom) { r.wait(d) } }
	says := func(text string) func(*waitingRoom) { return func(r *waitingRoom) { r.says(text) } }
	others := func(person string, options ...string) func(*waitingRoom) {
		return func(r *waitingRoom) { r.others(person, options...) }
	}
	type steps = []func(*waitingRoom)
	const min, hour = time.Minute, time.Hour
	for name, tt := range map[string]struct {
		steps steps
		want  string
	}{
		"nobody waits":             {steps{wait(9 * hour)}, ""},
		"not long":                 {steps{says("환불해 주세요"), wait(29 * min)}, ""},
		"stage by stage":           {steps{says("환불해 주세요"), wait(31 * min), wait(90 * min), wait(2 * hour), wait(50 * hour)}, "1:31m0s 2:2h1m0s 3:4h1m0s"},
		"only the highest":         {steps{says("환불해 주세요"), wait(3 * hour)}, "2:3h0m0s"},
		"a nudge is no new wait":   {steps{says("환불해 주세요"), wait(20 * min), says("저기요"), wait(11 * min), wait(50 * min)}, "1:31m0s"},
		"answered":                 {steps{says("환불해 주세요"), wait(20 * min), others("manager"), wait(9 * hour)}, ""},
		"a note is no answer":      {steps{says("환불해 주세요"), others("manager", "private"), wait(31 * min)}, "1:31m0s"},
		"a bot is no answer":       {steps{says("환불해 주세요"), others("bot"), wait(31 * min)}, "1:31m0s"},
		"asked again":              {steps{says("a"), wait(31 * min), others("manager"), says("b"), wait(31 * min)}, "1:31m0s 1:31m0s"},
		"thanks":                   {steps{others("manager"), says("네, 감사합니다!!"), wait(9 * hour)}, ""},
		"emoji":                    {steps{others("manager"), says("👍🏻 ❤️"), wait(9 * hour)}, ""},
		"thanks, then a question":  {steps{says("감사합니다"), wait(40 * min), says("그런데 환불은"), wait(29 * min), wait(2 * min)}, "1:31m0s"},
		"a question, then thanks":  {steps{says("환불해 주세요"), says("감사합니다"), wait(31 * min)}, "1:31m0s"},
		"thanks with a question":   {steps{says("감사합니다?"), wait(31 * min)}, "1:31m0s"},
		"nothing that we can read": {steps{says(""), wait(31 * min)}, "1:31m0s"},
		"closed":                   {steps{says("환불해 주세요"), wait(20 * min), func(r *waitingRoom) { r.close(r.c) }, wait(9 * hour)}, ""},
		"laid aside":               {steps{says("환불해 주세요"), wait(20 * min), func(r *waitingRoom) { r.snooze(r.c) }, wait(9 * hour)}, ""},
		"our restart":              {steps{says("환불해 주세요"), wait(31 * min), func(r *waitingRoom) { r.p = r.make() }, wait(90 * min)}, "1:31m0s 2:2h1m0s"},
		"the clock goes back":      {steps{says("환불해 주세요"), wait(31 * min), wait(-hour), wait(3 * hour)}, "1:31m0s 2:2h31m0s"},
		"answered between two looks": {steps{says("a"), wait(31 * min), func(r *waitingRoom) {
			r.others("manager")
			r.says("b")
		}, wait(29 * min), wait(2 * min)}, "1:31m0s 1:31m0s"},
		"answered between two looks, all told": {steps{says("a"), wait(5 * hour), func(r *waitingRoom) {
			r.others("manager")
			r.says("b")
		}, wait(29 * min), wait(2 * min), wait(90 * min)}, "3:5h0m0s 1:31m0s 2:2h1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newWaitingRoom(t, nil)
			for _, step := range tt.steps {
				step(r)
				run(t, r.p, poller.JobPoll, poller.JobSweep, poller.JobPoll, poller.JobSweep)
			}
			if got := r.stages(); got != tt.want {
				t.Errorf("told %q, want %q", got, tt.want)
			}
			if len(r.s.again) > 0 {
				t.Errorf("found again: %v", r.s.again)
			}
			commits, asked := r.s.commits, r.requests["messages"]
			run(t, r.p, poller.JobPoll, poller.JobSweep)
			if r.s.commits != commits || r.requests["messages"] != asked {
				t.Errorf("%d writes and %d look-ups though nothing happened", r.s.commits-commits, r.requests["messages"]-asked)
			}
		})
	}
}

// What the event holds: the words that wait, and who should answer them.
func TestLadderEvent(t *testing.T) {
	t.Parallel()
	r := newWaitingRoom(t, nil)
	r.says("환불해 주세요")
	run(t, r.p, poller.JobPoll)
	r.says("감사합니다")
	r.assign(r.c, "m1")
	began := r.messages["c"][1].CreatedAt.UnixMilli()
	r.wait(time.Hour)
	run(t, r.p, poller.JobSweep)
	e := r.s.last(t, "c")
	if want := fmt.Sprintf("userChat.waiting/c/%d-1", began); e.ID != want || e.Message.Text != "환불해 주세요" || e.Assignee.Name != "김상담" || e.DeskURL == "" {
		t.Errorf("%+v\nwant id %s", e, want)
	}
}

// While the messages cannot be read, a stage waits for two sweeps and is told then: what is not known is a wait.
func TestLadderInTheDark(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*poller.Config){
		"failing":   func(c *poller.Config) { c.API.(*talk).fail = refuseMessages },
		"no budget": func(c *poller.Config) { c.MessageLookupsPerMinute = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newWaitingRoom(t, change)
			r.says("감사합니다")
			r.wait(31 * time.Minute)
			for range 2 {
				run(t, r.p, poller.JobPoll, poller.JobSweep, poller.JobPoll)
				if got := r.stages(); got != "" {
					t.Fatalf("told %q", got)
				}
			}
			run(t, r.p, poller.JobSweep, poller.JobSweep)
			if got := r.stages(); got != "1:31m0s" {
				t.Errorf("told %q", got)
			}
		})
	}
}

func refuseMessages(op string) error {
	if op == "messages" {
		return errDown
	}
	return nil
}

// Whoever waits already when somebody first asks is no news at the stages that are behind.
func TestLadderBegins(t *testing.T) {
	t.Parallel()
	a, s := newTalk(), newStore()
	off := func(c *poller.Config) { c.Waiting.Stages = nil }
	on := func(c *poller.Config) { c.Waiting.Stages = []time.Duration{30 * time.Minute, 2 * time.Hour} }
	r := &waitingRoom{talk: a, s: s, p: newPoller(t, a, s, off), c: a.open("c", "opened")}
	r.says("환불해 주세요")
	run(t, r.p, poller.JobPoll, poller.JobSweep)
	r.wait(time.Hour)
	r.p = newPoller(t, a, s, on)
	run(t, r.p, poller.JobPoll, poller.JobSweep)
	if got := r.stages(); got != "" {
		t.Errorf("told %q at the start", got)
	}
	r.wait(time.Hour)
	run(t, r.p, poller.JobPoll, poller.JobSweep)
	if got := r.stages(); got != "2:2h0m0s" {
		t.Errorf("told %q", got)
	}
}

// A refused commit tells later, and once.
func TestLadderRefused(t *testing.T) {
	t.Parallel()
	r := newWaitingRoom(t, nil)
	r.says("환불해 주세요")
	run(t, r.p, poller.JobSweep)
	r.wait(31 * time.Minute)
	r.s.refuse = func(talkrelay.Commit) error { return errFull }
	runFailing(t, r.p, poller.JobPoll)
	r.s.refuse = nil
	run(t, r.p, poller.JobPoll, poller.JobSweep)
	if got := r.stages(); got != "1:31m0s" {
		t.Errorf("told %q", got)
	}
}

// A year without holidays is spoken of once.
func TestLadderMissesHolidays(t *testing.T) {
	t.Parallel()
	holidays, err := talkrelay.ParseHolidays("2025-01-01\n")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	r := newWaitingRoom(t, func(c *poller.Config) {
		c.Waiting.Holidays, c.Logger = holidays, slog.New(slog.NewTextHandler(&log, nil))
	})
	r.says("환불해 주세요")
	run(t, r.p, poller.JobPoll, poller.JobSweep, poller.JobSweep)
	if n := strings.Count(log.String(), "holidays of a year are missing"); n != 1 || !strings.Contains(log.String(), "2026") {
		t.Errorf("told %d times:\n%s", n, log.String())
	}
}
