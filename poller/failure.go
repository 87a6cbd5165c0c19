package poller

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"talkrelay/channeltalk"
)

// Bounds of the wait after a failure.
const (
	minBackoff = time.Second
	maxBackoff = 5 * time.Minute
)

// backoff is how long to wait after n failures in a row, n >= 1: 1 s, 2 s, 4 s … 5 min.
func backoff(n int) time.Duration {
	if n > 9 { // 2^9 s is past the maximum
		return maxBackoff
	}
	return min(minBackoff<<(n-1), maxBackoff)
}

// retryAt is when a job that has failed n times in a row runs again: not before its next tick, so that trouble never
// makes for more requests than health, unless the tick is further away than the longest back-off; and not before the
// API wants to be asked again.
func retryAt(now, nextTick time.Time, n int, err error) time.Time {
	wait := max(backoff(n), retryAfter(err))
	gap := maxBackoff
	if !nextTick.IsZero() {
		gap = min(gap, nextTick.Sub(now))
	}
	return now.Add(max(wait, gap))
}

// retryAfter returns how long the API wants to be left alone, 0 if it did not say.
func retryAfter(err error) time.Duration {
	var e *channeltalk.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// crash makes an error of a recovered panic. It names the place, and the cause only if the runtime gave it: the values
// of other panics may hold customer data.
func crash(value any) error {
	cause := fmt.Sprintf("%T", value)
	if e, ok := value.(runtime.Error); ok {
		cause = e.Error()
	}
	return fmt.Errorf("a bug in talkrelay, please report it: panic at %s: %s", panicPlace(), cause)
}

// panicPlace returns file and line of the code that panicked. It is called on the way up from recover.
func panicPlace() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	below := false
	for {
		f, more := frames.Next()
		if below && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		below = below || f.Function == "runtime.gopanic"
		if !more {
			return "unknown place"
		}
	}
}
