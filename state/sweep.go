package state

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// Bounds of one transaction of a sweep, so that nobody waits long for it.
const (
	sweepScan  = 10_000 // events looked at
	sweepErase = 500    // events erased
)

// SweepReport says what a sweep did.
type SweepReport struct {
	Erased        int   // events
	Compacted     bool  // the file was replaced by a copy without its free pages
	Before, After int64 // size of the file in bytes, equal unless compacted
}

// Sweep erases the events that are settled and were seen before now minus the retention, with their receipts. Then,
// if anything was erased since the last time or much of the file is free, it compacts: bbolt's delete leaves the bytes
// readable in free pages, so the data is gone only once the rest has been copied to a new file that takes the place of
// the old one. The old one is overwritten before it is removed. That is as much as a program can do: an SSD, or a file
// system that copies on write, may keep the old blocks until it needs them.
//
// Writers wait while the file is copied, readers only for the swap; neither see an error. A sweep that fails or is
// killed leaves a good file, and the next one does what is left; so does one that ctx ends, which is soon.
func (db *DB) Sweep(ctx context.Context, now time.Time) (SweepReport, error) {
	db.sweeping.Lock()
	defer db.sweeping.Unlock()
	report, err := db.sweep(ctx, now.Add(-db.cfg.Retention))
	if err != nil {
		return report, fmt.Errorf("sweep state file: %w", err)
	}
	return report, nil
}

func (db *DB) sweep(ctx context.Context, cutoff time.Time) (report SweepReport, err error) {
	if report.Erased, err = db.eraseEvents(ctx, cutoff); err != nil {
		return report, err
	}
	if err := db.eraseRechecks(cutoff); err != nil {
		return report, err
	}
	if err := db.eraseFollowed(func(e *talkrelay.Event) bool { return e.Seen.Before(cutoff) }, true); err != nil {
		return report, err
	}
	db.removeUpgraded(ctx, cutoff)
	removeOld(ctx, db.path)
	if report.Before, err = db.size(); err != nil {
		return report, err
	}
	report.After = report.Before
	worth, err := db.worthCompacting(report.Before)
	if err != nil || !worth {
		return report, err
	}
	if err := db.compact(ctx); err != nil {
		return report, err
	}
	report.Compacted = true
	if report.After, err = db.size(); err == nil {
		db.measure(report.After)
	}
	return report, err
}

func (db *DB) eraseEvents(ctx context.Context, cutoff time.Time) (erased int, err error) {
	var after []byte
	for {
		if err := ctx.Err(); err != nil {
			return erased, err
		}
		ids, next, err := db.expired(after, cutoff)
		if err != nil {
			return erased, err
		}
		if len(ids) > 0 {
			n, err := db.erase(ids, cutoff)
			erased += n
			if err != nil {
				return erased, err
			}
		}
		if next == nil {
			return erased, nil
		}
		after = next
	}
}

// expired returns IDs of events that may go, and where to look on; nil at the end.
func (db *DB) expired(after []byte, cutoff time.Time) (ids [][]byte, next []byte, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketDone).Cursor()
		k, v := c.Seek(after)
		for seen := 0; k != nil; k, v = c.Next() {
			if seen++; seen > sweepScan || len(ids) == sweepErase {
				next = bytes.Clone(k)
				return inOrder(after, next)
			}
			if over(v, cutoff) {
				ids = append(ids, bytes.Clone(k))
			}
		}
		return nil
	})
	return ids, next, err
}

// over reports whether an event is settled and seen before cutoff. One whose record is damaged never is.
func over(text []byte, cutoff time.Time) bool {
	r, err := decodeDone(text)
	return err == nil && r.unsettled == 0 && r.seen.Before(cutoff)
}

func (db *DB) erase(ids [][]byte, cutoff time.Time) (n int, err error) {
	err = db.update(db.maxWithSpare(), func(tx *bolt.Tx) error {
		n = 0
		done, events := tx.Bucket(bucketDone), tx.Bucket(bucketEvent)
		places := append(subBuckets(tx.Bucket(bucketReceipt)), events, done)
		for _, id := range ids {
			if !over(done.Get(id), cutoff) {
				continue
			}
			for _, b := range places {
				if err := b.Delete(id); err != nil {
					return err
				}
			}
			n++
		}
		return markResidue(tx)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func subBuckets(b *bolt.Bucket) (list []*bolt.Bucket) {
	_ = b.ForEachBucket(func(name []byte) error {
		list = append(list, b.Bucket(name))
		return nil
	})
	return list
}

// eraseRechecks drops what should have been looked at before cutoff: its sink is gone from the config, and it holds a
// rendered message.
func (db *DB) eraseRechecks(cutoff time.Time) error {
	old := map[string][][]byte{}
	err := db.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketRecheck).ForEachBucket(func(sink []byte) error {
			end, c := recheckKey(cutoff, ""), sub(tx, bucketRecheck, string(sink)).Cursor()
			for k, _ := c.First(); k != nil && bytes.Compare(k, end) < 0; k, _ = c.Next() {
				old[string(sink)] = append(old[string(sink)], bytes.Clone(k))
			}
			return nil
		})
	})
	if err != nil || len(old) == 0 {
		return err
	}
	return db.update(db.maxWithSpare(), func(tx *bolt.Tx) error {
		for sink, keys := range old {
			b := sub(tx, bucketRecheck, sink)
			for _, k := range keys {
				if err := b.Delete(k); err != nil {
					return err
				}
			}
		}
		return markResidue(tx)
	})
}

// removeUpgraded removes the copies from before an upgrade that are older than cutoff.
func (db *DB) removeUpgraded(ctx context.Context, cutoff time.Time) {
	names, _ := filepath.Glob(escapeGlob(db.path) + ".before-v*")
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.ModTime().Before(cutoff) {
			wipe(ctx, name)
		}
	}
}

// markResidue notes that the free pages will hold erased data, so that a sweep killed before it compacts, or the next
// one after a deletion, compacts.
func markResidue(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyResidue, []byte{1}) }
