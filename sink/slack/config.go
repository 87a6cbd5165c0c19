package slack

import (
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// Config holds the settings of one [[sink.slack]].
type Config struct {
	Name    string // of the sink; used in messages to people
	Token   string // bot token, xoxb-…
	Channel string // channel id, C0123456789; or a name, resolved at the first use and remembered in Memory
	Mask    *bool  // phone numbers and e-mail addresses as 010-****-5678, h***@example.com; nil = yes
	Mention string // put in front of new inquiries: <!here>, <@U…>, <!subteam^S…>; "" = nobody
	// MentionAssignee calls the assignee of a chat by the e-mail address that Channel Talk and Slack both know. It takes the
	// scope users:read.email; whom it does not find stands there by name.
	MentionAssignee bool
	// WaitingMentions are put in front of customers who wait for an answer, one a stage; the last one for higher stages. None =
	// nobody.
	WaitingMentions []string

	Text      string            // own template in Slack's mrkdwn; "" = the default message
	RouteText map[string]string // own template of a route, by the route's name; goes before Text
	Timeout   time.Duration     // of one request; 0 = 20 s
	PerSecond float64           // messages to this channel; 0 = 1, which is what Slack asks for
	PerMinute float64           // messages with this token, to whatever channel; 0 = 200
	// DigestAbove is how many events may come within a minute before they are posted as one message with a line each. 0 = any
	// number: each is posted.
	DigestAbove int
	// Follow keeps the message about an inquiry true while its chat goes on: assigned, answered, closed. Whatever else comes of
	// that chat goes into the message's thread.
	Follow bool
	// Quiet are hours, by the clocks of Location, of which events are told together once they are over.
	Quiet          talkrelay.Hours
	EditsPerMinute float64 // changes of messages with this token; 0 = 45, Slack allows 50

	OnUnknown OnUnknown // what to do when the outcome is unclear and the history cannot be read; "" = Hold
	APIURL    string    // "" = https://slack.com/api/

	Language sink.Language  // of the default message; "" = Korean
	Location *time.Location // of the times shown, where an event names no zone of its own; nil = UTC

	Base   http.RoundTripper // proxy and CA settings; nil = net/http's default
	Memory sink.Memory       // remembers a resolved channel name; nil = look it up at every start
	Logger *slog.Logger      // carries the sink's name; nil = silent
}

// OnUnknown says what becomes of a message that may have arrived, in a channel whose history the bot cannot read.
type OnUnknown = sink.OnUnknown

// The values of OnUnknown.
const (
	Hold   = sink.Hold   // keep it and all after it until the history can be read
	Resend = sink.Resend // send it again: it may then be there twice
)

// Defaults of Config.
const (
	DefaultTimeout   = 20 * time.Second
	DefaultPerSecond = 1
	DefaultPerMinute = 200
	DefaultEdits     = 45
	DefaultAPIURL    = "https://slack.com/api/"
)

const maxTimeout = 5 * time.Minute

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	c.Token = strings.TrimSpace(c.Token)
	c.Channel = strings.TrimPrefix(strings.TrimSpace(c.Channel), "#")
	c.Mention = strings.TrimSpace(c.Mention)
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.PerSecond == 0 {
		c.PerSecond = DefaultPerSecond
	}
	if c.PerMinute == 0 {
		c.PerMinute = DefaultPerMinute
	}
	if c.EditsPerMinute == 0 {
		c.EditsPerMinute = DefaultEdits
	}
	if c.OnUnknown == "" {
		c.OnUnknown = Hold
	}
	if c.APIURL == "" {
		c.APIURL = DefaultAPIURL
	}
	if !strings.HasSuffix(c.APIURL, "/") {
		c.APIURL += "/"
	}
	if c.Language == "" {
		c.Language = sink.Korean
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) masked() bool { return c.Mask == nil || *c.Mask }

// Validate returns everything that is wrong with c, keyed as in the config file. A template of a route is reported
// under "route_text." and the route's name.
func (c Config) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	c = c.withDefaults()
	if fault := tokenFault(c.Token); fault != "" {
		p.Add("token", "%s", fault)
	}
	if fault := channelFault(c.Channel); fault != "" {
		p.Add("channel", "%s", fault)
	}
	if fault := mentionFault(c.Mention); fault != "" {
		p.Add("mention", "%s", fault)
	}
	for i, mention := range c.WaitingMentions {
		if fault := mentionFault(mention); fault != "" {
			p.Add(fmt.Sprintf("waiting_mentions[%d]", i), "%s", fault)
		}
	}
	if _, err := sink.ParseOwn(c.Text); err != nil {
		p.Add("text", "%v", err)
	}
	for _, route := range slices.Sorted(maps.Keys(c.RouteText)) {
		if _, err := sink.ParseOwn(c.RouteText[route]); err != nil {
			p.Add("route_text."+route, "%v", err)
		}
	}
	if c.Timeout < time.Second || c.Timeout > maxTimeout {
		p.Add("timeout", "%v is out of range: allowed are 1s to 5m", c.Timeout)
	}
	if !positive(c.PerSecond) {
		p.Add("per_second", "%v is out of range: give a number above 0 (Slack asks for 1)", c.PerSecond)
	}
	if !positive(c.PerMinute) {
		p.Add("per_minute", "%v is out of range: give a number above 0", c.PerMinute)
	}
	if !positive(c.EditsPerMinute) {
		p.Add("edits_per_minute", "%v is out of range: give a number above 0 (Slack allows 50)", c.EditsPerMinute)
	}
	if c.Quiet.Always() {
		p.Add("quiet", "leaves no hour to post in")
	}
	if c.DigestAbove < 0 {
		p.Add("digest_above", "%d is out of range: give a number of events a minute, or 0 for no digests", c.DigestAbove)
	}
	if c.OnUnknown != Hold && c.OnUnknown != Resend {
		p.Add("on_unknown", "%q is not known: allowed are %q and %q", c.OnUnknown, Hold, Resend)
	}
	if fault := apiURLFault(c.APIURL); fault != "" {
		p.Add("api_url", "%s", fault)
	}
	return p
}

