package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"talkrelay/sink"
)

const (
	historyLimit = 200            // messages a page
	maxPageWait  = time.Minute    // waited for the next page; a longer wait is the worker's
	clockSet     = 48 * time.Hour // by how much our clock may have been set since we last saw Slack's
)

// Resolve searches the channel's history for m. Of several copies it keeps the first and deletes the others.
func (s *Sink) Resolve(ctx context.Context, m sink.Message) (sink.Receipt, bool, error) {
	copies, channel, err := s.search(ctx, m)
	if err != nil {
		return s.unknown(ctx, channel, err)
	}
	if len(copies) == 0 {
		return "", false, nil
	}
	if _, err := s.remove(ctx, channel, copies[1:]); err != nil {
		if sink.VerdictOf(err).Verdict != sink.PauseDestination {
			return "", false, err
		}
		s.log.Warn("surplus message could not be deleted", "err", err) // the message is there: go on
	}
	return sink.Receipt(copies[0]), true, nil
}

// unknown decides what Resolve says when the history cannot be read: nothing for good if the operator chose to have
// such messages sent again, or has moved the sink to another channel, so that nobody will ever let the bot look.
func (s *Sink) unknown(ctx context.Context, channel string, err error) (sink.Receipt, bool, error) {
	closed := sink.VerdictOf(err).Verdict == sink.PauseDestination
	if closed && (s.cfg.OnUnknown == Resend || s.left(ctx, channel)) {
		return "", false, nil
	}
	return "", false, err
}

// left reports whether the sink does not post to the channel any more.
func (s *Sink) left(ctx context.Context, channel string) bool {
	current, err := s.channel(ctx)
	return err == nil && channel != "" && current != channel
}

// Recheck deletes all copies of m but the first. The error is Bad when the sink has left the channel and the bot can
// no longer read it.
func (s *Sink) Recheck(ctx context.Context, m sink.Message) (removed int, err error) {
	copies, channel, err := s.search(ctx, m)
	if err != nil {
		if e := sink.VerdictOf(err); e.Verdict == sink.PauseDestination && s.left(ctx, channel) {
			e.Verdict = sink.Bad
			return 0, e
		}
		return 0, err
	}
	if len(copies) < 2 {
		return 0, nil
	}
	return s.remove(ctx, channel, copies[1:])
}

// search returns the ts of every copy of m in its channel, the first one first.
func (s *Sink) search(ctx context.Context, m sink.Message) (copies []string, channel string, err error) {
	stored, _ := readBody(m.Body) // an unreadable one went to the channel there is
	if channel = stored.channel; channel == "" {
		if channel, err = s.channel(ctx); err != nil {
			return nil, "", err
		}
	}
	call, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	us, o := s.ws.identity(call)
	cancel()
	if o.class != applied {
		return nil, channel, s.lookUpError(opAuth, channel, o)
	}
	note := func(page []json.RawMessage) {
		for _, raw := range page {
			if ts := ours(raw, m.ID, us.id); ts != "" {
				copies = append(copies, ts)
			}
		}
	}
	if stored.thread != "" {
		err = s.pages(ctx, "conversations.replies", channel, s.query(m, channel, stored.thread), note)
	}
	if err == nil { // a reply too can be here: Slack posts it in the channel when its thread is gone
		err = s.pages(ctx, "conversations.history", channel, s.query(m, channel, ""), note)
	}
	slices.SortFunc(copies, compareTS)
	return slices.Compact(copies), channel, err
}

// query asks for the messages of a channel, or of a thread in it, among which m is to be searched.
func (s *Sink) query(m sink.Message, channel, thread string) url.Values {
	query := s.window(m, time.Now())
	query.Set("channel", channel)
	query.Set("inclusive", "true")
	query.Set("include_all_metadata", "true")
	query.Set("limit", strconv.Itoa(historyLimit))
	if thread != "" {
		query.Set("ts", thread)
	}
	return query
}

