package state

import (
	"bytes"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// Refill is old events for sinks that may have them already, with how far whoever reads them has got.
type Refill struct {
	Epoch   uint64 // of the process; an older one than the store's is refused with talkrelay.ErrFenced
	Channel string
	Job     string // key of Cursor among the channel's cursors
	Cursor  []byte // nil = the job is done, and its cursor is forgotten
	Events  []OldEvent
	Keepers []string // see talkrelay.Commit
}

// OldEvent is an event that happened long ago.
type OldEvent struct {
	IDs    []string        // all under which it may be known
	Event  talkrelay.Event // as it is now. One that is still stored is delivered as it was then.
	Routes []talkrelay.Delivery
}

// Refill puts deliveries into queues, each unless the sink has the event or waits for it under any of its IDs, or it is
// one of the dead letters, or was dropped. It returns how many it put into which queue. Whole or not at all, like Commit.
func (db *DB) Refill(r Refill) (added map[string]int, err error) {
	if r.Epoch != db.epoch {
		return nil, fmt.Errorf("refill %s: %w", r.Channel, talkrelay.ErrFenced)
	}
	err = db.update(db.maxSize(), func(tx *bolt.Tx) error {
		added = map[string]int{}
		if err := putJobCursor(tx, r); err != nil {
			return err
		}
		f := filler{tx: tx, keepers: r.Keepers, stands: map[string]*standing{}, queues: map[string]*queueRecord{}, added: added}
		for i := range r.Events {
			if err := f.event(&r.Events[i]); err != nil {
				return err
			}
		}
		for sink, q := range f.queues {
			if err := saveQueue(tx, sink, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("refill %s: %w", r.Channel, err)
	}
	return added, nil
}

func putJobCursor(tx *bolt.Tx, r Refill) error {
	b, err := makeSub(tx, bucketCursor, r.Channel)
	if err != nil {
		return err
	}
	if r.Cursor == nil {
		return b.Delete([]byte(r.Job))
	}
	return b.Put([]byte(r.Job), r.Cursor)
}

// filler is one transaction of a Refill.
type filler struct {
	tx      *bolt.Tx
	keepers []string
	stands  map[string]*standing
	queues  map[string]*queueRecord
	added   map[string]int
}

// event adds the deliveries of o that are missing.
func (f *filler) event(o *OldEvent) error {
	for _, d := range o.Routes {
		s := f.stands[d.Sink]
		if s == nil {
			var err error
			if s, err = standingOf(f.tx, d.Sink); err != nil {
				return err
			}
			f.stands[d.Sink] = s
		}
		if s.of(o.IDs).Stand != "" {
			continue
		}
		id, err := f.store(o)
		if err != nil {
			return fmt.Errorf("event %s: %w", o.Event.ID, err)
		}
		if err := f.enqueue(d.Sink, outboxRecord{Event: id, Route: d.Route}); err != nil {
			return fmt.Errorf("queue of %s: %w", d.Sink, err)
		}
		s.waiting[id] = TracedDelivery{Sink: d.Sink, Stand: Waiting}
		if err := f.keep(d.Sink, &o.Event); err != nil {
			return fmt.Errorf("follow the chat of event %s: %w", id, err)
		}
	}
	return nil
}

// keep lets a keeper follow the chat of e, unless it does already: then it knows the chat as it was later.
func (f *filler) keep(sink string, e *talkrelay.Event) error {
	if !slices.Contains(f.keepers, sink) || e.Chat.ID == "" || e.Kind.UserEvent() {
		return nil
	}
	if r, ok := loadFollow(f.tx, sink, chatOf(f.tx, sink, e)); ok && !r.bare() {
		return nil
	}
	_, err := follow(f.tx, sink, e, true, true, e.Seen)
	return err
}

// store makes the event known, as seen now, with one more delivery that is not settled. It returns the ID it has: that
// under which it is known already, if it is.
func (f *filler) store(o *OldEvent) (string, error) {
	done, events := f.tx.Bucket(bucketDone), f.tx.Bucket(bucketEvent)
	e := o.Event
	record := doneRecord{}
	for _, id := range o.IDs {
		if known, err := decodeDone(get(done, id)); err == nil {
			e.ID, record = id, known
			break
		}
	}
	record.seen = e.Seen
	record.unsettled++
	if err := done.Put([]byte(e.ID), record.encode()); err != nil {
		return e.ID, err
	}
	if _, err := decodeEvent(get(events, e.ID)); err == nil {
		return e.ID, nil
	}
	text, err := encodeEvent(&e)
	if err != nil {
		return e.ID, err
	}
	return e.ID, events.Put([]byte(e.ID), text)
}

func (f *filler) enqueue(sink string, row outboxRecord) error {
	q := f.queues[sink]
	if q == nil {
		var err error
		if q, err = loadQueue(f.tx, sink); err != nil {
			return err
		}
		f.queues[sink] = q
	}
	b, err := makeSub(f.tx, bucketOutbox, sink)
	if err != nil {
		return err
	}
	q.Seq++
	q.Waiting++
	f.added[sink]++
	return putJSON(b, seqKey(q.Seq), row)
}

// Stands returns where the delivery of each event to a sink stands. An event is given by all the IDs it may have; the
// Stand of one that the sink has no delivery of is "".
func (db *DB) Stands(sink string, events [][]string) (list []TracedDelivery, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		s, err := standingOf(tx, sink)
		if err != nil {
			return err
		}
		for _, ids := range events {
			list = append(list, s.of(ids))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read deliveries to %s: %w", sink, err)
	}
	return list, nil
}

// standing is all that is known of the deliveries to one sink, for the time of a transaction.
type standing struct {
	sink     string
	receipts *bolt.Bucket              // nil = none
	waiting  map[string]TracedDelivery // by event: waiting, in hand or dead
}

// standingOf reads the queue and the dead letters of a sink: its receipts are many, and are looked up one by one.
func standingOf(tx *bolt.Tx, sink string) (*standing, error) {
	s := &standing{sink: sink, receipts: sub(tx, bucketReceipt, sink), waiting: map[string]TracedDelivery{}}
	err := eachRow(sub(tx, bucketOutbox, sink), func(seq uint64, text []byte) bool {
		r, _ := decode[outboxRecord](text) // a damaged one belongs to no event
		s.waiting[r.Event] = TracedDelivery{Sink: sink, Route: r.Route, Stand: Waiting, Seq: seq}
		return true
	})
	if err != nil {
		return nil, err
	}
	return s, eachRow(sub(tx, bucketDead, sink), func(seq uint64, text []byte) bool {
		r, _ := decode[deadRecord](text)
		s.waiting[r.Event] = TracedDelivery{Sink: sink, Route: r.Route, Stand: Dead, Seq: seq, Err: r.Reason, At: r.At}
		return true
	})
}

func (s *standing) of(ids []string) TracedDelivery {
	for _, id := range ids {
		if d, ok := s.waiting[id]; ok {
			return d
		}
		if get(s.receipts, id) == nil {
			continue
		}
		d := TracedDelivery{Sink: s.sink, Stand: Delivered}
		r, err := decode[receiptRecord](get(s.receipts, id)) // a damaged one still says that there was a delivery
		if err == nil {
			d.Route, d.Receipt, d.At = r.Route, r.Receipt, r.At
		}
		if r.Dropped {
			d.Stand = Dropped
		}
		return d
	}
	return TracedDelivery{}
}

// Left returns how many deliveries that were put into the queue as number seq or before are not settled, and the last
// number given away. It is quick for a short queue.
func (q *Queue) Left(seq uint64) (n int, last uint64, err error) {
	err = q.db.view(func(tx *bolt.Tx) error {
		record, err := loadQueue(tx, q.sink)
		if err != nil {
			return err
		}
		last = record.Seq
		return eachRow(sub(tx, bucketOutbox, q.sink), func(have uint64, _ []byte) bool {
			if have <= seq {
				n++
			}
			return have <= seq
		})
	})
	return n, last, q.failed("read queue of", err)
}

// Count returns how many snapshots of one type a channel has.
func (db *DB) Count(channel, typ string) (n int, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		if b := sub(tx, bucketEntity, channel, typ); b != nil {
			n = b.Stats().KeyN
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count %s of %s: %w", typ, channel, err)
	}
	return n, nil
}

// Known returns the IDs of all known events that begin with prefix, in order.
func (db *DB) Known(prefix string) (ids []string, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketDone).Cursor()
		last := []byte(nil)
		for k, _ := c.Seek([]byte(prefix)); bytes.HasPrefix(k, []byte(prefix)); k, _ = c.Next() {
			if err := inOrder(last, k); err != nil {
				return err
			}
			last = bytes.Clone(k)
			ids = append(ids, string(k))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return ids, nil
}

// Event returns a stored event, nil if only its ID is kept, or not even that.
func (db *DB) Event(id string) (*talkrelay.Event, error) {
	e, err := db.event(id)
	if err != nil {
		return nil, fmt.Errorf("read event %s: %w", id, err)
	}
	return e, nil
}
