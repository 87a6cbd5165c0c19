package main

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
)

// TestReloadRefusesWhatNeedsARestart changes what the open state file was opened with. To call that reloaded would be a
// lie: the old retention would stay in force.
func TestReloadRefusesWhatNeedsARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.start()
	r.awaitBaseline(p)
	was := "[state]\npath = \"demo.db\"\n"
	for _, test := range []struct{ table, key string }{
		{"[state]\npath = \"other.db\"\n", "state.path"},
		{was + "retention = \"48h\"\n", "state.retention"},
		{was + "max_size_mb = 64\n", "state.max_size_mb"},
	} {
		r.edit(was, test.table)
		p.signal(syscall.SIGHUP)
		p.awaitLog(test.key + " can only change with a restart")
		r.edit(test.table, was)
	}
	if strings.Contains(p.log(), "reloaded") {
		t.Errorf("reloaded all the same:\n%s", p.log())
	}
	p.signal(syscall.SIGHUP)
	p.awaitLog("reloaded")
}

// TestBetween does something between two runs of the app. Delivering goes on after it.
func TestBetween(t *testing.T) {
	t.Parallel()
	r := newRig(t, hurried...)
	d := openRig(t, r)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.serve(ctx) }()
	await(t, "the first look", d.looked, func() string { return "" })
	refused := errors.New("refused")
	err := d.between(ctx, func() error {
		r.customer("홍길동", "그사이에 문의합니다")
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("between: %v", err)
	}
	await(t, "the inquiry", func() bool { return r.compare().ok() }, func() string { return r.compare().verdict() })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := d.between(ctx, func() error { return nil }); err == nil {
		t.Error("a daemon that has ended did something")
	}
}
