package state

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// Queue is one sink's part of the state: what waits for it, what is in flight, what it has confirmed. Methods that
// write return after the write is synced, and fail with talkrelay.ErrFenced once another process has taken over.
type Queue struct {
	db   *DB
	sink string
}

// Queue returns the queue of the sink called sink. It costs nothing and need not exist yet.
func (db *DB) Queue(sink string) *Queue { return &Queue{db, sink} }

// Sink returns the name of the queue's sink.
func (q *Queue) Sink() string { return q.sink }

// Sinks returns the names of all sinks that ever had a delivery, in order. One that is missing from the config may
// still have deliveries waiting.
func (db *DB) Sinks() (names []string, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketQueue).ForEach(func(k, _ []byte) error {
			names = append(names, string(k))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read queues: %w", err)
	}
	return names, nil
}

// InFlight returns the shipment that was begun and not settled, nil if there is none.
func (q *Queue) InFlight() (s *talkrelay.Shipment, err error) {
	err = q.db.view(func(tx *bolt.Tx) (err error) {
		s, err = inFlight(tx, q.sink)
		return err
	})
	if err != nil {
		return nil, q.failed("read shipment in flight to", err)
	}
	return s, nil
}

// Save records s as the shipment in flight. While another is, s may replace it only if it begins with the same
// delivery, as a reworked shipment does; under the ID of the other it may hold fewer deliveries, never more. ErrStale if
// it is none of that, or if a delivery in s is no longer in the queue. A
// shipment without Seqs ends the one with its ID, whose deliveries wait again in their old places: ErrStale if another
// is in flight, nothing to do if none is.
func (q *Queue) Save(s *talkrelay.Shipment) error {
	err := q.db.update(q.db.maxWithSpare(), func(tx *bolt.Tx) error {
		cur, err := inFlight(tx, q.sink)
		if err != nil {
			return err
		}
		if len(s.Seqs) == 0 {
			if cur != nil && cur.ID != s.ID {
				return ErrStale
			}
			return tx.Bucket(bucketInFlight).Delete([]byte(q.sink))
		}
		if err := checkSave(tx, q.sink, cur, s); err != nil {
			return err
		}
		return putJSON(tx.Bucket(bucketInFlight), []byte(q.sink), s)
	})
	return q.failed("save shipment to", err)
}

func checkSave(tx *bolt.Tx, sink string, cur, s *talkrelay.Shipment) error {
	switch {
	case s.ID == "":
		return fmt.Errorf("shipment of delivery %d has no id", s.Seqs[0])
	case cur == nil:
	case cur.ID == s.ID && slices.Equal(cur.Seqs[:min(len(cur.Seqs), len(s.Seqs))], s.Seqs):
		return nil
	case cur.ID == s.ID || cur.Seqs[0] != s.Seqs[0]:
		return ErrStale
	}
	outbox := sub(tx, bucketOutbox, sink)
	for _, seq := range s.Seqs {
		if get(outbox, string(seqKey(seq))) == nil {
			return ErrStale
		}
	}
	return nil
}

// Settle ends s, which must be the shipment in flight (else ErrStale). Its deliveries leave the outbox: delivered ones
// leave a receipt, dead ones go to the dead letters and keep their event from being erased.
func (q *Queue) Settle(s *talkrelay.Shipment, o talkrelay.Outcome) error {
	err := q.db.update(q.db.maxWithSpare(), func(tx *bolt.Tx) error {
		cur, err := inFlight(tx, q.sink)
		if err != nil {
			return err
		}
		if cur == nil || cur.ID != s.ID {
			return ErrStale
		}
		if err := notePost(tx, q.sink, cur, o); err != nil {
			return err
		}
		if err := settleAll(tx, q.sink, cur.Seqs, o); err != nil {
			return err
		}
		if !o.Recheck.IsZero() {
			if err := putRecheck(tx, q.sink, s, o.Recheck); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketInFlight).Delete([]byte(q.sink))
	})
	return q.failed("settle shipment to", err)
}

