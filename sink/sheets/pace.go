package sheets

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Google allows an account 60 writes and 60 reads a minute. An account that has rested may send some at once; the most
// in any minute is the pace plus that.
const (
	writeBurst     = 10
	readsPerMinute = 40
	readBurst      = 20 // so that many sinks can look at their sheets at start
)

// pacer keeps one kind of request of one account below Google's limit.
type pacer struct {
	limit *rate.Limiter

	mu    sync.Mutex
	until time.Time // no request before
}

func newPacer(perMinute, burst int) *pacer {
	burst = max(1, min(burst, perMinute/2))
	return &pacer{limit: rate.NewLimiter(rate.Limit(float64(perMinute)/60), burst)}
}

// slowDown lowers the pace to perMinute if it is higher.
func (p *pacer) slowDown(perMinute int) {
	if slower := newPacer(perMinute, p.limit.Burst()).limit; slower.Limit() < p.limit.Limit() {
		p.limit.SetLimit(slower.Limit())
		p.limit.SetBurst(slower.Burst())
	}
}

// wait blocks until one request may be sent. Its error is ctx's. Turns are given out again after a hold: if those who
// waited kept theirs, they would all go at its end, besides the burst that the account has rested for.
func (p *pacer) wait(ctx context.Context) error {
	for {
		if err := sleep(ctx, p.held()); err != nil {
			return err
		}
		turn := p.limit.Reserve()
		if err := sleep(ctx, turn.Delay()); err != nil {
			turn.Cancel()
			return err
		}
		if p.held() == 0 {
			return nil
		}
	}
}

// hold lets nothing through for d.
func (p *pacer) hold(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(d); until.After(p.until) {
		p.until = until
	}
}

// held returns how long nothing is to be sent, 0 if something may.
func (p *pacer) held() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, time.Until(p.until))
}

// untilNextMinute is how long to wait after a 429 that does not say: Google fills its buckets at each full minute. Some
// seconds more, different ones each time, keep several programs from coming back at once.
func untilNextMinute(now time.Time) time.Duration {
	next := now.Truncate(time.Minute).Add(time.Minute)
	return next.Sub(now) + time.Second + rand.N(4*time.Second)
}
