package poller

import (
	"context"
	"time"

	"talkrelay"
)

const (
	goneAfter = 5 * time.Minute // between two looks for a customer who is not there
	maxDoubts = 100             // customers who wait for the second look; others wait for their turn in the rotation
)

// gone takes note that there is no such customer. Only when that is so twice, some minutes apart, and another customer
// was there since the first time, are they deleted or merged: else it may be the API that has lost its memory.
func (s *contacts) gone(ctx context.Context, prev View, k knownUser, r *round, b *Batch) error {
	now, ref := millis(time.Now()), talkrelay.Ref{Type: talkrelay.EntityUser, ID: k.id}
	switch since := k.snap.Gone; {
	case k.snap.Unread:
		b.Entities[ref] = nil
	case since == 0:
		k.snap.Gone = now
		b.Entities[ref] = encode(k.snap)
		if len(r.Doubts) < maxDoubts {
			r.Doubts = append(r.Doubts, k.id)
		}
	case now-since >= goneAfter.Milliseconds() && r.Good > since:
		if kind := deletedKind(k.snap.Member); s.events.wants(kind) {
			chat, err := storedChat(prev, k.snap.Chat, k.id)
			if err != nil {
				return err
			}
			b.Events = append(b.Events, s.events.deleted(k.id, k.snap, chat, s.details.person(ctx, nil, chat.AssigneeID)))
		}
		b.Entities[ref] = nil // nothing of them is kept
	}
	return nil
}

// lookAgain takes the next step for a customer who was not there some minutes ago, if there is one. asked = that was
// this step.
func (s *contacts) lookAgain(ctx context.Context, prev View, r *round, now time.Time) (b Batch, asked bool, err error) {
	for len(r.Doubts) > 0 {
		k := knownUser{id: r.Doubts[0]}
		seen, err := readSnapshot(prev, talkrelay.Ref{Type: talkrelay.EntityUser, ID: k.id}, &k.snap)
		if err != nil {
			return Batch{}, true, err
		}
		if seen && k.snap.Gone != 0 && now.Sub(fromMillis(k.snap.Gone)) < goneAfter {
			return Batch{}, false, nil
		}
		after := *r
		after.Doubts = r.Doubts[1:]
		if !seen || k.snap.Gone == 0 {
			*r = after
			continue
		}
		b = Batch{Entities: map[talkrelay.Ref][]byte{}}
		if err := s.read(ctx, prev, k, &after, &b); err != nil {
			return Batch{Next: encode(*r)}, true, err
		}
		after.Unsaved++
		b.Next = encode(after)
		return b, true, nil
	}
	return Batch{}, false, nil
}
