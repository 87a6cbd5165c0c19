package sandbox

import (
	"cmp"
	"encoding/json"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Slack is one simulated workspace with one bot in it.
type Slack struct {
	*Service
	Token  string // the bot's, as in xoxb-…
	BotID  string
	UserID string // of the bot user
	TeamID string
	AppID  string

	mu       sync.Mutex // guards what follows, and all channels
	names    *names
	scopes   []string
	tokenErr string // "" = the token is good
	channels []*SlackChannel
	people   []slackPerson
	settings SlackSettings
	buckets  map[string]*bucket // by method
	held     time.Time          // chat.postMessage is refused until then, to whatever channel
}

// SlackSettings are the ways in which the real Slack varies. The zero settings are the likeliest.
type SlackSettings struct {
	Lag        time.Duration // a message shows in history only so long after it was posted
	ShortPages bool          // history gives only half of what was asked for, even when there is more
	Posts      Limit         // chat.postMessage, for each channel; zero = 30 at once, then 1 a second
	Reads      Limit         // every other method but auth.test, each; zero = 50 at once, 50 a minute
	Unlimited  bool          // no rate limits at all
}

// DefaultScopes is what a bot is allowed that was made with our manifest.
func DefaultScopes() []string {
	return []string{"chat:write", "channels:history", "groups:history", "channels:read", "groups:read"}
}

// StartSlack starts a workspace alone.
func StartSlack(o ServiceOptions) (*Slack, error) {
	n := newNames(o.Seed)
	s := &Slack{
		Token: "xoxb-" + n.hex(12) + "-" + n.hex(16), BotID: "B" + n.upper(10), UserID: "U" + n.upper(10), TeamID: "T" + n.upper(10),
		AppID: "A" + n.upper(10), names: n, scopes: DefaultScopes(), buckets: make(map[string]*bucket),
	}
	var err error
	if s.Service, err = newService("slack", o, s.reply); err != nil {
		return nil, err
	}
	s.Set(SlackSettings{})
	return s, nil
}

// APIURL returns what an api_url setting holds, as in http://127.0.0.1:41217/api/.
func (s *Slack) APIURL() string { return s.URL() + "/api/" }

// Set changes the settings from now on, and fills the rate limits up.
func (s *Slack) Set(to SlackSettings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to.Posts = cmp.Or(to.Posts, Limit{Burst: 30, PerSecond: 1})
	to.Reads = cmp.Or(to.Reads, Limit{Burst: 50, PerSecond: 50.0 / 60})
	if to.Unlimited {
		to.Posts, to.Reads = Limit{}, Limit{}
	}
	s.settings = to
	clear(s.buckets)
	s.held = time.Time{}
	for _, c := range s.channels {
		c.bucket = newBucket(to.Posts)
	}
}

// SetScopes replaces what the bot is allowed.
func (s *Slack) SetScopes(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = scopes
}

// SetTokenError makes every call fail with code ("token_revoked", "account_inactive", …); "" = the token is good again.
func (s *Slack) SetTokenError(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokenErr = code
}

// args are a call's arguments by name. Those that are no strings in a JSON body are kept as JSON.
type args map[string]string

func (a args) flag(name string) bool { return a[name] == "1" || a[name] == "true" }

// slackMethod is one method of the Web API.
type slackMethod struct {
	args  string // known ones, space between
	scope func(s *Slack, a args) []string
	call  func(s *Slack, r *Request, a args) map[string]any
	write bool // POST only
}

// slackMethods are those that a sink has a use for.
var slackMethods = newSlackMethods()

func newSlackMethods() map[string]slackMethod {
	post := "channel text blocks metadata thread_ts reply_broadcast parse link_names unfurl_links unfurl_media mrkdwn as_user client_msg_id"
	list := "channel cursor limit latest oldest inclusive include_all_metadata"
	return map[string]slackMethod{
		"auth.test":             {args: "", call: (*Slack).authTest},
		"conversations.info":    {args: "channel include_locale include_num_members", scope: readScope, call: (*Slack).info},
		"conversations.list":    {args: "types cursor limit exclude_archived team_id", scope: readScope, call: (*Slack).list},
		"conversations.history": {args: list, scope: historyScope, call: (*Slack).history},
		"conversations.replies": {args: list + " ts", scope: historyScope, call: (*Slack).replies},
		"users.lookupByEmail":   {args: "email", scope: peopleScope, call: (*Slack).lookupByEmail},
		"chat.postMessage":      {args: post, scope: writeScope, call: (*Slack).post, write: true},
		"chat.update": {
			args: "channel ts text blocks metadata parse link_names as_user reply_broadcast", scope: writeScope, call: (*Slack).update, write: true,
		},
		"chat.delete": {args: "channel ts as_user", scope: writeScope, call: (*Slack).delete, write: true},
	}
}

// reply answers one call, in Slack's order: the token first, then the scope, then the arguments.
func (s *Slack) reply(r *Request) answer {
	name, ok := strings.CutPrefix(r.Path, "/api/")
	m, known := slackMethods[name]
	if !ok || !known {
		s.violate(r, "unknown method")
		return s.fail("unknown_method")
	}
	a, code := s.arguments(r)
	if code != "" {
		return s.fail(code)
	}
	token, sent := s.token(r, a)
	delete(a, "token")
	if m.write && r.Method != http.MethodPost {
		s.violate(r, "sent by %s", r.Method)
	}
	for arg := range a {
		if !slices.Contains(strings.Fields(m.args), arg) {
			s.violate(r, "unknown argument %s", arg)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !sent:
		return s.fail("not_authed")
	case token != s.Token:
		return s.fail("invalid_auth")
	case s.tokenErr != "":
		return s.fail(s.tokenErr)
	}
	if m.scope != nil {
		if missing := s.missing(m.scope(s, a)); missing != "" {
			return s.ok(map[string]any{"ok": false, "error": "missing_scope", "needed": missing, "provided": strings.Join(s.scopes, ",")})
		}
	}
	if wait := s.throttle(name, a["channel"]); wait > 0 {
		return throttled(wait)
	}
	return s.ok(m.call(s, r, a))
}

// arguments reads them from wherever they are.
func (s *Slack) arguments(r *Request) (args, string) {
	a := make(args)
	put := func(v url.Values) {
		for k := range v {
			a[k] = v.Get(k)
		}
	}
	put(r.Query)
	if r.Method == http.MethodGet {
		return a, ""
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		s.violate(r, "no Content-Type")
		return a, "missing_post_type"
	case kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(r.Body))
		if err != nil {
			s.violate(r, "form cannot be read")
			return a, "invalid_form_data"
		}
		put(form)
	case kind == "application/json":
		var body map[string]json.RawMessage
		if json.Unmarshal(r.Body, &body) != nil {
			s.violate(r, "JSON cannot be read")
			return a, "invalid_json"
		}
		for k, v := range body {
			a[k] = string(v)
			var text string
			if json.Unmarshal(v, &text) == nil {
				a[k] = text
			}
		}
		delete(a, "token") // Slack takes it from the header only
	default:
		s.violate(r, "Content-Type %s", kind)
		return a, "invalid_post_type"
	}
	return a, ""
}

// token finds it in the header or among the arguments.
func (s *Slack) token(r *Request, a args) (token string, sent bool) {
	if r.Query.Has("token") {
		s.violate(r, "token in the URL")
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return bearer, true
	}
	token, sent = a["token"]
	return token, sent && token != ""
}

// missing returns the scopes of which one is needed, if the bot has none of them.
func (s *Slack) missing(anyOf []string) string {
	for _, scope := range anyOf {
		if slices.Contains(s.scopes, scope) {
			return ""
		}
	}
	return strings.Join(anyOf, ",")
}

func writeScope(*Slack, args) []string { return []string{"chat:write"} }

func readScope(s *Slack, a args) []string { return s.kindOf(a, "channels:read", "groups:read") }

func historyScope(s *Slack, a args) []string {
	return s.kindOf(a, "channels:history", "groups:history")
}

func (s *Slack) kindOf(a args, public, private string) []string {
	c := s.find(a["channel"])
	switch {
	case c == nil:
		return []string{public, private}
	case c.Private:
		return []string{private}
	}
	return []string{public}
}

// throttle returns how long to wait; 0 = go on. A channel that gets too much holds up the whole method: a 429 is for the
// method, the workspace and the app.
func (s *Slack) throttle(method, channel string) time.Duration {
	if method == "auth.test" {
		return 0
	}
	now := s.now()
	if method == "chat.postMessage" {
		c := s.find(channel)
		if c == nil {
			return 0
		}
		c.arrivals = append(c.arrivals, now)
		if wait := s.held.Sub(now); wait > 0 {
			return wait
		}
		_, wait := c.bucket.take(now)
		s.held = now.Add(wait)
		return wait
	}
	b := s.buckets[method]
	if b == nil {
		fresh := newBucket(s.settings.Reads)
		b = &fresh
		s.buckets[method] = b
	}
	_, wait := b.take(now)
	return wait
}

func throttled(wait time.Duration) answer {
	seconds := int(math.Ceil(wait.Seconds()))
	return answer{
		status: http.StatusTooManyRequests,
		header: http.Header{"Retry-After": {strconv.Itoa(seconds)}, "Content-Type": {"application/json; charset=utf-8"}},
		body:   encode(map[string]any{"ok": false, "error": "rate_limited", "retry_after": seconds}),
	}
}

func (s *Slack) ok(reply map[string]any) answer {
	if _, set := reply["ok"]; !set {
		reply["ok"] = true
	}
	return answer{
		header: http.Header{
			"Content-Type": {"application/json; charset=utf-8"}, "X-Oauth-Scopes": {strings.Join(s.scopes, ",")},
			"X-Slack-Req-Id": {s.names.hex(16)},
		},
		body: encode(reply),
	}
}

func (s *Slack) fail(code string) answer {
	return answer{header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body: encode(slackError(code))}
}

func slackError(code string) map[string]any { return map[string]any{"ok": false, "error": code} }

func (s *Slack) authTest(*Request, args) map[string]any {
	return map[string]any{
		"url": "https://sandbox.slack.com/", "team": "Sandbox", "user": "talkrelay", "team_id": s.TeamID, "user_id": s.UserID,
		"bot_id": s.BotID, "is_enterprise_install": false,
	}
}
