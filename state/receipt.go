package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// LastReceipt returns the receipt of the delivery confirmed last, "" if none is known.
func (q *Queue) LastReceipt() (receipt string, err error) {
	err = q.db.view(func(tx *bolt.Tx) error {
		record, err := loadQueue(tx, q.sink)
		if err == nil {
			receipt = record.Receipt
		}
		return err
	})
	return receipt, q.failed("read last receipt of", err)
}

// NextRecheck returns the shipment that is to be looked at once more for late copies before all others, and when; nil
// if there is none. One that cannot be read is dropped, with a line in the log.
func (q *Queue) NextRecheck() (*talkrelay.Shipment, time.Time, error) {
	for before := []byte(nil); ; {
		key, text, err := q.firstRecheck()
		if err != nil || key == nil {
			return nil, time.Time{}, q.failed("read rechecks of", err)
		}
		s, err := decode[talkrelay.Shipment](text)
		if due, id, ok := splitRecheck(key); ok && err == nil && s.ID == id {
			return &s, due, nil
		}
		if err := inOrder(before, key); err != nil { // the one that was dropped is still there
			return nil, time.Time{}, q.failed("read rechecks of", err)
		}
		before = key
		q.db.cfg.Logger.Error("unreadable recheck dropped", "sink", q.sink)
		if err := q.dropRechecks(func(k []byte) bool { return bytes.Equal(k, key) }); err != nil {
			return nil, time.Time{}, q.failed("drop recheck of", err)
		}
	}
}

func (q *Queue) firstRecheck() (key, text []byte, err error) {
	err = q.db.view(func(tx *bolt.Tx) error {
		if b := sub(tx, bucketRecheck, q.sink); b != nil {
			k, v := b.Cursor().First()
			key, text = bytes.Clone(k), bytes.Clone(v)
		}
		return nil
	})
	return key, text, err
}

// DropRecheck takes the shipment with this id off the list. One that is not on it is no error.
func (q *Queue) DropRecheck(id string) error {
	err := q.dropRechecks(func(key []byte) bool {
		_, have, ok := splitRecheck(key)
		return ok && have == id
	})
	return q.failed("drop recheck of", err)
}

// dropRechecks drops the first whose key matches. It is nearly always the first of all.
func (q *Queue) dropRechecks(match func(key []byte) bool) error {
	return q.db.update(q.db.maxWithSpare(), func(tx *bolt.Tx) error {
		b := sub(tx, bucketRecheck, q.sink)
		if b == nil {
			return nil
		}
		c := b.Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if match(k) {
				return c.Delete()
			}
		}
		return nil
	})
}

func putRecheck(tx *bolt.Tx, sink string, s *talkrelay.Shipment, due time.Time) error {
	b, err := makeSub(tx, bucketRecheck, sink)
	if err != nil {
		return err
	}
	if err := putJSON(b, recheckKey(due, s.ID), s); err != nil {
		return fmt.Errorf("recheck: %w", err)
	}
	return nil
}

// recheckKey sorts by time; a time before 1970 is due at once.
func recheckKey(due time.Time, id string) []byte {
	ms := max(due.UnixMilli(), 0)
	return append(binary.BigEndian.AppendUint64(nil, uint64(ms)), id...)
}

func splitRecheck(key []byte) (due time.Time, id string, ok bool) {
	if len(key) <= 8 {
		return time.Time{}, "", false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(key))), string(key[8:]), true
}
