package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	bolt "go.etcd.io/bbolt"
)

const copyTx = 1 << 20 // bytes copied in one transaction

// writeCopy makes a file called name of everything in source but its free pages, has finish change it, and syncs it.
// It reads source as it is at the first moment. Whatever goes wrong, and when ctx ends, no file is left. The copy may
// be of any size: it is never larger than what is there already.
func writeCopy(ctx context.Context, source *boltFile, name string, finish func(*bolt.Tx) error) (*boltFile, error) {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	fresh, err := openBolt(name)
	if err != nil {
		return nil, err
	}
	err = guard(func() error {
		fresh.bolt.NoSync = true // one sync at the end will do: a copy that is not finished is thrown away
		if err := copyAll(ctx, source.bolt, fresh.bolt); err != nil {
			return err
		}
		return fresh.bolt.Update(finish)
	})
	if err == nil {
		fresh.bolt.NoSync = false
		err = errors.Join(ctx.Err(), fresh.os.Sync())
	}
	if err == nil {
		return fresh, nil
	}
	_ = guard(fresh.bolt.Close)
	fresh.abandon()
	_ = os.Remove(name)
	return nil, err
}

// copyAll copies every bucket of from to the empty database to.
func copyAll(ctx context.Context, from, to *bolt.DB) error {
	c := copier{ctx: ctx, db: to}
	defer c.abort()
	return from.View(func(source *bolt.Tx) error {
		if err := c.begin(); err != nil {
			return err
		}
		err := source.ForEach(func(name []byte, b *bolt.Bucket) error { return c.bucket(place{name}, b) })
		if err != nil {
			return err
		}
		return c.commit()
	})
}

// copier writes to a database in transactions of about copyTx bytes.
type copier struct {
	ctx  context.Context
	db   *bolt.DB
	tx   *bolt.Tx // nil = none is open
	size int      // of what is in tx
}

// place is the way to a bucket: the names of the buckets it is in, and its own.
type place [][]byte

func (c *copier) begin() (err error) {
	c.size = 0
	c.tx, err = c.db.Begin(true)
	return err
}

func (c *copier) commit() error {
	tx := c.tx
	c.tx = nil
	return tx.Commit()
}

func (c *copier) abort() {
	if c.tx != nil {
		_ = c.tx.Rollback()
	}
}

// bucket copies one bucket and those in it.
func (c *copier) bucket(at place, from *bolt.Bucket) error {
	to, err := c.open(at)
	if err != nil {
		return err
	}
	return from.ForEach(func(key, value []byte) error {
		if value == nil {
			return c.nested(append(at[:len(at):len(at)], key), from)
		}
		if c.size += len(key) + len(value); c.size > copyTx || to.Tx() != c.tx {
			if to, err = c.renew(at); err != nil {
				return err
			}
		}
		return to.Put(key, value)
	})
}

func (c *copier) nested(at place, parent *bolt.Bucket) error {
	from := parent.Bucket(at[len(at)-1])
	if from == nil {
		return fmt.Errorf("bucket %q cannot be read", at[len(at)-1])
	}
	return c.bucket(at, from)
}

// renew begins another transaction if the present one is large enough, and opens the bucket in the one there is then.
func (c *copier) renew(at place) (*bolt.Bucket, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	if c.size > copyTx {
		if err := c.commit(); err != nil {
			return nil, err
		}
		if err := c.begin(); err != nil {
			return nil, err
		}
	}
	return c.open(at)
}

// open returns a bucket in the present transaction, made if need be. Keys come in order, so its pages can be filled.
func (c *copier) open(at place) (*bolt.Bucket, error) {
	b, err := c.tx.CreateBucketIfNotExists(at[0])
	for _, name := range at[1:] {
		if err != nil {
			break
		}
		b, err = b.CreateBucketIfNotExists(name)
	}
	if err != nil {
		return nil, err
	}
	b.FillPercent = 1
	return b, nil
}