// window returns the bounds of the search by Slack's clock: from the delivery before m, else from before the first
// attempt, to after now. Where our clock has to tell, the bounds are wide: it may have been set since the last answer
// showed how far it is from Slack's. Both are given, because with oldest alone Slack returns what is nearest to oldest.
func (s *Sink) window(m sink.Message, now time.Time) url.Values {
	skew, _ := s.ws.clockSkew()
	oldest := m.After
	if !tsForm.MatchString(oldest) {
		oldest = "0"
		if !m.FirstSent.IsZero() && !m.FirstSent.After(now) { // after now: the clock was set back since
			oldest = formatTS(m.FirstSent.Add(skew - clockSet))
		}
	}
	return url.Values{"oldest": {oldest}, "latest": {formatTS(now.Add(skew + clockSet))}}
}

// pages reads a channel's history, or a thread, page by page. Fewer messages than asked for do not mean the end: only an empty cursor does.
func (s *Sink) pages(ctx context.Context, method, channel string, query url.Values, each func([]json.RawMessage)) error {
	restarted := false
	for {
		page, next, o := s.page(ctx, method, query)
		switch {
		case o.code == "thread_not_found": // nothing can be in it
			return nil
		case o.class == applied:
			each(page)
			if next == "" {
				return nil
			}
			if next == query.Get("cursor") {
				return s.fail(sink.InDoubt, opHistory, "Slack repeats a page of the history", o)
			}
			query.Set("cursor", next)
		case o.code == "invalid_cursor" && !restarted: // copies found twice are counted once
			restarted = true
			query.Del("cursor")
		case o.class == throttled && query.Has("cursor") && o.after <= maxPageWait:
			if err := sleep(ctx, o.after); err != nil {
				return err
			}
		default:
			return s.lookUpError(opHistory, channel, o)
		}
	}
}

func (s *Sink) page(ctx context.Context, method string, query url.Values) (page []json.RawMessage, next string, o outcome) {
	call, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	o = s.ws.call(call, method, []byte(query.Encode()))
	if o.class != applied {
		return nil, "", o
	}
	var answer struct {
		Messages []json.RawMessage `json:"messages"`
		Metadata struct {
			NextCursor string `json:"next_cursor"`
		} `json:"response_metadata"`
	}
	if err := json.Unmarshal(o.body, &answer); err != nil || answer.Messages == nil {
		return nil, "", outcome{answered: true, what: "the page of history cannot be read"}
	}
	return answer.Messages, answer.Metadata.NextCursor, o
}

// ours returns the ts of raw if it is a message of our bot with the shipment's id in its metadata.
func ours(raw json.RawMessage, id, botID string) string {
	if have, ts := shipmentOf(raw, botID); have == id {
		return ts
	}
	return ""
}

// shipmentOf returns the id of the shipment that raw was sent as, and its ts; "" if it is no message of our bot's that has
// one. Each message is decoded for itself: one of another app may hold anything.
func shipmentOf(raw json.RawMessage, botID string) (id, ts string) {
	var message struct {
		TS       string          `json:"ts"`
		BotID    string          `json:"bot_id"`
		Metadata json.RawMessage `json:"metadata"`
	}
	var metadata struct {
		EventType string `json:"event_type"`
		Payload   struct {
			ID string `json:"id"`
		} `json:"event_payload"`
	}
	if json.Unmarshal(raw, &message) != nil || message.BotID != botID || json.Unmarshal(message.Metadata, &metadata) != nil {
		return "", ""
	}
	if metadata.EventType != eventType {
		return "", ""
	}
	return metadata.Payload.ID, message.TS
}

// remove deletes messages. One that is gone already counts as not removed, without an error.
func (s *Sink) remove(ctx context.Context, channel string, all []string) (removed int, err error) {
	for _, ts := range all {
		call, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
		form := url.Values{"channel": {channel}, "ts": {ts}}
		o := s.ws.call(call, "chat.delete", []byte(form.Encode()))
		cancel()
		switch {
		case o.class == applied:
			removed++
		case o.code == "message_not_found":
		default:
			return removed, s.lookUpError(opDelete, channel, o)
		}
	}
	return removed, nil
}

// tsForm is how Slack writes the time that names a message: seconds and six more digits.
var tsForm = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{6}$`)

func formatTS(t time.Time) string {
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
}

func compareTS(a, b string) int {
	return cmp.Or(
		cmp.Compare(strings.IndexByte(a+".", '.'), strings.IndexByte(b+".", '.')), // fewer digits: earlier
		strings.Compare(a, b),
	)
}
