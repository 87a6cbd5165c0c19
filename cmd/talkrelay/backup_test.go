package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"talkrelay/sandbox"
	"talkrelay/state"
)

// TestBackup makes backups with a daemon and without one, and is refused where one must not be made.
func TestBackup(t *testing.T) {
	t.Parallel()
	r := newRig(t, hurried...)
	p := r.start()
	r.awaitBaseline(p)
	r.customer(canary.Name, canaryText)
	r.awaitAll(p)
	r.awaitOutput(screenKorean.NothingWaits, "queue", "list")
	db, dir := filepath.Join(r.dir, "demo.db"), t.TempDir()
	file := filepath.Join(dir, "copy.db")
	backup := func(args ...string) (int, string) {
		code, out, errs := here(t, append([]string{"backup", "--config", r.config}, args...)...)
		r.assertDiscreet(out + errs)
		return code, out + errs
	}
	try := func(who string) {
		t.Helper()
		code, out := backup("--force", file)
		info, err := os.Stat(file)
		if err != nil || code != exitOK || info.Mode().Perm() != 0o600 || !strings.Contains(out, "MiB, 기다리는 전달 0건") {
			t.Errorf("%s: exit code %d, file %v, %v:\n%s", who, code, info, err, out)
		}
		refusals := map[string]string{
			file:                                     "overwrite it with --force",
			filepath.Join(dir, "missing", "copy.db"): "make it first",
			dir:                                      "is no file",
			"--force " + db:                          "belongs to the state file",
			db + ".new":                              "belongs to the state file",
		}
		for args, says := range refusals {
			if code, out := backup(strings.Fields(args)...); code != exitFailed || !strings.Contains(out, says) {
				t.Errorf("%s: backup %s: exit code %d, want %q:\n%s", who, args, code, says, out)
			}
		}
		left, err := filepath.Glob(filepath.Join(dir, ".*"))
		if err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", who, left, err)
		}
	}
	try("with a daemon")
	if !lineWith(p.log(), "asked to", "GET /backup", fmt.Sprintf("uid=%d", os.Getuid())) {
		t.Errorf("the log does not tell who has a copy of customers' data:\n%s", p.log())
	}
	p.stop()
	try("without a daemon")

	if code, out := backup("--socket", filepath.Join(dir, "no.sock"), "--state", filepath.Join(dir, "no.db"), file+"2"); code != exitFailed || !strings.Contains(out, "no such file") {
		t.Errorf("without a state: exit code %d:\n%s", code, out)
	}
	held, err := state.Open(state.Config{Path: db})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if code, out := backup(file + "2"); code != exitFailed || !strings.Contains(out, "open (pid") || !strings.Contains(out, "no running talkrelay answers") {
		t.Errorf("with a daemon that does not answer: exit code %d:\n%s", code, out)
	}
}

// TestRestore puts back a backup that was made under load. Everything arrives, in Slack no more than once, and in the
// sheet nothing twice that was there when the backup was made.
func TestRestore(t *testing.T) {
	t.Parallel()
	r := newRig(t, hurried...)
	r.world.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	r.world.Google.Set(sandbox.GoogleSettings{WritesPerMinute: -1, ReadsPerMinute: -1})
	p := r.start()
	r.awaitBaseline(p)
	before := r.customer("먼저 온 고객", "어제의 문의")
	r.awaitAll(p)

	r.world.Slack.SetFault(sandbox.Only("chat.postMessage", sandbox.RandomFaults(1, 0.3, 0)))
	for i := range 20 {
		r.customer(fmt.Sprintf("고객 %d", i), "백업 전의 문의")
	}
	p.awaitDelivered("cs-alerts", 5)
	there := strings.Join(rowKeys(r.rows(demoInquiries)), " ")
	file := filepath.Join(t.TempDir(), "backup.db")
	if code, out, errs := here(t, "backup", "--config", r.config, file); code != exitOK {
		t.Fatalf("exit code %d:\n%s%s", code, out, errs)
	}
	for i := range 10 {
		r.customer(fmt.Sprintf("고객 %d", 100+i), "백업 후의 문의")
	}
	before.Close()
	r.world.Slack.SetFault(nil)
	r.awaitAll(p)
	before.Reopen("다시 문의합니다")
	r.awaitAll(p)
	p.kill()

	restore(t, file, filepath.Join(r.dir, "demo.db"))
	r.customer("고객 200", "복구 중의 문의")
	p = r.start()
	p.awaitLine("level=WARN", "restored from a backup")
	p.awaitLog("msg=started")
	last := r.customer("고객 300", "복구 후의 문의")
	await(t, "the last inquiry", func() bool {
		key := fmt.Sprintf("%s/1", last.ID())
		slack, sheet := r.slackKeys(), rowKeys(r.rows(demoInquiries))
		return len(slack) > 0 && slack[len(slack)-1] == key && len(sheet) > 0 && sheet[len(sheet)-1] == key
	}, func() string { return r.compare().verdict() + "\n" + p.log() })
	c := r.compare()
	if lost := len(c.slack.Lost) + len(c.sheets.Lost); lost > 0 || len(c.slack.Doubled)+len(c.slack.Extra) > 0 {
		t.Errorf("%s\n%s", c.verdict(), p.log())
	}
	for _, key := range c.sheets.Extra {
		if id, _, _ := strings.Cut(key, "/"); id != before.ID() && strings.Contains(there, id) {
			t.Errorf("%s was in the sheet when the backup was made, and is there twice", id)
		}
	}
	if strings.Count(p.log(), "resolved as delivered") < 10 {
		t.Errorf("the deliveries were not looked up:\n%s", p.log())
	}
	r.assertDiscreet(r.written())
}

// restore puts a backup in the place of a state file that no daemon has open.
func restore(t *testing.T, file, path string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
