package poller

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// contacts is the stream that re-reads known customers, since the API lists none and has no way to ask who changed.
// It goes round for ever, in two lanes: first the customers who were active of late, then the rest, and anew with the
// first lane when both are through, or a day after it last began. Each Poll is one step of the budget.
type contacts struct {
	api     API
	events  eventMaker
	details *details
	perStep int
	perDay  int
	log     *slog.Logger
	beat    func()

	known     atomic.Int64 // customers counted last
	toldShort bool
}

const (
	contactsStream = "contacts" // key of the cursor: never changes

	recentDays  = 14 + activeStep // a snapshot's day may be activeStep behind
	laneEvery   = 24 * time.Hour  // the first lane begins anew after this, whether the second is through or not
	scanPage    = 50              // snapshots read at once …
	scanStep    = 500             // … and in one step
	countStep   = 1000            // snapshots counted in one step
	saveUsers   = 200             // the place is written after so many customers …
	saveEvery   = 10 * time.Minute
	maxFailures = 10 // customers that may be unreadable in a row before that counts as trouble
)

// contactPace spreads a budget of requests a minute evenly: n requests each time.
func contactPace(perMinute int) (every time.Duration, n int) {
	n = (perMinute + 59) / 60
	return time.Duration(n) * time.Minute / time.Duration(perMinute), n
}

func newContacts(cfg *Config, d *details, perStep int) *contacts {
	return &contacts{
		api:     cfg.API,
		events:  newEventMaker(cfg),
		details: d,
		perStep: perStep,
		perDay:  cfg.ContactRequestsPerMinute * 24 * 60,
		log:     cfg.Logger,
		beat:    cfg.Beat,
	}
}

// round is a place in the rotation. It is the Position, and now and then the cursor: then fields are added, never
// renamed or reused.
type round struct {
	Version int    `json:"v"`
	Rest    bool   `json:"l,omitempty"` // in the second lane
	Recent  string `json:"r,omitempty"` // the last customer looked at in the first lane
	Others  string `json:"o,omitempty"` // and in the second
	Began   int64  `json:"b,omitempty"` // when the first lane last began, Unix milliseconds

	Good   int64    `json:"g,omitempty"` // when a customer was last read, Unix milliseconds
	Doubts []string `json:"d,omitempty"` // customers to look for once more, the longest gone first

	Failed  int    `json:"f,omitempty"` // customers that could not be read, in a row
	Unsaved int    `json:"n,omitempty"` // customers since the place was written
	Saved   int64  `json:"s,omitempty"` // when that was
	Counted int    `json:"c,omitempty"` // customers counted so far …
	Counter string `json:"i,omitempty"` // … up to this one
	Counts  bool   `json:"k,omitempty"` // they are all counted for this round
}

// Name implements Stream.
func (s *contacts) Name() string { return contactsStream }

// Poll implements Stream. The walk never ends.
func (s *contacts) Poll(ctx context.Context, prev View, from Position) (Batch, error) {
	now := time.Now()
	r, err := s.place(prev.Cursor(), from, now)
	if err != nil {
		return Batch{}, err
	}
	if err := s.count(prev, &r); err != nil {
		return Batch{}, err
	}
	if b, asked, err := s.lookAgain(ctx, prev, &r, now); asked {
		return b, err
	}
	known, err := s.due(prev, &r, now)
	if err != nil {
		return Batch{}, err
	}
	b := Batch{Entities: map[talkrelay.Ref][]byte{}}
	if err := s.readAll(ctx, prev, known, &r, &b); err != nil {
		return Batch{Next: encode(r)}, err
	}
	if prev.Cursor() == nil || r.Unsaved >= saveUsers || now.Sub(fromMillis(r.Saved)) >= saveEvery {
		r.Unsaved, r.Saved = 0, millis(now)
		b.Cursor = encode(r)
	}
	b.Next = encode(r)
	return b, nil
}

func (s *contacts) place(cursor []byte, from Position, now time.Time) (round, error) {
	r := round{Version: cursorVersion, Began: millis(now), Saved: millis(now)}
	data := []byte(from)
	if data == nil {
		data = cursor
	}
	if data == nil {
		return r, nil
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("decode cursor of contacts: %w", err)
	}
	if r.Version > cursorVersion {
		return r, fmt.Errorf("decode cursor of contacts: written by a newer version (%d); install that one", r.Version)
	}
	return r, nil
}

