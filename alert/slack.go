package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"talkrelay"
	"talkrelay/sink"
)

// Slack posts to a channel with a bot token. It shares nothing with the Slack sinks but the network, so that a token
// that is refused there, or a channel that is archived, does not silence it.
type Slack struct {
	Token   string
	Channel string // id, or name without #
	APIURL  string // ends in a slash
	Client  *http.Client
}

// DefaultSlackAPI is where Slack's API is.
const DefaultSlackAPI = "https://slack.com/api/"

// Name returns the path's table in the config file.
func (s *Slack) Name() string { return "alert.slack" }

// Validate returns what is wrong with the settings.
func (s *Slack) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	if !strings.HasPrefix(s.Token, "xox") {
		p.Add("token", "is no Slack token: give the bot token of an app (OAuth & Permissions, starts with xoxb-)")
	}
	if strings.TrimSpace(s.Channel) == "" {
		p.Add("channel", "is missing: give the id of the channel for alerts, like C0123456789")
	}
	if fault := sink.AddressFault(s.APIURL, false); fault != "" {
		p.Add("api_url", "%s", fault)
	}
	return p
}

// Send posts m.
func (s *Slack) Send(ctx context.Context, m Message) error {
	return s.call(ctx, "chat.postMessage", map[string]any{
		"channel": s.Channel, "text": escape.Replace(m.Text), "unfurl_links": false, "unfurl_media": false,
	})
}

// Check tries the token. Whether the app may write to the channel shows only when it does.
func (s *Slack) Check(ctx context.Context) (string, error) {
	return "the token is accepted", s.call(ctx, "auth.test", struct{}{})
}

// escape keeps names from the config, and words of errors, from being read as mark-up.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (s *Slack) call(ctx context.Context, method string, body any) error {
	text, err := post(ctx, s.Client, s.APIURL+method, body, http.Header{"Authorization": {"Bearer " + s.Token}})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	var answer struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return errors.New(method + ": the answer is not Slack's; check api_url")
	}
	if !answer.OK {
		return fmt.Errorf("%s: %s%s", method, code(answer.Error), slackHint(answer.Error))
	}
	return nil
}

// code returns s if it looks like an error code.
func code(s string) string {
	if s == "" || len(s) > 60 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return "refused without a code"
	}
	return s
}

func slackHint(code string) string {
	switch code {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired":
		return "; replace token in [alert.slack]"
	case "missing_scope":
		return "; give the app the scope chat:write and install it again"
	case "channel_not_found", "is_archived":
		return "; correct channel in [alert.slack]"
	case "not_in_channel":
		return "; invite the app into the channel of [alert.slack]"
	}
	return ""
}
