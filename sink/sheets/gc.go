package sheets

import (
	"context"
	"slices"
	"time"

	"talkrelay/sink"
)

// Erasing ids. Google keeps at most 30,000 characters of developer metadata for a spreadsheet, and as many for a tab, so
// the ids of old batches have to go. But as long as a copy of a batch can still be on its way to Google, its id is what
// keeps that copy out.
//
// Batches of one sink follow each other strictly: the next one is prepared when the one before is settled. So a batch
// was last sent before the time of any later one, and its id may go when the next one there is is old enough; or at once,
// when the next one's mark says that it was confirmed at its first attempt, for then there is only the one copy. All of
// that stands in the marks, so nothing needs to be remembered, and a restart changes nothing.
const (
	eraseAge      = time.Hour           // far more than the 180 s that Google works on a request at most, and our timeout
	eraseAgeFull  = 5 * time.Minute     // the same when room is short: still more than the two together
	eraseOrphans  = 30 * 24 * time.Hour // ids of other sinks: of those that are no more
	keepNewest    = 50
	shortOfRoom   = 15_000 // characters
	lookEvery     = 100    // batches between two looks
	afterFullLook = time.Minute
)

// stored is one piece of metadata of ours.
type stored struct {
	id    int64
	value string
}

// marked is a piece of metadata that is a mark.
type marked struct {
	id int64
	mark
}

// erasable returns the ids that may go, oldest first.
func erasable(found []stored, owner string, now time.Time) []int64 {
	var mine []marked
	var ids []int64
	single := make(map[int64]bool) // by time of a batch of which there is one copy only
	characters := 0
	for _, f := range found {
		characters += len(metadataKey) + len(f.value)
		m, ok := parseMark(f.value)
		switch {
		case !ok: // not ours after all
		case m.owner == owner:
			mine = append(mine, marked{f.id, m})
			single[m.single.UnixMilli()] = true
		case now.Sub(m.at) > eraseOrphans:
			ids = append(ids, f.id)
		}
	}
	age := eraseAge
	if characters > shortOfRoom {
		age = eraseAgeFull
	}
	slices.SortFunc(mine, func(a, b marked) int { return a.at.Compare(b.at) })
	for i := range len(mine) - keepNewest {
		if single[mine[i].at.UnixMilli()] || now.Sub(mine[i+1].at) > age {
			ids = append(ids, mine[i].id)
		}
	}
	return ids
}

// collect looks for old ids when it is time to; the next batch erases what it finds.
func (s *Sink) collect(ctx context.Context) error {
	if s.batches < lookEvery && !s.full {
		return nil
	}
	found, err := s.account.marks(ctx, s.config.Spreadsheet)
	if err != nil {
		return err
	}
	s.old = erasable(found, s.owner, time.Now())
	s.batches = 0
	if s.full {
		return s.makeRoom(ctx)
	}
	return nil
}

// makeRoom erases old ids without appending anything, when there is no room for the id of another batch.
func (s *Sink) makeRoom(ctx context.Context) error {
	if len(s.old) == 0 {
		return &sink.Error{Verdict: sink.Retry, Op: opErase, After: afterFullLook,
			Reason: "the spreadsheet's developer metadata is full, and nothing in it is old enough to go: send less often, or use one spreadsheet for each sink"}
	}
	ids := s.old[:min(len(s.old), maxDeletions)]
	requests := make([]any, len(ids))
	for i, id := range ids {
		requests[i] = deletion(id)
	}
	if err := s.change(ctx, opErase, requests); err != nil {
		return err
	}
	s.old, s.full = s.old[len(ids):], false
	return nil
}
