package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// Edits is the follower's view of one sink's messages that tell of a chat as it no longer is. Methods that write return
// after the write is synced.
type Edits interface {
	// NextEdit returns the message that is to be changed first, and when; nil if all are true.
	NextEdit() (*talkrelay.Edit, time.Time, error)
	// Edited notes that the message of e shows what is called shown.
	Edited(e *talkrelay.Edit, shown string, now time.Time) error
	// Postpone puts the edits of e's chat off until a time.
	Postpone(e *talkrelay.Edit, until time.Time) error
	// Unfollow leaves the message of e as it is from now on.
	Unfollow(e *talkrelay.Edit) error
}

// FollowerConfig says what a Follower keeps true.
type FollowerConfig struct {
	Sink     string // its name in the config file
	Instance string // as the Worker's
	Editor   sink.Editor
	Edits    Edits
	Retry    RetryConfig
	Logger   *slog.Logger // nil = silent
}

// Follower keeps the messages of one sink true: when a chat changes, the message about it is changed. What a message is to
// show is decided by the newest state of the chat alone, so a Follower can be killed anywhere, and what changes faster
// than it edits is shown together. It never posts.
type Follower struct {
	cfg    FollowerConfig
	log    *slog.Logger
	health *talkrelay.Health
	wake   chan struct{}

	failures int // in a row
}

// NewFollower returns a Follower that does nothing before Run or Drain.
func NewFollower(c FollowerConfig) *Follower {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Retry = c.Retry.withDefaults()
	log := c.Logger.With("sink", c.Sink)
	return &Follower{
		cfg: c, log: log, wake: make(chan struct{}, 1),
		health: talkrelay.NewHealth(log, msgEditBroken, msgEditRecovered),
	}
}

// Wake tells the Follower that a chat may have changed. It never blocks.
func (f *Follower) Wake() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run edits until ctx ends. The error is always nil: what cannot be shown is shown later.
func (f *Follower) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := f.wait(ctx, f.step(ctx)); err != nil {
			return nil
		}
	}
	return nil
}

// Drain edits what is due now or within EditPace. The error is the first edit's that fails, or ctx's.
func (f *Follower) Drain(ctx context.Context) error {
	for {
		next := f.step(ctx)
		switch {
		case f.failures > 0:
			return errors.New("posts are left that do not show how their chats are now")
		case next > talkrelay.EditPace:
			return nil
		}
		if err := f.wait(ctx, next); err != nil {
			return context.Cause(ctx)
		}
	}
}

// wait waits for d, or until the Follower is woken: what wakes it may be due sooner.
func (f *Follower) wait(ctx context.Context, d time.Duration) error {
	wake := f.wake
	if f.failures > 0 { // whatever is new, the destination has asked for, or needs, a rest
		wake = nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-wake:
	case <-timer.C:
	case <-ctx.Done():
		return errStopped
	}
	return nil
}

// step makes the edit that is due, if one is, and returns how long to wait before the next step.
func (f *Follower) step(ctx context.Context) time.Duration {
	e, due, err := f.cfg.Edits.NextEdit()
	switch {
	case err != nil:
		return f.failed(fmt.Errorf("read edits: %w", err), 0)
	case e == nil:
		return unasked
	}
	if d := time.Until(due); d > 0 {
		return min(d, unasked)
	}
	if err := f.edit(ctx, e); err != nil {
		if ctx.Err() != nil {
			return 0
		}
		return f.failed(err, f.postpone(e, err))
	}
	f.failures = 0
	f.health.OK()
	return 0
}

// edit makes the message of e show its chat as it is.
func (f *Follower) edit(ctx context.Context, e *talkrelay.Edit) error {
	item := sink.Item{Event: e.Now(), Route: e.Route}
	body, err := f.callPrepareEdit(ShipmentID(f.cfg.Instance, f.cfg.Sink, e.Opening.ID), item)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	shown := hex.EncodeToString(sum[:8])
	if shown != e.Shown {
		err = f.callEdit(ctx, sink.Receipt(e.Receipt), body)
	}
	if bad(err) {
		f.log.Info(msgUnfollowed, "event", e.Opening.ID, "err", err.Error())
		return f.cfg.Edits.Unfollow(e)
	}
	if err != nil {
		return err
	}
	return f.cfg.Edits.Edited(e, shown, time.Now())
}

// bad reports whether err says that a message can never be changed again.
func bad(err error) bool {
	var e *sink.Error
	return errors.As(err, &e) && e.Verdict == sink.Bad
}

// postpone lets other chats go first when the trouble may be with this message alone. It returns how long the destination
// is to be left alone.
func (f *Follower) postpone(e *talkrelay.Edit, err error) time.Duration {
	v := classed(err, sink.InDoubt, "edit message", "unclear outcome")
	if v.Verdict == sink.InDoubt || v.Verdict == sink.Rework {
		wait := jitter(f.cfg.Retry.Backoff(f.failures + 1))
		if f.cfg.Edits.Postpone(e, time.Now().Add(wait)) == nil {
			return f.cfg.Retry.Min
		}
	}
	return v.After
}

// failed tells of a failure and returns how long to wait, at least.
func (f *Follower) failed(err error, least time.Duration) time.Duration {
	f.failures++
	d := least
	if d <= 0 {
		d = jitter(f.cfg.Retry.Backoff(f.failures))
	}
	d = min(d, maxAfter)
	if f.failures > quietFailures || sink.VerdictOf(err).Verdict != sink.InDoubt {
		f.health.Broken(err, "next_try", time.Now().Add(d).Format(time.RFC3339))
	}
	return d
}

func (f *Follower) callPrepareEdit(id string, item sink.Item) (body []byte, err error) {
	defer caught(&err, sink.PauseDestination, "prepare an edit")
	return f.cfg.Editor.PrepareEdit(id, item)
}

func (f *Follower) callEdit(ctx context.Context, r sink.Receipt, body []byte) (err error) {
	defer caught(&err, sink.PauseDestination, "edit message")
	return f.cfg.Editor.Edit(ctx, r, body)
}
