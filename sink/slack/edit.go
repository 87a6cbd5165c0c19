package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"talkrelay/sink"
)

// Follows reports whether messages are to be kept true.
func (s *Sink) Follows() bool { return s.cfg.Follow }

// PrepareEdit renders the message about an opening as its chat is now. How long a customer has been waiting is not in it,
// as it is in a new message: it would be wrong a minute later.
func (s *Sink) PrepareEdit(id string, item sink.Item) ([]byte, error) {
	v := s.view(item.Event)
	c := content{text: s.ownText(v, item.Route)}
	if c.text == "" {
		card := s.newCard(v, time.Time{})
		s.update(&card, v)
		c = card.content(false)
	}
	form, err := c.form(id)
	if err != nil {
		return nil, err
	}
	return []byte(form.Encode()), nil
}

// update makes the card of an opening say how its chat is now.
func (s *Sink) update(c *card, v sink.View) {
	w, p := v.Lang.Words(), phrasesOf(v.Lang)
	switch chat := v.Chat; {
	case chat.State == "closed":
		c.emoji, c.heading = "✅", p.closed
		c.context = append(c.context, present(p.at(p.closed, w.When(chat.ClosedAt.Time)))...)
	case chat.State == "snoozed":
		c.emoji, c.heading = "💤", p.snoozed
	case chat.WaitingTime > 0:
		c.emoji, c.heading = "💬", fmt.Sprintf(p.answered, w.Duration(max(time.Duration(chat.WaitingTime), time.Minute)))
	case v.Assignee.ID != "" || v.Assignee.Name != "":
		c.emoji, c.heading = "👤", p.assigned
	}
	if at := v.Chat.AskedAt; !at.IsZero() && v.Chat.State != "closed" && v.Chat.State != "snoozed" {
		c.status = append(c.status, "⏱ "+fmt.Sprintf(p.since, w.When(at.Time)))
	}
}

// Edit changes the message with chat.update, which Slack may be asked for any number of times. A message that is gone,
// or that Slack does not let anybody change any more, is Bad.
func (s *Sink) Edit(ctx context.Context, r sink.Receipt, body []byte) error {
	call, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	o := s.ws.probe(call)
	cancel()
	if o.class != applied {
		return s.setupError(ctx, opAuth, o)
	}
	channel, err := s.channel(ctx)
	if err != nil {
		return err
	}
	if err := s.ws.edits.Wait(ctx); err != nil {
		return err
	}
	call, cancel = context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	o = s.ws.call(call, "chat.update", append(withChannel(body, channel), "&ts="+url.QueryEscape(string(r))...))
	var accepted struct {
		TS string `json:"ts"`
	}
	if o.class == applied && json.Unmarshal(o.body, &accepted) == nil && accepted.TS == string(r) {
		return nil
	}
	return s.editError(o)
}

// editError decides what follows on a chat.update that was not accepted.
func (s *Sink) editError(o outcome) error {
	switch {
	case slices.Contains(frozenCodes, o.code):
		return s.fail(sink.Bad, opEdit, "Slack does not change it any more ("+o.code+")", o)
	case o.class == badMessage:
		return s.fail(sink.Bad, opEdit, "Slack refuses what it is to show ("+o.code+")", o)
	case o.class == notSent, o.class == later, o.class == throttled:
		return s.fail(sink.Retry, opEdit, o.what, o)
	case o.class == destination:
		return s.fail(sink.PauseDestination, opEdit, s.destinationReason(o.code), o)
	case o.class == credential:
		s.ws.refuse(o)
		return s.fail(sink.PauseCredential, opEdit, s.credentialReason(o), o)
	case o.class == ourBug:
		return s.fail(sink.PauseDestination, opEdit, s.bugReason(o), o)
	}
	return s.fail(sink.InDoubt, opEdit, o.what, o)
}
