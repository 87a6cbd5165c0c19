package sink

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxTraceBody  = 64 << 10
	minRetryAfter = time.Second
	maxRetryAfter = time.Hour
)

// Trace is what happened to the last request made with a context of WithTrace and a client of NewHTTPClient. It tells
// what client libraries keep to themselves. It is safe for concurrent use.
type Trace struct {
	mu        sync.Mutex
	connected bool
	status    int
	header    http.Header
	body      []byte
}

type traceKey struct{}

// WithTrace returns a context whose requests are recorded in the Trace.
func WithTrace(ctx context.Context) (context.Context, *Trace) {
	t := new(Trace)
	return context.WithValue(ctx, traceKey{}, t), t
}

// traceOf returns the trace of ctx, or one that nobody reads.
func traceOf(ctx context.Context) *Trace {
	if t, ok := ctx.Value(traceKey{}).(*Trace); ok {
		return t
	}
	return new(Trace)
}

func (t *Trace) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.connected, t.status, t.header, t.body = false, 0, nil, nil
}

func (t *Trace) gotConn() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.connected = true
}

func (t *Trace) answered(resp *http.Response, head []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status, t.header, t.body = resp.StatusCode, resp.Header.Clone(), head
}

// Connected reports whether there was a connection to send on, TLS and proxy included. If not, the request was
// certainly not applied. If there was, it may have been, unless the answer says otherwise.
func (t *Trace) Connected() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.connected
}

// Status is the answer's HTTP status; 0 = no answer.
func (t *Trace) Status() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// Header is the answer's; nil = no answer. It must not be changed.
func (t *Trace) Header() http.Header {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.header
}

// Body is the first 64 KiB of the answer's body, whether or not anybody else has read it. It must not be changed.
func (t *Trace) Body() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.body
}

// Date is the server's clock at the time of the answer; zero if it did not tell.
func (t *Trace) Date() time.Time {
	date, err := http.ParseTime(t.Header().Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return date
}

// RetryAfter is how long the answer asks to wait (Retry-After in seconds or as a date): at least a second, at most an
// hour. ok is false if it does not ask, or not in a form that can be read. A date is compared with the server's own
// clock, and with now only if the server did not tell the time.
func (t *Trace) RetryAfter(now time.Time) (d time.Duration, ok bool) {
	value := strings.TrimSpace(t.Header().Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		d = maxRetryAfter
	} else if date, err := http.ParseTime(value); err == nil {
		if server := t.Date(); !server.IsZero() {
			now = server
		}
		d = date.Sub(now)
	} else {
		return 0, false
	}
	return min(max(d, minRetryAfter), maxRetryAfter), true
}
