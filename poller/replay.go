package poller

import (
	"context"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// Replay turns chats, whenever they were opened, into the events they would make if they were seen for the first time:
// for `preview`. It remembers nothing and writes nothing. What brings in old chats is a Backlog.
type Replay struct{ reader *chatReader }

// replayTime bounds the reading of details of one page. Nobody waits for an alert here.
const replayTime = 5 * time.Minute

// NewReplay returns a Replay for the channel of cfg. Of cfg it uses Name, API, Location, MessageLookupsPerMinute, Teams,
// DeskURL and Logger.
func NewReplay(cfg Config) *Replay {
	cfg = cfg.withDefaults()
	reader := newChatReader(&cfg)
	reader.rules = rules{snoozeEndOpens: cfg.SnoozeEndOpens} // a chat with a bot alone is shown too: Chat.BotOnly says so
	reader.detailTime = replayTime
	return &Replay{reader}
}

// Events returns what the chats of page make, oldest first: one talkrelay.UserChatOpened for the last opening of each,
// what has become of it that has a time (replied, snoozed, closed), and for each customer with contact fields one event
// about these. What the page leaves out (the customer's own words, an assignee's name, a customer) is read from the API;
// what cannot be read is done without.
//
// IDs are those that a poll gives, with one difference: a poll that saw a chat in the queue and then opened has told of it
// under its queuedAt, and here it has its openedAt.
func (r *Replay) Events(ctx context.Context, page *channeltalk.ChatPage) ([]talkrelay.Event, error) {
	p := chatPage{ChatPage: page, rows: chatRows(page), prev: nothingKnown{}, cur: chatCursor{Done: true}}
	b, err := r.reader.compare(ctx, &p)
	return b.Events, err
}

// nothingKnown is the View of a channel that was never looked at.
type nothingKnown struct{}

func (nothingKnown) Cursor() []byte                                            { return nil }
func (nothingKnown) Entity(talkrelay.Ref) ([]byte, error)                      { return nil, nil }
func (nothingKnown) Entities(_, _ string, _ int) ([]talkrelay.Snapshot, error) { return nil, nil }
