package channeltalk

import (
	"net/http"
	"strconv"
	"time"
)

// Quota is the channel's request allowance as a reply told it. All keys and tools of a channel share it. The zero
// Quota = no reply has told it yet.
type Quota struct {
	Limit     int       // x-ratelimit-limit
	Remaining int       // x-ratelimit-remaining
	Reset     time.Time // x-ratelimit-reset
}

// hints is what the headers of one reply say about pace.
type hints struct {
	quota      Quota
	known      bool          // quota.Remaining was told
	reset      time.Duration // until the allowance is reset; 0 = not told, or not believable
	retryAfter time.Duration // 0 = not told, or not usable
}

// farReset is the longest believable time until a reset. Resets seen are seconds away; a value in milliseconds, or by
// a wrong clock, lies far beyond.
const farReset = time.Hour

// readHints reads the headers of a reply that came now. Times are taken relative to the server's own clock if it told
// that, so a wrong clock on this machine does no harm.
func readHints(h http.Header, now time.Time) hints {
	var t hints
	server := now
	if date := serverTime(h); !date.IsZero() {
		server = date
	}
	if n, err := strconv.Atoi(h.Get("X-Ratelimit-Limit")); err == nil {
		t.quota.Limit = n
	}
	if n, err := strconv.Atoi(h.Get("X-Ratelimit-Remaining")); err == nil {
		t.quota.Remaining, t.known = n, true
	}
	if n, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64); err == nil {
		t.quota.Reset = time.Unix(n, 0).UTC()
		if d := t.quota.Reset.Sub(server); d > 0 && d <= farReset {
			t.reset = d
		}
	}
	t.retryAfter = retryAfter(h.Get("Retry-After"), server)
	return t
}

// retryAfter reads a Retry-After header: seconds, or an HTTP date by the server's clock; an hour at most. 0 = absent,
// malformed, or not in the future.
func retryAfter(text string, server time.Time) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(n, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(server), 0), maxRetryAfter)
	}
	return 0
}

// serverTime returns the server's clock, zero if the reply does not tell it.
func serverTime(h http.Header) time.Time {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t
}
