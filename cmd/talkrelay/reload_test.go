package main

import (
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
