package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// chatStates are the values of the state parameter.
var chatStates = []string{StateClosed, StateOpened, StateSnoozed, StateQueued, StateInitial, "missed"}

var sortOrders = []string{"asc", "desc", "both"}

// listChats answers GET /user-chats.
func (c *Channel) listChats(r *Request) answer {
	state, order := "opened", "desc"
	if r.Query.Has("state") {
		state = r.Query.Get("state")
	}
	if r.Query.Has("sortOrder") {
		order = r.Query.Get("sortOrder")
	}
	limit, ok := limitParam(r.Query)
	if !ok || !slices.Contains(chatStates, state) || !slices.Contains(sortOrders, order) {
		c.ct.violate(r, "bad state, sortOrder or limit")
		return ctError(http.StatusUnprocessableEntity, "validation", "Invalid parameter.")
	}
	rows, rising := c.shelf(state).ordered(c.quirks.Order)
	if order == "asc" {
		rising = !rising
	}
	since := r.Query.Get("since")
	var from *cursor
	if since != "" && !c.quirks.CursorIgnored {
		at, ok := parseCursor(since)
		if !ok {
			c.ct.violate(r, "since is no cursor of ours, or was not URL-encoded")
			return ctError(http.StatusUnprocessableEntity, "validation", "Invalid since.")
		}
		from, rising = &at, at.rising
	}
	again := c.quirks.BoundaryTwice && from != nil
	if again {
		limit++
	}
	found, more := page(rows, rising, from, again, limit)
	next := ""
	switch {
	case more, c.quirks.EmptyLastPage && len(found) == limit:
		next = cursor{rising, found[len(found)-1].key}.String()
	case c.quirks.NextRepeated:
		next = since
	}
	return answer{body: c.chatsPage(found, since, next)}
}

// chatsPage writes the reply from the objects' own cached JSON.
func (c *Channel) chatsPage(rows []row, prev, next string) []byte {
	var messages, users, managers, tags, chats list
	seen := make(map[string]bool)
	for i, r := range rows {
		t := r.chat
		chats.add(t.encoded())
		if m := t.last(); m != nil {
			messages.add(m.encoded())
		}
		left := c.quirks.LeaveOutUsers > 0 && i%c.quirks.LeaveOutUsers == 0
		if u := t.user; !u.deleted && !left && !seen[u.wire.ID] {
			seen[u.wire.ID] = true
			users.add(u.encoded())
		}
		for _, m := range c.managers {
			if slices.Contains(t.wire.ManagerIDs, m.wire.ID) && !seen[m.wire.ID] {
				seen[m.wire.ID] = true
				managers.add(encode(m.wire))
			}
		}
		for _, name := range t.wire.Tags {
			if tag := c.tags[name]; !seen["#"+name] {
				seen["#"+name] = true
				tags.add(encode(tag))
			}
		}
	}
	parts := []struct {
		name string
		json list
	}{
		{"messages", messages}, {"userChats", chats}, {"users", users}, {"managers", managers}, {"chatTags", tags},
		{"prev", quoted(prev)}, {"next", quoted(next)},
	}
	size := 100
	for _, p := range parts {
		size += p.json.size + 20
	}
	b := make([]byte, 0, size)
	comma := byte('{')
	for _, p := range parts {
		if p.json.size == 0 {
			continue // an empty value drops its key
		}
		b = append(b, comma, '"')
		b = append(b, p.name...)
		b = append(b, '"', ':')
		b = p.json.appendTo(b)
		comma = ','
	}
	if comma == '{' {
		b = append(b, '{')
	}
	return append(b, '}')
}

// list is a JSON array in the making, or one string. It copies nothing until all is known.
type list struct {
	objects [][]byte
	size    int
	scalar  bool
}

func (l *list) add(object []byte) {
	l.objects = append(l.objects, object)
	l.size += len(object) + 1
}

func quoted(s string) list {
	l := list{scalar: true}
	if s != "" {
		l.add(encode(s))
	}
	return l
}

func (l *list) appendTo(b []byte) []byte {
	if l.scalar {
		return append(b, l.objects[0]...)
	}
	b = append(b, '[')
	for i, o := range l.objects {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, o...)
	}
	return append(b, ']')
}

