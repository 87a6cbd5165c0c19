package state_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
	"talkrelay/state"
)

// A shift is what one process does with a state file: it commits, sends, settles, buries, sweeps and makes backups, in
// an order that follows from a seed. Before each step it says on its standard output what will be in the file when the
// step is done, and afterwards that it is. It ends without closing the file, as one that is killed.
type shift struct {
	db   *state.DB
	rand *rand.Rand
	now  world
	say  func(word string, w world) error
}

// Words of a shift, each followed by a world.
const (
	wordNext = "next" // what a step begins to make of it
	wordDone = "done" // what the state has acknowledged
)

// shiftOrder is what a process is told to do. It is passed as JSON in the environment.
type shiftOrder struct {
	Seed    uint64
	Steps   int
	Schema  int     // version of the program: 1, or 2 with a migration
	Allowed []world // one of them must be found in the file
}

// migrationsTo returns those of a program of this schema version. That of version 2 counts how often it was run.
func migrationsTo(schema int) (steps []state.Migration) {
	for range schema - 1 {
		steps = append(steps, countUpgrade)
	}
	return steps
}

func countUpgrade(tx *bolt.Tx) error {
	b, key := tx.Bucket([]byte("memory")), []byte("upgrades")
	return b.Put(key, append(bytes.Clone(b.Get(key)), 'I'))
}

// work is the whole life of a traced process.
func work(path, order string) error {
	var o shiftOrder
	if err := json.Unmarshal([]byte(order), &o); err != nil {
		return err
	}
	db, err := state.OpenWith(state.Config{Path: path}, migrationsTo(o.Schema))
	if err != nil {
		return err
	}
	text, err := contents(db, db.Epoch())
	if err != nil {
		return err
	}
	s := shift{db: db, rand: rand.New(rand.NewPCG(o.Seed, 0)), say: func(word string, w world) error {
		text, err := json.Marshal(w)
		if err == nil {
			_, err = fmt.Printf("%s %s\n", word, text)
		}
		return err
	}}
	i := slices.IndexFunc(o.Allowed, func(w world) bool { return w.text() == text })
	if i < 0 {
		return fmt.Errorf("what is in the file is none of %+v:\n%s", o.Allowed, text)
	}
	s.now = o.Allowed[i]
	if err := s.say(wordDone, s.now); err != nil {
		return err
	}
	if err := s.steps(o.Steps); err != nil {
		return err
	}
	os.Exit(0) // and not Close
	return nil
}

