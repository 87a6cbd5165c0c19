package state

import (
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// DeadLetter is a delivery that can never be made as it is.
type DeadLetter struct {
	Seq    uint64 // place in the sink's queue
	Event  string // ID of the event, "" if the record is damaged
	Route  string
	Reason string
	At     time.Time // when it was given up
}

// ErrInHand refuses to drop a delivery that may be on its way.
var ErrInHand = errors.New("delivery is being sent")

// ErrNoDelivery says that there is no such delivery.
var ErrNoDelivery = errors.New("no such delivery")

// DeadLetters returns the dead letters of a queue in order.
func (q *Queue) DeadLetters() (list []DeadLetter, err error) {
	err = q.db.view(func(tx *bolt.Tx) error {
		return eachRow(sub(tx, bucketDead, q.sink), func(seq uint64, text []byte) bool {
			r, err := decode[deadRecord](text)
			if err != nil {
				r.Reason = "its record in the state file is damaged"
			}
			list = append(list, DeadLetter{Seq: seq, Event: r.Event, Route: r.Route, Reason: r.Reason, At: r.At})
			return true
		})
	})
	return list, q.failed("read dead letters of", err)
}

// Retry puts a dead letter back into the queue, behind all that waits: it has lost its place. ErrNoDelivery if there is no such
// dead letter, or its event cannot be read any more.
func (q *Queue) Retry(seq uint64) error {
	err := q.db.update(q.db.maxWithSpare(), func(tx *bolt.Tx) error {
		dead := sub(tx, bucketDead, q.sink)
		r, err := decode[deadRecord](get(dead, string(seqKey(seq))))
		if err != nil {
			return ErrNoDelivery
		}
		if _, err := decodeEvent(get(tx.Bucket(bucketEvent), r.Event)); err != nil {
			return fmt.Errorf("%w: its event cannot be read any more", ErrNoDelivery)
		}
		record, err := loadQueue(tx, q.sink)
		if err != nil {
			return err
		}
		outbox, err := makeSub(tx, bucketOutbox, q.sink)
		if err != nil {
			return err
		}
		record.Seq, record.Waiting, record.Dead = record.Seq+1, record.Waiting+1, record.Dead-1
		if err := putJSON(outbox, seqKey(record.Seq), outboxRecord{Event: r.Event, Route: r.Route}); err != nil {
			return err
		}
		if err := dead.Delete(seqKey(seq)); err != nil {
			return err
		}
		return saveQueue(tx, q.sink, record)
	})
	return q.failed(fmt.Sprintf("retry delivery %d to", seq), err)
}

// Drop gives up a delivery that waits or is dead, for good. ErrInHand if it is the one being sent, ErrNoDelivery if there
// is none.
func (q *Queue) Drop(seq uint64, now time.Time) error {
	err := q.db.update(q.db.maxWithSpare(), func(tx *bolt.Tx) error {
		record, err := loadQueue(tx, q.sink)
		if err != nil {
			return err
		}
		if err := dropOne(tx, q.sink, seq, record, now); err != nil {
			return err
		}
		return saveQueue(tx, q.sink, record)
	})
	return q.failed(fmt.Sprintf("drop delivery %d to", seq), err)
}

func dropOne(tx *bolt.Tx, sink string, seq uint64, record *queueRecord, now time.Time) error {
	if flying, err := inFlight(tx, sink); err != nil || flying != nil && slices.Contains(flying.Seqs, seq) {
		return errors.Join(ErrInHand, err)
	}
	key, event, route := seqKey(seq), "", ""
	if outbox := sub(tx, bucketOutbox, sink); get(outbox, string(key)) != nil {
		row, _ := decode[outboxRecord](outbox.Get(key))
		event, route = row.Event, row.Route
		record.Waiting--
		if err := outbox.Delete(key); err != nil {
			return err
		}
	} else if dead := sub(tx, bucketDead, sink); get(dead, string(key)) != nil {
		row, _ := decode[deadRecord](dead.Get(key))
		event, route = row.Event, row.Route
		record.Dead--
		if err := dead.Delete(key); err != nil {
			return err
		}
	} else {
		return ErrNoDelivery
	}
	if event == "" {
		return nil
	}
	return confirm(tx, sink, event, receiptRecord{Route: route, At: now, Dropped: true})
}

// DropRefreshes gives up what waits only to make true what the sink has already. It is for a sink that cannot do that any
// more: no worker may be at work on the queue.
func (q *Queue) DropRefreshes(now time.Time) error {
	var seqs []uint64
	err := q.db.view(func(tx *bolt.Tx) error {
		return eachRow(sub(tx, bucketOutbox, q.sink), func(seq uint64, text []byte) bool {
			if r, err := decode[outboxRecord](text); err == nil && r.Refresh {
				seqs = append(seqs, seq)
			}
			return true
		})
	})
	if err != nil || len(seqs) == 0 {
		return q.failed("read queue of", err)
	}
	err = q.db.update(q.db.maxWithSpare(), func(tx *bolt.Tx) error {
		record, err := loadQueue(tx, q.sink)
		if err != nil {
			return err
		}
		for _, seq := range seqs {
			if err := dropOne(tx, q.sink, seq, record, now); err != nil && !errors.Is(err, ErrInHand) {
				return err
			}
		}
		return saveQueue(tx, q.sink, record)
	})
	return q.failed("drop refreshes of", err)
}

// DropAll gives up every delivery of the queue, dead letters included, for good, and forgets the queue. It is for sinks that are
// no longer in the config: no worker may be at work on the queue.
func (q *Queue) DropAll(now time.Time) (dropped int, err error) {
	err = q.db.update(q.db.maxWithSpare(), func(tx *bolt.Tx) error {
		dropped = 0
		if err := tx.Bucket(bucketInFlight).Delete([]byte(q.sink)); err != nil {
			return err
		}
		var seqs []uint64
		note := func(seq uint64, _ []byte) bool {
			seqs = append(seqs, seq)
			return true
		}
		if err := errors.Join(eachRow(sub(tx, bucketOutbox, q.sink), note), eachRow(sub(tx, bucketDead, q.sink), note)); err != nil {
			return err
		}
		var record queueRecord // goes with the queue
		for _, seq := range seqs {
			if err := dropOne(tx, q.sink, seq, &record, now); err != nil {
				return err
			}
		}
		dropped = len(seqs)
		return tx.Bucket(bucketQueue).Delete([]byte(q.sink))
	})
	if err != nil {
		return 0, q.failed("drop queue of", err)
	}
	return dropped, nil
}
