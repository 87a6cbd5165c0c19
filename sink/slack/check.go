package slack

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"talkrelay/sink"
)

// maxSkew is how far our clock may be from Slack's. Searches are corrected for it; what people read is not.
const maxSkew = 2 * time.Minute

// Check looks at everything that a message will need, and posts nothing: the token and its scopes, the channel and the
// bot's place in it, whether its history can be read (without which a message in doubt could not be found again), and
// the clock. It stops at the first thing without which the rest cannot be asked.
func (s *Sink) Check(ctx context.Context) []sink.Finding {
	us, token := s.checkToken(ctx)
	if !token.OK {
		return []sink.Finding{token}
	}
	findings := []sink.Finding{token}
	id, err := s.channel(ctx)
	if err != nil {
		return append(findings, s.finding("channel", err), s.checkClock(time.Now()))
	}
	channel, private := s.checkChannel(ctx, id)
	if us.scopes != nil {
		findings = append(findings, s.checkScopes(us.scopes, private))
	}
	findings = append(findings, channel)
	if channel.OK {
		findings = append(findings, s.checkHistory(ctx, id))
	}
	return append(findings, s.checkClock(time.Now()))
}

// finding makes a finding of an error. Its reason says, after a colon, what to do; if it does not, nothing that the
// bot or the channel could change is wrong.
func (s *Sink) finding(name string, err error) sink.Finding {
	e := sink.VerdictOf(err)
	what, fix, ok := strings.Cut(e.Reason, ": ")
	if !ok {
		fix = "check the network, the proxy and " + s.setting("api_url") + ", or try again later"
	}
	if e.Err != nil {
		what += ": " + e.Err.Error()
	}
	return sink.Finding{Name: name, Text: what, Fix: fix}
}

func (s *Sink) checkToken(ctx context.Context) (bot, sink.Finding) {
	call, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	us, o := s.ws.authTest(call)
	if o.class != applied {
		return us, s.finding("token", s.setupError(ctx, opAuth, o))
	}
	return us, sink.Finding{Name: "token", OK: true, Text: fmt.Sprintf("bot @%s of the workspace %s", us.user, us.team)}
}

// checkScopes compares the scopes the token has with those a channel of that kind needs.
func (s *Sink) checkScopes(have []string, private bool) sink.Finding {
	need := lacking(have, private)
	if s.cfg.MentionAssignee && !slices.Contains(have, "users:read.email") {
		need = append(need, "users:read.email (for mention_assignee)")
	}
	if len(need) > 0 {
		return sink.Finding{Name: "scopes", Text: "the bot token lacks " + strings.Join(need, ", "),
			Fix: "add them to the Slack app under OAuth & Permissions and install the app again"}
	}
	return sink.Finding{Name: "scopes", OK: true, Text: "all that is needed"}
}

// lacking returns what a token with the scopes have lacks for a channel of that kind.
func lacking(have []string, private bool) []string {
	need := []string{"chat:write", "channels:history", "channels:read"}
	if private {
		need = []string{"chat:write", "groups:history", "groups:read"}
	}
	return slices.DeleteFunc(need, func(scope string) bool { return slices.Contains(have, scope) })
}

func (s *Sink) checkChannel(ctx context.Context, id string) (f sink.Finding, private bool) {
	call, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	call, trace := sink.WithTrace(call)
	ch, err := s.ws.lib.GetConversationInfoContext(call, &slackgo.GetConversationInfoInput{ChannelID: id})
	s.ws.noteDate(trace)
	switch o := libraryOutcome(err, trace); {
	case o.class != applied:
		return s.finding("channel", s.setupError(ctx, opChannel, o)), false
	case ch.IsArchived:
		f = s.finding("channel", s.fail(sink.PauseDestination, opChannel, s.destinationReason("is_archived"), o))
	case !ch.IsMember && !ch.IsIM:
		f = s.finding("channel", s.fail(sink.PauseDestination, opChannel, s.destinationReason("not_in_channel"), o))
	default:
		f = sink.Finding{Name: "channel", OK: true, Text: fmt.Sprintf("#%s (%s)", ch.Name, id)}
	}
	return f, ch.IsPrivate
}

func (s *Sink) checkHistory(ctx context.Context, id string) sink.Finding {
	_, _, o := s.page(ctx, "conversations.history", url.Values{"channel": {id}, "limit": {"1"}})
	if o.class == applied {
		return sink.Finding{Name: "history", OK: true, Text: "readable: a message in doubt can be found again"}
	}
	f := s.finding("history", s.lookUpError(opHistory, id, o))
	f.Text = "not readable, so a message in doubt cannot be reconciled (" + o.what + ")"
	return f
}

func (s *Sink) checkClock(now time.Time) sink.Finding {
	skew, ok := s.ws.clockSkew()
	switch {
	case !ok:
		return sink.Finding{Name: "clock", OK: true, Text: "Slack did not tell the time"}
	case skew.Abs() > maxSkew:
		return sink.Finding{Name: "clock", Text: fmt.Sprintf("this machine's clock (%s) is off by %v", now.UTC().Format(time.RFC3339), skew.Abs().Round(time.Second)),
			Fix: "let the machine set its clock over the network: timedatectl set-ntp true"}
	}
	return sink.Finding{Name: "clock", OK: true, Text: "agrees with Slack's"}
}
