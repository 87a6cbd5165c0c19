package channeltalk

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// patience is the longest wait for a turn. The loop that asks has other things to do in a longer one, so it is
	// told how long instead.
	patience = 5 * time.Second

	firstHold     = time.Second      // after a 429 that does not say how long; doubled with each further one
	maxHold       = 5 * time.Minute  // unless a Retry-After asks for more
	maxRetryAfter = time.Hour        // a longer Retry-After is cut to this
	slowFor       = 10 * time.Second // at half pace when a reply does not say when the allowance is reset
)

// bucket paces the requests that share one allowance. It is safe for concurrent use.
type bucket struct {
	limiter *rate.Limiter
	pace    rate.Limit // while the allowance is ample
	burst   int
	reserve int // while less than this remains, half the pace and no bursts

	mu       sync.Mutex
	held     time.Time // nothing goes out before
	slow     time.Time // half pace until then; zero = full pace
	refusals int       // 429s in a row that did not say how long
}

func newBucket(perSecond float64, burst, reserve int) *bucket {
	pace := rate.Limit(perSecond)
	return &bucket{limiter: rate.NewLimiter(pace, burst), pace: pace, burst: burst, reserve: reserve}
}

// wait blocks until a request may go out. It returns at once with how long that would take if it is more than
// patience, and early with the context's error.
func (b *bucket) wait(ctx context.Context) (held time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	b.quicken(time.Now())
	turn := b.limiter.Reserve()
	// A reply to another request may prolong the hold while we sleep.
	for d := max(turn.Delay(), b.holdLeft()); d > 0; d = b.holdLeft() {
		if d > patience {
			turn.Cancel()
			return d, nil
		}
		if err := sleep(ctx, d); err != nil {
			turn.Cancel()
			return 0, err
		}
	}
	return 0, nil
}

func (b *bucket) holdLeft() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Until(b.held)
}

// quicken ends the slow pace when its time is over.
func (b *bucket) quicken(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.slow.IsZero() && !now.Before(b.slow) {
		b.fullPace()
	}
}

func (b *bucket) fullPace() {
	if !b.slow.IsZero() {
		b.slow = time.Time{}
		b.limiter.SetLimit(b.pace)
		b.limiter.SetBurst(b.burst)
	}
}

func (b *bucket) halfPace(until time.Time) {
	b.slow = until
	b.limiter.SetLimit(b.pace / 2)
	b.limiter.SetBurst(1)
}

// learn takes in what a reply that came now says about pace. It returns how long the bucket is held because of it:
// always after a 429, after a 5xx if that says so.
func (b *bucket) learn(status int, h hints, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case h.known && h.quota.Remaining < b.reserve && h.reset > 0:
		b.halfPace(now.Add(h.reset))
	case h.known && h.quota.Remaining < b.reserve:
		b.halfPace(now.Add(slowFor))
	case h.known:
		b.fullPace()
	}
	var d time.Duration
	switch {
	case status == http.StatusTooManyRequests:
		d = b.refusalHold(h)
	case status >= 500:
		d = h.retryAfter
	default:
		b.refusals = 0
	}
	if until := now.Add(d); until.After(b.held) {
		b.held = until
	}
	return d
}

// refusalHold says how long to keep off after a 429.
func (b *bucket) refusalHold(h hints) time.Duration {
	switch {
	case h.retryAfter > 0:
		return h.retryAfter
	case h.reset > 0:
		return min(h.reset, maxHold)
	}
	d := firstHold << min(b.refusals, 10)
	b.refusals++
	return min(d, maxHold)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
