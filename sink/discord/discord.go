// Package discord posts messages to one Discord channel by an incoming webhook.
//
// The webhook is asked to wait and answers with the message's id, which is the receipt. It can neither list messages nor
// refuse a repeat, so after an unclear outcome a message is sent again, and may then be there twice, or is held.
package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// Config holds the settings of one [[sink.discord]].
type Config struct {
	sink.Options
	URL  string // of the webhook: a secret, whoever knows it can post
	Text string // own template in Discord's Markdown; "" = the default message
}

const (
	block  = "sink.discord" // in the config file
	opPost = "post to Discord"

	maxContent     = 2000 // Discord's limit, counted in UTF-16 units to be safe
	suppressEmbeds = 1 << 2
)

var webhookPath = regexp.MustCompile(`^/api(/v\d+)?/webhooks/\d+/[\w-]+$`)

// Validate returns everything that is wrong with c, keyed as in the config file.
func (c Config) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	if fault := addressFault(c.URL); fault != "" {
		p.Add("url", "%s", fault)
	}
	if _, err := sink.ParseOwn(c.Text); err != nil {
		p.Add("text", "%v", err)
	}
	c.Options.Validate(&p)
	return p
}

func addressFault(address string) string {
	if fault := sink.AddressFault(address, false); fault != "" {
		return fault
	}
	u, err := url.Parse(address)
	if err != nil || !webhookPath.MatchString(u.Path) || u.Fragment != "" {
		return "is not a Discord webhook: copy it in Discord under channel settings, Integrations, Webhooks; it begins with https://discord.com/api/webhooks/"
	}
	return ""
}

// Sink posts to one channel. It implements sink.Sink.
type Sink struct {
	cfg     Config
	address string
	client  *http.Client
	text    *sink.Template // nil = the default message

	mu    sync.Mutex
	until time.Time // Discord wants no request before
}

var _ sink.Sink = (*Sink)(nil)

// New returns a sink. It sends nothing.
func New(cfg Config) (*Sink, error) {
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, problems
	}
	cfg.Options = cfg.Defaults()
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New("url is no URL") // err would show it
	}
	q := u.Query()
	q.Set("wait", "true")
	u.RawQuery = q.Encode()
	s := &Sink{cfg: cfg, address: u.String(), client: cfg.Client()}
	s.text, err = sink.ParseOwn(cfg.Text)
	return s, err
}

// Wait blocks while Discord's rate limit is used up.
func (s *Sink) Wait(ctx context.Context) error {
	s.mu.Lock()
	timer := time.NewTimer(time.Until(s.until))
	s.mu.Unlock()
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ctx.Err()
	}
}

// Prepare renders the first of items. Discord keeps no id of ours, so there is none in the bytes.
func (s *Sink) Prepare(_ string, items []sink.Item, _ string) ([]byte, int, error) {
	if len(items) == 0 {
		return nil, 0, errors.New("prepare message: nothing to prepare")
	}
	body, err := json.Marshal(map[string]any{
		"content":          sink.TruncateUTF16(s.content(items[0].Event), maxContent),
		"allowed_mentions": map[string]any{"parse": []string{}},
		"flags":            suppressEmbeds,
	})
	return body, 1, err
}

// What Markdown gives a meaning to. Mentions are taken care of by allowed_mentions.
var escapes = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "~", `\~`, "`", "\\`", "|", `\|`, "<", `\<`, ">", `\>`,
	"[", `\[`, "]", `\]`, "(", `\(`, ")", `\)`, "#", `\#`, "-", `\-`)

// content is the message. What customers wrote has no mark-up in it; what the operator's template says may have.
func (s *Sink) content(e talkrelay.Event) string {
	v := s.cfg.View(e)
	safe := sink.MapTexts(v, escapes.Replace)
	safe.Kind, safe.Change, safe.Lang, safe.DeskURL = v.Kind, v.Change, v.Lang, ""
	if u, err := url.Parse(v.DeskURL); err == nil && u.Scheme == "https" {
		safe.DeskURL = v.DeskURL
	}
	title, lines := safe.Plain()
	return s.text.Or(safe, "**"+sink.TruncateUTF16(title, maxContent/4)+"**\n"+strings.Join(lines, "\n"))
}

// Send posts m. It is delivered when Discord answered with the message's id.
func (s *Sink) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	header := http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {m.ID}} // for whoever reads a proxy's log
	reply, err := sink.Exchange(ctx, s.client, opPost, s.address, header, m.Body)
	if err != nil {
		return "", err
	}
	s.heed(reply)
	var answer struct {
		ID         string  `json:"id"`
		Code       int     `json:"code"`
		RetryAfter float64 `json:"retry_after"`
	}
	_ = json.Unmarshal(reply.Body, &answer) // what is no JSON has no id
	switch {
	case reply.Status == http.StatusOK && answer.ID != "":
		return sink.Receipt(answer.ID), nil
	case reply.Status/100 == 2 && !reply.Broken:
		return "", &sink.Error{Op: opPost, Answered: true, Reason: "accepted, but the answer names no message: check url of " + s.cfg.Named(block)}
	case reply.Status/100 == 4 && slices.Contains(refusedContent, answer.Code):
		return "", &sink.Error{Verdict: sink.Bad, Op: opPost, Reason: fmt.Sprintf("Discord refuses this message (code %d)", answer.Code)}
	}
	if after := time.Duration(answer.RetryAfter * float64(time.Second)); reply.Status == http.StatusTooManyRequests && after > 0 {
		reply.After = after
	}
	return "", reply.Refusal(opPost, "the webhook's token is wrong, correct url of "+s.cfg.Named(block),
		"the webhook may have been deleted in Discord: make one and correct url of "+s.cfg.Named(block))
}

// refusedContent are the codes of Discord that are about one message: empty, form, explicit or harmful content.
var refusedContent = []int{50006, 50035, 20009, 200000, 200001, 240000}

// heed takes note of a rate limit that is used up.
func (s *Sink) heed(reply sink.Reply) {
	after, err := strconv.ParseFloat(reply.Header.Get("X-Ratelimit-Reset-After"), 64)
	if reply.Header.Get("X-Ratelimit-Remaining") != "0" || err != nil || after < 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = time.Now().Add(min(time.Duration(after*float64(time.Second)), time.Minute))
}

// Resolve cannot ask: a webhook reads no messages it has not the id of.
func (s *Sink) Resolve(_ context.Context, m sink.Message) (sink.Receipt, bool, error) {
	return "", false, s.cfg.Unknown(block, m)
}

// Check asks Discord for the webhook, which posts nothing.
func (s *Sink) Check(ctx context.Context) []sink.Finding {
	f := sink.Finding{Name: "webhook", Fix: "let this machine reach discord.com, or set network.proxy"}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.URL, nil)
	if err != nil {
		f.Text = "url is no URL"
		return []sink.Finding{f}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		f.Text = "no answer from Discord"
		return []sink.Finding{f}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		f.Text, f.Fix = fmt.Sprintf("Discord does not know it (HTTP %d)", resp.StatusCode), "make a webhook in Discord and correct url of "+s.cfg.Named(block)
		return []sink.Finding{f}
	}
	return []sink.Finding{{Name: "webhook", OK: true, Text: "known to Discord; nothing was posted"}}
}
