package slack

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"
	"golang.org/x/time/rate"

	"talkrelay/sink"
)

// Workspace is what all sinks of one token share: who the bot is, the pace and the holds that Slack applies to a token
// and not to a channel, whether Slack still accepts the token, and how far our clock is from Slack's. It is safe for
// concurrent use.
type Workspace struct {
	token    string
	endpoint string
	client   *http.Client
	lib      *slackgo.Client
	pace     *rate.Limiter // of messages with this token
	edits    *rate.Limiter // of changes of messages with this token

	mu       sync.Mutex
	channels map[string]*rate.Limiter // pace of messages by channel id
	held     time.Time                // no chat.postMessage before; other methods are not held
	refused  *outcome                 // why Slack refuses the token; nil = it does not, as far as is known
	bot      bot
	skew     time.Duration // to be added to our clock to have Slack's
	skewed   bool          // skew is known
}

// bot is what auth.test says of a token.
type bot struct {
	id     string // bot_id: the mark that Slack puts on every message of ours
	user   string
	team   string
	scopes []string // nil if Slack did not tell
}

// workspaceBurst is how many messages may go to different channels at once.
const workspaceBurst = 20

// editBurst is how many messages may be changed at once.
const editBurst = 5

// NewWorkspace returns the workspace for sinks that share the Token and the APIURL of cfg. It takes Base, Timeout and
// PerMinute from cfg too, and sends nothing.
func NewWorkspace(cfg Config) *Workspace {
	cfg = cfg.withDefaults()
	base := cfg.Base
	if base == nil {
		base = http.DefaultTransport
	}
	client := sink.NewHTTPClient(base, maxTimeout) // the contexts of the calls hold the timeout that is set
	return &Workspace{
		token:    cfg.Token,
		endpoint: cfg.APIURL,
		client:   client,
		lib:      slackgo.New(cfg.Token, slackgo.OptionAPIURL(cfg.APIURL), slackgo.OptionHTTPClient(client)),
		pace:     rate.NewLimiter(rate.Limit(cfg.PerMinute/60), workspaceBurst),
		edits:    rate.NewLimiter(rate.Limit(cfg.EditsPerMinute/60), editBurst),
		channels: make(map[string]*rate.Limiter),
	}
}

// wait blocks until a message may go to the channel: its pace, the token's, and no hold.
func (w *Workspace) wait(ctx context.Context, channel string, perSecond float64) error {
	for _, limiter := range []*rate.Limiter{w.channelPace(channel, perSecond), w.pace} {
		r := limiter.Reserve()
		if err := sleep(ctx, r.Delay()); err != nil {
			r.Cancel()
			return err
		}
	}
	for {
		d := w.heldFor(time.Now())
		if d <= 0 {
			return nil
		}
		if err := sleep(ctx, d); err != nil {
			return err
		}
	}
}

// channelPace returns the limiter of a channel. Of sinks with different paces the slowest counts.
func (w *Workspace) channelPace(channel string, perSecond float64) *rate.Limiter {
	w.mu.Lock()
	defer w.mu.Unlock()
	limiter, ok := w.channels[channel]
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(perSecond), 1)
		w.channels[channel] = limiter
	}
	if rate.Limit(perSecond) < limiter.Limit() {
		limiter.SetLimit(rate.Limit(perSecond))
	}
	return limiter
}

func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hold keeps every chat.postMessage of the token back for d.
func (w *Workspace) hold(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if until := time.Now().Add(d); until.After(w.held) {
		w.held = until
	}
}

func (w *Workspace) heldFor(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held.Sub(now)
}

// refuse remembers that Slack does not accept the token. Nothing is posted with it until auth.test says otherwise.
func (w *Workspace) refuse(o outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused = &o
}

func (w *Workspace) refusal() *outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused
}

// probe asks auth.test whether Slack accepts the token after it refused it. The answer is applied if it does.
func (w *Workspace) probe(ctx context.Context) outcome {
	before := w.refusal()
	if before == nil {
		return outcome{class: applied}
	}
	b, o := w.authTest(ctx)
	if o.class != applied {
		return o
	}
	if before.scope != "" && b.scopes != nil && !slices.Contains(b.scopes, before.scope) {
		return *before // accepted, but not for what we need it for
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused = nil
	return o
}

// identity returns who the bot is, asking once.
func (w *Workspace) identity(ctx context.Context) (bot, outcome) {
	w.mu.Lock()
	b := w.bot
	w.mu.Unlock()
	if b.id != "" {
		return b, outcome{class: applied}
	}
	return w.authTest(ctx)
}

// authTest asks Slack who the bot is, and remembers it.
func (w *Workspace) authTest(ctx context.Context) (bot, outcome) {
	ctx, trace := sink.WithTrace(ctx)
	resp, err := w.lib.AuthTestContext(ctx)
	w.noteDate(trace)
	if o := libraryOutcome(err, trace); o.class != applied {
		return bot{}, o
	}
	if resp.BotID == "" { // slack-go takes {} for success, and a user's token has no bot
		return bot{}, outcome{answered: true, what: "auth.test names no bot"}
	}
	b := bot{id: resp.BotID, user: resp.User, team: resp.Team}
	if header := resp.Header.Get("X-OAuth-Scopes"); header != "" {
		for scope := range strings.SplitSeq(header, ",") {
			b.scopes = append(b.scopes, strings.TrimSpace(scope))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bot = b
	return b, outcome{class: applied, answered: true}
}

// noteDate takes the server's clock from an answer.
func (w *Workspace) noteDate(trace *sink.Trace) {
	date := trace.Date()
	if date.IsZero() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skew, w.skewed = time.Until(date), true
}

// clockSkew returns what to add to our clock to have Slack's; ok is false before the first answer.
func (w *Workspace) clockSkew() (skew time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.skew, w.skewed
}
