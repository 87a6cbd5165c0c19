package alert

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"talkrelay"
)

// Path is one way to people.
type Path interface {
	// Name is the path's table in the config file: "alert.slack".
	Name() string
	// Send carries m. An error holds no secret.
	Send(ctx context.Context, m Message) error
	// Check tries what can be tried without a message, and says what it found.
	Check(ctx context.Context) (found string, err error)
}

// Waits between two tries of a path that fails.
const (
	minBackoff = 10 * time.Second
	maxBackoff = 10 * time.Minute
)

func backoff(n int) time.Duration {
	if n > 6 { // 10 s × 2^6 is past the maximum
		return maxBackoff
	}
	return min(minBackoff<<(n-1), maxBackoff)
}

// courier carries reports over one path, one after the other. What could not be sent yet is merged with what comes.
type courier struct {
	path   Path
	voice  Voice
	log    *slog.Logger
	health *talkrelay.Health
	wake   chan struct{}
	saved  func() // called when something was delivered

	mu      sync.Mutex
	pending *Report
}

func newCourier(p Path, v Voice, log *slog.Logger, saved func()) *courier {
	log = log.With("job", p.Name())
	return &courier{
		path: p, voice: v, log: log, saved: saved, wake: make(chan struct{}, 1),
		health: talkrelay.NewHealth(log, msgPathBroken, msgPathRecovered),
	}
}

// give hands over a report. It never blocks.
func (c *courier) give(r Report) {
	c.mu.Lock()
	if c.pending != nil {
		r = merge(*c.pending, r)
	}
	c.pending = &r
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *courier) waiting() *Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pending
}

// sent forgets r, unless another report has been merged into it meanwhile: then what was told is told once more with
// the news, since a courier cannot know what the reader makes of half of it.
func (c *courier) sent(r *Report) {
	c.mu.Lock()
	if c.pending == r {
		c.pending = nil
	}
	c.mu.Unlock()
	c.saved()
}

// run carries until ctx ends.
func (c *courier) run(ctx context.Context) {
	for failures := 0; ; {
		r := c.waiting()
		if r == nil {
			select {
			case <-ctx.Done():
				return
			case <-c.wake:
				continue
			}
		}
		err := c.path.Send(ctx, c.voice.Message(*r))
		if ctx.Err() != nil && err != nil {
			return
		}
		if err == nil {
			failures = 0
			c.health.OK()
			c.log.Info(msgTold, "count", len(r.Raised)+len(r.Standing)+len(r.Recovered))
			c.sent(r)
			continue
		}
		failures++
		wait := backoff(failures)
		c.health.Broken(err, "next_try", time.Now().Add(wait).Format(time.RFC3339))
		if !pause(ctx, wait) {
			return
		}
	}
}

// pause waits for d and reports whether that came before the end of ctx.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
