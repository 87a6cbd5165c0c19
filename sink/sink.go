// Package sink says what a destination must be able to do, and holds what destinations share: the words of the three
// languages, the template functions, the HTTP transport that never sends a request twice. Each destination is a
// package below this one; sink/sinktest is the suite that every one of them passes.
package sink

import (
	"context"
	"time"

	"talkrelay"
)

// Sink delivers to one destination. A worker calls it from one goroutine, one shipment at a time:
//
//	Wait → Prepare → (shipment is written to the state file) → Send → (outcome is written)
//
// and after an unclear outcome Resolve instead of Send. A Sink keeps nothing that must survive a restart.
type Sink interface {
	// Wait blocks until the destination's pace and any Retry-After allow one request. It returns early with the
	// context's error. It is called before the shipment is marked as sent, so waiting here never makes doubt.
	Wait(ctx context.Context) error

	// Prepare renders the first n of items, n >= 1, into the bytes that Send will send, marked with id (32 hex
	// digits). form is "" at first, and what a *Error with Verdict Rework asked for after that. It sends nothing.
	// A template that fails on an event falls back to the default text: only an error that no retry can mend is
	// returned, and it sends the first item to the dead letters.
	Prepare(id string, items []Item, form string) (body []byte, n int, err error)

	// Send delivers m. nil = delivered and confirmed. Otherwise the error is a *Error that says what to do; an
	// error of any other type means in doubt.
	Send(ctx context.Context, m Message) (Receipt, error)

	// Resolve finds out whether m, sent before with unclear outcome, arrived, and removes surplus copies of it.
	// false without an error means: looked, and it is not there (yet).
	Resolve(ctx context.Context, m Message) (Receipt, bool, error)
}

// Scout is a Sink that asks its destination for what Prepare has to know. Scout is called before Prepare with the same items;
// what it cannot find out is done without.
type Scout interface {
	Scout(ctx context.Context, items []Item)
}

// Rechecker is a Sink where a message can still arrive after its look-ups were negative and it was sent again.
type Rechecker interface {
	// Recheck removes surplus copies of m and returns how many it removed.
	Recheck(ctx context.Context, m Message) (removed int, err error)
}

// Linker is a Sink whose deliveries can be looked at in a browser. Link may be called from any goroutine.
type Linker interface {
	// Link returns the address of what r is the receipt of, "" if it is not known.
	Link(r Receipt) string
}

// Editor is a Sink that can change what it has delivered, so that a message goes on telling the truth about its chat.
// Its methods are called from another goroutine than those of Sink.
type Editor interface {
	// Follows reports whether that is wished for.
	Follows() bool
	// PrepareEdit renders what the message with the id, which was delivered about an opening, is to show: item holds that
	// opening as it would read now. The same item makes the same bytes. It sends nothing.
	PrepareEdit(id string, item Item) ([]byte, error)
	// Edit makes the message show body. Doing that twice is like doing it once, so an error needs no look-up: Bad means
	// that this message can never be changed again, any other that it may be tried again.
	Edit(ctx context.Context, r Receipt, body []byte) error
}

// Keeper is a Sink that has one place for each chat, which is to say how the chat is. It is given every event of the chats
// that routes have sent there, those that no route sends there as refreshes.
type Keeper interface {
	// Keeps reports whether the sink, as it is set, is one.
	Keeps() bool
}

// Item is one delivery to render.
type Item struct {
	Event   talkrelay.Event
	Route   string           // name of the route that chose this sink; "" of a refresh
	Latest  *talkrelay.Event // the event's chat as it is now, see talkrelay.Pending; nil = not known
	Thread  Receipt          // of the message whose thread it belongs to, for a sink that has threads; "" = none
	Refresh bool             // only for a Keeper: make true what is there of the chat, and add nothing
}

// Message is one attempt at a shipment, as the sink needs it.
type Message struct {
	ID        string
	Body      []byte    // what Prepare returned
	Attempt   int       // 1 for the first
	After     string    // receipt of the delivery confirmed before this one; "" = none known
	FirstSent time.Time // our clock, when the first attempt began
}

// Receipt is the destination's name for what it accepted (Slack's ts, Sheets' metadata id). Never empty on success.
type Receipt string

// Memory keeps a sink's small facts about its destination across restarts: a resolved channel id, a tab's numeric id.
// Losing it costs a look-up, never a message.
type Memory interface {
	Load() ([]byte, error) // nil = nothing saved
	Save([]byte) error
}
