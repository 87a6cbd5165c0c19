package slack

import (
	"context"
	"fmt"
	"slices"

	"talkrelay/sink"
)

// fail makes the error for an outcome.
func (s *Sink) fail(v sink.Verdict, op, reason string, o outcome) *sink.Error {
	return &sink.Error{Verdict: v, Op: op, Reason: reason, After: o.after, Answered: v == sink.InDoubt && o.answered, Err: o.err}
}

// postError decides what follows on a chat.postMessage that was not accepted.
func (s *Sink) postError(ctx context.Context, m sink.Message, stored frozen, o outcome) error {
	if o.code == "no_permission" {
		o = s.permissionOutcome(ctx, o)
	}
	if stored.thread != "" && slices.Contains(threadCodes, o.code) {
		return s.leaveThread(stored, o)
	}
	switch o.class {
	case notSent, later:
		return s.fail(sink.Retry, opPost, o.what, o)
	case throttled:
		s.ws.hold(o.after)
		s.mu.Lock()
		s.throttled = m.ID
		s.mu.Unlock()
		return s.fail(sink.Retry, opPost, "rate limit ("+o.what+")", o)
	case destination:
		s.forget(o.code)
		return s.fail(sink.PauseDestination, opPost, s.destinationReason(o.code), o)
	case credential:
		s.ws.refuse(o)
		return s.fail(sink.PauseCredential, opPost, s.credentialReason(o), o)
	case badMessage:
		return s.badMessage(stored, o)
	case ourBug:
		return s.fail(sink.PauseDestination, opPost, s.bugReason(o), o)
	}
	s.ws.hold(o.after)
	return s.fail(sink.InDoubt, opPost, o.what, o)
}

// permissionOutcome finds out whose permission no_permission is about: if Slack still accepts the token, it is the
// app's place in the channel.
func (s *Sink) permissionOutcome(ctx context.Context, o outcome) outcome {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	if _, test := s.ws.authTest(ctx); test.class != credential {
		o.class = destination
	}
	return o
}

// leaveThread asks for a message in the channel in place of a reply.
func (s *Sink) leaveThread(stored frozen, o outcome) error {
	err := s.fail(sink.Rework, opPost, "the thread takes no reply ("+o.code+"): posted in the channel", o)
	if err.Form = FormTop; !stored.blocks {
		err.Form += " " + FormPlain
	}
	return err
}

// badMessage asks for the plain form once. What has no blocks has no plainer form.
func (s *Sink) badMessage(stored frozen, o outcome) error {
	if !stored.blocks {
		return s.fail(sink.Bad, opPost, "Slack refuses the message ("+o.code+")", o)
	}
	err := s.fail(sink.Rework, opPost, "Slack refuses the blocks ("+o.code+"): sent as plain text", o)
	err.Form = FormPlain
	return err
}

// lookUpError decides what follows on a failed look into the history: the message stays in doubt, whatever it says.
func (s *Sink) lookUpError(op, channel string, o outcome) error {
	switch {
	case o.class == throttled, o.class == later:
		return s.fail(sink.Retry, op, "rate limit ("+o.what+")", o)
	case o.class == notSent:
		return s.fail(sink.Retry, op, o.what, o)
	case unreadable(o):
		return s.fail(sink.PauseDestination, op, s.historyReason(channel, o), o)
	case o.class == credential:
		s.ws.refuse(o)
		return s.fail(sink.PauseCredential, op, s.credentialReason(o), o)
	case o.class == ourBug:
		return s.fail(sink.PauseDestination, op, s.bugReason(o), o)
	}
	return s.fail(sink.InDoubt, op, o.what, o)
}

// unreadable reports whether o means that the bot may not read the channel, until somebody lets it.
func unreadable(o outcome) bool {
	return o.class == destination || o.code == "missing_scope" || o.code == "no_permission"
}

