package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ChannelTalk is the simulated Open API v5. One server holds any number of channels, told apart by their access keys.
type ChannelTalk struct {
	*Service

	mu       sync.Mutex // guards everything of all channels
	clock    clock
	names    *names
	channels map[string]*Channel // by access key
	count    int                 // objects made so far
}

// Channel is one Channel Talk channel: customers, chats, managers, and the keys that open it.
type Channel struct {
	ID           string
	Name         string
	AccessKey    string
	AccessSecret string

	ct       *ChannelTalk
	quirks   Quirks
	users    map[string]*Customer
	members  map[string]*Customer // by member id
	managers []*Manager
	groups   []*Group
	bot      *wireBot
	tags     map[string]*wireTag
	chats    map[string]*Chat
	shelves  map[string]*shelf // chats by state
	entries  uint64            // rises with each chat put on a shelf
	lists    bucket            // of GET /user-chats
	rest     bucket            // of everything else
	history  []Happening
	revoked  bool
}

// Quirks are the ways in which the real API may differ from its description, or from what one hopes. The zero Quirks
// are the likeliest reading.
type Quirks struct {
	Order         Order
	BoundaryTwice bool  // the last row of a page comes again as the first of the next
	NextRepeated  bool  // the last page gives back the cursor it was asked for, instead of none
	EmptyLastPage bool  // a page that happens to be the last one still has a cursor; an empty page follows
	CursorIgnored bool  // every page is the first one
	LeaveOutUsers int   // every so many-th chat of a list comes without its user; 0 = none
	DeskMessages  bool  // lists show each chat's last desk message (notes, logs) instead of the last one customers see
	KeepClosedAt  bool  // a re-opened chat keeps closedAt
	RetryAfter    bool  // a 429 has a Retry-After header
	Lists, Rest   Limit // rate limits of GET /user-chats and of all else; zero = 1000 at once, 10 a second
	Unlimited     bool  // no rate limits at all
}

// Order is what lists of chats are sorted by; the API does not say.
type Order int

// The orders of a list with sortOrder=desc, which sortOrder=asc turns round.
const (
	NewestFirst  Order = iota // by when the chat came to its present state, newest first
	CreatedFirst              // by creation, newest first
	OldestFirst               // by when the chat came to its present state, oldest first
	Shuffled                  // by nothing one could name, but always the same
)

// StartChannelTalk starts the Open API alone.
func StartChannelTalk(o ServiceOptions) (*ChannelTalk, error) {
	ct := &ChannelTalk{names: newNames(o.Seed), channels: make(map[string]*Channel)}
	var err error
	ct.Service, err = newService("channeltalk", o, ct.reply)
	if err != nil {
		return nil, err
	}
	ct.clock.now = ct.now
	return ct, nil
}

// AddChannel makes a channel with keys of its own.
func (ct *ChannelTalk) AddChannel(name string) *Channel {
	ct.mu.Lock()
	defer ct.mu.Unlock()
	ct.count++
	c := &Channel{
		ID: strconv.Itoa(10_000 + ct.count), Name: name,
		AccessKey: ct.names.hex(16), AccessSecret: ct.names.hex(16) + ct.names.hex(16),
		ct: ct, users: make(map[string]*Customer), members: make(map[string]*Customer), tags: make(map[string]*wireTag),
		chats: make(map[string]*Chat), shelves: make(map[string]*shelf),
	}
	c.bot = &wireBot{ID: strconv.Itoa(ct.nextID()), ChannelID: c.ID, Name: "안내봇", Color: "#5093EB", CreatedAt: ct.clock.tick()}
	ct.channels[c.AccessKey] = c
	c.setLimits()
	return c
}

func (ct *ChannelTalk) nextID() int {
	ct.count++
	return 100_000 + ct.count
}

// SetQuirks changes how the channel's API behaves from now on, and fills its rate limits up.
func (c *Channel) SetQuirks(q Quirks) {
	c.ct.mu.Lock()
	defer c.ct.mu.Unlock()
	c.quirks = q
	c.setLimits()
}

func (c *Channel) setLimits() {
	usual := Limit{Burst: 1000, PerSecond: 10}
	q := &c.quirks
	if q.Lists == (Limit{}) {
		q.Lists = usual
	}
	if q.Rest == (Limit{}) {
		q.Rest = usual
	}
	if q.Unlimited {
		q.Lists, q.Rest = Limit{}, Limit{}
	}
	c.lists, c.rest = newBucket(q.Lists), newBucket(q.Rest)
}

// SetRevoked takes the channel's key back (401 from now on), or makes it good again.
func (c *Channel) SetRevoked(revoked bool) {
	c.ct.mu.Lock()
	defer c.ct.mu.Unlock()
	c.revoked = revoked
}

const apiRoot = "/open/v5"

