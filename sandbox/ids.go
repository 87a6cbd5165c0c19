package sandbox

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// clock gives times in Unix milliseconds that never repeat, so that what happens in an order can be told in that order.
// A burst of events runs ahead of the real time by a millisecond each.
type clock struct {
	now  func() time.Time
	last int64
}

func (c *clock) tick() int64 {
	c.last = max(c.now().UnixMilli(), c.last+1)
	return c.last
}

// names makes ids, always the same ones from one seed.
type names struct {
	mu     sync.Mutex
	random *rand.Rand
}

func newNames(seed uint64) *names { return &names{random: rand.New(rand.NewPCG(seed, 2))} }

// hex returns n hex digits, n <= 16.
func (m *names) hex(n int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprintf("%016x", m.random.Uint64())[:n]
}

// upper returns n characters of Slack's and Google's kind.
func (m *names) upper(n int) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
	m.mu.Lock()
	defer m.mu.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[m.random.IntN(len(letters))]
	}
	return string(b)
}

// timed returns 24 hex digits that begin with the second of ms, as Channel Talk's ids do.
func (m *names) timed(ms int64) string {
	return fmt.Sprintf("%08x", ms/1000) + m.hex(16)
}

// bucket is a token bucket. The zero bucket lets everything pass.
type bucket struct {
	limit  Limit
	tokens float64
	at     time.Time
}

// Limit is a rate limit: so many requests at once, then so many a second. The zero Limit is none.
type Limit struct {
	Burst     int
	PerSecond float64
}

func newBucket(l Limit) bucket { return bucket{limit: l, tokens: float64(l.Burst)} }

// take takes one token. When there is none it returns how long to wait for it.
func (b *bucket) take(now time.Time) (ok bool, wait time.Duration) {
	if b.limit == (Limit{}) {
		return true, 0
	}
	if !b.at.IsZero() && now.After(b.at) {
		b.tokens = min(float64(b.limit.Burst), b.tokens+now.Sub(b.at).Seconds()*b.limit.PerSecond)
	}
	b.at = now
	if b.tokens < 1 {
		return false, time.Duration((1 - b.tokens) / b.limit.PerSecond * float64(time.Second))
	}
	b.tokens--
	return true, 0
}