func (s *shift) steps(n int) error {
	for i := range n {
		if err := s.step(); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *shift) step() error {
	switch n := s.rand.IntN(100); {
	case n < 20:
		return s.commit()
	case n < 60:
		return s.deliver(0)
	case n < 85:
		return s.deliver(1)
	case n < 90:
		return s.backup()
	default:
		return s.sweep()
	}
}

// do says what next is, has f do it, and says that it is done.
func (s *shift) do(next world, f func() error) error {
	if err := s.say(wordNext, next); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	return s.done(next)
}

func (s *shift) done(w world) error {
	s.now = w
	return s.say(wordDone, w)
}

func (s *shift) commit() error {
	next := s.now
	next.Commits++
	n := next.Commits
	c := talkrelay.Commit{
		Epoch: s.db.Epoch(), Channel: "main", Stream: "chats", Cursor: fmt.Append(nil, n),
		Entities: map[talkrelay.Ref][]byte{
			{Type: talkrelay.EntityUser, ID: userOf(n)}:     fmt.Append(nil, n),
			{Type: talkrelay.EntityUser, ID: userOf(n + 3)}: nil,
		},
	}
	if n > 1 {
		c.Read = fmt.Append(nil, n-1)
	}
	for _, e := range eventsOf(n) {
		c.Events = append(c.Events, talkrelay.Event{
			ID: e.id(), Seen: seen(n), Message: talkrelay.Message{Text: e.text()}, Envelope: []byte(e.envelope()),
		})
		for i, sink := range sinks {
			if e.goesTo(i) {
				c.Deliveries = append(c.Deliveries, talkrelay.Delivery{EventID: e.id(), Sink: sink})
			}
		}
	}
	return s.do(next, func() error { return s.db.Commit(c) })
}

// deliver does the next thing that is to be done for a sink: a commit if that is nothing.
func (s *shift) deliver(sink int) error {
	next := s.now
	h := &next.Hands[sink]
	if h.Sending > h.Settled && h.Turns%2 == 1 && s.rand.IntN(4) > 0 {
		return s.settle(sink)
	}
	if h.Sending == h.Settled {
		queue := len(deliveries(sink, next.Commits))
		if h.Settled == queue {
			return s.commit()
		}
		h.Sending++
		for most := h.Sending + s.rand.IntN(3); h.Sending < min(most, queue) && !endsAt(h.Sending); {
			h.Sending++
		}
	}
	return s.send(next, sink)
}

// send saves the shipment in hand, by turns as one that is being sent and as one that was refused.
func (s *shift) send(next world, sink int) error {
	next.Hands[sink].Turns++
	return s.do(next, func() error { return s.db.Queue(sinks[sink]).Save(next.shipment(sink)) })
}

func (s *shift) settle(sink int) error {
	next, h := s.now, s.now.Hands[sink]
	o := talkrelay.Outcome{At: seen(s.now.Commits)}
	switch {
	case dies(h.Sending):
		o.Dead = "poisoned"
	case rechecked(h.Sending):
		o.Recheck = recheckAt
		fallthrough
	default:
		o.Receipt, h.Receipt = receipt(h.Sending), h.Sending
	}
	next.Hands[sink] = hand{Settled: h.Sending, Sending: h.Sending, Receipt: h.Receipt}
	return s.do(next, func() error { return s.db.Queue(sinks[sink]).Settle(s.now.shipment(sink), o) })
}

// backup makes one and throws it away.
func (s *shift) backup() error {
	return s.do(s.now, func() error {
		made, err := s.db.Snapshot(ctx)
		if err != nil {
			return err
		}
		return made.Close()
	})
}

// sweep erases what is settled. When the file has been replaced, and before the old one is overwritten, it goes on
// with the new one.
func (s *shift) sweep() error {
	next := s.now
	next.Swept = s.now.settled()
	swept := sync.OnceValue(func() error { return s.done(next) })
	var between error
	s.db.OnStep(func(step string) {
		if step == "replaced" {
			between = errors.Join(swept(), s.commit(), s.deliver(0))
		}
	})
	defer s.db.OnStep(nil)
	if err := s.say(wordNext, next); err != nil {
		return err
	}
	_, err := s.db.Sweep(ctx, seen(next.Swept).Add(state.DefaultRetention+time.Minute))
	return errors.Join(err, between, swept())
}

// What a shift writes follows from numbers alone.

var (
	firstSeen = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	recheckAt = firstSeen.AddDate(10, 0, 0)
)

func seen(commit int) time.Time { return firstSeen.Add(time.Duration(commit) * time.Hour) }

func userOf(commit int) string { return fmt.Sprintf("u%d", commit%6) }

// happening is the j-th event of a commit.
type happening struct{ commit, j int }

// eventsOf returns the events of a commit, of which some have none.
func eventsOf(commit int) (list []happening) {
	if commit%5 == 0 {
		return nil
	}
	for j := range 1 + commit%3 {
		list = append(list, happening{commit, j})
	}
	return list
}

func (e happening) id() string       { return fmt.Sprintf("c%d-%d", e.commit, e.j) }
func (e happening) envelope() string { return fmt.Sprintf(`{"entity":{"id":%q}}`, e.id()) }

// goesTo: all go to the first sink, every second one to the other too.
func (e happening) goesTo(sink int) bool { return sink == 0 || e.j%2 == 0 }

// text is sometimes longer than a page of the file.
func (e happening) text() string {
	words := 1 + (e.commit*31+e.j*17)%120
	if e.commit%23 == 7 {
		words = 700
	}
	return strings.Repeat("text of "+e.id()+" ", words)
}

// deliveries returns the queue of a sink, settled ones included: seq 1 first.
func deliveries(sink, commits int) (list []happening) {
	for n := 1; n <= commits; n++ {
		for _, e := range eventsOf(n) {
			if e.goesTo(sink) {
				list = append(list, e)
			}
		}
	}
	return list
}

// dies reports whether the delivery with this number becomes a dead letter.
func dies(seq int) bool { return seq%11 == 3 }

// rechecked reports whether the shipment with this delivery is to be looked at once more.
func rechecked(seq int) bool { return seq%16 == 5 && !dies(seq) }

// endsAt reports whether a delivery must be the last of its shipment: dead letters are shipped alone.
func endsAt(seq int) bool { return dies(seq) || dies(seq+1) || rechecked(seq) }

func receipt(seq int) string { return fmt.Sprintf("r%d", seq) }
