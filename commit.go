package talkrelay

import "errors"

// Ref names one snapshot within a channel, as in {"chat", "6641…"}.
type Ref struct {
	Type string // EntityChat, EntityUser …
	ID   string
}

// Types of entity that snapshots are kept of.
const (
	EntityChat = "chat"
	EntityUser = "user"

	EntityThread = "thread" // how far the messages of a chat have been read
	EntityUnread = "unread" // chats in which there are messages to read
	EntityGroup  = "group"  // how far the messages of a team chat have been read
)

// Snapshot is one stored entity. Data belongs to the caller: it stays valid after the transaction that read it.
type Snapshot struct {
	ID   string
	Data []byte
}

// Delivery is an event on its way to one sink. The route decided it and supplies the template.
type Delivery struct {
	EventID string `json:"event"`
	Sink    string `json:"sink"`
	Route   string `json:"route"`
}

// Commit is what one poll found, written whole or not at all.
type Commit struct {
	Epoch   uint64 // of the process that polled; an older one than the store's is refused with ErrFenced
	Channel string
	Stream  string

	Read   []byte // the cursor the poll started from; if it has moved since, the commit is refused with ErrMoved
	Cursor []byte // the new one

	Entities   map[Ref][]byte // new snapshots; nil deletes
	Events     []Event        // those already known by ID are skipped, together with their deliveries
	Deliveries []Delivery     // in the order they are to be sent
	Followers  []string       // sinks whose messages about a chat are kept true: they are told of every event of it
	Keepers    []string       // those of Followers that have a row of a chat: what routes do not send there of it is delivered as a refresh
}

// Reasons a store refuses a commit. Neither loses anything: what was found is found again by the next poll.
var (
	ErrMoved  = errors.New("cursor moved since it was read")
	ErrFenced = errors.New("another process has taken over the state")
)
