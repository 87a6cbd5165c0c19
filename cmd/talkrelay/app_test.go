package main

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
)

// openRig opens the daemon of a rig in this process. It polls nothing until it is served.
func openRig(t *testing.T, r *rig) *daemon {
	t.Helper()
	d, err := runOptions{config: r.config, log: logConfig{Format: "logfmt"}}.openDaemon(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.db.Close() })
	return d
}

// TestFencedPollerEndsTheApp lets another process take over the state: the workers must not go on without their poller.
func TestFencedPollerEndsTheApp(t *testing.T) {
	t.Parallel()
	d := openRig(t, newRig(t))
	plan := d.cfg.plan.channels[0]
	stale := plan.poller
	stale.API, stale.Store, stale.Epoch = channeltalk.New(plan.client), d.db, d.db.Epoch()-1
	p, err := poller.New(stale)
	if err != nil {
		t.Fatal(err)
	}
	d.app.pollers = []appPoller{{Poller: p}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := d.app.run(ctx); !errors.Is(err, talkrelay.ErrFenced) {
		t.Errorf("run: %v, want %v", err, talkrelay.ErrFenced)
	}
}
