package main

import (
	"fmt"
	"testing"

	"talkrelay/poller"
	"talkrelay/sandbox"
)

// The number of chats that TestCostOfKinds knows can be set, for the figures of docs/events.md:
//
//	TALKRELAY_KNOWN=100000 go test -v -run TestCostOfKinds -timeout 30m ./cmd/talkrelay
const knownVariable = "TALKRELAY_KNOWN"

// TestCostOfKinds counts the requests of each job where many chats are known, most of them closed long ago.
func TestCostOfKinds(t *testing.T) {
	t.Parallel()
	known := int(setting(t, knownVariable, 100))
	r := newRig(t)
	r.channel.SetQuirks(sandbox.Quirks{Unlimited: true})
	var open *sandbox.Chat
	for i := range known {
		c := r.customer(fmt.Sprint("고객", i), "문의")
		if i%100 > 0 {
			c.Close()
		} else {
			open = c
		}
	}
	group := r.channel.AddGroup("배송")
	p := r.poller(nil)
	requests := func(jobs ...string) int {
		t.Helper()
		before := p.Status().Requests
		for _, job := range jobs {
			if err := p.PollOnce(t.Context(), job); err != nil {
				t.Fatal(err)
			}
		}
		return int(p.Status().Requests - before)
	}
	if err := p.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	tick := requests(poller.JobPoll)
	idle := requests(poller.JobMessages)
	open.CustomerSays("언제 오나요?")
	requests(poller.JobPoll)
	message := requests(poller.JobMessages)
	sweep := requests(poller.JobSweep)
	quiet := requests(poller.JobGroups)
	group.Says(r.agent, "오늘은 5시 마감")
	requests(poller.JobGroups) // and one for the names of the managers, every five minutes
	group.Says(r.agent, "내일은 6시")
	team := requests(poller.JobGroups)
	t.Logf("%d chats known: %d requests a poll, %d a sweep (all closed within the overlap), %d for messages of a chat, %d when nobody writes", known, tick, sweep, message, idle)
	if tick != 2 || idle != 0 || message != 1 {
		t.Errorf("want 2 requests a poll, 1 for new messages of a chat, none when nobody writes")
	}
	if quiet != 1 || team != 1 {
		t.Errorf("%d requests for a look at a team chat, %d when somebody wrote there, want 1", quiet, team)
	}
}
