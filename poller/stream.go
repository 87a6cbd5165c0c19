// Package poller asks Channel Talk at scheduled times and finds what is new. A Stream is a pure comparison of what
// the API shows with what was stored; a Poller schedules the streams of one channel, one at a time, and commits what
// each finds in one transaction: cursor, snapshots, events and the deliveries the routes made of them.
package poller

import (
	"context"

	"talkrelay"
)

// Stream reads one kind of thing and says what is new. It writes nothing and keeps nothing between calls: what it must
// remember is in the Batch it returns, and counts only once that is committed.
type Stream interface {
	// Name is the key of its cursor and never changes once released. Streams of one name share the cursor.
	Name() string

	// Poll reads one page and compares it with prev. from is nil at the start of a walk, else the Next of the batch
	// before, which has been committed since. An error may come with a Batch of Next alone: go on from there all the
	// same. Without it the walk begins anew.
	Poll(ctx context.Context, prev View, from Position) (Batch, error)
}

// View is what was stored last time.
type View interface {
	Cursor() []byte                                                             // nil on the first run
	Entity(ref talkrelay.Ref) ([]byte, error)                                   // nil if unknown
	Entities(typ string, after string, limit int) ([]talkrelay.Snapshot, error) // in order of id, after an id
}

// Position is a place in a walk over several pages. It is the stream's own and lives in memory only: after a failure
// or a restart the walk begins again.
type Position []byte

// Batch is what one page held that was not known before. The zero Batch means nothing new, and nothing is written.
type Batch struct {
	Events   []talkrelay.Event
	Entities map[talkrelay.Ref][]byte // new snapshots; nil deletes
	Cursor   []byte                   // nil = unchanged
	Next     Position                 // nil = the walk is complete; else go on from here at once
	Then     func()                   // called once all this is committed; nil = nothing is to be said of it
}

// Store is where a Poller reads what is known and commits what is new. Cursor, Entity and Entities return copies.
type Store interface {
	Cursor(channel, stream string) ([]byte, error)
	Entity(channel string, ref talkrelay.Ref) ([]byte, error)
	Entities(channel, typ, after string, limit int) ([]talkrelay.Snapshot, error)
	Commit(talkrelay.Commit) error
}