// reply answers one request. It is the only place where r.Path is read.
func (ct *ChannelTalk) reply(r *Request) answer {
	if r.Method != http.MethodGet {
		ct.violate(r, "nothing but GET may be sent to Channel Talk")
		return ctError(http.StatusMethodNotAllowed, "methodNotAllowed", "HTTP 405 Method Not Allowed")
	}
	path, ok := strings.CutPrefix(r.Path, apiRoot+"/")
	if !ok {
		ct.violate(r, "unknown path")
		return ctError(http.StatusNotFound, "notFound", "HTTP 404 Not Found")
	}
	ct.mu.Lock()
	defer ct.mu.Unlock()
	c := ct.channels[r.Header.Get("X-Access-Key")]
	if c == nil || c.revoked || c.AccessSecret != r.Header.Get("X-Access-Secret") {
		return ctError(http.StatusUnauthorized, "unauthorized", "Wrong access key or secret.")
	}
	b := &c.rest
	if path == "user-chats" {
		b = &c.lists
	}
	pass, wait := b.take(ct.now())
	a := ctError(http.StatusTooManyRequests, "tooManyRequests", "Too many requests.")
	if pass {
		a = c.get(r, strings.Split(path, "/"))
	}
	c.rateHeaders(&a, b, pass, wait)
	return a
}

// rateHeaders adds the headers that every reply has.
func (c *Channel) rateHeaders(a *answer, b *bucket, pass bool, wait time.Duration) {
	if a.header == nil {
		a.header = make(http.Header)
	}
	a.header.Set("Content-Type", "application/json;charset=utf-8")
	if b.limit == (Limit{}) {
		return
	}
	full := time.Duration((float64(b.limit.Burst) - b.tokens) / b.limit.PerSecond * float64(time.Second))
	reset := c.ct.now().Add(full).Add(time.Second - 1).Unix()
	a.header.Set("X-Ratelimit-Limit", strconv.Itoa(b.limit.Burst))
	a.header.Set("X-Ratelimit-Remaining", strconv.Itoa(int(b.tokens)))
	a.header.Set("X-Ratelimit-Reset", strconv.FormatInt(reset, 10))
	a.header.Set("X-Ratelimit-Will-Be-Throttled", strconv.FormatBool(b.tokens < 1))
	if !pass && c.quirks.RetryAfter {
		a.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}

// get finds the endpoint. Unknown parameters do not disturb the API, but a client of ours has no reason to send them.
func (c *Channel) get(r *Request, path []string) answer {
	switch {
	case len(path) == 1 && path[0] == "user-chats":
		c.params(r, "state", "sortOrder", "since", "limit")
		return c.listChats(r)
	case len(path) == 2 && path[0] == "user-chats" && path[1] != "cases":
		c.params(r)
		return c.getChat(path[1])
	case len(path) == 3 && path[0] == "user-chats" && path[2] == "messages":
		c.params(r, "sortOrder", "since", "limit")
		t := c.chats[path[1]]
		if t == nil {
			return gone("UserChat", path[1])
		}
		return c.listMessages(r, t.messages)
	case path[0] == "groups":
		return c.getGroups(r, path[1:])
	case len(path) == 2 && path[0] == "users":
		c.params(r)
		return c.getUser(path[1])
	case len(path) == 1 && path[0] == "managers":
		c.params(r, "since", "limit")
		return c.listManagers(r)
	case len(path) == 2 && path[0] == "managers":
		c.params(r)
		return c.getManager(path[1])
	case len(path) == 1 && path[0] == "channel":
		c.params(r)
		return ctJSON(map[string]any{"channel": c.wire()})
	}
	c.ct.violate(r, "unknown path")
	return ctError(http.StatusNotFound, "notFound", "HTTP 404 Not Found")
}

func (c *Channel) params(r *Request, known ...string) {
	for name, values := range r.Query {
		if len(values) != 1 || !slices.Contains(known, name) {
			c.ct.violate(r, "unknown or repeated parameter %s", name)
		}
	}
}

// limitParam reads limit, which has a range and a default.
func limitParam(q url.Values) (int, bool) {
	if !q.Has("limit") {
		return 25, true
	}
	n, err := strconv.Atoi(q.Get("limit"))
	return n, err == nil && n >= 1 && n <= 500
}

func ctJSON(v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return ctError(http.StatusInternalServerError, "internal", err.Error())
	}
	return answer{body: body}
}

func ctError(status int, kind, message string) answer {
	a := ctJSON(map[string]any{
		"type": kind + "Exception", "status": status, "language": "en",
		"errors": []any{map[string]any{"message": message}},
	})
	a.status = status
	a.header = http.Header{"Content-Type": {"application/json;charset=utf-8"}}
	return a
}

func gone(what, id string) answer {
	return ctError(http.StatusNotFound, "notFound", fmt.Sprintf("%s %s not found.", what, id))
}
