package state

import (
	"context"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// migration takes a file from one schema version to the next. All that are needed run in one transaction.
type migration func(*bolt.Tx) error

// migrations returns the way from version 1 to the present one: the first element makes version 2 of version 1.
func migrations() []migration { return nil }

func schemaOf(steps []migration) uint64 { return 1 + uint64(len(steps)) }

// upgrade brings the file to the schema of this program, after copying it to PATH.before-vN. The copy holds customer
// data; a sweep erases it when the retention has passed.
func (db *DB) upgrade(steps []migration) error {
	want := schemaOf(steps)
	var have uint64
	err := db.view(func(tx *bolt.Tx) error {
		have = getUint64(tx.Bucket(bucketMeta), keySchema)
		return nil
	})
	switch {
	case err != nil || have == want:
		return err
	case have > want:
		return &fileError{ErrNewer, nil, fmt.Sprintf("state file %s has schema version %d, this talkrelay knows up to %d: "+
			"install the newer talkrelay again, or put back the copy made before the upgrade (%s.before-v…)", db.path, have, want, db.path)}
	}
	aside := fmt.Sprintf("%s.before-v%d", db.path, want)
	if err := db.copyFile(aside); err != nil {
		return err
	}
	err = db.update(db.maxWithSpare(), func(tx *bolt.Tx) error {
		for i, step := range steps[have-1:] {
			if err := step(tx); err != nil {
				return fmt.Errorf("upgrade state file %s to schema %d: %w", db.path, have+uint64(i)+1, err)
			}
		}
		return putUint64(tx.Bucket(bucketMeta), keySchema, want)
	})
	if err != nil {
		return err
	}
	db.cfg.Logger.Info("state file upgraded, a copy from before is beside it")
	return nil
}

// copyFile makes a backup of the file under a new name.
func (db *DB) copyFile(name string) error {
	tmp := name + ".tmp"
	if _, err := backup(context.Background(), db.file, db.path, tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, name); err != nil {
		_ = os.Remove(tmp)
		return cannotCopy(name, err)
	}
	return syncDir(name)
}
