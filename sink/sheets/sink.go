package sheets

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"talkrelay/sink"
)

// Sink writes rows to one tab. It implements sink.Sink and keeps to its rules: one goroutine calls Wait, Prepare, Send
// and Resolve. Check is for a sink that is not at work.
type Sink struct {
	config  Config
	account *Account
	columns []column
	key     int // with Upsert: index of the column that tells rows apart
	memory  memory
	owner   string // marks the ids that are this sink's to erase

	layout *layout   // nil = not looked at yet, or no longer true
	looked time.Time // when

	turn   time.Time // when the last Wait ended: the time of the next batch. It always rises.
	single time.Time // the turn of the last batch, if it was confirmed at its first attempt

	old     []int64 // ids that the next batch may erase
	batches int     // delivered since the last look for such
	full    bool    // no room for another id

	added map[string]time.Time // keys of rows that were added in the last minute
	wrote written

	lastZone *time.Location // that an event was in
	lagPause time.Duration  // between two looks for a batch's id
}

var _ sink.Sink = (*Sink)(nil)

// relook is how long the header row is taken as read.
const relook = time.Minute

// New returns the sink for c. It sends nothing. account is shared by all sinks with c's AccountID, and must not be in use
// yet; nil = one of its own.
func New(c Config, account *Account) (*Sink, error) {
	if p := c.Validate(); len(p) > 0 {
		return nil, fmt.Errorf("sheets sink %s: %w", c.Name, p)
	}
	c = c.withDefaults()
	if account == nil {
		var err error
		if account, err = NewAccount(c); err != nil {
			return nil, fmt.Errorf("sheets sink %s: %w", c.Name, err)
		}
	}
	account.suit(c)
	columns, err := columnsOf(c)
	if err != nil {
		return nil, fmt.Errorf("sheets sink %s: %w", c.Name, err)
	}
	s := &Sink{config: c, account: account, columns: columns, batches: lookEvery, lagPause: 2 * time.Second}
	if c.Mode == Upsert {
		if s.key, err = s.keyColumn(); err != nil {
			return nil, fmt.Errorf("sheets sink %s: %w", c.Name, err)
		}
		s.markTold()
	}
	s.memory = loadMemory(c)
	s.owner = s.memory.Owner
	return s, nil
}

// Wait waits for the account's turn. It first looks at the sheet, when it has not done so for a minute, and makes tab
// and headers that are missing.
func (s *Sink) Wait(ctx context.Context) error {
	err := s.refresh(ctx)
	if err == nil {
		err = s.collect(ctx)
	}
	if err == nil {
		err = s.account.writes.wait(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var r refusal
	if errors.As(err, &r) {
		return r.failure
	}
	if err == nil {
		s.turn = later(time.Now(), s.turn.Add(time.Millisecond))
	}
	return err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Send writes the batch. See sink.Sink.
func (s *Sink) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	f, err := thaw(m.Body)
	if err != nil {
		return "", &sink.Error{Verdict: sink.Bad, Op: opAppend, Reason: err.Error()}
	}
	turn := s.account.lock(s.config.Spreadsheet)
	if err := turn.take(ctx); err != nil {
		return "", &sink.Error{Verdict: sink.Retry, Op: opAppend, Reason: "interrupted while another write was under way", Err: err}
	}
	defer turn.free()
	if held := s.account.writes.held(); held > 0 {
		return "", &sink.Error{Verdict: sink.Retry, Op: opAppend, Reason: "too many requests a minute for this service account", After: held}
	}
	if f.Keyed {
		return s.sendKeyed(ctx, m, f)
	}
	_, r := s.account.write(ctx, opAppend, s.config.Spreadsheet, f.request, f.Replies)
	if r == nil {
		s.delivered(f, m.Attempt == 1)
		return f.receipt(), nil
	}
	return s.settle(ctx, m, f, r)
}

func (s *Sink) delivered(f frozen, firstAttempt bool) {
	s.single = time.Time{}
	if m, ok := parseMark(f.Value); ok && firstAttempt {
		s.single = m.at
	}
	s.batches++
	if !f.Keyed {
		s.old = s.old[min(len(s.old), max(0, f.Replies-2)):]
	}
}

func (f frozen) receipt() sink.Receipt { return sink.Receipt(strconv.FormatInt(f.MetadataID, 10)) }

// Resolve looks for the batch's id. See sink.Sink.
func (s *Sink) Resolve(ctx context.Context, m sink.Message) (sink.Receipt, bool, error) {
	f, err := thaw(m.Body)
	if err != nil {
		return "", false, &sink.Error{Verdict: sink.Bad, Op: opLook, Reason: err.Error()}
	}
	value, found, err := s.account.metadata(ctx, s.config.Spreadsheet, f.MetadataID)
	var r refusal
	if errors.As(err, &r) {
		return "", false, r.failure
	}
	if err != nil || !found || value != f.Value {
		return "", false, err
	}
	s.delivered(f, false)
	return f.receipt(), true, nil
}
