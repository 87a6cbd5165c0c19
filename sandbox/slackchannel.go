package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SlackChannel is one channel of the workspace. The bot is a member of a new one.
type SlackChannel struct {
	ID      string
	Name    string
	Private bool

	s          *Slack
	created    int64
	archived   bool
	member     bool
	postErr    string // of chat.postMessage; "" = fine
	historyErr string // of conversations.history and replies; "" = readable
	messages   []*SlackMessage
	lastTS     int64 // microseconds
	bucket     bucket
	arrivals   []time.Time // of calls of chat.postMessage
}

// SlackMessage is one message as the channel holds it.
type SlackMessage struct {
	TS         string
	ThreadTS   string // of the parent; "" = not in a thread
	BotID      string
	Text       string          // with Slack's mark-up
	Blocks     json.RawMessage // nil = none
	EventType  string          // of the metadata
	MetadataID string          // "id" in the metadata's payload
	Edited     string          // ts of the last edit; "" = none
	Deleted    bool
	Posted     time.Time

	metadata json.RawMessage
	raw      json.RawMessage // given out as it is, for what other apps post
	noLinks  bool            // sent with parse=none
	noMarkup bool            // sent with mrkdwn=false
	wide     bool            // a reply that shows in the channel too
}

// AddChannel makes a public channel.
func (s *Slack) AddChannel(name string) *SlackChannel { return s.addChannel(name, false) }

// AddPrivateChannel makes a private channel.
func (s *Slack) AddPrivateChannel(name string) *SlackChannel { return s.addChannel(name, true) }

func (s *Slack) addChannel(name string, private bool) *SlackChannel {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &SlackChannel{
		ID: "C" + s.names.upper(10), Name: name, Private: private, s: s, created: s.now().Unix(), member: true,
		bucket: newBucket(s.settings.Posts),
	}
	s.channels = append(s.channels, c)
	return c
}

// SetArchived archives the channel or brings it back.
func (c *SlackChannel) SetArchived(archived bool) {
	c.set(func() { c.archived = archived })
}

// SetMember puts the bot into the channel or out of it.
func (c *SlackChannel) SetMember(member bool) { c.set(func() { c.member = member }) }

// SetPostError makes chat.postMessage to this channel fail with code; "" = no longer.
func (c *SlackChannel) SetPostError(code string) { c.set(func() { c.postErr = code }) }

// SetHistoryError makes reading this channel fail with code; "" = no longer.
func (c *SlackChannel) SetHistoryError(code string) { c.set(func() { c.historyErr = code }) }

// Rename changes the name; the ID stays.
func (c *SlackChannel) Rename(name string) { c.set(func() { c.Name = name }) }

func (c *SlackChannel) set(f func()) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	f()
}

// PostRaw adds a message of another app, given out exactly as it is but for its ts. It may be as malformed as it likes.
func (c *SlackChannel) PostRaw(object string) (ts string) {
	c.set(func() {
		m := &SlackMessage{Posted: c.s.now(), raw: json.RawMessage(object)}
		c.add(m)
		ts = m.TS
	})
	return ts
}

// PostAs adds a message of another bot with the given metadata, as a well-made app would.
func (c *SlackChannel) PostAs(botID, text, eventType, id string) (ts string) {
	c.set(func() {
		m := &SlackMessage{BotID: botID, Text: text, EventType: eventType, MetadataID: id, Posted: c.s.now()}
		m.metadata = encode(map[string]any{"event_type": eventType, "event_payload": map[string]string{"id": id}})
		c.add(m)
		ts = m.TS
	})
	return ts
}

// Delete takes a message away, as a person would.
func (c *SlackChannel) Delete(ts string) {
	c.set(func() {
		if m := c.visible(ts); m != nil {
			m.Deleted = true
		}
	})
}

// Messages returns what people see in the channel, threads included, oldest first: without what was deleted.
func (c *SlackChannel) Messages() []SlackMessage {
	all := c.AllMessages()
	return slices.DeleteFunc(all, func(m SlackMessage) bool { return m.Deleted })
}

// AllMessages returns the deleted ones too.
func (c *SlackChannel) AllMessages() []SlackMessage {
	var all []SlackMessage
	c.set(func() {
		for _, m := range c.messages {
			all = append(all, *m)
		}
	})
	return all
}

// Texts returns each visible message as plain text with all its blocks, oldest first.
func (c *SlackChannel) Texts() []string {
	var texts []string
	for _, m := range c.Messages() {
		texts = append(texts, m.Plain())
	}
	return texts
}

