// Package state keeps everything talkrelay must remember in one bbolt file: how far each poll has read, what was seen,
// what still has to be delivered and what has been. The poller commits what a poll found in one transaction, the
// dispatcher takes it from there through a [Queue]; kill the process anywhere and the file says where to go on.
//
// # Keys
//
// One file, schema version 1. A trailing slash in a path means a nested bucket; numbers are big-endian.
//
//	meta      schema            uint64, version of this table
//	          epoch             uint64, raised by every Open
//	          instance          16 random bytes, made with the file
//	          residue           present while the file's free pages may hold erased customer data
//	          copied            uint64 ms, present in a backup: when it was made
//	          restored          uint64 ms, present once a backup was put back: when it was first opened
//	cursor    <channel>/<stream>       bytes of the poller; of a job that brings in old events, its own
//	entity    <channel>/<type>/<id>    snapshot, bytes of the poller
//	event     <event id>               JSON of talkrelay.Event, a line break, its envelope; only if a route asked for it
//	done      <event id>               doneRecord: when seen, how many deliveries are not settled (dead ones included)
//	queue     <sink>                   queueRecord: last seq, how many wait and are dead, last receipt
//	outbox    <sink>/<seq uint64>      outboxRecord: event and route of a delivery that is not settled, in flight or not
//	inflight  <sink>                   JSON of talkrelay.Shipment
//	dead      <sink>/<seq uint64>      deadRecord: event, route, reason, time
//	receipt   <sink>/<event id>        receiptRecord: receipt, time
//	recheck   <sink>/<due uint64 ms><shipment id>   JSON of talkrelay.Shipment
//	memory    <key>                    bytes of a sink
//	follow    <sink>/chat/<channel>\x00<chat id>    followRecord: how the chat is now, and the messages about it
//	follow    <sink>/user/<channel>\x00<user id>    key of the chat that the customer had last
//	edit      <sink>/<due uint64 ms><channel>\x00<chat id>    empty: a message about the chat is to be changed
//
// An event is known exactly while it is in done; one that was to be delivered is in event as long. It leaves both, with
// its receipts, in the first [DB.Sweep] that finds it settled and older than the retention. Dead letters are not
// settled: they and their events stay. Snapshots stay too: they hold the present contact fields of a customer, without which no change could
// be told, and go when the poller deletes them. What is known of a followed chat goes when nothing has been heard of it for the retention.
//
// # Files
//
// Beside PATH there may be PATH.lock (never removed, see lock.go), PATH.new and PATH.compact (unfinished, removed by
// the next Open), PATH.copy (unfinished backup, likewise), PATH.old (replaced by a compaction and not yet overwritten) and PATH.before-vN (copy from before
// an upgrade, removed when the retention has passed).
package state

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"talkrelay"
)

// Defaults of Config.
const (
	DefaultRetention = 720 * time.Hour
	DefaultMaxSize   = 1 << 30

	minRetention = time.Hour
	minMaxSize   = 1 << 20
)

// Config says where the state is kept and how much of it.
type Config struct {
	// Path of the file. Its directory must exist and be writable, because files beside it are needed too.
	Path string
	// Retention is how long settled events and their customer data are kept after they were seen. 0 = 720h.
	Retention time.Duration
	// MaxSize in bytes is where the file stops growing by what polls find; deliveries can still be settled then. 0 = 1 GiB.
	MaxSize int64
	// Logger may be nil.
	Logger *slog.Logger
	// Step is called with the name of each step of a compaction, for a test to end the process just there. nil = nobody.
	Step func(name string)
}

// Validate returns what is wrong with c, with keys as in the [state] table of the config file.
func (c Config) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	if c.Path == "" {
		p.Add("path", `must name a file, as in "talkrelay.db"`)
	}
	if c.Retention != 0 && c.Retention < minRetention {
		p.Add("retention", `%s is too short: at least 1h, as in "720h"`, c.Retention)
	}
	if c.MaxSize != 0 && c.MaxSize < minMaxSize {
		p.Add("max_size", "%d bytes is too small: at least 1 MiB (%d)", c.MaxSize, minMaxSize)
	}
	return p
}

func (c Config) withDefaults() Config {
	if c.Retention == 0 {
		c.Retention = DefaultRetention
	}
	if c.MaxSize == 0 {
		c.MaxSize = DefaultMaxSize
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// DB is the open state file. All methods are safe for concurrent use. What they return is a copy and stays valid.
type DB struct {
	cfg   Config
	path  string // cfg.Path without symbolic links, so that a rename replaces the file and not the link
	epoch uint64
	lock  *lockFile

	instance string
	restored time.Time    // when the file, then a backup, was first opened; zero = it never was one
	base     atomic.Int64 // size of the file when it was opened or compacted

	sweeping sync.Mutex   // one Sweep or Snapshot at a time
	writing  sync.Mutex   // one writer at a time; held while a compaction copies, so that nothing is missed
	mu       sync.RWMutex // guards the fields below; held for writing only while the file is swapped or closed
	file     *boltFile
	closed   bool
	broken   error // set once a write has panicked: the lock of bbolt's writer may be lost
}

// Epoch returns the boot counter: Open raises it by one and has synced it when it returns.
func (db *DB) Epoch() uint64 { return db.epoch }

// Instance returns 32 hex digits, made at random with the file. Its backups have the same.
func (db *DB) Instance() string { return db.instance }

// Close waits for transactions, a running sweep and a backup being made, closes the file and lets go of the lock. Closing twice is fine.
func (db *DB) Close() error {
	db.sweeping.Lock()
	defer db.sweeping.Unlock()
	db.writing.Lock()
	defer db.writing.Unlock()
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return nil
	}
	db.closed = true
	if db.broken != nil {
		db.file.abandon()
		return db.lock.release()
	}
	err := db.file.bolt.Close()
	if lockErr := db.lock.release(); err == nil {
		err = lockErr
	}
	return err
}

func (db *DB) at(step string) {
	if db.cfg.Step != nil {
		db.cfg.Step(step)
	}
}
