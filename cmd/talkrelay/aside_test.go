package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
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