// MaxPerSecond returns the most calls of chat.postMessage that came within one second, refused ones included. A second
// is taken as 0.9 s, so that a caller who keeps the pace is not blamed for the jitter on the way.
func (c *SlackChannel) MaxPerSecond() int {
	most, from := 0, 0
	c.set(func() {
		for i, t := range c.arrivals {
			for t.Sub(c.arrivals[from]) >= 900*time.Millisecond {
				from++
			}
			most = max(most, i-from+1)
		}
	})
	return most
}

// find returns the channel with this ID, or nil. Names are not IDs.
func (s *Slack) find(id string) *SlackChannel {
	for _, c := range s.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// add gives m its ts, which is never used twice in a channel, and puts it at the end.
func (c *SlackChannel) add(m *SlackMessage) {
	c.lastTS = max(m.Posted.UnixMicro(), c.lastTS+1)
	m.TS = formatTS(c.lastTS)
	c.messages = append(c.messages, m)
}

func formatTS(micros int64) string { return fmt.Sprintf("%d.%06d", micros/1e6, micros%1e6) }

// parseTS reads a ts, or the whole seconds that oldest and latest may be.
func parseTS(s string) (micros int64, ok bool) {
	seconds, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || n < 0 || len(fraction) > 6 {
		return 0, false
	}
	f, err := strconv.ParseInt(cmp.Or(fraction, "0"), 10, 64)
	for range 6 - len(fraction) {
		f *= 10
	}
	return n*1e6 + f, err == nil && f >= 0
}

// visible returns the message with this ts that has not been deleted, or nil.
func (c *SlackChannel) visible(ts string) *SlackMessage {
	for _, m := range c.messages {
		if m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

// reach finds the channel of a call that reads or writes messages.
func (s *Slack) reach(r *Request, id string) (*SlackChannel, string) {
	if id == "" {
		s.violate(r, "no channel")
		return nil, "channel_not_found"
	}
	c := s.find(id)
	switch {
	case c == nil && (strings.HasPrefix(id, "#") || strings.ToUpper(id) != id):
		s.violate(r, "channel is given by name; a rename would break that")
		return nil, "channel_not_found"
	case c == nil, c.Private && !c.member:
		return nil, "channel_not_found"
	}
	return c, ""
}

func (c *SlackChannel) wire() map[string]any {
	return map[string]any{
		"id": c.ID, "name": c.Name, "name_normalized": c.Name, "is_channel": !c.Private, "is_group": c.Private, "is_private": c.Private,
		"is_archived": c.archived, "is_member": c.member, "is_general": false, "is_im": false, "is_mpim": false, "is_shared": false,
		"is_ext_shared": false, "is_org_shared": false, "created": c.created, "creator": c.s.UserID, "context_team_id": c.s.TeamID,
		"topic": map[string]any{"value": "", "creator": "", "last_set": 0}, "purpose": map[string]any{"value": "", "creator": "", "last_set": 0},
		"previous_names": []string{}, "unlinked": 0, "updated": c.created * 1000,
	}
}

func (s *Slack) info(r *Request, a args) map[string]any {
	c, code := s.reach(r, a["channel"])
	if code != "" {
		return slackError(code)
	}
	return map[string]any{"channel": c.wire()}
}

// list answers conversations.list, which shows the public channels by default.
func (s *Slack) list(r *Request, a args) map[string]any {
	types := strings.Split(cmp.Or(a["types"], "public_channel"), ",")
	var all []*SlackChannel
	for _, c := range s.channels {
		kind, scope := "public_channel", "channels:read"
		if c.Private {
			kind, scope = "private_channel", "groups:read"
		}
		if !slices.Contains(types, kind) || c.Private && !c.member || c.archived && a.flag("exclude_archived") {
			continue
		}
		if !slices.Contains(s.scopes, scope) {
			return map[string]any{"ok": false, "error": "missing_scope", "needed": scope, "provided": strings.Join(s.scopes, ",")}
		}
		all = append(all, c)
	}
	limit, code := s.limit(r, a, 100)
	if code != "" {
		return slackError(code)
	}
	from := 0
	if a["cursor"] != "" {
		from = slices.IndexFunc(all, func(c *SlackChannel) bool { return slackCursor("team", c.ID) == a["cursor"] })
		if from < 0 {
			return slackError("invalid_cursor")
		}
	}
	channels := []map[string]any{}
	next := ""
	for _, c := range all[from:] {
		if len(channels) == limit {
			next = slackCursor("team", c.ID)
			break
		}
		channels = append(channels, c.wire())
	}
	return map[string]any{"channels": channels, "response_metadata": map[string]any{"next_cursor": next}}
}