// settleAll ends the deliveries with the numbers seqs and keeps the count of the queue.
func settleAll(tx *bolt.Tx, sink string, seqs []uint64, o talkrelay.Outcome) error {
	record, err := loadQueue(tx, sink)
	if err != nil {
		return err
	}
	outbox, err := makeSub(tx, bucketOutbox, sink)
	if err != nil {
		return err
	}
	delivered := 0
	for _, seq := range seqs {
		text := outbox.Get(seqKey(seq))
		if text == nil {
			continue
		}
		row, _ := decode[outboxRecord](text) // an unreadable one has no event, and that is all we can know of it
		if o.Dead != "" {
			err = bury(tx, sink, seq, deadRecord{Event: row.Event, Route: row.Route, Reason: o.Dead, At: o.At})
			record.Dead++
		} else {
			err = confirm(tx, sink, row.Event, receiptRecord{Receipt: o.Receipt, Route: row.Route, At: o.At})
			if !row.Refresh {
				delivered++
			}
		}
		if err != nil {
			return err
		}
		if err := outbox.Delete(seqKey(seq)); err != nil {
			return err
		}
		record.Waiting--
	}
	if o.Dead == "" && o.Receipt != "" {
		record.Receipt = o.Receipt
	}
	if delivered > 0 {
		record.Recent.add(o.At, delivered)
	}
	return saveQueue(tx, sink, record)
}

func bury(tx *bolt.Tx, sink string, seq uint64, r deadRecord) error {
	b, err := makeSub(tx, bucketDead, sink)
	if err != nil {
		return err
	}
	return putJSON(b, seqKey(seq), r)
}

// confirm notes a delivery as settled.
func confirm(tx *bolt.Tx, sink, event string, r receiptRecord) error {
	done := tx.Bucket(bucketDone)
	text := get(done, event)
	if text == nil {
		return nil
	}
	b, err := makeSub(tx, bucketReceipt, sink)
	if err != nil {
		return err
	}
	if err := putJSON(b, []byte(event), r); err != nil {
		return err
	}
	d, err := decodeDone(text)
	if err != nil || d.unsettled == 0 {
		return nil // a damaged count must not hold up the queue; the event is kept, never erased too early
	}
	d.unsettled--
	return done.Put([]byte(event), d.encode())
}

// inFlight returns a sink's shipment in flight, nil if there is none. It always has an ID and at least one delivery.
func inFlight(tx *bolt.Tx, sink string) (*talkrelay.Shipment, error) {
	text := get(tx.Bucket(bucketInFlight), sink)
	if text == nil {
		return nil, nil
	}
	s := new(talkrelay.Shipment)
	err := json.Unmarshal(text, s)
	if err == nil && (s.ID == "" || len(s.Seqs) == 0) {
		err = errMissing
	}
	if err != nil {
		return nil, &fileError{ErrDamaged, err, "what was being sent cannot be read from the state file, so nobody can tell whether it arrived " +
			"and nothing more is sent: stop talkrelay and put back a copy that 'talkrelay backup' made ('talkrelay backup --help' says how)"}
	}
	return s, nil
}

// Depth returns how many deliveries are not settled, those in flight included, how many are dead letters, and when the
// oldest unsettled one's event was seen (zero if there is none). It reads a few keys however long the queue is.
func (q *Queue) Depth() (waiting, dead int, oldest time.Time, err error) {
	err = q.db.view(func(tx *bolt.Tx) error {
		record, err := loadQueue(tx, q.sink)
		if err != nil {
			return err
		}
		waiting, dead = record.Waiting, record.Dead
		outbox := sub(tx, bucketOutbox, q.sink)
		if outbox == nil {
			return nil
		}
		if _, text := outbox.Cursor().First(); text != nil {
			row, _ := decode[outboxRecord](text)
			if d, err := decodeDone(get(tx.Bucket(bucketDone), row.Event)); err == nil {
				oldest = d.seen
			}
		}
		return nil
	})
	return waiting, dead, oldest, q.failed("read queue of", err)
}

// Delivered returns how many deliveries were confirmed in each of the last 24 hours on the clock, the one of now
// included and last. Hours are those of UTC. What a restart or an erasure takes away is still counted.
func (q *Queue) Delivered(now time.Time) (hours [24]int, err error) {
	err = q.db.view(func(tx *bolt.Tx) error {
		record, err := loadQueue(tx, q.sink)
		hours = record.Recent.until(now)
		return err
	})
	return hours, q.failed("read deliveries to", err)
}

func (q *Queue) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", op, q.sink, err)
}
