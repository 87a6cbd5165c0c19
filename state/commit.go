package state

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// Commit writes what a poll found, whole or not at all, and returns when it is synced.
//
// It refuses with talkrelay.ErrFenced if c.Epoch is not the store's, and with talkrelay.ErrMoved if the cursor is no
// longer c.Read. A nil c.Cursor leaves the cursor where it is. Events known by ID are skipped with their deliveries,
// so is the second of two alike in one commit, and no event goes to one sink twice. A delivery of an event that is not
// in the commit is an error. Sequence numbers follow the order of c.Deliveries.
//
// If nothing would change, nothing is written; a commit with nothing in it does not even look.
func (db *DB) Commit(c talkrelay.Commit) error {
	if err := db.commit(&c); err != nil {
		return fmt.Errorf("commit %s/%s: %w", c.Channel, c.Stream, err)
	}
	return nil
}

func (db *DB) commit(c *talkrelay.Commit) error {
	if c.Epoch != db.epoch {
		return talkrelay.ErrFenced
	}
	if err := checkDeliveries(c); err != nil {
		return err
	}
	if c.Cursor == nil && len(c.Entities) == 0 && len(c.Events) == 0 {
		return nil
	}
	changes := false
	err := db.view(func(tx *bolt.Tx) error {
		changes = differs(tx, c)
		return checkCursor(tx, c)
	})
	if err != nil || !changes {
		return err
	}
	return db.update(db.maxSize(), func(tx *bolt.Tx) error {
		if err := checkCursor(tx, c); err != nil {
			return err
		}
		if err := putCursor(tx, c); err != nil {
			return err
		}
		if err := putEntities(tx, c); err != nil {
			return err
		}
		return db.putEvents(tx, c)
	})
}

func checkDeliveries(c *talkrelay.Commit) error {
	if len(c.Deliveries) == 0 {
		return nil
	}
	have := make(map[string]bool, len(c.Events))
	for i := range c.Events {
		have[c.Events[i].ID] = true
	}
	for _, d := range c.Deliveries {
		if !have[d.EventID] {
			return fmt.Errorf("delivery of event %s to %s: the event is not in the commit", d.EventID, d.Sink)
		}
	}
	return nil
}

func checkCursor(tx *bolt.Tx, c *talkrelay.Commit) error {
	if !bytes.Equal(get(sub(tx, bucketCursor, c.Channel), c.Stream), c.Read) {
		return talkrelay.ErrMoved
	}
	return nil
}

// differs reports whether c would change anything.
func differs(tx *bolt.Tx, c *talkrelay.Commit) bool {
	if c.Cursor != nil && !same(get(sub(tx, bucketCursor, c.Channel), c.Stream), c.Cursor) {
		return true
	}
	for i := range c.Events {
		if get(tx.Bucket(bucketDone), c.Events[i].ID) == nil {
			return true
		}
	}
	types := map[string]*bolt.Bucket{}
	for ref, data := range c.Entities {
		b, ok := types[ref.Type]
		if !ok {
			b = sub(tx, bucketEntity, c.Channel, ref.Type)
			types[ref.Type] = b
		}
		if !same(get(b, ref.ID), data) {
			return true
		}
	}
	return false
}

// same tells nothing stored from an empty value stored.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

func putCursor(tx *bolt.Tx, c *talkrelay.Commit) error {
	if c.Cursor == nil {
		return nil
	}
	b, err := makeSub(tx, bucketCursor, c.Channel)
	if err != nil {
		return err
	}
	return b.Put([]byte(c.Stream), c.Cursor)
}

func putEntities(tx *bolt.Tx, c *talkrelay.Commit) error {
	for ref, data := range c.Entities {
		b, err := makeSub(tx, bucketEntity, c.Channel, ref.Type)
		if err != nil {
			return fmt.Errorf("%s %s: %w", ref.Type, ref.ID, err)
		}
		old := get(b, ref.ID)
		switch {
		case same(old, data):
			continue
		case data == nil:
			if err = b.Delete([]byte(ref.ID)); err == nil {
				err = markResidue(tx)
			}
		default:
			err = b.Put([]byte(ref.ID), data)
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", ref.Type, ref.ID, err)
		}
	}
	return nil
}