func positive(f float64) bool { return f > 0 && !math.IsInf(f, 0) }

// tokenFault says what is wrong with a token without repeating any of it.
func tokenFault(token string) string {
	switch {
	case token == "":
		return "is missing: give the bot token of your Slack app (OAuth & Permissions, starts with xoxb-)"
	case strings.Contains(token, "hooks.slack.com"):
		return "is a webhook URL: messages sent there can neither be found again nor mended, so a bot token (xoxb-) is needed"
	case strings.HasPrefix(token, "xoxp-"):
		return "is a user token (xoxp-): give the bot token of the same app, which starts with xoxb-"
	case strings.HasPrefix(token, "xapp-"):
		return "is an app-level token (xapp-): give the bot token of the same app, which starts with xoxb-"
	case strings.HasPrefix(token, "xoxe"):
		return "is a rotating token (xoxe): turn token rotation off for the app, and give its bot token, which starts with xoxb-"
	case !strings.HasPrefix(token, "xoxb-"):
		return "is not a bot token: it must start with xoxb-"
	case !tokenForm.MatchString(token):
		return "holds a space, a line break or another character that no token has: copy it again"
	}
	return ""
}

var (
	tokenForm   = regexp.MustCompile(`^xoxb-[A-Za-z0-9-]+$`)
	channelID   = regexp.MustCompile(`^[CGD][A-Z0-9]{7,20}$`)
	userID      = regexp.MustCompile(`^[UW][A-Z0-9]{7,20}$`)
	mentionForm = regexp.MustCompile(`^<(!here|!channel|!everyone|!subteam\^[A-Z0-9]+|@[A-Z0-9]+)>$`)
)

func channelFault(channel string) string {
	switch {
	case channel == "":
		return "is missing: give the channel id (in Slack: channel name, About, at the bottom), like C0123456789"
	case strings.Contains(channel, "/"):
		return "is a link: give the channel id alone, which is its last part and starts with C"
	case userID.MatchString(channel):
		return fmt.Sprintf("%s is a person: give the id of a channel, which starts with C", channel)
	case strings.ContainsAny(channel, " \t\n<>|,"):
		return fmt.Sprintf("%q is neither a channel id (C0123456789) nor a channel name", channel)
	}
	return ""
}

func mentionFault(mention string) string {
	for word := range strings.FieldsSeq(mention) {
		if !mentionForm.MatchString(word) {
			return fmt.Sprintf("%q is not how Slack writes a mention: allowed are <!here>, <!channel>, <@U0123456789> and <!subteam^S0123456789>", word)
		}
	}
	return ""
}

func apiURLFault(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return "is not a plain http(s) URL like " + DefaultAPIURL
	case u.Scheme == "http" && !sink.Loopback(u.Hostname()):
		return "must begin with https:// because it carries the token (http:// is for loopback hosts only)"
	}
	return ""
}
