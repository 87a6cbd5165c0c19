package poller

import (
	"context"
	"log/slog"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// chats is the stream of inquiries. Its three modes share the cursor and everything below.
type chats struct {
	mode mode
	*chatReader
}

const chatsStream = "chats" // key of the cursor: never changes

// chatReader is what the modes of the chats stream have in common: settings, and what has been said in the log already.
type chatReader struct {
	api     API
	rules   rules
	overlap time.Duration
	events  eventMaker
	details *details
	ladder  *ladder  // nil = nobody asks who waits for an answer
	threads *threads // nil = nobody asks for messages
	log     *slog.Logger

	detailTime time.Duration // for all details of one page

	toldCircle  bool
	toldSkipped bool
	progress    time.Time // of the last line about the first walk
}

// progressEvery is how often a long first walk says that it is still at it.
const progressEvery = 5 * time.Second

// Name implements Stream.
func (s *chats) Name() string { return chatsStream }

// Poll implements Stream. The first walk of all is done by the tick alone and is silent: it fills the snapshots.
func (s *chats) Poll(ctx context.Context, prev View, from Position) (Batch, error) {
	cur, err := readChatCursor(prev.Cursor())
	if err != nil {
		return Batch{}, err
	}
	if !cur.Done && s.mode != tick {
		return Batch{}, nil
	}
	w, err := resumeWalk(s.mode, cur, from)
	if err != nil {
		return Batch{}, err
	}
	page, err := s.api.UserChats(ctx, w.query())
	if err != nil {
		return Batch{Next: w.again(s.mode, err)}, err
	}
	stored := cur
	cur = s.ladder.begin(cur, clock(page.ServerTime))
	cur = s.threads.begin(cur, page.ServerTime)
	p := chatPage{ChatPage: page, rows: chatRows(page), prev: prev, cur: cur, full: s.mode != tick}
	b, err := s.compare(ctx, &p)
	if err != nil {
		return Batch{}, err
	}
	after := cur
	if s.turn(&w, &after, &p) {
		b.Next = encode(w)
	}
	if after.Done && !stored.Done {
		b.Then = func() { s.log.Info("first look complete, what is new from now on is delivered", "count", w.Rows) }
	}
	if after != stored || prev.Cursor() == nil {
		b.Cursor = encode(after)
	}
	return b, nil
}

// chatPage is a page of chats and what was made of it.
type chatPage struct {
	*channeltalk.ChatPage
	rows  []chatRow
	found []judgement // one a row
	prev  View
	cur   chatCursor
	full  bool // the walk comes by every row
}

// turn moves w and cur on past a page and reports whether there is another one to read.
func (s *chatReader) turn(w *walk, cur *chatCursor, p *chatPage) (more bool) {
	if w.Start == 0 {
		w.Start = millis(p.ServerTime)
	}
	w.Rows, w.Retries = w.Rows+len(p.rows), 0
	s.sayWhatIsOdd(w, p)
	s.checkOrder(w, cur, p)
	goOn := !s.isLast(w, p)
	if goOn {
		w.Page++
		w.Since = p.Next
		setMark(w, cur, p.found)
		more = true
	} else {
		more = w.nextState()
		if w.leftLive() {
			clearMark(w, cur)
		}
	}
	if !more {
		s.finish(w, cur)
	}
	return more
}

// isLast reports whether a page is the last one to be read of its list.
func (s *chatReader) isLast(w *walk, p *chatPage) bool {
	if w.repeated(p.rows) {
		if !s.toldCircle {
			s.toldCircle = true
			s.log.Warn("chat list repeats itself, taken as its end", "count", w.Rows)
		}
		return true
	}
	empty := len(p.UserChats) == 0 && p.Skipped == 0
	switch {
	case p.Next == "" || p.Next == w.Since || empty:
		return true
	case !w.Full:
		return !newsBelow(p.found)
	}
	return w.Bounded && w.state() == stateClosed && s.farEnough(w, p)
}

// farEnough reports whether every chat of a page was closed so long ago that a sweep need not look further: longer than
// the overlap before the newest one, before now by Channel Talk's clock, and before the last complete sweep.
func (s *chatReader) farEnough(w *walk, p *chatPage) bool {
	for i := range p.rows {
		w.Newest = max(w.Newest, millis(p.rows[i].ClosedAt))
	}
	bound := w.Newest // the chats' own times: the Date header of the reply may be from another clock
	for _, at := range []int64{w.Start, p.cur.Swept} {
		if at != 0 {
			bound = min(bound, at)
		}
	}
	bound -= s.overlap.Milliseconds()
	for i := range p.rows {
		if c := millis(p.rows[i].ClosedAt); c == 0 || c >= bound {
			return false
		}
	}
	return true
}

// checkOrder compares what a full walk finds with what a tick would have found. If ticks miss something, they are not
// trusted to stop early from then on. No clock is needed for that, and no knowledge of the order.
func (s *chatReader) checkOrder(w *walk, cur *chatCursor, p *chatPage) {
	if w.Baseline || w.States != len(walkStates) || w.State >= liveStates {
		return
	}
	w.Excused = w.Excused || cur.Mark != 0 && cur.Mark != w.Mark
	if w.outOfOrder(p.found) && !w.Excused && !cur.FullRead {
		cur.FullRead = true
		s.log.Warn("chat lists are not newest first, reading them in full from now on")
	}
}

// setMark notes in cur that w goes on below something new. Until it is through, that the top of a list is known does
// not mean that the rest is: should w fail, the next tick has to read to the end.
func setMark(w *walk, cur *chatCursor, found []judgement) {
	if w.Baseline || cur.FullRead || w.State >= liveStates || !newsBelow(found) || cur.Mark != 0 && cur.Mark == w.Mark {
		return
	}
	cur.Marks++
	if cur.Mark == 0 {
		w.Mark = cur.Marks // else another walk's mark is replaced, and clearing is left to the next tick
	}
	cur.Mark = cur.Marks
}

// clearMark takes the mark off again unless another walk has set its own since.
func clearMark(w *walk, cur *chatCursor) {
	if w.Mark != 0 && cur.Mark == w.Mark {
		cur.Mark = 0
	}
	w.Mark = 0
}

// finish notes in cur that w is complete.
func (s *chatReader) finish(w *walk, cur *chatCursor) {
	now := millis(time.Now())
	if w.Baseline {
		cur.Done, cur.Swept, cur.Full = true, w.Start, now
		return
	}
	if w.States < len(walkStates) {
		return
	}
	step := sweptStep.Milliseconds()
	if w.Start >= cur.Swept+step {
		cur.Swept = w.Start
	}
	if !w.Bounded && now >= cur.Full+step {
		cur.Full = now
	}
}

func (s *chatReader) sayWhatIsOdd(w *walk, p *chatPage) {
	if p.Skipped > 0 && !s.toldSkipped {
		s.toldSkipped = true
		s.log.Warn("objects without an id left out", "count", p.Skipped)
	}
	if now := time.Now(); w.Baseline && now.Sub(s.progress) >= progressEvery {
		if w.Page > 0 || w.State > 0 {
			s.log.Info("taking a first look at all chats, nothing is delivered yet", "count", w.Rows)
		}
		s.progress = now
	}
}

// compare judges each row of p and makes a batch of what is new.
func (s *chatReader) compare(ctx context.Context, p *chatPage) (Batch, error) {
	entities := map[talkrelay.Ref][]byte{}
	visitors := map[string]*visitor{}
	p.found = make([]judgement, len(p.rows))
	asking, cancel := context.WithTimeout(ctx, s.detailTime)
	defer cancel()
	for i := range p.rows {
		c, ref := &p.rows[i], talkrelay.Ref{Type: talkrelay.EntityChat, ID: p.rows[i].ID}
		var known chatSnapshot
		seen, err := readSnapshot(p.prev, ref, &known)
		if err != nil {
			return Batch{}, err
		}
		silent, before := !p.cur.Done, &known
		if !seen {
			before = nil
		}
		j := s.rules.judge(before, c, silent, s.askLog(asking, c.ID))
		j.reopened = j.reopened || j.missed && seen || !c.FirstOpenedAt.IsZero() && c.OpenedAt.After(c.FirstOpenedAt)
		if p.found[i] = j; !seen || j.snap != known {
			entities[ref] = encode(j.snap)
		}
		if err := s.threads.look(p, c, entities); err != nil {
			return Batch{}, err
		}
		meet(visitors, i, c, j, !seen && !silent)
	}
	events, err := s.tell(ctx, p, visitors, entities)
	if err == nil && ctx.Err() != nil {
		err = ctx.Err() // what could not be read is left to the next start, not left out
	}
	return Batch{Events: events, Entities: entities}, err
}
