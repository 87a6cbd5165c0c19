package state

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// Cursor returns where a stream of a channel has read to, nil before its first commit.
func (db *DB) Cursor(channel, stream string) (cursor []byte, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		cursor = bytes.Clone(get(sub(tx, bucketCursor, channel), stream))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read cursor %s/%s: %w", channel, stream, err)
	}
	return cursor, nil
}

// Entity returns the snapshot of ref, nil if it is unknown.
func (db *DB) Entity(channel string, ref talkrelay.Ref) (data []byte, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		data = bytes.Clone(get(sub(tx, bucketEntity, channel, ref.Type), ref.ID))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s %s of %s: %w", ref.Type, ref.ID, channel, err)
	}
	return data, nil
}

// Entities returns up to limit snapshots of one type, in order of id, beginning after the id after ("" = at the first).
func (db *DB) Entities(channel, typ, after string, limit int) (list []talkrelay.Snapshot, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		b := sub(tx, bucketEntity, channel, typ)
		if b == nil {
			return nil
		}
		c := b.Cursor()
		k, v := c.Seek([]byte(after))
		if k != nil && string(k) == after {
			k, v = c.Next()
		}
		for last := []byte(after); k != nil && len(list) < limit; k, v = c.Next() {
			if err := inOrder(last, k); err != nil {
				return err
			}
			last = k
			list = append(list, talkrelay.Snapshot{ID: string(k), Data: bytes.Clone(v)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read snapshots of %s in %s: %w", typ, channel, err)
	}
	return list, nil
}

// inOrder keeps a damaged page, whose keys are no longer sorted, from sending a walk round in a circle.
func inOrder(before, key []byte) error {
	if bytes.Compare(before, key) >= 0 && len(before) > 0 {
		return fmt.Errorf("%w: keys out of order", ErrDamaged)
	}
	return nil
}
