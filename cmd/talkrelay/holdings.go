package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"talkrelay/dispatch"
	"talkrelay/poller"
	"talkrelay/sink"
)

// holdings is what a destination held when it was looked at.
type holdings struct {
	sink     string
	instance string
	messages map[string][]sink.Receipt // by id of the shipment
	rows     map[string][]time.Time    // by chat: the times that its rows give; zero = one gives none
}

// lookAt asks a sink what it holds of what happened from since on.
func lookAt(ctx context.Context, s appSink, instance string, since time.Time) (*holdings, error) {
	inventory, ok := s.sink.(sink.Inventory)
	if !ok {
		return nil, fmt.Errorf("sink %s: its destination cannot be asked what it holds, so that nobody could tell what would stand there twice", s.name)
	}
	h := &holdings{sink: s.name, instance: instance, messages: map[string][]sink.Receipt{}, rows: map[string][]time.Time{}}
	err := inventory.Holdings(ctx, since, func(x sink.Holding) {
		switch {
		case x.ID != "":
			h.messages[x.ID] = append(h.messages[x.ID], x.Receipt)
		case x.Chat != "":
			h.rows[x.Chat] = append(h.rows[x.Chat], x.Wall)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("sink %s: %w", s.name, err)
	}
	return h, nil
}

// copies returns how often the destination holds an opening, and the receipt of a message about it. loc is the time zone of
// the channel, in which rows give their times.
func (h *holdings) copies(o poller.Opening, loc *time.Location) (n int, receipt sink.Receipt) {
	for _, id := range slices.Concat([]string{o.ID}, o.Other) {
		for _, r := range h.messages[dispatch.ShipmentID(h.instance, h.sink, id)] {
			n, receipt = n+1, r
		}
	}
	for _, wall := range h.rows[o.Chat.ID] {
		if rowIsAbout(o, wall, loc) {
			n++
		}
	}
	return n, receipt
}

// rowIsAbout reports whether a row of o's chat that gives this time is about o, and not about another opening of the chat. A
// row of a first opening gives the time at which the customer asked or the chat was made, as far as that was known then; a
// row of another opening gives the time of that. One that gives no time may be about any.
func rowIsAbout(o poller.Opening, wall time.Time, loc *time.Location) bool {
	same := func(t time.Time) bool {
		t = sink.Wall(t, loc)
		return wall.Equal(t) || wall.Equal(t.Truncate(time.Minute))
	}
	switch {
	case wall.IsZero(), same(o.At):
		return true
	case o.Reopened:
		return false
	case same(o.Chat.FirstAskedAt):
		return true
	}
	made := sink.Wall(o.Chat.CreatedAt, loc).Truncate(time.Minute)
	return !wall.Before(made) && wall.Before(sink.Wall(o.At, loc))
}
