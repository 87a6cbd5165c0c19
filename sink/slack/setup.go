package slack

import (
	"context"
	"slices"
	"strings"

	slackgo "github.com/slack-go/slack"

	"talkrelay/sink"
)

// Bot is who a token speaks for.
type Bot struct {
	Name      string
	Workspace string
	Lacks     []string // scopes it needs for public channels and has not; nil = none, or Slack did not tell
}

// Room is a channel that the bot can see.
type Room struct {
	ID      string
	Name    string
	Private bool
	Member  bool // the bot is in it, and can post
}

const opRooms = "list channels"

// Bot asks Slack who the token speaks for. The error is a *sink.Error: with the verdict PauseCredential Slack refuses the
// token, and Reason begins with Slack's code.
func (w *Workspace) Bot(ctx context.Context) (Bot, error) {
	us, o := w.authTest(ctx)
	if o.class != applied {
		return Bot{}, setupFailure(opAuth, o)
	}
	b := Bot{Name: us.user, Workspace: us.team}
	if us.scopes != nil {
		b.Lacks = lacking(us.scopes, false)
	}
	return b, nil
}

// Rooms lists the channels that the bot can see and that are not archived, those it is in first, else by name. Private
// ones are left out if the app may not list them. The error is as Bot's.
func (w *Workspace) Rooms(ctx context.Context) ([]Room, error) {
	var rooms []Room
	see := func(ch slackgo.Channel) bool {
		rooms = append(rooms, Room{ID: ch.ID, Name: sink.OneLine(ch.Name), Private: ch.IsPrivate, Member: ch.IsMember})
		return false
	}
	o := w.eachChannel(ctx, []string{"public_channel", "private_channel"}, DefaultTimeout, see)
	if o.code == "missing_scope" {
		rooms = nil
		o = w.eachChannel(ctx, []string{"public_channel"}, DefaultTimeout, see)
	}
	if o.class != applied {
		return nil, setupFailure(opRooms, o)
	}
	slices.SortStableFunc(rooms, func(a, b Room) int {
		if a.Member != b.Member {
			return map[bool]int{true: -1, false: 1}[a.Member]
		}
		return strings.Compare(a.Name, b.Name)
	})
	return rooms, nil
}

// setupFailure makes the error of a question about the token.
func setupFailure(op string, o outcome) error {
	v := sink.Retry
	switch o.class {
	case credential:
		v = sink.PauseCredential
	case destination, ourBug, badMessage:
		v = sink.PauseDestination
	}
	reason := o.what
	if o.scope != "" {
		reason += ", needed: " + o.scope
	}
	return &sink.Error{Verdict: v, Op: op, Reason: reason, After: o.after, Err: o.err}
}
