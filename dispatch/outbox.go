// Package dispatch takes events to sinks. A Router decides, before anything is stored, which sinks an event goes to; a
// Worker, one a sink, takes the stored deliveries in order and sees each through to a confirmed end.
package dispatch

import (
	"time"

	"talkrelay"
)

// Outbox is the worker's view of one sink's queue in the state file. Every method that writes returns after the write
// is synced. One that returned an error is called again with the same arguments until it succeeds, whether or not the
// write had happened after all; a Settle that had happened may fail then.
type Outbox interface {
	// InFlight returns the shipment that was begun and not settled, nil if there is none.
	InFlight() (*talkrelay.Shipment, error)
	// Pending returns up to n waiting deliveries, oldest first, without those in flight. It may return fewer when
	// their events are large, never 0 while one waits.
	Pending(n int) ([]talkrelay.Pending, error)
	// Save records s as the shipment in flight. It takes the place of one that begins with the same delivery, whose
	// other deliveries are then pending again. One without Seqs ends the one with its ID: InFlight is nil after it, and
	// all its deliveries are pending again. It fails if another is in flight, not if none is.
	Save(s *talkrelay.Shipment) error
	// Settle ends s, the shipment in flight: its deliveries leave the queue, as delivered or as dead letters.
	Settle(s *talkrelay.Shipment, o talkrelay.Outcome) error
}

// Receipts is what the state file remembers of past deliveries to one sink.
type Receipts interface {
	// LastReceipt returns the receipt of the delivery confirmed last, "" if none is known.
	LastReceipt() (string, error)
	// NextRecheck returns the shipment to look at once more for late copies, and when; nil if there is none.
	NextRecheck() (*talkrelay.Shipment, time.Time, error)
	// DropRecheck takes the shipment with this id off that list.
	DropRecheck(id string) error
}
