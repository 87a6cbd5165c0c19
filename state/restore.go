package state

import (
	"encoding/json"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// When a backup is put back, cursors, snapshots and queues are those of the day it was made. Polls find again what
// happened since, so nothing is lost. But what waited then, and what is found again, may have been delivered
// meanwhile, and this file knows nothing of it. All of that is in doubt: the worker looks for it at the destination,
// where it can, before it sends it.

// restoreMargin is how long after the restore an event can happen by Channel Talk's clock and still be in doubt: that
// clock and ours need not agree. What is in doubt without need costs one look-up.
const restoreMargin = 24 * time.Hour

// markCopy marks a file as a copy of what was at now. The copy of a copy is as old as that.
func markCopy(tx *bolt.Tx, now time.Time) error {
	meta := tx.Bucket(bucketMeta)
	if err := meta.Delete(keyResidue); err != nil || meta.Get(keyCopied) != nil {
		return err
	}
	return putUint64(meta, keyCopied, uint64(now.UnixMilli()))
}

// restore makes a state of a copy: it takes the mark off and notes what is in doubt. It returns when the copy was made,
// the zero time if the file is none.
func restore(tx *bolt.Tx, now time.Time) (copied time.Time, err error) {
	meta := tx.Bucket(bucketMeta)
	if meta.Get(keyCopied) == nil {
		return time.Time{}, nil
	}
	copied = time.UnixMilli(int64(getUint64(meta, keyCopied)))
	if err := meta.Delete(keyCopied); err != nil {
		return copied, err
	}
	if err := putUint64(meta, keyRestored, uint64(now.UnixMilli())); err != nil {
		return copied, err
	}
	if err := doubtQueues(tx); err != nil {
		return copied, err
	}
	return copied, doubtInFlight(tx)
}

// doubtQueues notes in each queue that all deliveries in it are in doubt, and since which receipt.
func doubtQueues(tx *bolt.Tx) error {
	return rewrite(tx.Bucket(bucketQueue), func(text []byte) any {
		q, err := decode[queueRecord](text)
		if err != nil {
			return nil
		}
		if q.DoubtTo == 0 || q.Waiting == 0 { // else some may be in doubt since an earlier restore
			q.DoubtAfter = q.Receipt
		}
		q.DoubtTo = q.Seq
		return q
	})
}

// doubtInFlight has every shipment that was begun looked up, as after a crash while it was sent. One that no send was
// begun of is on its way to the dead letters.
func doubtInFlight(tx *bolt.Tx) error {
	return rewrite(tx.Bucket(bucketInFlight), func(text []byte) any {
		s, err := decode[talkrelay.Shipment](text)
		if err != nil || s.Attempt == 0 {
			return nil
		}
		s.Phase = talkrelay.PhaseSending
		return s
	})
}

// rewrite replaces each record of b by the JSON of what change makes of it, nil for no change.
func rewrite(b *bolt.Bucket, change func(text []byte) any) error {
	changed := map[string][]byte{}
	err := b.ForEach(func(k, v []byte) error {
		record := change(v)
		if record == nil {
			return nil
		}
		text, err := json.Marshal(record)
		changed[string(k)] = text
		return err
	})
	for k, text := range changed {
		if err == nil {
			err = b.Put([]byte(k), text)
		}
	}
	return err
}

// suspect reports whether an event that is new to this file may have been delivered before the file was restored.
func (db *DB) suspect(e *talkrelay.Event) bool {
	return !db.restored.IsZero() && e.At.Before(db.restored.Add(restoreMargin))
}
