package main

import (
	"context"
	"fmt"
	"slices"

	"talkrelay"
	"talkrelay/poller"
	"talkrelay/sink"
)

// teamChatsFinding says whether the team chats of a channel can be read, and whether those are there that groups names. A
// channel of which no route asks for them has none to find.
func teamChatsFinding(ctx context.Context, cfg *config, p poller.Config, api poller.API) (f sink.Finding, asked bool) {
	if !slices.Contains(cfg.plan.router.Kinds(p.Name), talkrelay.TeamChatMessage) {
		return f, false
	}
	f.Name = "team chats"
	found, err := poller.FindGroups(ctx, api, p.Groups)
	switch {
	case err != nil:
		f.Text, f.Fix = err.Error(), channelFix(err)
	case len(found.Missing) > 0:
		f.Text = "no public team chat is called " + found.Shown(found.Missing)
		f.Fix = "correct groups of the channel; there are: " + found.Shown(found.There)
	default:
		f.OK, f.Text = true, fmt.Sprintf("%d public ones", found.All)
	}
	return f, true
}
