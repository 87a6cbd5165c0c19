// Package webhook posts events to an address of the operator's choice: as the body Channel Talk's own webhook would have
// sent, so that receivers of those go on unchanged, or as what a template makes of them.
//
// Each request carries the headers of Standard Webhooks: webhook-id, webhook-timestamp and, with a secret,
// webhook-signature. A receiver cannot be asked whether it got an event, so after an unclear outcome the same bytes go
// out again with the same webhook-id: delivery is at least once, and exactly once where the receiver drops repeats.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

const (
	block  = "sink.webhook" // in the config file
	opPost = "post to the webhook"

	// Headers of Standard Webhooks.
	headerID        = "Webhook-Id"
	headerTime      = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// Sink posts to one address. It implements sink.Sink.
type Sink struct {
	cfg      Config
	client   *http.Client
	template *sink.Template // nil = Channel Talk's own form
	key      []byte         // nil = no signature
}

var _ sink.Sink = (*Sink)(nil)

// New returns a sink. It sends nothing.
func New(cfg Config) (*Sink, error) {
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, problems
	}
	cfg = cfg.withDefaults()
	s := &Sink{cfg: cfg, client: cfg.Client()}
	s.key, _ = signingKey(cfg.Secret)
	var err error
	s.template, err = sink.ParseOwn(cfg.Template)
	return s, err
}

// Wait returns at once: a receiver that wants fewer requests says so with 429.
func (s *Sink) Wait(ctx context.Context) error { return ctx.Err() }

// Prepare makes the body of the first of items. The id is not in it but in a header: the body is the receiver's.
func (s *Sink) Prepare(_ string, items []sink.Item, _ string) ([]byte, int, error) {
	if len(items) == 0 {
		return nil, 0, errors.New("prepare the request: nothing to prepare")
	}
	e := items[0].Event
	if s.template == nil {
		return envelope(e), 1, nil
	}
	text, err := s.template.ExecuteShort(s.cfg.View(e))
	if err == nil && s.cfg.json() && !json.Valid([]byte(text)) {
		err = errors.New("the template makes no JSON of this event")
	}
	if err != nil { // a program is no better off with another form than it asked for
		return nil, 0, &sink.Error{Verdict: sink.Bad, Op: "prepare the request", Reason: "correct template of " + s.cfg.Named(block) + " and retry", Err: err}
	}
	return []byte(text), 1, nil
}

// envelope is what Channel Talk would have posted. An event of before envelopes were kept has the ids alone.
func envelope(e talkrelay.Event) []byte {
	if len(e.Envelope) > 0 {
		return e.Envelope
	}
	typ, id := "userChat", e.Chat.ID
	switch {
	case e.Kind.UserEvent():
		typ, id = "user", e.User.ID
	case e.Kind.MessageEvent():
		typ, id = "message", e.Message.ID
	}
	body := map[string]any{"event": "upsert", "type": typ, "entity": map[string]string{"id": id}, "refers": struct{}{}}
	text, _ := json.Marshal(body) // of strings only: cannot fail
	return text
}

// Send posts m. Any answer of 2xx is a yes, whatever its body.
func (s *Sink) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	reply, err := sink.Exchange(ctx, s.client, opPost, s.cfg.URL, s.header(m, time.Now()), m.Body)
	switch {
	case err != nil:
		return "", err
	case reply.Status/100 == 2:
		return sink.Receipt(m.ID), nil
	}
	return "", reply.Refusal(opPost, "correct secret, url and headers of "+s.cfg.Named(block),
		"correct url and template of "+s.cfg.Named(block)+", or let the receiver accept what it got")
}

func (s *Sink) header(m sink.Message, now time.Time) http.Header {
	h := http.Header{}
	for name, value := range s.cfg.Headers {
		h.Set(name, value)
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	h.Set("Content-Type", s.cfg.ContentType)
	h.Set(headerID, m.ID)
	h.Set(headerTime, stamp)
	if len(s.key) > 0 {
		mac := hmac.New(sha256.New, s.key)
		fmt.Fprintf(mac, "%s.%s.%s", m.ID, stamp, m.Body)
		h.Set(headerSignature, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return h
}

// Resolve cannot ask the receiver.
func (s *Sink) Resolve(_ context.Context, m sink.Message) (sink.Receipt, bool, error) {
	return "", false, s.cfg.Unknown(block, m)
}

// Check opens a connection and posts nothing.
func (s *Sink) Check(ctx context.Context) []sink.Finding {
	return []sink.Finding{s.cfg.Reached(ctx, "receiver", block, s.cfg.URL)}
}