// setupError decides what follows on a call that is made before anything is posted: nothing is in doubt.
func (s *Sink) setupError(ctx context.Context, op string, o outcome) error {
	if err := ctx.Err(); err != nil {
		o.err = err
	}
	switch {
	case op == opChannel && o.code == "missing_scope": // for this call; what posts by the channel's id does not need it
		return s.fail(sink.PauseDestination, op, s.scopeReason(o), o)
	case o.class == credential:
		s.ws.refuse(o)
		return s.fail(sink.PauseCredential, op, s.credentialReason(o), o)
	case o.class == destination:
		return s.fail(sink.PauseDestination, op, s.destinationReason(o.code), o)
	case o.class == ourBug:
		return s.fail(sink.PauseDestination, op, s.bugReason(o), o)
	}
	return s.fail(sink.Retry, op, o.what, o)
}

// setting names a setting of this sink, as it stands in the config file.
func (s *Sink) setting(key string) string { return fmt.Sprintf("%s of sink.slack %q", key, s.cfg.Name) }

// destinationReason says what is wrong with the channel and what to do about it.
func (s *Sink) destinationReason(code string) string {
	ch, key := s.cfg.Channel, s.setting("channel")
	switch code {
	case "not_in_channel", "no_permission":
		return fmt.Sprintf("the bot is not in the channel (%s): invite it with /invite @bot in %s, or change %s", code, ch, key)
	case "channel_not_found":
		return fmt.Sprintf("Slack knows no channel %s that the bot may see (%s): if it is private, invite the bot there; else change %s", ch, code, key)
	case "is_archived", "is_inactive":
		return fmt.Sprintf("the channel %s is archived (%s): unarchive it in Slack, or change %s", ch, code, key)
	case "restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel", "posting_to_channel_denied", "channel_is_limited_access":
		return fmt.Sprintf("the workspace does not let the bot post to %s (%s): let an admin allow it in the channel's settings, or change %s", ch, code, key)
	case "team_not_found":
		return fmt.Sprintf("Slack finds no workspace for %s (%s): give the channel's id instead of its name in %s", ch, code, key)
	}
	return fmt.Sprintf("Slack refuses the channel %s (%s): change %s, or let a Slack admin look at it", ch, code, key)
}

// historyReason says why a message in doubt cannot be looked for.
func (s *Sink) historyReason(channel string, o outcome) string {
	if o.code == "missing_scope" {
		return fmt.Sprintf("a message may have arrived, and the bot cannot look: add the scope %s to the Slack app and install it again", orWord(o.scope, "channels:history (groups:history for a private channel)"))
	}
	return fmt.Sprintf("a message may have arrived, and the bot cannot look (%s): invite it with /invite @bot in %s, or set %s to %q",
		o.code, channel, s.setting("on_unknown"), Resend)
}

// scopeReason says what to do when the bot may not look a channel up.
func (s *Sink) scopeReason(o outcome) string {
	return fmt.Sprintf("the bot may not look up channels (missing_scope): add the scope %s to the Slack app and install it again, or give the channel's id in %s",
		orWord(o.scope, "channels:read (groups:read for a private channel)"), s.setting("channel"))
}

func (s *Sink) credentialReason(o outcome) string {
	key := s.setting("token")
	switch o.code {
	case "missing_scope":
		return fmt.Sprintf("the bot token lacks the scope %s (missing_scope): add it to the Slack app under OAuth & Permissions and install the app again", orWord(o.scope, "chat:write"))
	case "not_allowed_token_type", "is_bot", "as_user_not_supported":
		return fmt.Sprintf("Slack refuses this kind of token (%s): put a bot token, which starts with xoxb-, into %s", o.code, key)
	case "access_denied", "accesslimited", "app_access_restricted", "enterprise_is_restricted", "no_permission":
		return fmt.Sprintf("the workspace restricts the Slack app (%s): let a Slack admin allow it, or change %s", o.code, key)
	}
	return fmt.Sprintf("Slack refuses the bot token (%s): put a valid one into %s and restart", o.code, key)
}

func (s *Sink) bugReason(o outcome) string {
	if o.code == "" {
		return fmt.Sprintf("refused with %s: check %s and the proxy; everything is kept", o.what, s.setting("api_url"))
	}
	return fmt.Sprintf("Slack refuses in a way that is not known here (%s): everything is kept; please report it", o.code)
}
