package talkrelay

import (
	"log/slog"
	"sync"
	"time"
)

// Health turns a stream of good and bad outcomes of one thing (a stream, a sink) into the few log lines worth reading:
// one when it breaks, one when the reason changes, then at growing intervals with a count, one when it works again.
// Silence means health. It is safe for concurrent use.
type Health struct {
	log        *slog.Logger
	broken     string // constant message for breaking
	recovered  string // constant message for recovering
	mu         sync.Mutex
	err        string
	cause      error
	since      time.Time
	count      int
	nextReport time.Time
	interval   time.Duration
}

// Intervals between two reports of an unchanged error.
const (
	firstRepeat = 5 * time.Minute
	maxRepeat   = 6 * time.Hour
)

// NewHealth returns a Health that writes to log with the two constant messages given.
func NewHealth(log *slog.Logger, broken, recovered string) *Health {
	return &Health{log: log, broken: broken, recovered: recovered}
}

// Broken records a failure. err must be free of customer data and secrets. args are added to the line if one is written.
func (h *Health) Broken(err error, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if h.since.IsZero() {
		h.since, h.count = now, 0
	}
	h.count++
	h.cause = err
	if text := err.Error(); text != h.err {
		h.err, h.interval = text, firstRepeat
	} else if now.Before(h.nextReport) {
		return
	} else {
		h.interval = min(2*h.interval, maxRepeat)
	}
	h.nextReport = now.Add(h.interval)
	line := append([]any{"err", h.err}, args...)
	if h.count > 1 {
		line = append(line, "since", h.since.Format(time.RFC3339), "count", h.count)
	}
	h.log.Warn(h.broken, line...)
}

// OK records a success.
func (h *Health) OK() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.since.IsZero() {
		return
	}
	h.log.Info(h.recovered, "since", h.since.Format(time.RFC3339), "count", h.count)
	h.err, h.cause, h.since, h.count, h.nextReport = "", nil, time.Time{}, 0, time.Time{}
}

// Trouble returns the present error and since when, or "" while all is well.
func (h *Health) Trouble() (err string, since time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err, h.since
}

// Cause returns the present error itself, nil while all is well.
func (h *Health) Cause() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cause
}
