// Package statetest is what every store of talkrelay's state must pass, whatever it is made of: one file now, perhaps
// a database that several processes share later. It knows the contract and nothing of how it is kept.
package statetest

import (
	"time"

	"talkrelay"
)

// Store is a store under test: the parts that the poller and the dispatcher use, and Sweep.
type Store interface {
	Reader
	// Epoch is higher in every store opened later on the same state.
	Epoch() uint64
	Commit(talkrelay.Commit) error
	Queue(sink string) Queue
	// Sweep erases what is settled and older than the retention, which must be 720h.
	Sweep(now time.Time) error
	Close() error
}

// Reader is what the poller reads.
type Reader interface {
	Cursor(channel, stream string) ([]byte, error)
	Entity(channel string, ref talkrelay.Ref) ([]byte, error)
	Entities(channel, typ, after string, limit int) ([]talkrelay.Snapshot, error)
}

// Queue is one sink's queue.
type Queue interface {
	Outbox
	Receipts
	Depth() (waiting, dead int, oldest time.Time, err error)
}

// Outbox is what a worker takes deliveries from.
type Outbox interface {
	InFlight() (*talkrelay.Shipment, error)
	Pending(n int) ([]talkrelay.Pending, error)
	Save(s *talkrelay.Shipment) error
	Settle(s *talkrelay.Shipment, o talkrelay.Outcome) error
}

// Receipts is what is remembered of deliveries made.
type Receipts interface {
	LastReceipt() (string, error)
	NextRecheck() (*talkrelay.Shipment, time.Time, error)
	DropRecheck(id string) error
}
