package state

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// minFileSize is that of the emptiest file bbolt makes: four pages.
const minFileSize = 4 * 4096

// Open opens the state file, makes it if there is none, upgrades it if it is older than this program, and raises the
// epoch. It waits up to a second for another process to let go of the file.
//
// The error is an ErrLocked, ErrNewer, ErrDamaged or ErrUnwritable, or says what is wrong with cfg or its path.
func Open(cfg Config) (*DB, error) { return open(cfg, migrations()) }

func open(cfg Config, steps []migration) (*DB, error) {
	if p := cfg.Validate(); len(p) > 0 {
		return nil, fmt.Errorf("state: %w", p)
	}
	cfg = cfg.withDefaults()
	path, err := realPath(cfg.Path)
	if err != nil {
		return nil, err
	}
	lock, err := acquire(path, lockMaking)
	if err != nil {
		return nil, err
	}
	db := &DB{cfg: cfg, path: path, lock: lock}
	if err := db.start(steps); err != nil {
		if db.file != nil {
			_ = guard(db.file.bolt.Close)
			db.file.abandon()
		}
		_ = lock.release()
		return nil, err
	}
	return db, nil
}

// start does what needs the lock.
func (db *DB) start(steps []migration) error {
	info, err := os.Stat(db.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(db.path, schemaOf(steps)); err != nil {
			return unwritable(db.path, 0, err)
		}
	case err != nil:
		return unwritable(db.path, 0, err)
	case info.Size() < minFileSize:
		return damaged(db.path, fmt.Errorf("it has only %d bytes", info.Size()))
	case info.Mode().Perm()&0o077 != 0:
		db.cfg.Logger.Warn("state file holds customer data and is readable by others: chmod 600 it")
	}
	if err := verifyFile(db.path, os.O_RDWR); err != nil {
		return err
	}
	if db.file, err = openBolt(db.path); err != nil {
		return err
	}
	if err := db.syncFound(); err != nil {
		return err
	}
	if err := db.inspect(); err != nil {
		return err
	}
	size, err := db.size()
	if err != nil {
		return unwritable(db.path, 0, err)
	}
	db.measure(size)
	if err := db.upgrade(steps); err != nil {
		return err
	}
	if err := db.raiseEpoch(); err != nil {
		return err
	}
	db.removeLeftovers()
	return nil
}

// realPath resolves symbolic links and finds out about an impossible path before anything is made beside it.
func realPath(path string) (string, error) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("directory %s of the state file does not exist: make it, or change path in [state]", filepath.Dir(path))
	}
	if err != nil {
		return "", unwritable(path, 0, err)
	}
	path = filepath.Join(dir, filepath.Base(path))
	if file, err := filepath.EvalSymlinks(path); err == nil {
		path = file
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("state path %s is a directory or device: name a file in [state]", path)
	}
	return path, nil
}

// create makes an empty file of the given schema under another name and renames it: writing the first pages in place
// is the one time when a power cut leaves a file that bbolt cannot open. The caller syncs the directory.
func create(path string, schema uint64) error {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := openBolt(tmp)
	if err != nil {
		return err
	}
	err = file.bolt.Update(func(tx *bolt.Tx) error { return fill(tx, schema) })
	if closeErr := file.bolt.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = os.Remove(tmp)
	}
	return err
}

func fill(tx *bolt.Tx, schema uint64) error {
	for _, name := range buckets() {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	instance := make([]byte, 16)
	rand.Read(instance) // never fails
	meta := tx.Bucket(bucketMeta)
	return errors.Join(meta.Put(keyInstance, instance), putUint64(meta, keyEpoch, 0), putUint64(meta, keySchema, schema))
}

// syncFound makes what was found outlast a power cut: a process that was killed may have synced neither its last
// transaction nor the name it gave the file. bbolt would write over what the transaction before needs, and a power cut
// could then take the last one away and leave neither.
func (db *DB) syncFound() error {
	err := db.file.os.Sync()
	if err == nil {
		err = syncDir(db.path)
	}
	if err != nil {
		return unwritable(db.path, 0, err)
	}
	return nil
}

// inspect finds out whether the database is one of ours, and takes the epoch from it.
func (db *DB) inspect() error {
	return db.view(func(tx *bolt.Tx) error {
		if err := ours(tx, db.path); err != nil {
			return err
		}
		meta := tx.Bucket(bucketMeta)
		db.epoch, db.instance = getUint64(meta, keyEpoch), hex.EncodeToString(meta.Get(keyInstance))
		return nil
	})
}

// ours returns an error if the database at path is not a state file.
func ours(tx *bolt.Tx, path string) error {
	if meta := tx.Bucket(bucketMeta); meta == nil || getUint64(meta, keySchema) == 0 || tx.Bucket(bucketQueue) == nil {
		return damaged(path, errors.New("it is not a state file of talkrelay"))
	}
	return nil
}

// raiseEpoch begins a new epoch and makes a state of a backup, once the file is known to have all that the present schema has.
func (db *DB) raiseEpoch() error {
	err := db.view(func(tx *bolt.Tx) error {
		for _, name := range buckets() {
			if tx.Bucket(name) == nil {
				return damaged(db.path, fmt.Errorf("bucket %s is missing", name))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	next, copied := db.epoch+1, time.Time{}
	err = db.update(db.maxWithSpare(), func(tx *bolt.Tx) error {
		if copied, err = restore(tx, time.Now()); err != nil {
			return err
		}
		if at := getUint64(tx.Bucket(bucketMeta), keyRestored); at != 0 {
			db.restored = time.UnixMilli(int64(at))
		}
		return putUint64(tx.Bucket(bucketMeta), keyEpoch, next)
	})
	if err == nil && !copied.IsZero() {
		db.cfg.Logger.Warn("state restored from a backup, what may have been delivered since is looked up first", "since", copied.Format(time.RFC3339))
	}
	db.epoch = next
	return err
}

// removeLeftovers removes what a crash left beside the file. It runs once the file is known to be good, and what it
// cannot remove it leaves: the next compaction tries again.
func (db *DB) removeLeftovers() {
	_ = os.Remove(db.path + ".new")
	_ = os.Remove(db.path + ".compact")
	_ = os.Remove(db.path + ".copy")
	removeOld(context.Background(), db.path)
}

func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	err = dir.Sync()
	if closeErr := dir.Close(); err == nil {
		err = closeErr
	}
	return err
}
