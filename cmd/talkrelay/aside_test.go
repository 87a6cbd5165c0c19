package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay"
)

// TestReloadBesideTheSummary replaces what is in force while the hourly summary reads it: the race detector watches.
func TestReloadBesideTheSummary(t *testing.T) {
	t.Parallel()
	d := openRig(t, newRig(t))
	var out bytes.Buffer
	log := newLogger(&out, logConfig{}, nil)
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { d.summarize(ctx) })
		wg.Go(func() {
			for range 60 {
				time.Sleep(3 * time.Minute)
				if err := d.use(d.cfg, log); err != nil {
					t.Error(err)
				}
			}
		})
		time.Sleep(3*time.Hour + time.Second)
		stop()
		wg.Wait()
	})
	if n := strings.Count(out.String(), "msg=summary delivered=0 waiting=0 dead=0"); n < 2 {
		t.Errorf("%d summaries in three hours:\n%s", n, out.String())
	}
}

// overdue puts an event into the state that the retention no longer allows, and closes it.
func overdue(t *testing.T, d *daemon) {
	t.Helper()
	at := time.Now().Add(-d.cfg.State.Retention - time.Hour)
	old := talkrelay.Event{ID: overdueID, Kind: talkrelay.UserChatOpened, Channel: "shop", At: at, Seen: at}
	c := talkrelay.Commit{Epoch: d.db.Epoch(), Channel: "shop", Stream: "test", Events: []talkrelay.Event{old}}
	if err := errors.Join(d.db.Commit(c), d.db.Close()); err != nil {
		t.Fatal(err)
	}
}

const overdueID = "userChat.opened/overdue"

func (r *rig) remembers(t *testing.T, text string) bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, "demo.db"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(data, []byte(text))
}

// TestOnceErases runs as cron does, where no daemon is up at the time of the nightly erasing.
func TestOnceErases(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	overdue(t, openRig(t, r))
	if !r.remembers(t, overdueID) {
		t.Fatal("the event is not in the file to begin with")
	}
	p := r.start("run", "--config", r.config, "--once")
	if code := p.wait(patience); code != exitOK || r.remembers(t, overdueID) {
		t.Errorf("exit code %d, still in the file: %t\n%s", code, r.remembers(t, overdueID), p.log())
	}
}

// TestEraseSoonAfterTheStart is about a machine that is off whenever state.sweep would be.
func TestEraseSoonAfterTheStart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	overdue(t, openRig(t, r))
	d := openRig(t, r)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(d.started)) // the bubble's clock begins in the year 2000
		ctx, stop := context.WithTimeout(t.Context(), eraseSoon+time.Second)
		defer stop()
		d.eraseNightly(ctx)
	})
	if r.remembers(t, overdueID) {
		t.Error("still in the file a minute after the start")
	}
}
