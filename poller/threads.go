package poller

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sync/atomic"
	"time"

	"talkrelay"
)

// threads finds out, on the rows that are read anyway, in which chats somebody has written. It is nil where nobody asks
// for messages; then it only forgets since when somebody did.
type threads struct {
	desk    bool        // private notes and log entries count
	waiting atomic.Bool // there may be something unread

	rows map[string]inquiry // what lists have shown of unread chats, to save asking for it; at most maxRows
}

const maxRows = 500

// thread is how far the messages of a chat have been read. Its JSON form is in the state file: fields are added, never
// renamed or reused.
type thread struct {
	At  int64    `json:"t,omitempty"` // createdAt of the latest message read, Unix milliseconds
	IDs []string `json:"i,omitempty"` // the messages of that moment that have been read
	Tip string   `json:"k,omitempty"` // what the row showed then
}

// unread is a chat with messages to read. It is in the state file as well.
type unread struct {
	Tip   string `json:"k,omitempty"` // what the row shows
	Since int64  `json:"s,omitempty"` // messages up to then are the baseline
}

// begin notes in cur since when somebody asks for messages: what was written before is nobody's news.
func (t *threads) begin(cur chatCursor, server time.Time) chatCursor {
	switch {
	case t == nil:
		cur.Messages = 0
	case cur.Messages == 0:
		if cur.Messages = millis(server); cur.Messages == 0 {
			cur.Messages = millis(time.Now())
		}
	}
	return cur
}

// look compares the messages that a row names with those known, and notes a chat that is to be read.
func (t *threads) look(p *chatPage, c *chatRow, entities map[talkrelay.Ref][]byte) error {
	if t == nil {
		return nil
	}
	tip, at := t.tip(c)
	if tip == "" || !at.IsZero() && millis(at) <= p.cur.Messages {
		return nil
	}
	ref := talkrelay.Ref{Type: talkrelay.EntityUnread, ID: c.ID}
	var waits unread
	seen, err := readSnapshot(p.prev, ref, &waits)
	if err != nil || seen && waits.Tip == tip {
		return err
	}
	if !seen {
		var known thread
		if _, err := readSnapshot(p.prev, talkrelay.Ref{Type: talkrelay.EntityThread, ID: c.ID}, &known); err != nil || known.Tip == tip {
			return err
		}
		waits.Since = p.cur.Messages
	}
	waits.Tip = tip
	entities[ref] = encode(waits)
	delete(t.rows, c.ID)
	if len(t.rows) < maxRows {
		t.rows[c.ID] = inquiry{chat: &chatRow{}}
	}
	t.waiting.Store(true)
	return nil
}

// tip names the latest messages that a row shows, and says when the last of them was written; zero = not told.
func (t *threads) tip(c *chatRow) (tip string, at time.Time) {
	at = c.front.at
	ids := c.front.id + "\x00" + c.UserLastMessage
	if c.front.id == "" && c.UserLastMessage == "" && (!t.desk || c.desk.id == "") {
		return "", at
	}
	if t.desk {
		ids += "\x00" + c.desk.id
		if c.desk.at.After(at) {
			at = c.desk.at
		}
	}
	h := fnv.New64a()
	h.Write([]byte(ids))
	return fmt.Sprintf("%x", h.Sum64()), at
}

// decodeUnread reads what is stored of a chat to read.
func decodeUnread(s talkrelay.Snapshot) (u unread, err error) {
	if err := json.Unmarshal(s.Data, &u); err != nil {
		return u, fmt.Errorf("decode what is unread of chat %s: %w", s.ID, err)
	}
	return u, nil
}

// keep remembers what the i-th row of p shows, if its chat is to be read because of it. v is its customer.
func (t *threads) keep(p *chatPage, i int, v *visitor) {
	if t == nil {
		return
	}
	c := p.rows[i]
	if _, noted := t.rows[c.ID]; !noted {
		return
	}
	c.raw, c.last = keepRaw(c.raw), nil
	o := inquiry{chat: &c, reopened: p.found[i].reopened}
	if v != nil && v.row != nil {
		user := *v.row
		user.raw = keepRaw(user.raw)
		o.user = &user
	}
	t.rows[c.ID] = o
}

// take returns what keep has remembered of a chat, and forgets it. ok = that is something.
func (t *threads) take(chatID string) (o inquiry, ok bool) {
	o, ok = t.rows[chatID]
	delete(t.rows, chatID)
	return o, ok && o.chat.ID == chatID && (o.user != nil || o.chat.UserID == "")
}
