package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// streamEvery is the time between two lines about a job.
const streamEvery = 500 * time.Millisecond

// stream runs a job for as long as the caller listens, and answers with lines of JSON: what progress returns now and then, and
// what it returns at the end. A caller that goes away ends the job.
func stream[T any](w http.ResponseWriter, r *http.Request, run func(context.Context) error, progress func(ended bool, err error) T) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{}) // it is by reading that a caller who has gone is noticed
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- safely(ctx, run) }()
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	say := func(v T) {
		_ = c.SetWriteDeadline(time.Now().Add(time.Minute))
		if out.Encode(v) != nil || c.Flush() != nil {
			cancel()
		}
	}
	tick := time.NewTicker(streamEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			say(progress(true, err))
			return
		case <-tick.C:
			say(progress(false, nil))
		}
	}
}

var errBusy = errors.New("old chats are being read already, for another backfill or verify: one at a time")

// streamLookBack is stream for a job that reads old chats, if no other does.
func streamLookBack[T any](d *daemon, w http.ResponseWriter, r *http.Request, run func(context.Context) error, progress func(ended bool, err error) T) {
	if !d.lookBack.TryLock() {
		answerError(w, controlError{http.StatusConflict, errBusy})
		return
	}
	alone := func(ctx context.Context) error {
		defer d.lookBack.Unlock() // before the caller hears of the end
		return run(ctx)
	}
	stream(w, r, alone, progress)
}

// safely runs a job whose panic must not end the daemon. What the panic says may be customers' data.
func safely(ctx context.Context, run func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("a bug in talkrelay, please report it: panic of type %T", v)
		}
	}()
	return run(ctx)
}

// news is what is told of a job.
type news interface {
	ended() (ended bool, why string) // why is "" if all of it is done
}

// haveDone has the running daemon do a job, or does it here if none runs. show gets whatever is told of it, the last of
// which is returned too. The error is an exitError; what is told last may be of use with one as well.
func haveDone[T news](ctx context.Context, daemon askOptions, path string, ask any, show func(T),
	here func(ctx context.Context, noDaemon error, see func(T) (last bool)) error) (last T, err error) {
	see := func(n T) bool {
		last = n
		show(n)
		ended, _ := n.ended()
		return ended
	}
	resp, err := daemon.call(ctx, http.MethodPost, path, ask)
	switch {
	case errors.Is(err, errNoDaemon):
		err = here(ctx, err, see)
	case err == nil:
		defer resp.Body.Close()
		err = follow(ctx, resp.Body, see)
	}
	if _, why := last.ended(); err == nil && why != "" {
		err = errors.New(why)
	}
	if exit := (exitError{}); err == nil || errors.As(err, &exit) {
		return last, err
	}
	return last, failed(err)
}

// follow reads the lines of a stream and gives each to see, until the last one, for which see returns true.
func follow[T any](ctx context.Context, body io.Reader, see func(T) (last bool)) error {
	in := json.NewDecoder(body)
	for {
		var v T
		switch err := in.Decode(&v); {
		case ctx.Err() != nil:
			return errStoppedByUser
		case err != nil:
			return fmt.Errorf("the daemon ended before the work was done; %s", goOnHint)
		}
		if see(v) {
			return nil
		}
	}
}

const goOnHint = "run the same command again: it goes on where it was, and doubles nothing"

var errStoppedByUser = errors.New("stopped; " + goOnHint)

// alone runs a job in this process, where no daemon runs: with the state open, and the workers of the sinks that prepare
// returns.
func (o askOptions) alone(ctx context.Context, noDaemon error, prepare func(*daemon) (sinks []string, err error), job func(context.Context) error) error {
	d, err := runOptions{config: o.config, log: logConfig{Format: "logfmt"}}.openDaemon(io.Discard)
	if err != nil {
		code := exitFailed
		if exit := (exitError{}); errors.As(err, &exit) {
			code = exit.code
		}
		return exitError{code, fmt.Errorf("%w\n%w", err, noDaemon)}
	}
	sinks, err := prepare(d)
	if err == nil {
		err = d.firstLook(ctx)
	}
	if err == nil {
		err = d.working(ctx, sinks, job)
	}
	return errors.Join(err, d.db.Close())
}

// working runs a job with the workers of some sinks beside it, and returns when all have ended.
func (d *daemon) working(ctx context.Context, sinks []string, job func(context.Context) error) error {
	work, stop := context.WithCancel(ctx)
	ended := make(chan error, len(d.app.sinks))
	running := 0
	for _, s := range d.app.sinks {
		if slices.Contains(sinks, s.name) {
			running++
			go func() { ended <- s.worker.Run(work) }()
		}
	}
	err := job(ctx)
	stop()
	for range running {
		if workErr := <-ended; err == nil {
			err = workErr
		}
	}
	return err
}

// firstLook lets channels that were never looked at take their silent first look, without which old chats could not be told
// from new ones.
func (d *daemon) firstLook(ctx context.Context) error {
	for _, p := range d.app.pollers {
		if err := p.FirstLook(ctx); err != nil {
			return fmt.Errorf("channel %s: %w", p.Name(), err)
		}
	}
	return nil
}
