package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"talkrelay"
)

// spare is how far everything but Commit may go past Config.MaxSize. bbolt needs fresh pages even to delete, so without
// it a full file could never be emptied. It is more than the 16 MiB by which bbolt grows a file.
const spare = 32 << 20

// boltFile is a bbolt file with its descriptor, which bbolt keeps to itself.
type boltFile struct {
	bolt *bolt.DB
	os   *os.File
}

// openBolt opens or creates the bbolt file at path.
func openBolt(path string) (*boltFile, error) {
	// Address space, not memory: growing the map in the middle of a large commit copies every page in hand.
	return openWith(path, bolt.Options{InitialMmapSize: 256 << 20})
}

// openWith opens the bbolt file at path. bbolt panics, or touches pages that are not there, on some
// damaged files; that is returned as ErrDamaged.
func openWith(path string, options bolt.Options) (*boltFile, error) {
	f := &boltFile{}
	options.Timeout, options.FreelistType = time.Second, bolt.FreelistMapType
	options.OpenFile = func(name string, flag int, mode os.FileMode) (file *os.File, err error) {
		f.os, err = os.OpenFile(name, flag, mode)
		return f.os, err
	}
	err := guard(func() (err error) {
		if f.bolt, err = bolt.Open(path, 0o600, &options); err == nil {
			f.bolt.AllocSize = 256 << 10 // the file grows by no more than this ahead of need
		}
		return err
	})
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, locked(path, "")
	case errors.As(err, new(panicked)), errors.Is(err, berrors.ErrInvalid),
		errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum):
		f.abandon()
		return nil, damaged(path, err)
	default:
		f.abandon()
		return nil, unwritable(path, 0, err)
	}
}

// abandon lets go of the file where bbolt itself did not, or can no longer be trusted to. The pages stay mapped, and
// would keep bbolt's lock with them, so that is taken off first.
func (f *boltFile) abandon() {
	if f.os != nil {
		unlock(f.os)
		_ = f.os.Close()
	}
}

// panicked is what a panic below bbolt becomes.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprint(p.value) }

// guard runs f and turns its panics, and faults of the mapped file, into errors.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = panicked{v}
		}
	}()
	return f()
}

// view runs f in a read transaction. What f takes out of it must be copied.
func (db *DB) view(f func(*bolt.Tx) error) error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if err := db.usable(); err != nil {
		return err
	}
	err := guard(func() error { return db.file.bolt.View(f) })
	if errors.As(err, new(panicked)) {
		return damaged(db.path, err)
	}
	return err
}

// update runs f in a write transaction that may let the file grow to max bytes, and returns when it is synced.
// If f fails nothing has changed.
func (db *DB) update(max int64, f func(*bolt.Tx) error) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	db.mu.RLock()
	broken, err := db.write(max, f)
	db.mu.RUnlock()
	if broken {
		db.mu.Lock()
		db.broken = err
		db.mu.Unlock()
	}
	return err
}

func (db *DB) write(max int64, f func(*bolt.Tx) error) (broken bool, err error) {
	if err := db.usable(); err != nil {
		return false, err
	}
	refused := true
	err = guard(func() error {
		return db.file.bolt.Update(func(tx *bolt.Tx) error {
			db.file.bolt.MaxSize = int(max) // read by the writer alone, and that is us
			if err := db.fence(tx); err != nil {
				return err
			}
			err := f(tx)
			refused = err != nil
			return err
		})
	})
	switch {
	case err == nil:
		return false, nil
	case errors.As(err, new(panicked)):
		return true, damaged(db.path, err)
	case refused:
		return false, err
	default:
		return false, unwritable(db.path, db.cfg.MaxSize, err)
	}
}

func (db *DB) usable() error {
	if db.closed {
		return ErrClosed
	}
	return db.broken
}

// fence refuses to write to a file that a later process has opened, should a lock ever not have held.
func (db *DB) fence(tx *bolt.Tx) error {
	if getUint64(tx.Bucket(bucketMeta), keyEpoch) != db.epoch {
		return talkrelay.ErrFenced
	}
	return nil
}

func (db *DB) maxSize() int64 { return db.cfg.MaxSize }

// maxWithSpare is counted from the size that the file had when it was opened or compacted, should that be more than
// Config.MaxSize: somebody has lowered it, and what is in the file must be delivered all the same.
func (db *DB) maxWithSpare() int64 { return max(db.cfg.MaxSize, db.base.Load()) + spare }

// measure takes note of the size of a file that was just opened or compacted.
func (db *DB) measure(size int64) {
	db.base.Store(size)
	if size > db.cfg.MaxSize {
		db.cfg.Logger.Warn("state file is larger than max_size_mb in [state] allows, what is new may have to wait in Channel Talk: raise it")
	}
}

// sub returns the nested bucket at the path of names below top, nil if there is none.
func sub(tx *bolt.Tx, top []byte, names ...string) *bolt.Bucket {
	b := tx.Bucket(top)
	for _, name := range names {
		if b == nil {
			return nil
		}
		b = b.Bucket([]byte(name))
	}
	return b
}

// makeSub is sub that makes what is missing. The buckets are filled almost in order of their keys, so full pages are
// what suits them.
func makeSub(tx *bolt.Tx, top []byte, names ...string) (*bolt.Bucket, error) {
	b, err := tx.CreateBucketIfNotExists(top)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if b, err = b.CreateBucketIfNotExists([]byte(name)); err != nil {
			return nil, err
		}
	}
	b.FillPercent = 0.9
	return b, nil
}

// get is b.Get for a bucket that may be missing. The result is not a copy.
func get(b *bolt.Bucket, key string) []byte {
	if b == nil {
		return nil
	}
	return b.Get([]byte(key))
}

func getUint64(b *bolt.Bucket, key []byte) uint64 {
	if v := b.Get(key); len(v) == 8 {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func putUint64(b *bolt.Bucket, key []byte, n uint64) error {
	return b.Put(key, binary.BigEndian.AppendUint64(nil, n))
}
