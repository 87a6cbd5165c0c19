package talkrelay

import "time"

// Pending is a delivery that waits in the outbox, with its event.
type Pending struct {
	Seq   uint64 // place in the sink's queue; rises by one a delivery, never reused
	Route string
	Event Event

	// Thread is the receipt of the newest message about the event's chat, if the sink follows it and the event is not
	// an opening itself; else "".
	Thread string

	// Latest is the chat of the event as it is now, with its customer, assignee and team, if the sink follows it; its other
	// fields mean nothing. nil = not known.
	Latest *Event

	// Refresh: no route sends the event to the sink. It only makes true what the sink has of the chat already.
	Refresh bool

	// Doubt: the state was restored from a backup, and the delivery may have been made since that was taken: after the
	// one with the receipt After ("" = none had been made by then).
	Doubt bool
	After string
}

// Phase is where a shipment stands between two writes to the state file.
type Phase string

// Phases of a shipment. One found in PhaseSending when the process starts was interrupted: it is in doubt.
const (
	PhaseWaiting Phase = "waiting" // certainly not applied so far; send at NextAt
	PhaseSending Phase = "sending" // a request may be on its way
	PhaseDoubt   Phase = "doubt"   // a request was sent and its outcome is not known
)

// Shipment is what a worker has in hand for one sink: one message, or one batch of rows, rendered once. The bytes
// never change between attempts, so a service that can recognise a repeat recognises this one.
//
// Its JSON form is kept in the state file: fields are added, never renamed or reused.
type Shipment struct {
	ID      string   `json:"id"`                // 32 hex digits; the mark the destination keeps
	Seqs    []uint64 `json:"seqs"`              // the deliveries in it, in order
	Events  []string `json:"events"`            // their event IDs
	Body    []byte   `json:"body"`              // frozen
	Fresh   int      `json:"fresh,omitempty"`   // how many of the deliveries are refreshes, see Pending
	Form    string   `json:"form,omitempty"`    // the sink's note on how the body was made ("" = as usual)
	After   string   `json:"after,omitempty"`   // receipt of the last delivery confirmed before this one
	Phase   Phase    `json:"phase"`             // as last written
	Attempt int      `json:"attempt"`           // sends begun so far
	Doubted bool     `json:"doubted,omitempty"` // some attempt was in doubt and has been sent again since

	FirstSent time.Time `json:"firstSent,omitzero"` // start of the first attempt
	Sent      time.Time `json:"sent,omitzero"`      // start of the last one
	Ended     time.Time `json:"ended,omitzero"`     // when the last attempt's outcome became doubtful
	Answered  bool      `json:"answered,omitempty"` // in doubt, but the service did answer: nothing more can arrive
	Lookups   int       `json:"lookups,omitempty"`  // look-ups already made since Ended
	NextAt    time.Time `json:"nextAt,omitzero"`    // nothing is to be done before
	Paused    bool      `json:"paused,omitempty"`   // NextAt is only our own patience with a destination somebody must mend: a restart tries at once
	Err       string    `json:"err,omitempty"`      // last error, free of customer data
}

// Outcome ends a shipment.
type Outcome struct {
	Receipt string    // the destination's name for it (Slack's ts, Sheets' metadata id); empty when dead
	Dead    string    // why it can never be delivered; empty when it was
	Recheck time.Time // look once more at this time for copies that arrived late; zero = no need
	At      time.Time
}
