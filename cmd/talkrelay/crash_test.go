package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// Kills of TestKill, and its seed, can be set for a longer run or to repeat one:
//
//	TALKRELAY_KILLS=1000 TALKRELAY_SEED=7 go test -run TestKill -timeout 2h ./cmd/talkrelay
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

// TestKill kills the daemon at random instants while inquiries arrive and both services misbehave, and starts it again.
// At the end every opening stands in Slack and in the sheet once, and in the same order in both.
func TestKill(t *testing.T) {
	t.Parallel()
	kills, seed := setting(t, killsVariable, 20), setting(t, seedVariable, uint64(time.Now().UnixNano()))
	t.Logf("%s=%d %s=%d", killsVariable, kills, seedVariable, seed)
	random := rand.New(rand.NewPCG(seed, 0))

	// Look-ups wait longer than the services hold a request, as they do in real life.
	r := newRig(t,
		`"@every 2s"`, `"@every 1s"`,
		`channel = `, `lookups_answered = ["100ms", "200ms"]
lookups_unanswered = ["300ms", "500ms"]
recheck_after = "1s"
timeout = "2s"
per_second = 100.0
per_minute = 10000.0
channel = `)
	r.world.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	r.world.Google.Set(sandbox.GoogleSettings{WritesPerMinute: -1, ReadsPerMinute: -1})
	p := r.start()
	r.awaitBaseline(p)
	r.world.SetFault(sandbox.RandomFaults(seed, 0.05, 100*time.Millisecond))

	var closed []*sandbox.Chat
	for i := range kills {
		for range 1 + random.IntN(5) {
			closed = r.happen(random, int(i), closed)
		}
		// Wherever the daemon is by then, that is where it dies: starting, polling, committing, sending, in doubt.
		time.Sleep(time.Duration(random.IntN(900)) * time.Millisecond)
		p.kill()
		p = r.start()
	}
	r.world.SetFault(nil)
	await(t, "everything, once each", func() bool { return r.once() == "" }, func() string { return r.once() + "\n" + p.log() })
	if slack, sheet := r.slackKeys(), rowKeys(r.rows(demoInquiries)); !slices.Equal(slack, sheet) {
		t.Errorf("the order differs:\nslack %v\nsheet %v", slack, sheet)
	}
}

// happen makes one thing happen: a new chat, one that is closed at once, or one whose last opening has long arrived and
// that is opened again.
func (r *rig) happen(random *rand.Rand, life int, closed []*sandbox.Chat) []*sandbox.Chat {
	if n := len(closed); n > 0 && random.IntN(4) == 0 {
		i := random.IntN(n)
		chat := closed[i]
		if slices.Contains(r.slackKeys(), fmt.Sprintf("%s/1", chat.ID())) {
			chat.Reopen("다시 문의합니다")
			return slices.Delete(closed, i, i+1)
		}
	}
	chat := r.customer(fmt.Sprintf("고객 %d", life), "문의합니다")
	if random.IntN(3) == 0 {
		chat.Close()
		closed = append(closed, chat)
	}
	return closed
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
