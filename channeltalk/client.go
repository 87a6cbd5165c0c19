// Package channeltalk reads a channel through the Channel Talk Open API v5. It only ever reads: nothing but GET leaves
// it (see gate.go). It is lenient with what comes back, since the API drops the keys of empty values, grows its enums
// and publishes no error schema; and strict about pace, since the allowance of a channel is shared with the customer's
// other tools.
//
// A Client serves one channel and is safe for concurrent use. It retries nothing: a *Error says what happened, and
// for how long it is to be left alone.
package channeltalk

import (
	"context"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// Client asks one channel's Open API. Make it with New.
type Client struct {
	gate    *gate
	base    *url.URL
	timeout time.Duration
	maxBody int64   // bytes of a reply, unpacked
	lists   *bucket // GET /user-chats
	others  *bucket
	quota   atomic.Pointer[Quota]
}

// New returns a client for the channel of cfg. cfg must have passed Validate: with a faulty one every request fails.
func New(cfg Config) *Client {
	cfg = cfg.withDefaults()
	base, err := url.Parse(cfg.BaseURL + "/open/v5")
	if err != nil {
		base = &url.URL{}
	}
	return &Client{
		gate: &gate{
			base: cfg.Transport, scheme: base.Scheme, host: base.Host, prefix: base.Path + "/",
			accessKey: cfg.AccessKey, accessSecret: cfg.AccessSecret,
		},
		base:    base,
		timeout: cfg.Timeout,
		maxBody: defaultMaxBody,
		lists:   newBucket(cfg.ListRequestsPerSecond, max(20, int(4*cfg.ListRequestsPerSecond)), cfg.Reserve),
		others:  newBucket(cfg.RequestsPerSecond, max(1, int(2*cfg.RequestsPerSecond)), cfg.Reserve),
	}
}

// Query chooses a page of user chats.
type Query struct {
	State     string // opened, queued, snoozed, closed, initial, missed; "" = opened
	SortOrder string // asc, or desc = newest first; "" = desc
	Since     string // ChatPage.Next of the page before; "" = the first page
	Limit     int    // rows, 1 to 500; 0 = Channel Talk's default of 25
}

// UserChats returns one page of the chats in one state, by an order that Channel Talk does not document.
// Pages follow each other by cursor, so a row at the border can come twice.
func (c *Client) UserChats(ctx context.Context, q Query) (*ChatPage, error) {
	state := firstOf(q.State, "opened")
	ask := request{
		op: "read user chats (state=" + state + ")", bucket: c.lists, path: []string{"user-chats"},
		query: paging(q.Since, q.Limit),
	}
	ask.query.Set("state", state)
	ask.query.Set("sortOrder", firstOf(q.SortOrder, "desc"))
	return get(ctx, c, ask, func(rep reply) (*ChatPage, error) {
		return decodeChatPage(rep, q.Since)
	})
}

// UserChat returns one chat. Kind Gone = there is no chat of this id.
func (c *Client) UserChat(ctx context.Context, id string) (*UserChat, error) {
	ask := request{op: "read user chat", bucket: c.others, path: []string{"user-chats", id}, single: true}
	return get(ctx, c, ask, func(rep reply) (*UserChat, error) {
		return decodeOne(rep.body, "userChat", readUserChat)
	})
}

// User returns one customer. Kind Gone = there is no user of this id: deleted, or merged into another.
func (c *Client) User(ctx context.Context, id string) (*User, error) {
	ask := request{op: "read user", bucket: c.others, path: []string{"users", id}, single: true}
	return get(ctx, c, ask, func(rep reply) (*User, error) {
		return decodeOne(rep.body, "user", readUser)
	})
}

// MessageQuery chooses a page of a chat's messages.
type MessageQuery struct {
	SortOrder string // by creation: asc, or desc = latest first; "" = desc
	Since     string // MessagePage.Next of the page before; "" = the first page
	Limit     int    // rows, 1 to 500; 0 = Channel Talk's default of 25
}

// Messages returns one page of a chat's messages, private notes and logs included. Kind Gone = there is no such chat.
func (c *Client) Messages(ctx context.Context, chatID string, q MessageQuery) (*MessagePage, error) {
	return c.messages(ctx, "read messages", []string{"user-chats", chatID, "messages"}, q)
}

func (c *Client) messages(ctx context.Context, op string, path []string, q MessageQuery) (*MessagePage, error) {
	ask := request{op: op, bucket: c.others, path: path, single: true, query: paging(q.Since, q.Limit)}
	ask.query.Set("sortOrder", firstOf(q.SortOrder, "desc"))
	return get(ctx, c, ask, func(rep reply) (*MessagePage, error) {
		return decodeMessagePage(rep, q.Since)
	})
}

// Groups returns one page of the channel's public team chats, by rising name. since is GroupPage.Next of the page before, ""
// for the first one; limit is 1 to 500, 0 = Channel Talk's default of 25.
func (c *Client) Groups(ctx context.Context, since string, limit int) (*GroupPage, error) {
	ask := request{op: "read team chats", bucket: c.others, path: []string{"groups"}, query: paging(since, limit)}
	return get(ctx, c, ask, func(rep reply) (*GroupPage, error) {
		return decodeGroupPage(rep, since)
	})
}

// GroupMessages is Messages for a team chat. Kind Gone = there is no public team chat of this id.
func (c *Client) GroupMessages(ctx context.Context, groupID string, q MessageQuery) (*MessagePage, error) {
	return c.messages(ctx, "read messages of a team chat", []string{"groups", groupID, "messages"}, q)
}

// Managers returns one page of the channel's managers. since is ManagerPage.Next of the page before, "" for the first
// one; limit is 1 to 500, 0 = Channel Talk's default of 25.
func (c *Client) Managers(ctx context.Context, since string, limit int) (*ManagerPage, error) {
	ask := request{op: "read managers", bucket: c.others, path: []string{"managers"}, query: paging(since, limit)}
	return get(ctx, c, ask, func(rep reply) (*ManagerPage, error) {
		return decodeManagerPage(rep, since)
	})
}

// Channel returns the channel that the access key belongs to.
func (c *Client) Channel(ctx context.Context) (*Channel, error) {
	ask := request{op: "read channel", bucket: c.others, path: []string{"channel"}}
	return get(ctx, c, ask, func(rep reply) (*Channel, error) {
		return decodeOne(rep.body, "channel", readChannel)
	})
}

// Quota returns the channel's request allowance as the last reply told it.
func (c *Client) Quota() Quota {
	if q := c.quota.Load(); q != nil {
		return *q
	}
	return Quota{}
}

// CloseIdleConnections closes the connections kept for the next request. Call it when c is no longer needed.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.gate.base.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// maxLimit is the most rows Channel Talk gives in one page.
const maxLimit = 500

func paging(since string, limit int) url.Values {
	v := make(url.Values)
	if since != "" {
		v.Set("since", since)
	}
	if limit > 0 {
		v.Set("limit", strconv.Itoa(min(limit, maxLimit)))
	}
	return v
}
