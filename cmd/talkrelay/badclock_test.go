package main

import (
	"sync/atomic"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// TestClockOff runs the daemon where the clock is off by hours. Only Google cares: it gives out no tokens then.
func TestClockOff(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{5 * time.Hour, -5 * time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			var google atomic.Int64 // Google's clock against ours
			google.Store(int64(off))
			r := newRigOf(t, shopAt(t, func() time.Duration { return off }, func() time.Duration { return time.Duration(google.Load()) }), hurried...)
			wrong := "the clock of this machine is wrong"
			r.assertCheck(map[string]string{
				"channel shop: clock": "timedatectl set-ntp true", "sink cs-alerts: clock": "timedatectl set-ntp true",
				"sink inquiries: token": wrong, "sink changes: token": wrong,
			})
			p := r.start()
			r.awaitBaseline(p)
			r.world.Slack.SetFault(sandbox.Only("chat.postMessage", sandbox.Script(&sandbox.Fault{Reset: true})))
			known := r.channel.AddUser(canary)
			r.channel.OpenChat(known, canaryText, sandbox.Opening{})
			p.awaitLine("level=WARN", "sink=cs-alerts", "in doubt")
			r.plantCanaries(known)
			p.awaitLine("level=WARN", "sink=inquiries", wrong)
			await(t, "Slack", func() bool { return slackArrived(r) }, p.log)
			google.Store(0)
			r.awaitAll(p)
			r.assertDiscreet(r.written())
		})
	}
}

// shopAt opens a shop whose services' clocks are off by what off and google return.
func shopAt(t *testing.T, off, google func() time.Duration) *demoShop {
	t.Helper()
	clock := func(off func() time.Duration) sandbox.ServiceOptions {
		return sandbox.ServiceOptions{Now: func() time.Time { return time.Now().Add(off()) }}
	}
	world, err := sandbox.Start(sandbox.Options{ChannelTalk: clock(off), Slack: clock(off), Google: clock(google)})
	if err != nil {
		t.Fatal(err)
	}
	return &demoShop{
		world:   world,
		channel: world.ChannelTalk.AddChannel("모두의가게"),
		slack:   world.Slack.AddChannel("cs-alerts"),
		sheet:   world.Google.AddSpreadsheet("고객 문의"),
	}
}
