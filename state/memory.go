package state

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Memory keeps a small value of a sink across restarts.
type Memory struct {
	db  *DB
	key string
}

// Memory returns the memory under key, by custom the sink's name.
func (db *DB) Memory(key string) *Memory { return &Memory{db, key} }

// Load returns what was saved last, nil if nothing was.
func (m *Memory) Load() (value []byte, err error) {
	err = m.db.view(func(tx *bolt.Tx) error {
		value = bytes.Clone(get(tx.Bucket(bucketMemory), m.key))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load memory of %s: %w", m.key, err)
	}
	return value, nil
}

// Save stores value; nil forgets it. A value that is already stored is not written again.
func (m *Memory) Save(value []byte) error {
	have, err := m.Load()
	if err != nil || same(have, value) {
		return err
	}
	err = m.db.update(m.db.maxWithSpare(), func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketMemory)
		if value == nil {
			return b.Delete([]byte(m.key))
		}
		return b.Put([]byte(m.key), value)
	})
	if err != nil {
		return fmt.Errorf("save memory of %s: %w", m.key, err)
	}
	return nil
}
