package poller

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"talkrelay"
)

// What is held in memory before it is committed: a burst of twice the size that anybody has seen, unless its texts are
// enormous.
const (
	gatherLimit = 10_000   // events
	gatherBytes = 64 << 20 // of texts and envelopes
)

// gather polls j's stream, and goes on page by page while there is news: lists are newest first, so what happened first
// is on the last page, and only what is committed together is delivered in the order it happened. A walk without news,
// as the silent first one, goes page by page. An error comes with what was found before it.
func (p *Poller) gather(ctx context.Context, j *job, v view) (Batch, error) {
	all, err := j.stream.Poll(ctx, v, j.from)
	if err != nil {
		return all, err
	}
	size := weight(all.Events)
	for more := !j.paced; more && all.Next != nil && len(all.Events) > 0 && len(all.Events) < gatherLimit && size < gatherBytes; {
		p.cfg.Beat()
		b, err := j.stream.Poll(ctx, gathered{v, all}, all.Next)
		if err != nil {
			all.Next, all.Events = b.Next, inOrder(all.Events)
			return all, err
		}
		more = j.name == JobPoll || len(b.Events) > 0 // a poll is short; other walks let it in between
		size += weight(b.Events)
		all.add(b)
	}
	all.Events = inOrder(all.Events)
	return all, nil
}

// weight is about how many bytes events take.
func weight(events []talkrelay.Event) (n int) {
	for i := range events {
		n += len(events[i].Message.Text) + len(events[i].Envelope)
	}
	return n
}

// add puts b, which was read after all, behind it.
func (all *Batch) add(b Batch) {
	all.Events = append(all.Events, b.Events...)
	all.Next = b.Next
	if b.Cursor != nil {
		all.Cursor = b.Cursor
	}
	if b.Then != nil {
		all.Then = b.Then
	}
	if all.Entities == nil {
		all.Entities = b.Entities
		return
	}
	maps.Copy(all.Entities, b.Entities)
}

// gathered is what will be stored once all is committed.
type gathered struct {
	view
	all Batch
}

func (g gathered) Cursor() []byte {
	if g.all.Cursor != nil {
		return g.all.Cursor
	}
	return g.view.Cursor()
}

func (g gathered) Entity(ref talkrelay.Ref) ([]byte, error) {
	if data, ok := g.all.Entities[ref]; ok {
		return data, nil
	}
	return g.view.Entity(ref)
}

// inOrder returns events in the order in which they happened; at one time, in the order of talkrelay.Kinds. It moves each
// of them once: they are large.
func inOrder(events []talkrelay.Event) []talkrelay.Event {
	sorted := make([]*talkrelay.Event, len(events))
	for i := range events {
		sorted[i] = &events[i]
	}
	slices.SortStableFunc(sorted, func(a, b *talkrelay.Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind.Rank(), b.Kind.Rank()))
	})
	out := make([]talkrelay.Event, len(events))
	for i, e := range sorted {
		out[i] = *e
	}
	return out
}
