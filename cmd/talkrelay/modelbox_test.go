package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"talkrelay/sink"
)

// modelBox is a destination in memory that outlives the daemons which deliver to it. What happens to a send is scripted.
type modelBox struct {
	sheet bool // refuses an id it has, and takes many events at once; else it can be searched

	mu      sync.Mutex
	letters []letter        // in the order they arrived
	coming  []letter        // on their way
	late    map[string]bool // ids with a letter that came, or comes, late
	doubled string          // an id that lay in the box when it was sent again without need
	fates   []string        // of the next sends; when there are none left, all goes well
	blind   int             // so many look-ups fail
	lag     time.Duration   // look-ups see what is older
	sends   int
	looks   int
	crash   func() // ends the daemon that is sending
}

// modelFates are what can happen to a send.
var modelFates = []string{"well", "refused", "throttled", "paused", "answer lost", "answer unclear", "request lost", "request unclear", "late", "killed on the way", "killed after"}

const modelPoison = "poison" // in the id of an event that the destination never takes

// arrive moves what has arrived by now into the box.
func (b *modelBox) arrive() {
	slices.SortStableFunc(b.coming, func(x, y letter) int { return x.at.Compare(y.at) })
	for len(b.coming) > 0 && !b.coming[0].at.After(time.Now()) {
		b.take(b.coming[0])
		b.coming = b.coming[1:]
	}
}

// take puts a letter into the box, unless it refuses it.
func (b *modelBox) take(l letter) {
	if strings.Contains(l.body, modelPoison) || b.sheet && len(b.of(l.id)) > 0 {
		return
	}
	b.letters = append(b.letters, l)
}

func (b *modelBox) of(id string) (list []letter) {
	for _, l := range b.letters {
		if l.id == id {
			list = append(list, l)
		}
	}
	return list
}

func (b *modelBox) Wait(ctx context.Context) error { return ctx.Err() }

func (b *modelBox) Prepare(_ string, items []sink.Item, form string) ([]byte, int, error) {
	if !b.sheet || form != "" {
		items = items[:1]
	}
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.Event.ID
		if poisoned(item.Event.ID) {
			ids[i] += modelPoison
		}
	}
	return []byte(strings.Join(ids, " ")), len(items), nil
}

// poisoned reports whether the event is one that no destination takes.
func poisoned(id string) bool { return strings.HasSuffix(id, "7") && strings.Contains(id, "/c") }

func (b *modelBox) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.arrive()
	b.sends++
	fate := "well"
	if len(b.fates) > 0 {
		fate, b.fates = b.fates[0], b.fates[1:]
	}
	says := func(v sink.Verdict, answered bool) error {
		return &sink.Error{Verdict: v, Op: "send", Reason: fate, Answered: answered, After: 3 * time.Second, Form: "one"}
	}
	l := letter{m.ID, string(m.Body), time.Now()}
	switch fate {
	case "refused":
		return "", says(sink.Retry, true)
	case "throttled":
		e := &sink.Error{Verdict: sink.Retry, Op: "send", Reason: "429", After: 90 * time.Second}
		return "", e
	case "paused":
		return "", says(sink.PauseDestination, true)
	case "request lost", "request unclear":
		return "", says(sink.InDoubt, fate == "request unclear")
	case "late":
		l.at = l.at.Add(200 * time.Second)
		b.late[m.ID] = true
		b.coming = append(b.coming, l)
		return "", says(sink.InDoubt, false)
	case "killed on the way":
		b.crash()
		return "", ctx.Err()
	}
	if !b.sheet && len(b.of(m.ID)) > 0 && !b.late[m.ID] {
		b.doubled = m.ID
	}
	b.take(l)
	switch {
	case fate == "answer lost", fate == "answer unclear":
		return "", says(sink.InDoubt, fate == "answer unclear")
	case fate == "killed after":
		b.crash()
		return "", errKilled
	case strings.Contains(l.body, modelPoison) && strings.Contains(l.body, " "):
		return "", says(sink.Rework, true)
	case strings.Contains(l.body, modelPoison):
		return "", says(sink.Bad, true)
	}
	return sink.Receipt("receipt of " + m.ID), nil
}

func (b *modelBox) Resolve(_ context.Context, m sink.Message) (sink.Receipt, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looks++
	if b.blind > 0 {
		b.blind--
		return "", false, &sink.Error{Verdict: sink.Retry, Op: "look up", Reason: "blind"}
	}
	b.arrive()
	seen := slices.ContainsFunc(b.of(m.ID), func(l letter) bool { return !l.at.After(time.Now().Add(-b.lag)) })
	if seen {
		b.tidy(m.ID)
	}
	return sink.Receipt("receipt of " + m.ID), seen, nil
}

func (b *modelBox) Recheck(_ context.Context, m sink.Message) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.arrive()
	return b.tidy(m.ID), nil
}

// tidy removes all letters of an id but the first.
func (b *modelBox) tidy(id string) (removed int) {
	first := true
	b.letters = slices.DeleteFunc(b.letters, func(l letter) bool {
		surplus := l.id == id && !first
		if l.id == id {
			first = false
		}
		if surplus {
			removed++
		}
		return surplus
	})
	return removed
}

// events are what lies in the box, in order.
func (b *modelBox) events() (ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.arrive()
	for _, l := range b.letters {
		ids = append(ids, strings.Fields(l.body)...)
	}
	return ids
}

// modelSheet hides that a box can be searched again later: what arrives late at a sheet is refused.
type modelSheet struct{ box *modelBox }

func (s modelSheet) Wait(ctx context.Context) error { return s.box.Wait(ctx) }
func (s modelSheet) Prepare(id string, items []sink.Item, form string) ([]byte, int, error) {
	return s.box.Prepare(id, items, form)
}
func (s modelSheet) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	return s.box.Send(ctx, m)
}
func (s modelSheet) Resolve(ctx context.Context, m sink.Message) (sink.Receipt, bool, error) {
	return s.box.Resolve(ctx, m)
}

var errModelDisk = errors.New("no space left on device")
