package slack

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"talkrelay/sink"
)

// Operations, as errors name them.
const (
	opAuth    = "test the bot token"
	opChannel = "look up the channel"
	opPost    = "post message"
	opHistory = "read channel history"
	opDelete  = "delete surplus message"
	opEdit    = "edit message"
)

// Sink posts to one channel. It implements sink.Sink and sink.Rechecker.
type Sink struct {
	cfg    Config
	ws     *Workspace
	text   *sink.Template // nil = the default message
	routes map[string]*sink.Template
	people *people
	log    *slog.Logger

	memory    sync.Mutex // of changes of what is in Memory
	mu        sync.Mutex
	id        string    // of the channel; "" until a name is resolved
	flooded   time.Time // when the first event of the last flood was seen
	throttled string    // shipment that Slack answered with 429 last: looked for once before it is sent again
}

var (
	_ sink.Sink      = (*Sink)(nil)
	_ sink.Rechecker = (*Sink)(nil)
	_ sink.Editor    = (*Sink)(nil)
	_ sink.Scout     = (*Sink)(nil)
)

// New returns a sink. ws is the workspace of its token and API URL, shared by all sinks that have both in common; nil
// makes one for this sink alone. It sends nothing.
func New(cfg Config, ws *Workspace) (*Sink, error) {
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, problems
	}
	cfg = cfg.withDefaults()
	if ws == nil {
		ws = NewWorkspace(cfg)
	}
	s := &Sink{cfg: cfg, ws: ws, log: cfg.Logger, routes: make(map[string]*sink.Template)}
	s.people = s.recallPeople()
	var err error
	if s.text, err = sink.ParseOwn(cfg.Text); err != nil {
		return nil, err
	}
	for route, text := range cfg.RouteText {
		if s.routes[route], err = sink.ParseOwn(text); err != nil {
			return nil, err
		}
	}
	if channelID.MatchString(cfg.Channel) {
		s.id = cfg.Channel
	}
	return s, nil
}

// Wait blocks until Slack's pace allows a message to the channel. A token that Slack refused is tested first, and a
// channel given by its name is looked up: the error of either is a *sink.Error, and nothing has been posted.
func (s *Sink) Wait(ctx context.Context) error {
	probe, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	o := s.ws.probe(probe)
	cancel()
	if o.class != applied {
		return s.setupError(ctx, opAuth, o)
	}
	channel, err := s.channel(ctx)
	if err != nil {
		return err
	}
	return s.ws.wait(ctx, channel, s.cfg.PerSecond)
}

// Prepare renders the first of items, a summary of those of quiet hours, or a digest of the first ones. A digest that Slack refuses is not tried as plain text:
// its events are posted one by one.
func (s *Sink) Prepare(id string, items []sink.Item, form string) (body []byte, n int, err error) {
	if len(items) == 0 {
		return nil, 0, errors.New("prepare message: nothing to prepare")
	}
	if n := s.held(items); n > 0 && !hasForm(form, FormTop) {
		body, err = s.summary(id, items[:n], hasForm(form, FormPlain), time.Now())
		return body, n, err
	}
	if form == "" {
		if n := s.flood(items); n > 0 {
			body, err = s.digest(id, items[:n], time.Now())
			return body, n, err
		}
	}
	body, err = s.render(id, items[0], form, time.Now())
	return body, 1, err
}

// render makes the body of a message. now is the time that waiting is counted to.
func (s *Sink) render(id string, item sink.Item, form string, now time.Time) ([]byte, error) {
	thread := s.thread(item)
	if hasForm(form, FormTop) {
		thread = ""
	}
	return makeBody(id, s.knownChannel(), thread, s.content(item, hasForm(form, FormPlain), now))
}

// thread returns the ts of the message that item is to be a reply to, "" if it is none.
func (s *Sink) thread(item sink.Item) string {
	if !s.cfg.Follow || !tsForm.MatchString(string(item.Thread)) {
		return ""
	}
	return string(item.Thread)
}

// content is what a message shows: the route's own text, the sink's own text, or the default card.
func (s *Sink) content(item sink.Item, plain bool, now time.Time) content {
	v := s.view(item.Event)
	if text := s.ownText(v, item.Route); text != "" {
		return content{text: text}
	}
	return s.newCard(v, now).content(plain)
}

// ownText executes the operator's template; "" if there is none, or nothing can be seen of what it makes.
func (s *Sink) ownText(v sink.View, route string) string {
	t := s.routes[route]
	if t == nil {
		t = s.text
	}
	if t == nil {
		return ""
	}
	text, err := execute(t, v)
	if err != nil {
		return "" // ParseTemplate has tried it; what fails all the same must not cost the message
	}
	text = cutMarkup(strings.TrimSpace(text), maxText)
	if !visible(text) {
		return ""
	}
	return text
}

// Send posts m. It is delivered when Slack answered HTTP 200 with ok:true, a ts and our channel.
func (s *Sink) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	body, stored, channel, err := s.sendable(ctx, m)
	if err != nil {
		return "", err
	}
	if d := s.ws.heldFor(time.Now()); d > 0 {
		return "", s.fail(sink.Retry, opPost, "held back by a rate limit", outcome{after: d})
	}
	if s.wasThrottled(m.ID) {
		if receipt, found, err := s.Resolve(ctx, m); err == nil && found {
			return receipt, nil
		}
	}
	call, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	o := s.ws.call(call, "chat.postMessage", body)
	if o.class != applied {
		return "", s.postError(ctx, m, stored, o)
	}
	var accepted struct {
		TS      string `json:"ts"`
		Channel string `json:"channel"`
		Message struct {
			ThreadTS string `json:"thread_ts"`
		} `json:"message"`
	}
	switch err := json.Unmarshal(o.body, &accepted); {
	case err != nil || accepted.TS == "":
		o.what = "accepted, but the answer names no message (no ts)"
	case accepted.Channel != channel:
		o.what = "accepted, but for another channel than " + channel
	default:
		if stored.thread != "" && accepted.Message.ThreadTS == "" {
			s.log.Info("reply posted in the channel, its thread is gone")
		}
		return sink.Receipt(accepted.TS), nil
	}
	return "", s.fail(sink.InDoubt, opPost, o.what, o)
}

// sendable returns the form to send and the channel it goes to. A message that was made for a channel the sink does
// not have any more is made anew: whoever changed the setting wants it in the new one.
func (s *Sink) sendable(ctx context.Context, m sink.Message) (body []byte, stored frozen, channel string, err error) {
	if stored, err = readBody(m.Body); err != nil {
		return nil, stored, "", err
	}
	if channel, err = s.channel(ctx); err != nil {
		return nil, stored, "", err
	}
	switch stored.channel {
	case channel:
		return m.Body, stored, channel, nil
	case "":
		return withChannel(m.Body, channel), stored, channel, nil
	}
	return nil, stored, "", s.fail(sink.Rework, opPost, "the message was made for another channel", outcome{})
}

// wasThrottled reports whether Slack's last answer to the shipment was a 429, and forgets it. Such a message is not
// applied by all that Slack says; one public report says otherwise, and a look costs little.
func (s *Sink) wasThrottled(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.throttled == id
	s.throttled = ""
	return was
}
