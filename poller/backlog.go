package poller

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"talkrelay"
	"talkrelay/channeltalk"
)

// Backlog reads the chats of a channel for openings that are over: for `backfill`, which delivers them to sinks that
// lack them, and for `verify`, which counts them. It writes nothing, so what is new stays for the polls to find.
//
// A chat shows its first opening and its last one, however often it was opened between. Which opening is the last, and
// what its event is called, is taken from what polls have stored; an opening that no poll has seen yet is left to them.
type Backlog struct {
	reader  *chatReader
	view    View
	bounded time.Time // closed chats are read only back to here; zero = all
}

// BacklogConfig is what a Backlog needs besides its channel's Config.
type BacklogConfig struct {
	// RequestsPerMinute is the budget for lists and details together, so that polls, which share the channel's
	// allowance, stay on time. 0 = no budget but the API's own.
	RequestsPerMinute int
	// ClosedSince ends the walk through closed chats at a page on which every chat was closed a day or more before it,
	// as long as polls have found the lists to be newest first. The lists are then read newest first; otherwise to
	// their ends and oldest first, so that rows are written about in the order in which things happened. Zero = not used.
	ClosedSince time.Time
}

// NewBacklog returns a Backlog for the channel of cfg. Of cfg it uses Name, API, Store, Location, BotOnly,
// SnoozeEndOpens, Teams, DeskURL and Logger. The error is a cursor of the channel that cannot be read, or
// ErrNoFirstLook.
func NewBacklog(cfg Config, b BacklogConfig) (*Backlog, error) {
	cfg = cfg.withDefaults()
	cursor, err := cfg.Store.Cursor(cfg.Name, chatsStream)
	if err != nil {
		return nil, fmt.Errorf("read cursor of %s: %w", chatsStream, err)
	}
	cur, err := readChatCursor(cursor)
	if err != nil {
		return nil, err
	}
	if !cur.Done {
		return nil, ErrNoFirstLook
	}
	pace := rate.NewLimiter(rate.Inf, 1)
	if n := b.RequestsPerMinute; n > 0 {
		pace = rate.NewLimiter(rate.Limit(float64(n)/60), 1)
	}
	cfg.API = pacedAPI{cfg.API, pace}
	log := &Backlog{reader: newChatReader(&cfg), view: view{store: cfg.Store, channel: cfg.Name}}
	if !b.ClosedSince.IsZero() && !cur.FullRead {
		log.bounded = b.ClosedSince.Add(-DefaultOverlap)
	}
	return log, nil
}

// Opening is one opening of a chat that is over.
type Opening struct {
	ID       string   // of its event
	Other    []string // IDs under which a poll may have told of the same opening
	At       time.Time
	Reopened bool // the chat had been opened before
	Chat     talkrelay.Chat

	row  *chatRow
	page *channeltalk.ChatPage
}

// openings returns what c shows of openings that polls have seen, oldest first, and whether polls have seen all. known
// is what they have stored of c.
func (r rules) openings(known *chatSnapshot, c *chatRow) (list []Opening, all bool) {
	if known.Held != 0 || r.holdBotOnly && c.botOnly() {
		return nil, true // nobody was told, and nobody is until the customer speaks
	}
	last := fromMillis(known.inquiry())
	if last.IsZero() {
		last = firstOpening(c.Chat)
	}
	all = millis(c.OpenedAt) <= known.Opened && millis(c.QueuedAt) <= known.Queued
	first := c.FirstOpenedAt
	if !first.IsZero() && first.Before(last) && millis(first) <= known.Opened {
		o := newOpening(c, first)
		if q := c.firstQueuedAt; !q.IsZero() && q.Before(first) {
			o.Other = []string{openingID(c.ID, q)}
		}
		list = append(list, o)
	}
	if all || !last.After(first) { // else c shows a later one in its place
		o := newOpening(c, last)
		o.Reopened = len(list) > 0
		list = append(list, o)
	}
	return list, all
}

