package main

import (
	"math/rand/v2"
	"slices"
	"time"

	"talkrelay/sandbox"
)

// crashPlan is all that is going to happen to the shop and to the daemon. It is drawn from the seed alone, before
// anything starts.
type crashPlan struct {
	regulars int
	lives    []life
}

// life is one run of the daemon: what happens meanwhile, and how it ends.
type life struct {
	happenings []happening   // in order of time
	window     window        // where it is killed; the zero window = nowhere, it is killed at
	length     time.Duration // after its start
}

// happening is something that happens at a time after the start of the daemon. One that builds on another waits until
// that one has been seen by the daemon, so that it cannot be taken for the same.
type happening struct {
	at     time.Duration
	what   string
	who    int  // chat or regular
	atOnce bool // the chat is closed again before anybody looks
	text   string
	number string
}

// What happens.
const (
	opens   = "opens"   // a new customer, chat number who
	reopens = "reopens" // chat number who, closed some time ago
	closes  = "closes"
	changes = "changes" // regular number who has another number
)

// Shape of a plan: the rates are of real shops, the times those of a hurry.
const (
	crashRegulars = 12
	perSecond     = 4.0                     // inquiries, by chance
	burstShare    = 8                       // one life in so many begins with a burst …
	burstSize     = 25                      // … of up to so many
	atOnceShare   = 4                       // one inquiry in so many is closed at once
	meanLength    = 300 * time.Millisecond  // of a life that is not to end in a window
	longShare     = 12                      // one life in so many is so long that it sweeps
	longLength    = 2500 * time.Millisecond // at least
	windowShare   = 0.6                     // of the lives end in a window
	windowLimit   = 3 * time.Second         // after which a window that is not reached is given up
)

// planner draws a plan.
type planner struct {
	random  *rand.Rand
	windows []window            // in a drawn order, so that a short run has them all
	chats   int                 // made so far
	due     map[int][]happening // life → what must happen in it
	turn    int                 // of the regulars
	numbers []int               // each regular's present one
}

func newCrashPlan(seed uint64, kills int) crashPlan {
	p := planner{random: rand.New(rand.NewPCG(seed, 0)), due: map[int][]happening{}, numbers: make([]int, crashRegulars)}
	plan := crashPlan{regulars: crashRegulars}
	for i := range kills {
		plan.lives = append(plan.lives, p.life(i))
	}
	last := life{} // what is left over
	for i := kills; len(p.due) > 0; i++ {
		last.happenings = append(last.happenings, p.due[i]...)
		delete(p.due, i)
	}
	plan.lives = append(plan.lives, last)
	return plan
}

func (p *planner) life(i int) life {
	l := life{length: time.Duration(p.random.ExpFloat64() * float64(meanLength)), happenings: p.due[i]}
	delete(p.due, i)
	switch {
	case p.random.Float64() < windowShare:
		l.window, l.length = p.window(), windowLimit
		l.happenings = append(l.happenings, p.open(i), p.change())
	case p.random.IntN(longShare) == 0:
		l.length += longLength
	}
	if p.random.IntN(burstShare) == 0 {
		for range p.random.IntN(burstSize) {
			l.happenings = append(l.happenings, p.open(i))
		}
	}
	for at := p.gap(); at < min(l.length, time.Second); at += p.gap() {
		h := p.any(i)
		h.at = at
		l.happenings = append(l.happenings, h)
	}
	slices.SortStableFunc(l.happenings, func(a, b happening) int { return int(a.at - b.at) })
	return l
}

// any makes a happening out of the blue.
func (p *planner) any(i int) happening {
	if p.random.IntN(4) == 0 {
		return p.change()
	}
	return p.open(i)
}

func (p *planner) gap() time.Duration {
	return time.Duration(p.random.ExpFloat64() / perSecond * float64(time.Second))
}

// window draws one, and draws none again before all have had their turn.
func (p *planner) window() window {
	if len(p.windows) == 0 {
		p.windows = windows()
		p.random.Shuffle(len(p.windows), func(i, j int) { p.windows[i], p.windows[j] = p.windows[j], p.windows[i] })
	}
	w := p.windows[0]
	p.windows = p.windows[1:]
	return w
}

// open makes a new chat, and decides on the rest of its life: it is closed, perhaps opened again, and closed again.
func (p *planner) open(i int) happening {
	h := happening{what: opens, who: p.chats, text: p.text(), atOnce: p.random.IntN(atOnceShare) == 0}
	p.chats++
	open := !h.atOnce
	for again := true; again; again = p.random.IntN(3) == 0 {
		i += 1 + p.random.IntN(5)
		if open {
			p.due[i] = append(p.due[i], happening{what: closes, who: h.who})
		} else {
			p.due[i] = append(p.due[i], happening{what: reopens, who: h.who, text: p.text()})
		}
		open = !open
	}
	return h
}

// change gives the next regular another of three numbers: now and then the one before, which is a change too.
func (p *planner) change() happening {
	who := p.turn % crashRegulars
	p.turn++
	p.numbers[who] = (p.numbers[who] + 1 + p.random.IntN(2)) % 3
	return happening{what: changes, who: who, number: number(who, p.numbers[who])}
}

func (p *planner) text() string { return mischief[p.random.IntN(len(mischief))] }

// misbehave makes the services fail in every way, drawn from the seed: most of it short, and now and then an answer
// that comes after the caller has given up.
func misbehave(seed uint64) sandbox.FaultFunc {
	short := sandbox.RandomFaults(seed, 0.05, 100*time.Millisecond)
	stalls := sandbox.RandomFaults(seed+1, 0.004, 0)
	return func(service string, r sandbox.Request) *sandbox.Fault {
		if stalls(service, r) != nil {
			return &sandbox.Fault{After: 2500 * time.Millisecond}
		}
		return short(service, r)
	}
}

// worldVariable asks for another Channel Talk than the well-behaved one, for kills that take longer.
const worldVariable = "TALKRELAY_WORLD"

// world is how Channel Talk behaves where its documents do not say, drawn from the seed.
func world(seed uint64) sandbox.Quirks {
	random := rand.New(rand.NewPCG(seed, 2))
	maybe := func() bool { return random.IntN(2) == 0 }
	return sandbox.Quirks{
		Order: sandbox.Order(random.IntN(4)), BoundaryTwice: maybe(), NextRepeated: maybe(), EmptyLastPage: maybe(),
		LeaveOutUsers: random.IntN(4), DeskMessages: maybe(), KeepClosedAt: maybe(), RetryAfter: maybe(), Unlimited: true,
	}
}
