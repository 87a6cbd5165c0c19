package dispatch

import (
	"math/rand/v2"
	"time"

	"talkrelay"
)

// RetryConfig says how long a worker waits before it tries again. It tries for ever.
type RetryConfig struct {
	Min time.Duration // after the first failure, doubled after each further one; 0 = 1 s
	Max time.Duration // never longer than this; 0 = 5 min
}

// Defaults of RetryConfig, and bounds on what a destination may ask for.
const (
	defaultRetryMin = time.Second
	defaultRetryMax = 5 * time.Minute
	maxAfter        = time.Hour // a longer Retry-After is cut to this
)

// Validate returns what is wrong with c, keyed "min" and "max".
func (c RetryConfig) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	if c.Min < 0 {
		p.Add("min", "is negative: give a duration such as %q", defaultRetryMin)
	}
	if c.Max < 0 {
		p.Add("max", "is negative: give a duration such as %q", defaultRetryMax)
	}
	if d := c.withDefaults(); c.Min >= 0 && c.Max >= 0 && d.Max < d.Min {
		p.Add("max", "is shorter than min (%s)", d.Min)
	}
	return p
}

func (c RetryConfig) withDefaults() RetryConfig {
	if c.Min <= 0 {
		c.Min = defaultRetryMin
	}
	if c.Max <= 0 {
		c.Max = defaultRetryMax
	}
	return c
}

// Backoff returns how long to wait after failure number n in a row, counted from 1: Min, 2 Min, 4 Min … Max.
func (c RetryConfig) Backoff(n int) time.Duration {
	c = c.withDefaults()
	d := c.Min
	for i := 1; i < n && d < c.Max; i++ {
		if d > c.Max/2 {
			return c.Max
		}
		d *= 2
	}
	return min(d, c.Max)
}

// jitter spreads d by ±10 %.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}
