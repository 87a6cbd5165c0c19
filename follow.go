package talkrelay

import "time"

// EditPace is the least time between two edits of a followed chat. What changes meanwhile is shown together.
const EditPace = 3 * time.Second

// Edit is a message that was delivered about an opening and shows its chat as it was before. Making it true is no
// delivery: nothing is posted, and doing it twice is like doing it once.
type Edit struct {
	Key     string // of the chat in the store; it means nothing elsewhere
	Version uint64 // of what is known of the chat
	Receipt string // of the message
	Shown   string // what the sink made of it last, as given to Edited; "" = it is as it was delivered

	Opening Event // what the message is about
	Route   string
	Latest  Event // the chat, the customer, assignee and team as they are now; its other fields are zero
}

// Now returns the opening as it would read if it happened now.
func (e *Edit) Now() Event { return e.Opening.AsOf(&e.Latest) }

// AsOf returns e with its own time and words, and the chat, the customer, assignee and team as latest shows them.
func (e Event) AsOf(latest *Event) Event {
	reopened := e.Chat.Reopened
	e.Chat, e.User, e.Assignee, e.Team = latest.Chat, latest.User, latest.Assignee, latest.Team
	e.Chat.Reopened = reopened
	return e
}