// freshEvent is an event that this commit makes known.
type freshEvent struct {
	doneRecord
	suspect bool // may have been delivered before the file was restored
	event   *talkrelay.Event
}

// putEvents stores the events that are new, and their deliveries.
func (db *DB) putEvents(tx *bolt.Tx, c *talkrelay.Commit) error {
	done := tx.Bucket(bucketDone)
	fresh := make(map[string]*freshEvent, len(c.Events))
	for i := range c.Events {
		if e := &c.Events[i]; fresh[e.ID] == nil && get(done, e.ID) == nil {
			fresh[e.ID] = &freshEvent{doneRecord: doneRecord{seen: e.Seen}, suspect: db.suspect(e), event: e}
		}
	}
	refreshes, err := followAll(tx, c, fresh, time.Now())
	if err != nil {
		return err
	}
	if err := storeWanted(tx, slices.Concat(c.Deliveries, refreshes), fresh); err != nil {
		return err
	}
	if err := putDeliveries(tx, c.Deliveries, false, fresh); err != nil {
		return err
	}
	if err := putDeliveries(tx, refreshes, true, fresh); err != nil {
		return err
	}
	for id, r := range fresh {
		if err := done.Put([]byte(id), r.encode()); err != nil {
			return fmt.Errorf("event %s: %w", id, err)
		}
	}
	return nil
}

// storeWanted stores the fresh events that are to be delivered. Of the others it is noted that they happened, and the
// customer's data is not kept.
func storeWanted(tx *bolt.Tx, list []talkrelay.Delivery, fresh map[string]*freshEvent) error {
	events, stored := tx.Bucket(bucketEvent), make(map[string]bool, len(list))
	for _, d := range list {
		r := fresh[d.EventID]
		if r == nil || stored[d.EventID] {
			continue
		}
		stored[d.EventID] = true
		text, err := encodeEvent(r.event)
		if err == nil {
			err = events.Put([]byte(d.EventID), text)
		}
		if err != nil {
			return fmt.Errorf("event %s: %w", d.EventID, err)
		}
	}
	return nil
}

// putDeliveries appends the deliveries of fresh events to the queues of their sinks and counts them in fresh.
func putDeliveries(tx *bolt.Tx, list []talkrelay.Delivery, refresh bool, fresh map[string]*freshEvent) error {
	type pair struct{ event, sink string }
	taken := make(map[pair]bool, len(list))
	queues := map[string]*queueRecord{}
	for _, d := range list {
		r, p := fresh[d.EventID], pair{d.EventID, d.Sink}
		if r == nil || taken[p] {
			continue
		}
		taken[p] = true
		q := queues[d.Sink]
		if q == nil {
			var err error
			if q, err = loadQueue(tx, d.Sink); err != nil {
				return err
			}
			queues[d.Sink] = q
		}
		b, err := makeSub(tx, bucketOutbox, d.Sink)
		if err != nil {
			return fmt.Errorf("queue of %s: %w", d.Sink, err)
		}
		q.Seq++
		q.Waiting++
		r.unsettled++
		if err := putJSON(b, seqKey(q.Seq), outboxRecord{Event: d.EventID, Route: d.Route, Doubt: r.suspect, Refresh: refresh}); err != nil {
			return fmt.Errorf("queue of %s: %w", d.Sink, err)
		}
	}
	for sink, q := range queues {
		if err := saveQueue(tx, sink, q); err != nil {
			return err
		}
	}
	return nil
}

// loadQueue returns what is known of a sink's queue; of a new sink, that it is empty.
func loadQueue(tx *bolt.Tx, sink string) (*queueRecord, error) {
	text := get(tx.Bucket(bucketQueue), sink)
	if text == nil {
		return &queueRecord{}, nil
	}
	q, err := decode[queueRecord](text)
	if err != nil {
		return nil, fmt.Errorf("queue of %s: %w: %w", sink, ErrDamaged, err)
	}
	return &q, nil
}

func saveQueue(tx *bolt.Tx, sink string, q *queueRecord) error {
	if err := putJSON(tx.Bucket(bucketQueue), []byte(sink), q); err != nil {
		return fmt.Errorf("queue of %s: %w", sink, err)
	}
	return nil
}
