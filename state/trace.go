package state

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// Trace is all that is known of one event and its deliveries.
type Trace struct {
	ID         string
	Seen       time.Time
	Event      *talkrelay.Event // nil if no route asked for the event: then only its ID is kept
	Deliveries []TracedDelivery // one a sink and route, in order of the sinks' names
}

// TracedDelivery is where one delivery stands.
type TracedDelivery struct {
	Sink    string
	Route   string // "" = not recorded
	Stand   Stand
	Seq     uint64    // place in the sink's queue, while it is waiting, in hand or dead
	Ahead   int       // how many wait before it, while it is waiting
	Receipt string    // of one that was delivered: the destination's name for it
	At      time.Time // when it was delivered or dropped, or became a dead letter
	Err     string    // why it is dead, or what went wrong last
	NextTry time.Time // of one in hand: nothing is done before; zero = at once
}

// Stand is where a delivery stands.
type Stand string

// The stands of a delivery.
const (
	Waiting   Stand = "waiting"   // in the queue
	InHand    Stand = "in hand"   // next, and certainly not delivered so far
	Sending   Stand = "sending"   // a request may be on its way
	InDoubt   Stand = "in doubt"  // a request was sent and its outcome is not known yet
	Delivered Stand = "delivered" // and confirmed
	Dropped   Stand = "dropped"   // by somebody's wish, undelivered
	Dead      Stand = "dead"      // can never be delivered as it is
)

// Traces returns the last n events that match, latest seen first. match is given the ID of an event and the event, nil if
// only the ID is kept; a nil match takes all. Damaged events count as not kept.
func (db *DB) Traces(n int, match func(id string, e *talkrelay.Event) bool) ([]Trace, error) {
	list, err := db.traces(n, match)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return list, nil
}

func (db *DB) traces(n int, match func(id string, e *talkrelay.Event) bool) ([]Trace, error) {
	ids, err := db.latest()
	if err != nil {
		return nil, err
	}
	var list []Trace
	for _, id := range ids {
		if len(list) == n {
			break
		}
		id.Event, err = db.event(id.ID)
		if err != nil {
			return nil, err
		}
		if match == nil || match(id.ID, id.Event) {
			list = append(list, id)
		}
	}
	return list, db.addDeliveries(list)
}

// latest returns the IDs of all events and when they were seen, latest first.
func (db *DB) latest() (list []Trace, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketDone).ForEach(func(k, v []byte) error {
			if d, err := decodeDone(v); err == nil {
				list = append(list, Trace{ID: string(k), Seen: d.seen})
			}
			return nil
		})
	})
	slices.SortStableFunc(list, func(a, b Trace) int { return b.Seen.Compare(a.Seen) })
	return list, err
}

func (db *DB) event(id string) (e *talkrelay.Event, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		if stored, err := decodeEvent(get(tx.Bucket(bucketEvent), id)); err == nil {
			e = &stored
		}
		return nil
	})
	return e, err
}

// addDeliveries fills in the deliveries of list.
func (db *DB) addDeliveries(list []Trace) error {
	at := make(map[string]*Trace, len(list))
	for i := range list {
		at[list[i].ID] = &list[i]
	}
	sinks, err := db.Sinks()
	if err != nil {
		return err
	}
	for _, sink := range sinks {
		err := db.view(func(tx *bolt.Tx) error {
			addSettled(tx, sink, at)
			if err := addDead(tx, sink, at); err != nil {
				return err
			}
			return addWaiting(tx, sink, at)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func addSettled(tx *bolt.Tx, sink string, at map[string]*Trace) {
	receipts := sub(tx, bucketReceipt, sink)
	for id, t := range at {
		r, err := decode[receiptRecord](get(receipts, id))
		switch {
		case errors.Is(err, errMissing):
			continue
		case r.Dropped:
			t.Deliveries = append(t.Deliveries, TracedDelivery{Sink: sink, Route: r.Route, Stand: Dropped, At: r.At})
		default:
			t.Deliveries = append(t.Deliveries, TracedDelivery{Sink: sink, Route: r.Route, Stand: Delivered, Receipt: r.Receipt, At: r.At})
		}
	}
}

func addDead(tx *bolt.Tx, sink string, at map[string]*Trace) error {
	return eachRow(sub(tx, bucketDead, sink), func(seq uint64, text []byte) bool {
		r, _ := decode[deadRecord](text) // a damaged one belongs to no event
		if t := at[r.Event]; t != nil {
			t.Deliveries = append(t.Deliveries, TracedDelivery{Sink: sink, Route: r.Route, Stand: Dead, Seq: seq, Err: r.Reason, At: r.At})
		}
		return true
	})
}

func addWaiting(tx *bolt.Tx, sink string, at map[string]*Trace) error {
	flying, err := inFlight(tx, sink)
	if err != nil {
		flying = nil // what is in hand cannot be told from what waits; the worker says that it is damaged
	}
	ahead := 0
	return eachRow(sub(tx, bucketOutbox, sink), func(seq uint64, text []byte) bool {
		r, _ := decode[outboxRecord](text)
		d := TracedDelivery{Sink: sink, Route: r.Route, Stand: Waiting, Seq: seq, Ahead: ahead}
		if flying != nil && slices.Contains(flying.Seqs, seq) {
			d.Stand, d.Ahead, d.Err, d.NextTry = standOf(flying.Phase), 0, flying.Err, flying.NextAt
		}
		ahead++
		if t := at[r.Event]; t != nil {
			t.Deliveries = append(t.Deliveries, d)
		}
		return true
	})
}

func standOf(p talkrelay.Phase) Stand {
	switch p {
	case talkrelay.PhaseSending:
		return Sending
	case talkrelay.PhaseDoubt:
		return InDoubt
	}
	return InHand
}

// Unsettled is a delivery that waits or is in hand.
type Unsettled struct {
	Seq   uint64
	Event string // its ID
	Route string
	Seen  time.Time // when the event was
	Stand Stand
	Err   string // what went wrong last, of one in hand
}

// maxUnsettled bounds what Unsettled returns.
const maxUnsettled = 1000

// Unsettled returns the first 1000 deliveries of the queue that are neither settled nor dead, in the order in which they
// will be made.
func (q *Queue) Unsettled() (list []Unsettled, err error) {
	err = q.db.view(func(tx *bolt.Tx) error {
		flying, _ := inFlight(tx, q.sink) // the worker says so if it is damaged
		done := tx.Bucket(bucketDone)
		return eachRow(sub(tx, bucketOutbox, q.sink), func(seq uint64, text []byte) bool {
			r, _ := decode[outboxRecord](text)
			u := Unsettled{Seq: seq, Event: r.Event, Route: r.Route, Stand: Waiting}
			if d, err := decodeDone(get(done, r.Event)); err == nil {
				u.Seen = d.seen
			}
			if flying != nil && slices.Contains(flying.Seqs, seq) {
				u.Stand, u.Err = standOf(flying.Phase), flying.Err
			}
			list = append(list, u)
			return len(list) < maxUnsettled
		})
	})
	return list, q.failed("read queue of", err)
}

// eachRow calls f with the rows of a sink's outbox or dead letters, in order, until it returns false.
// b may be nil.
func eachRow(b *bolt.Bucket, f func(seq uint64, text []byte) (more bool)) error {
	if b == nil {
		return nil
	}
	c := b.Cursor()
	var last []byte
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if err := inOrder(last, k); err != nil {
			return err
		}
		last = bytes.Clone(k)
		if seq, ok := seqOf(k); ok && !f(seq, v) {
			return nil
		}
	}
	return nil
}
