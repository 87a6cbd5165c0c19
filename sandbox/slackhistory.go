package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// history answers conversations.history: newest first, in pages, without replies. With oldest and no latest the page
// that comes is the one nearest to oldest.
func (s *Slack) history(r *Request, a args) map[string]any {
	c, code := s.readable(r, a)
	if code != "" {
		return slackError(code)
	}
	if a["oldest"] != "" && a["latest"] == "" {
		s.violate(r, "oldest without latest gives the messages nearest to oldest")
	}
	return s.page(r, a, c, func(m *SlackMessage) bool { return m.ThreadTS == "" || m.wide }, a["oldest"] == "" || a["latest"] != "")
}

// replies answers conversations.replies: the parent and its replies, oldest first.
func (s *Slack) replies(r *Request, a args) map[string]any {
	c, code := s.readable(r, a)
	if code != "" {
		return slackError(code)
	}
	parent := a["ts"]
	if c.visible(parent) == nil {
		return slackError("thread_not_found")
	}
	return s.page(r, a, c, func(m *SlackMessage) bool { return m.TS == parent || m.ThreadTS == parent }, false)
}

func (s *Slack) readable(r *Request, a args) (*SlackChannel, string) {
	c, code := s.reach(r, a["channel"])
	switch {
	case code != "":
		return nil, code
	case !c.member:
		return nil, "not_in_channel"
	case c.historyErr != "":
		return nil, c.historyErr
	}
	return c, ""
}

// page collects one page of what want keeps, from the newest end or from the oldest.
func (s *Slack) page(r *Request, a args, c *SlackChannel, want func(*SlackMessage) bool, newestEnd bool) map[string]any {
	oldest, latest, code := s.span(r, a)
	if code != "" {
		return slackError(code)
	}
	limit, code := s.limit(r, a, 100)
	if code != "" {
		return slackError(code)
	}
	from, ok := parseSlackCursor(a["cursor"])
	if !ok {
		return slackError("invalid_cursor")
	}
	if s.settings.ShortPages {
		limit = max(1, limit/2)
	}
	found := c.between(oldest, latest, func(m *SlackMessage) bool {
		return want(m) && !m.Deleted && !m.Posted.Add(s.settings.Lag).After(s.now())
	})
	if newestEnd {
		slices.Reverse(found)
	}
	if from != 0 {
		at := slices.IndexFunc(found, func(m *SlackMessage) bool {
			ts, _ := parseTS(m.TS)
			return newestEnd && ts <= from || !newestEnd && ts >= from
		})
		if at < 0 {
			at = len(found)
		}
		found = found[at:]
	}
	next := ""
	if len(found) > limit {
		next = slackCursor("next_ts", strings.Replace(found[limit].TS, ".", "", 1))
		found = found[:limit]
	}
	if !newestEnd && a["ts"] == "" {
		slices.Reverse(found) // whichever end a page of history is from, it is newest first
	}
	messages := []any{}
	for _, m := range found {
		messages = append(messages, c.wireMessage(m, a.flag("include_all_metadata")))
	}
	reply := map[string]any{"messages": messages, "has_more": next != "", "pin_count": 0}
	if next != "" {
		reply["response_metadata"] = map[string]any{"next_cursor": next}
	}
	return reply
}

// span reads oldest and latest as the first and last microsecond that count.
func (s *Slack) span(r *Request, a args) (oldest, latest int64, code string) {
	latest = math.MaxInt64
	if v := a["oldest"]; v != "" {
		n, ok := parseTS(v)
		if !ok {
			s.violate(r, "oldest %q is no ts", v)
			return 0, 0, "invalid_ts_oldest"
		}
		oldest = n
		if !a.flag("inclusive") {
			oldest++
		}
	}
	if v := a["latest"]; v != "" {
		n, ok := parseTS(v)
		if !ok {
			s.violate(r, "latest %q is no ts", v)
			return 0, 0, "invalid_ts_latest"
		}
		latest = n
		if !a.flag("inclusive") {
			latest--
		}
	}
	return oldest, latest, ""
}

// between returns the messages of a span, oldest first.
func (c *SlackChannel) between(oldest, latest int64, want func(*SlackMessage) bool) []*SlackMessage {
	var found []*SlackMessage
	for _, m := range c.messages {
		ts, _ := parseTS(m.TS) // made by formatTS
		if ts >= oldest && ts <= latest && want(m) {
			found = append(found, m)
		}
	}
	return found
}

func (s *Slack) limit(r *Request, a args, usual int) (int, string) {
	if a["limit"] == "" {
		return usual, ""
	}
	n, err := strconv.Atoi(a["limit"])
	if err != nil || n < 1 || n > 999 {
		s.violate(r, "limit %q is not in 1..999", a["limit"])
		return 0, "invalid_limit"
	}
	return n, ""
}

func slackCursor(kind, value string) string {
	return base64.StdEncoding.EncodeToString([]byte(kind + ":" + value))
}

// parseSlackCursor returns the microsecond a page begins at; 0 for no cursor.
func parseSlackCursor(cursor string) (int64, bool) {
	if cursor == "" {
		return 0, true
	}
	b, err := base64.StdEncoding.DecodeString(cursor)
	value, marked := strings.CutPrefix(string(b), "next_ts:")
	n, err2 := strconv.ParseInt(value, 10, 64)
	return n, err == nil && marked && err2 == nil
}

// wireMessage is the message as history and chat.postMessage show it.
func (c *SlackChannel) wireMessage(m *SlackMessage, metadata bool) any {
	if m.raw != nil {
		var object map[string]json.RawMessage
		if json.Unmarshal(m.raw, &object) != nil {
			return m.raw
		}
		object["ts"] = encode(m.TS)
		return object
	}
	bot := m.BotID
	w := map[string]any{
		"type": "message", "ts": m.TS, "bot_id": bot, "text": m.Text, "team": c.s.TeamID, "app_id": c.s.AppID,
		"bot_profile": map[string]any{"id": bot, "app_id": c.s.AppID, "name": "talkrelay", "deleted": false, "team_id": c.s.TeamID},
	}
	if bot == c.s.BotID {
		w["user"] = c.s.UserID
	}
	more := map[string]any{}
	if m.Blocks != nil {
		more["blocks"] = m.Blocks
	}
	if m.ThreadTS != "" {
		more["thread_ts"] = m.ThreadTS
	}
	if m.Edited != "" {
		more["edited"] = map[string]any{"user": c.s.UserID, "ts": m.Edited}
	}
	if metadata && m.metadata != nil {
		more["metadata"] = m.metadata
	}
	maps.Copy(w, more)
	return w
}