// newOpening returns the opening of c at a time, with the chat as it was told of then: a later opening is not in it.
func newOpening(c *chatRow, at time.Time) Opening {
	row := *c
	if row.OpenedAt.After(at) {
		row.OpenedAt = at
	}
	return Opening{ID: openingID(c.ID, at), At: at, Chat: row.Chat, row: &row}
}

// Event makes the event of o, the one that a poll would make, but for the customer's words: of an old chat they are
// those that the customer began with, and not the last ones. What cannot be read is done without, unless ctx ends.
func (b *Backlog) Event(ctx context.Context, o Opening) (talkrelay.Event, error) {
	message, err := b.firstWords(ctx, o)
	if err != nil {
		return talkrelay.Event{}, err
	}
	q := inquiry{chat: o.row, at: o.At, reopened: o.Reopened, message: message}
	if err := b.rest(ctx); err != nil {
		return talkrelay.Event{}, err
	}
	q.assignee = b.reader.details.person(ctx, o.page.Managers, o.row.AssigneeID)
	q.user, q.fallback = b.customer(ctx, o)
	return b.reader.events.opened(q), ctx.Err()
}

// Sketch is Event without what would have to be asked for.
func (b *Backlog) Sketch(o Opening) talkrelay.Event {
	q := inquiry{chat: o.row, at: o.At, reopened: o.Reopened, user: o.onPage(), fallback: talkrelay.User{ID: o.row.UserID}}
	if o.row.last != nil && showable(o.row.last) {
		q.message = o.row.last
	}
	return b.reader.events.opened(q)
}

// onPage returns the customer of o if the page has them.
func (o Opening) onPage() *userRow {
	for i := range o.page.Users {
		if u := &o.page.Users[i]; u.ID != "" && u.ID == o.row.UserID {
			row := newUserRow(u)
			return &row
		}
	}
	return nil
}

func (b *Backlog) customer(ctx context.Context, o Opening) (*userRow, talkrelay.User) {
	if o.row.UserID == "" {
		return nil, talkrelay.User{}
	}
	if row := o.onPage(); row != nil {
		return row, talkrelay.User{}
	}
	if err := b.rest(ctx); err != nil {
		return nil, talkrelay.User{}
	}
	if u := b.reader.details.user(ctx, o.row.UserID); u != nil {
		row := newUserRow(u)
		return &row, talkrelay.User{}
	}
	var known userSnapshot
	ref := talkrelay.Ref{Type: talkrelay.EntityUser, ID: o.row.UserID}
	_, _ = readSnapshot(b.view, ref, &known) // without it there is still the id
	return nil, talkrelay.User{ID: o.row.UserID, Member: known.Member, Contact: known.contact()}
}

// wordsBefore is by how much the words that an opening is due to may be older than it.
const wordsBefore = time.Minute

// firstWords returns the first message of the customer that belongs to o, else what there is. nil = none.
func (b *Backlog) firstWords(ctx context.Context, o Opening) (*channeltalk.Message, error) {
	from := time.Time{}
	if o.Reopened {
		from = o.At.Add(-wordsBefore)
	}
	d := b.reader.details
	q := channeltalk.MessageQuery{SortOrder: "asc", Limit: lookupLimit}
	for range lookupPages {
		if err := b.rest(ctx); err != nil {
			return nil, err
		}
		page, err := d.api.Messages(ctx, o.Chat.ID, q)
		if !d.settle(err) {
			break
		}
		for i := range page.Messages {
			if m := &page.Messages[i]; byCustomer(m) && !m.CreatedAt.Before(from) {
				return m, nil
			}
		}
		if page.Next == "" || page.Next == q.Since {
			break
		}
		q.Since = page.Next
	}
	if o.row.last != nil && showable(o.row.last) {
		return o.row.last, ctx.Err()
	}
	return nil, ctx.Err()
}

// rest waits until the API wants to be asked for details again: what a poll would do without is worth a wait here.
func (b *Backlog) rest(ctx context.Context) error {
	timer := time.NewTimer(time.Until(b.reader.details.quietUntil))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func openingID(chatID string, at time.Time) string {
	return fmt.Sprintf("%s/%s/%d", talkrelay.UserChatOpened, chatID, millis(at))
}
