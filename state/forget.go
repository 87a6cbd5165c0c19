package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// Forgotten says what a Forget erased, or would erase.
type Forgotten struct {
	Events    int
	Waiting   int // deliveries that were waiting, and now are never made
	Dead      int // dead letters
	Snapshots int // of contact fields

	// Delivered lists what was delivered before: the destinations still have it.
	Delivered []TracedDelivery
	// Busy names sinks that are in the middle of a batch with the customer in it, whose outcome is not known. Their events stay
	// until that is settled: forget again then.
	Busy []string
}

// Customer names a customer by the channel's name in the config and the id in Channel Talk.
type Customer struct{ Channel, ID string }

// Forget erases customers: the events that match is true for, with all their deliveries, what is known of their chats where a
// sink follows them, and the snapshots of list. What stays is that the events' IDs are known, so that the same events are not
// found and delivered once more. With dry it only looks.
//
// The bytes are gone from the file after the next [DB.Sweep], and no worker may be at work meanwhile.
func (db *DB) Forget(ctx context.Context, match func(*talkrelay.Event) bool, list []Customer, now time.Time, dry bool) (Forgotten, error) {
	traces, err := db.Traces(math.MaxInt, func(_ string, e *talkrelay.Event) bool { return e != nil && match(e) })
	if err != nil {
		return Forgotten{}, fmt.Errorf("forget: %w", err)
	}
	var done Forgotten
	err = db.update(db.maxWithSpare(), func(tx *bolt.Tx) error {
		done = Forgotten{}
		for i := range traces {
			if err := done.event(tx, &traces[i], now); err != nil {
				return err
			}
		}
		for _, c := range list {
			users := sub(tx, bucketEntity, c.Channel, talkrelay.EntityUser)
			if get(users, c.ID) == nil {
				continue
			}
			done.Snapshots++
			if err := users.Delete([]byte(c.ID)); err != nil {
				return err
			}
		}
		if dry {
			return errDry
		}
		return markResidue(tx)
	})
	if err != nil && !errors.Is(err, errDry) {
		return Forgotten{}, fmt.Errorf("forget: %w", err)
	}
	if dry {
		return done, nil
	}
	db.removeUpgradeCopies(ctx)
	if err := db.eraseFollowed(match, false); err != nil {
		return done, fmt.Errorf("forget: %w", err)
	}
	return done, nil
}

// errDry undoes a transaction that was only to count.
var errDry = errors.New("dry run")

// event erases one event and its deliveries.
func (f *Forgotten) event(tx *bolt.Tx, t *Trace, now time.Time) error {
	for _, d := range t.Deliveries {
		if d.Stand == Sending || d.Stand == InDoubt || d.Stand == InHand {
			free, err := release(tx, d.Sink, d.Stand)
			if err != nil {
				return err
			}
			if !free {
				f.Busy = append(f.Busy, d.Sink)
				return nil
			}
		}
	}
	for _, d := range t.Deliveries {
		switch d.Stand {
		case Delivered:
			f.Delivered = append(f.Delivered, d)
			continue
		case Dropped:
			continue
		case Dead:
			f.Dead++
		default:
			f.Waiting++
		}
		if err := dropSaved(tx, d, now); err != nil {
			return err
		}
	}
	f.Events++
	return eraseEvent(tx, t.ID)
}

// release takes the shipment in flight to a sink off, if that can double nothing: it has certainly not been sent, or it
// carries one delivery only, which is dropped next. All its deliveries wait again.
func release(tx *bolt.Tx, sink string, stand Stand) (free bool, err error) {
	flying, err := inFlight(tx, sink)
	if err != nil || flying == nil {
		return err == nil, err
	}
	if stand != InHand && len(flying.Seqs) > 1 {
		return false, nil
	}
	return true, tx.Bucket(bucketInFlight).Delete([]byte(sink))
}

func dropSaved(tx *bolt.Tx, d TracedDelivery, now time.Time) error {
	record, err := loadQueue(tx, d.Sink)
	if err != nil {
		return err
	}
	if err := dropOne(tx, d.Sink, d.Seq, record, now); err != nil {
		return err
	}
	return saveQueue(tx, d.Sink, record)
}

// eraseEvent removes an event, its receipts, and the shipments kept to be looked at once more.
func eraseEvent(tx *bolt.Tx, id string) error {
	for _, b := range append(subBuckets(tx.Bucket(bucketReceipt)), tx.Bucket(bucketEvent)) {
		if err := b.Delete([]byte(id)); err != nil {
			return err
		}
	}
	for _, b := range subBuckets(tx.Bucket(bucketRecheck)) {
		var keys [][]byte
		_ = b.ForEach(func(k, v []byte) error {
			if s, err := decode[talkrelay.Shipment](v); err == nil && slices.Contains(s.Events, id) {
				keys = append(keys, bytes.Clone(k))
			}
			return nil
		})
		for _, k := range keys {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeUpgradeCopies removes the copies from before an upgrade, however young: the customer is in them too.
func (db *DB) removeUpgradeCopies(ctx context.Context) {
	names, _ := filepath.Glob(escapeGlob(db.path) + ".before-v*")
	for _, name := range names {
		wipe(ctx, name)
	}
}