// count gets on with counting the known customers, once a round.
func (s *contacts) count(prev View, r *round) error {
	if r.Counts {
		return nil
	}
	some, err := prev.Entities(talkrelay.EntityUser, r.Counter, countStep)
	if err != nil {
		return fmt.Errorf("count customers: %w", err)
	}
	r.Counted += len(some)
	if len(some) == countStep {
		r.Counter = some[len(some)-1].ID
		return nil
	}
	s.known.Store(int64(r.Counted))
	if r.Counted > s.perDay && !s.toldShort {
		s.toldShort = true
		s.log.Warn("not every customer is re-read once a day", "err", fmt.Sprintf(
			"%d customers are known and the budget is %d requests a day; contact_requests_per_minute = %d would do",
			r.Counted, s.perDay, r.Counted/(24*60)+1))
	}
	r.Counts, r.Counted, r.Counter = true, 0, ""
	return nil
}

// knownUser is a customer with its snapshot.
type knownUser struct {
	id   string
	snap userSnapshot
}

// dueUsers are the customers of one step, and where the rotation stood before them.
type dueUsers struct {
	users []knownUser
	rest  bool
	after string
}

// backTo puts r back to just before the i-th of them.
func (d *dueUsers) backTo(i int, r *round) {
	after := d.after
	if i > 0 {
		after = d.users[i-1].id
	}
	if r.Rest = d.rest; r.Rest {
		r.Others = after
	} else {
		r.Recent = after
	}
}

// due returns the customers to read in this step and moves r past them. It changes lanes at most once, and it reads no
// more than scanStep snapshots, so a step may well be empty.
func (s *contacts) due(prev View, r *round, now time.Time) (dueUsers, error) {
	if r.Rest && now.Sub(fromMillis(r.Began)) >= laneEvery {
		r.startRecent(now)
	}
	after := &r.Recent
	if r.Rest {
		after = &r.Others
	}
	d := dueUsers{rest: r.Rest, after: *after}
	oldest := epochDay(now) - recentDays
	for scanned := 0; scanned < scanStep; {
		some, err := prev.Entities(talkrelay.EntityUser, *after, scanPage)
		if err != nil {
			return d, fmt.Errorf("read known customers: %w", err)
		}
		for _, e := range some {
			var snap userSnapshot
			if err := json.Unmarshal(e.Data, &snap); err != nil {
				return d, fmt.Errorf("decode snapshot of user %s: %w", e.ID, err)
			}
			*after = e.ID
			if rest := snap.Day < oldest && !snap.Unread; rest == r.Rest {
				d.users = append(d.users, knownUser{e.ID, snap})
			}
			if len(d.users) == s.perStep {
				return d, nil
			}
		}
		if len(some) < scanPage {
			*after = ""
			r.changeLane(now)
			return d, nil
		}
		scanned += len(some)
	}
	return d, nil
}

func (r *round) changeLane(now time.Time) {
	if r.Rest {
		r.startRecent(now)
	} else {
		r.Rest = true
	}
}

func (r *round) startRecent(now time.Time) {
	r.Rest, r.Recent, r.Began, r.Counts = false, "", millis(now), false
}

// readAll asks for customers until asking for more is of no use now, and puts r to where to go on.
func (s *contacts) readAll(ctx context.Context, prev View, known dueUsers, r *round, b *Batch) error {
	for i, k := range known.users {
		err := s.read(ctx, prev, k, r, b)
		if err == nil {
			r.Unsaved++
			continue
		}
		done := i
		if perhapsAlone(err) {
			done++ // try another one next time
		}
		known.backTo(done, r)
		if i > 0 {
			return nil // keep what was found; the next step says what is wrong
		}
		return err
	}
	return nil
}

// perhapsAlone reports whether it may be just this one customer that cannot be read.
func perhapsAlone(err error) bool {
	switch channeltalk.KindOf(err) {
	case channeltalk.Server, channeltalk.Refused, channeltalk.NotJSON:
		return true
	}
	return false
}

// read asks for one customer and adds to b what has changed. An error means that asking for others is of no use now.
func (s *contacts) read(ctx context.Context, prev View, k knownUser, r *round, b *Batch) error {
	u, err := s.api.User(ctx, k.id)
	s.beat()
	switch {
	case channeltalk.KindOf(err) == channeltalk.Gone:
		r.Failed = 0
		return s.gone(ctx, prev, k, r, b)
	case err != nil && !perhapsAlone(err):
		return err
	case err != nil:
		if r.Failed++; r.Failed >= maxFailures {
			return err
		}
		return nil
	}
	r.Failed, r.Good = 0, millis(time.Now())
	row := newLoneUserRow(u)
	row.ID = k.id // the answer for a merged one may name another
	c := compareUser(&k.snap, row, sighting{active: row.updatedAt, flags: s.events.wantsSubscriptions()})
	if s.events.news(row, c) {
		chat, err := storedChat(prev, c.snap.Chat, row.ID)
		if err != nil {
			return err
		}
		b.Events = append(b.Events, s.events.sightings(row, c, chat, s.details.person(ctx, nil, chat.AssigneeID))...)
	}
	if c.store {
		b.Entities[talkrelay.Ref{Type: talkrelay.EntityUser, ID: k.id}] = encode(c.snap)
	}
	return nil
}
