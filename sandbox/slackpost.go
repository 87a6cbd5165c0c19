package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf16"
)

// Slack's limits on one message, in UTF-16 units.
const (
	maxText      = 4_000  // what Slack advises, and what chat.update refuses beyond
	splitText    = 4_040  // a longer text becomes several messages
	cutText      = 40_000 // a longer text is cut without a word
	maxBlockText = 13_200 // of all blocks together, measured by others; the published limits allow more
	maxMetadata  = 8_192
)

// units counts as JavaScript does, which is the strictest reading of Slack's unit for text outside the first plane.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// post answers chat.postMessage.
func (s *Slack) post(r *Request, a args) map[string]any {
	c, code := s.writable(r, a["channel"])
	if code != "" {
		return slackError(code)
	}
	m := &SlackMessage{BotID: s.BotID, noLinks: a["parse"] == "none", noMarkup: a["mrkdwn"] == "false", wide: a.flag("reply_broadcast")}
	if fault := s.fill(r, a, m); fault != nil {
		return fault
	}
	if m.Text == "" && m.Blocks == nil {
		s.violate(r, "neither text nor blocks")
		return slackError("no_text")
	}
	if parent := a["thread_ts"]; parent != "" {
		if _, ok := parseTS(parent); !ok {
			s.violate(r, "thread_ts is no ts")
			return slackError("invalid_thread_ts")
		}
		if c.visible(parent) != nil { // a reply to what is gone is posted into the channel
			m.ThreadTS = parent
		}
	}
	if units(m.Text) > maxText {
		s.violate(r, "text of %d characters; Slack splits or cuts it", units(m.Text))
	}
	first := c.postParts(m)
	return map[string]any{"channel": c.ID, "ts": first.TS, "message": c.wireMessage(first, true)}
}

// postParts posts m, in several messages if its text is too long for one, and returns the first.
func (c *SlackChannel) postParts(m *SlackMessage) *SlackMessage {
	text := []rune(m.Text)
	text = text[:min(len(text), cutText)]
	size := len(text)
	if len(text) > splitText && m.Blocks == nil {
		size = maxText
	}
	var first *SlackMessage
	for {
		part := *m
		part.Posted = c.s.now()
		part.Text = string(text[:min(size, len(text))])
		c.add(&part)
		if first == nil {
			first = &part
		}
		text = text[len([]rune(part.Text)):]
		if len(text) == 0 {
			return first
		}
	}
}

// writable finds the channel of a call that posts.
func (s *Slack) writable(r *Request, id string) (*SlackChannel, string) {
	c, code := s.reach(r, id)
	switch {
	case code != "":
		return nil, code
	case c.archived:
		return nil, "is_archived"
	case !c.member && !slices.Contains(s.scopes, "chat:write.public"):
		return nil, "not_in_channel"
	case c.postErr != "":
		return nil, c.postErr
	}
	return c, ""
}

// fill checks and takes over text, blocks and metadata. It returns the reply that refuses them, or nil.
func (s *Slack) fill(r *Request, a args, m *SlackMessage) map[string]any {
	m.Text = a["text"]
	if blocks := a["blocks"]; blocks != "" && blocks != "[]" && blocks != "null" {
		code, errs := checkBlocks([]byte(blocks))
		if code != "" {
			s.violate(r, "%s: %s", code, strings.Join(errs, "; "))
			return map[string]any{"ok": false, "error": code, "errors": errs, "response_metadata": map[string]any{"messages": errs}}
		}
		m.Blocks = json.RawMessage(blocks)
	}
	metadata := a["metadata"]
	if metadata == "" {
		return nil
	}
	if len(metadata) > maxMetadata {
		s.violate(r, "metadata of %d bytes", len(metadata))
		return slackError("metadata_too_large")
	}
	var meta struct {
		EventType *string         `json:"event_type"`
		Payload   *map[string]any `json:"event_payload"`
	}
	if json.Unmarshal([]byte(metadata), &meta) != nil || meta.EventType == nil || *meta.EventType == "" || meta.Payload == nil {
		s.violate(r, "metadata is not {event_type, event_payload: {…}}")
		return slackError("invalid_metadata_format")
	}
	m.metadata = json.RawMessage(metadata)
	m.EventType = *meta.EventType
	m.MetadataID, _ = (*meta.Payload)["id"].(string) // "" if there is none
	return nil
}

// own finds a message of ours to change.
func (s *Slack) own(r *Request, a args) (*SlackChannel, *SlackMessage, string) {
	c, code := s.reach(r, a["channel"])
	if code != "" {
		return nil, nil, code
	}
	m := c.visible(a["ts"])
	switch {
	case m == nil:
		return nil, nil, "message_not_found"
	case c.archived:
		return nil, nil, "is_archived"
	}
	return c, m, ""
}

// update answers chat.update. Text without blocks takes the blocks away.
func (s *Slack) update(r *Request, a args) map[string]any {
	c, m, code := s.own(r, a)
	if code != "" {
		return slackError(code)
	}
	if m.BotID != s.BotID {
		return slackError("cant_update_message")
	}
	fresh := *m
	fresh.Blocks = nil
	if fault := s.fill(r, a, &fresh); fault != nil {
		return fault
	}
	switch {
	case units(fresh.Text) > maxText:
		s.violate(r, "text of %d characters", units(fresh.Text))
		return slackError("msg_too_long")
	case fresh.Text == "" && fresh.Blocks == nil:
		s.violate(r, "neither text nor blocks")
		return slackError("no_text")
	}
	if fresh.Blocks == nil { // a change of blocks shows no mark
		fresh.Edited = formatTS(s.now().UnixMicro())
	}
	*m = fresh
	return map[string]any{"channel": c.ID, "ts": m.TS, "text": m.Text, "message": c.wireMessage(m, true)}
}

// delete answers chat.delete.
func (s *Slack) delete(r *Request, a args) map[string]any {
	c, m, code := s.own(r, a)
	if code != "" {
		return slackError(code)
	}
	if m.BotID != s.BotID {
		return slackError("cant_delete_message")
	}
	m.Deleted = true
	return map[string]any{"channel": c.ID, "ts": m.TS}
}
