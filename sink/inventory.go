package sink

import (
	"context"
	"time"
)

// Inventory is a Sink that can say what its destination holds, whatever the state file still remembers: for bringing in
// old events without doubling any, and for counting.
type Inventory interface {
	// Holdings calls each with what the destination holds of what happened from since on; more than that does no harm.
	// It may be called from any goroutine, also while the sink is at work. Its error is a *Error, or the context's.
	Holdings(ctx context.Context, since time.Time, each func(Holding)) error
}

// Holding is one message or row of ours. It says which event it is about by the ID of its shipment, or by what stands in it.
type Holding struct {
	ID      string    // of the shipment; "" = the destination keeps none
	Chat    string    // the chat that a row is about
	Wall    time.Time // the time that it gives, as a clock on the wall shows it: always in UTC; zero = none that can be read
	Receipt Receipt   // "" = it has none of its own
}

// Wall returns what a clock on the wall shows at t in loc, as a Holding has it: to the second.
func Wall(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}
