package state

import (
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// Bounds of one call of Pending.
const (
	maxPendingBytes = 4 << 20 // of events as stored
	maxUnreadable   = 256     // deliveries set aside in one go
)

// unreadable is a delivery that can never be made because its record or its event is damaged.
type unreadable struct {
	seq    uint64
	event  string
	reason string
}

// Pending returns up to n waiting deliveries, oldest first, without those in flight: fewer if their events pass 4 MiB
// together, but never none while one waits.
//
// A delivery that cannot be read would be first in the queue for ever. It goes to the dead letters, with a line in the log.
func (q *Queue) Pending(n int) ([]talkrelay.Pending, error) {
	for {
		list, bad, err := q.pending(n)
		if err != nil {
			return nil, q.failed("read queue of", err)
		}
		if len(bad) == 0 {
			return list, nil
		}
		if err := q.setAside(bad); err != nil {
			return nil, q.failed("set aside unreadable deliveries to", err)
		}
		if len(list) > 0 {
			return list, nil
		}
	}
}

func (q *Queue) pending(n int) (list []talkrelay.Pending, bad []unreadable, err error) {
	err = q.db.view(func(tx *bolt.Tx) error {
		outbox := sub(tx, bucketOutbox, q.sink)
		if outbox == nil || n <= 0 {
			return nil
		}
		flying, err := inFlight(tx, q.sink)
		if err != nil {
			return err
		}
		record, err := loadQueue(tx, q.sink)
		if err != nil {
			return err
		}
		size := 0
		c := outbox.Cursor()
		for k, v := c.First(); k != nil && len(list) < n && len(bad) < maxUnreadable; k, v = c.Next() {
			seq, ok := seqOf(k)
			if !ok || flying != nil && slices.Contains(flying.Seqs, seq) {
				continue
			}
			row, event, length, err := readDelivery(tx, v)
			if err != nil {
				bad = append(bad, unreadable{seq, row.Event, err.Error()})
				continue
			}
			if size += length; size > maxPendingBytes && len(list) > 0 {
				return nil
			}
			p := talkrelay.Pending{Seq: seq, Route: row.Route, Event: event, Refresh: row.Refresh}
			if row.Doubt || seq <= record.DoubtTo {
				p.Doubt, p.After = true, record.DoubtAfter
			}
			p.Thread, p.Latest = present(tx, q.sink, &p.Event)
			list = append(list, p)
		}
		return nil
	})
	return list, bad, err
}

// readDelivery decodes a row of the outbox and its event, and returns the stored length of the event.
func readDelivery(tx *bolt.Tx, text []byte) (outboxRecord, talkrelay.Event, int, error) {
	row, err := decode[outboxRecord](text)
	if err != nil || row.Event == "" {
		return row, talkrelay.Event{}, 0, errors.New("its record in the state file is damaged")
	}
	stored := get(tx.Bucket(bucketEvent), row.Event)
	event, err := decodeEvent(stored)
	switch {
	case errors.Is(err, errMissing):
		err = errors.New("its event is missing from the state file")
	case err != nil || event.ID != row.Event:
		err = errors.New("its event in the state file is damaged")
	}
	return row, event, len(stored), err
}

// setAside moves deliveries to the dead letters.
func (q *Queue) setAside(bad []unreadable) error {
	now := time.Now()
	err := q.db.update(q.db.maxWithSpare(), func(tx *bolt.Tx) error {
		outbox := sub(tx, bucketOutbox, q.sink)
		for _, u := range bad {
			if get(outbox, string(seqKey(u.seq))) == nil { // listed and not to be found: it would be listed for ever
				return fmt.Errorf("%w: keys out of order", ErrDamaged)
			}
			if err := settleAll(tx, q.sink, []uint64{u.seq}, talkrelay.Outcome{Dead: u.reason, At: now}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, u := range bad {
		q.db.cfg.Logger.Error("delivery moved to the dead letters", "sink", q.sink, "event", u.event, "err", u.reason)
	}
	return nil
}
