package state

import (
	"os"

	bolt "go.etcd.io/bbolt"
)

// Migration and OpenWith open a file as a version of this program with these migrations would.
type Migration = migration

func OpenWith(cfg Config, steps []Migration) (*DB, error) { return open(cfg, steps) }

// OnStep has f called between the steps of a compaction.
func (db *DB) OnStep(f func(step string)) { db.cfg.Step = f }

// TxID returns the number of the last write transaction.
func (db *DB) TxID() (id int) {
	_ = db.view(func(tx *bolt.Tx) error {
		id = tx.ID()
		return nil
	})
	return id
}

// Raw runs f in a write transaction.
func (db *DB) Raw(f func(*bolt.Tx) error) error { return db.update(db.maxWithSpare(), f) }

// Look runs f in a read transaction.
func (db *DB) Look(f func(*bolt.Tx) error) error { return db.view(f) }

// File returns the descriptor that bbolt writes to.
func (db *DB) File() *os.File { return db.file.os }

// Unwritable is how a failed write is explained.
func Unwritable(path string, max int64, cause error) error { return unwritable(path, max, cause) }

// DecodeAll runs every decoder on b.
func DecodeAll(b []byte) {
	_, _ = decodeDone(b)
	_, _ = decode[queueRecord](b)
	_, _ = decode[outboxRecord](b)
	_, _ = decode[deadRecord](b)
	_, _ = decode[receiptRecord](b)
	_, _, _ = splitRecheck(b)
	_, _ = seqOf(b)
}

// Verify verifies a file without opening it.
func Verify(path string, limit int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return verify(f, limit)
}