// encode marshals one of the wire types, which have nothing in them that could fail.
func encode(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

func (t *Chat) encoded() []byte {
	if t.json == nil {
		t.json = encode(&t.wire)
	}
	return t.json
}

func (p *Customer) encoded() []byte {
	if p.json == nil {
		p.json = encode(&p.wire)
	}
	return p.json
}

func (m *chatMessage) encoded() []byte {
	if m.json == nil {
		m.json = encode(&m.wire)
	}
	return m.json
}

// last returns the message that lists show.
func (t *Chat) last() *chatMessage {
	if t.c.quirks.DeskMessages && len(t.messages) > 0 {
		return t.messages[len(t.messages)-1]
	}
	return t.front
}

// getChat answers GET /user-chats/{id}.
func (c *Channel) getChat(id string) answer {
	t := c.chats[id]
	if t == nil {
		return gone("UserChat", id)
	}
	reply := map[string]any{"userChat": json.RawMessage(t.encoded())}
	if !t.user.deleted {
		reply["user"] = t.user.alone()
	}
	if m := t.last(); m != nil {
		reply["message"] = json.RawMessage(m.encoded())
	}
	var tags []*wireTag
	for _, name := range t.wire.Tags {
		tags = append(tags, c.tags[name])
	}
	if tags != nil {
		reply["chatTags"] = tags
	}
	return ctJSON(reply)
}

// listMessages answers GET /user-chats/{id}/messages and GET /groups/{id}/messages with some of all, oldest first: sorted
// by creation.
func (c *Channel) listMessages(r *Request, all []*chatMessage) answer {
	limit, ok := limitParam(r.Query)
	order := r.Query.Get("sortOrder")
	if !ok || !slices.Contains(sortOrders, order) {
		c.ct.violate(r, "bad limit, or sortOrder missing")
		return ctError(http.StatusUnprocessableEntity, "validation", "Invalid parameter.")
	}
	messages := slices.Clone(all)
	if order != "asc" {
		slices.Reverse(messages)
	}
	if since := r.Query.Get("since"); since != "" && !c.quirks.CursorIgnored {
		at, err := strconv.ParseUint(since, 16, 32)
		if err != nil || int(at) > len(messages) {
			c.ct.violate(r, "since is no cursor of ours")
			return ctError(http.StatusUnprocessableEntity, "validation", "Invalid since.")
		}
		// The cursor counts from the oldest message, which stays where it is when new ones come.
		from := int(at)
		if order != "asc" {
			from = len(messages) - from
		}
		messages = messages[from:]
	}
	reply := map[string]any{"bots": []*wireBot{c.bot}}
	if len(messages) > limit {
		messages = messages[:limit]
		reply["next"] = messageCursor(all, messages[limit-1], order)
	}
	var out list
	for _, m := range messages {
		out.add(m.encoded())
	}
	reply["messages"] = json.RawMessage(out.appendTo(nil))
	return ctJSON(reply)
}

// messageCursor counts the messages on the older side of the place behind last.
func messageCursor(all []*chatMessage, last *chatMessage, order string) string {
	n := slices.Index(all, last)
	if order == "asc" {
		n++
	}
	return strconv.FormatUint(uint64(n), 16)
}

// getUser answers GET /users/{id} and GET /users/@{memberId}.
func (c *Channel) getUser(id string) answer {
	u := c.users[id]
	if member, ok := strings.CutPrefix(id, "@"); ok {
		u = c.members[member]
	}
	if u == nil {
		return gone("User", id)
	}
	online := wireOnline{ChannelID: c.ID, PersonType: "user", PersonID: u.wire.ID, ID: c.ID + "-user-" + u.wire.ID}
	return ctJSON(map[string]any{"user": u.alone(), "online": online})
}

func (p *Customer) alone() wireUserAlone { return wireUserAlone{wireUser: p.wire} }

// listManagers answers GET /managers: by rising id, its cursor the id of the next one.
func (c *Channel) listManagers(r *Request) answer {
	limit, ok := limitParam(r.Query)
	if !ok {
		c.ct.violate(r, "bad limit")
		return ctError(http.StatusUnprocessableEntity, "validation", "Invalid parameter.")
	}
	managers := c.managers
	if since := r.Query.Get("since"); since != "" {
		from := slices.IndexFunc(managers, func(m *Manager) bool { return m.wire.ID == since })
		managers = managers[max(from, 0):]
	}
	reply := make(map[string]any)
	if len(managers) > limit {
		reply["next"] = managers[limit].wire.ID
		managers = managers[:limit]
	}
	var out []wireManager
	for _, m := range managers {
		out = append(out, m.wire)
	}
	if out != nil {
		reply["managers"] = out
	}
	return ctJSON(reply)
}

func (c *Channel) getManager(id string) answer {
	for _, m := range c.managers {
		if m.wire.ID == id {
			return ctJSON(map[string]any{"manager": m.wire})
		}
	}
	return gone("Manager", id)
}

func (c *Channel) wire() wireChannel {
	return wireChannel{
		ID: c.ID, Name: c.Name, BotName: c.bot.Name, Color: "#123456", TimeZone: "Asia/Seoul", Country: "KR", Domain: c.Name,
		HomepageURL: "https://" + c.Name + ".example.com", State: "active", BizGrade: "A", CreatedAt: c.bot.CreatedAt,
		WelcomeMessage: wireWelcome{[]wireBlock{{Type: "text", Value: "무엇을 도와드릴까요?"}}},
		TutorialDone:   true, Working: true, InOperation: true, UTCOffset: "+09:00", SystemLanguage: "ko",
	}
}
