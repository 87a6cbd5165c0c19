package poller

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/bits"
	"time"

	"talkrelay/channeltalk"
)

// mode is what a walk through the lists of chats is for.
type mode int

const (
	tick      mode = iota // what is new: the tops of opened and queued
	sweep                 // what ticks cannot see: opened, queued, snoozed in full, closed as far as it may have moved
	fullSweep             // everything
)

// walkStates are the lists in the order they are read. The first two are where openings show up.
var walkStates = [...]string{stateOpened, stateQueued, stateSnoozed, stateClosed}

const liveStates = 2

// Rows of a page. A tick that finds nothing new should not cost more than it must.
const (
	firstLimit = 25
	pageLimit  = 500
)

// chatCursor is what the chats stream keeps between walks. Its JSON form is in the state file: fields are added, never
// renamed or reused.
type chatCursor struct {
	Version  int   `json:"v"`
	Done     bool  `json:"d,omitempty"` // the first walk is complete: what is new from now on is an event
	FullRead bool  `json:"f,omitempty"` // the lists are not newest first: ticks read them to the end
	Mark     int   `json:"u,omitempty"` // number of a walk that went on below something new and is not through; 0 = none
	Marks    int   `json:"m,omitempty"` // the last such number
	Swept    int64 `json:"w,omitempty"` // when a complete sweep began, up to sweptStep behind; Channel Talk's clock
	Waits    int64 `json:"y,omitempty"` // since when somebody asks who waits for an answer; 0 = nobody does
	Messages int64 `json:"a,omitempty"` // since when somebody asks for messages, Channel Talk's clock; 0 = nobody does
	Full     int64 `json:"r,omitempty"` // when a full sweep was last complete, up to sweptStep behind; our clock, as its schedule
}

const (
	cursorVersion = 1
	sweptStep     = time.Hour // an idle sweep writes nothing but this, so not more often
)

func readChatCursor(data []byte) (chatCursor, error) {
	if data == nil {
		return chatCursor{Version: cursorVersion}, nil
	}
	var c chatCursor
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("decode cursor of chats: %w", err)
	}
	if c.Version > cursorVersion {
		return c, fmt.Errorf("decode cursor of chats: written by a newer version (%d); install that one", c.Version)
	}
	return c, nil
}

// walk is a place in a walk over the lists; its JSON form is the Position.
type walk struct {
	Baseline bool   `json:",omitempty"`
	States   int    // how many of walkStates it reads
	State    int    // the one it is in
	Since    string `json:",omitempty"` // cursor of the page to read next
	Page     int    `json:",omitempty"` // pages read of this state
	Last     uint64 `json:",omitempty"` // ids of the page before
	Anchor   uint64 `json:",omitempty"` // ids of an earlier page
	Full     bool   `json:",omitempty"` // reads to the end, news or not …
	Bounded  bool   `json:",omitempty"` // … but closed chats only as far back as they may have moved
	Quiet    bool   `json:",omitempty"` // a tick would have stopped in this state already
	Excused  bool   `json:",omitempty"` // another walk was not through: missed openings do not speak against the order
	Mark     int    `json:",omitempty"` // chatCursor.Mark that this walk clears when it is through the live states
	Start    int64  `json:",omitempty"` // Channel Talk's clock at its first page; 0 = not told
	Newest   int64  `json:",omitempty"` // latest closedAt seen
	Rows     int    `json:",omitempty"` // chats seen
	Retries  int    `json:",omitempty"` // of the page to read next, so far
}

// pageRetries is how often a page is asked for again before the walk begins anew: its cursor may be one that the API
// knows no more.
const pageRetries = 5

func startWalk(m mode, cur chatCursor) walk {
	w := walk{States: len(walkStates), Full: true, Baseline: !cur.Done}
	switch {
	case w.Baseline:
	case m == tick:
		w.States, w.Full = liveStates, cur.FullRead || cur.Mark != 0
		w.Mark = cur.Mark
	case m == sweep:
		w.Bounded = true
	}
	return w
}

func resumeWalk(m mode, cur chatCursor, from Position) (walk, error) {
	if from == nil {
		return startWalk(m, cur), nil
	}
	var w walk
	if err := json.Unmarshal(from, &w); err != nil || w.State < 0 || w.State >= w.States || w.States > len(walkStates) {
		return w, fmt.Errorf("decode position in chats: %q", from)
	}
	return w, nil
}

// again returns where w goes on after its page could not be read: at that page, or the longest walks would never come to
// an end. nil = at its start, where a tick finds what is newest.
func (w walk) again(m mode, err error) Position {
	if m == tick && !w.Baseline || w.Retries == pageRetries {
		return nil
	}
	switch channeltalk.KindOf(err) {
	case channeltalk.Throttled:
	case channeltalk.Server, channeltalk.Unreachable, channeltalk.NotJSON:
		w.Retries++
	default:
		return nil
	}
	return encode(w)
}

func (w *walk) state() string { return walkStates[w.State] }

func (w *walk) query() channeltalk.Query {
	q := channeltalk.Query{State: w.state(), Since: w.Since, Limit: pageLimit}
	if !w.Full && w.Page == 0 {
		q.Limit = firstLimit
	}
	return q
}

// repeated reports that a page shows what an earlier one did, so the list goes round in a circle. It compares with the
// page before and, to find longer circles, with one of the pages before that.
func (w *walk) repeated(rows []chatRow) bool {
	h := fnv.New64a()
	for i := range rows {
		h.Write([]byte(rows[i].ID))
		h.Write([]byte{0})
	}
	ids := h.Sum64()
	again := w.Page > 0 && len(rows) > 0 && (ids == w.Last || ids == w.Anchor)
	w.Last = ids
	if bits.OnesCount(uint(w.Page)) <= 1 { // pages 0, 1, 2, 4, 8 …
		w.Anchor = ids
	}
	return again
}

// nextState goes to the start of the next list and reports whether there is one.
func (w *walk) nextState() bool {
	w.State++
	w.Since, w.Page, w.Last, w.Anchor, w.Quiet = "", 0, 0, 0, false
	return w.State < w.States
}

// leftLive reports that both lists where openings show up are behind.
func (w *walk) leftLive() bool { return w.State == liveStates && w.Page == 0 }

// newsBelow reports whether, in a list that is newest first, more news may follow after these rows: some is in the
// lower half.
func newsBelow(found []judgement) bool {
	for _, j := range found[len(found)/2:] {
		if j.fresh {
			return true
		}
	}
	return false
}

// outOfOrder looks at a page with a tick's eyes and reports whether it holds an opening that a tick would not have
// reached: one below rows at which it would have stopped.
func (w *walk) outOfOrder(found []judgement) bool {
	missed := false
	look := func(part []judgement) {
		for _, j := range part {
			missed = missed || w.Quiet && j.missed
		}
		w.Quiet = w.Quiet || !newsBelow(part)
	}
	if n := firstLimit; w.Page == 0 && len(found) > n {
		look(found[:n])
		found = found[n:]
	}
	look(found)
	return missed
}
