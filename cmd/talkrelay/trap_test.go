package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/dispatch"
	"talkrelay/poller"
	"talkrelay/sink"
	"talkrelay/state"
)

// Seams at which a trap can be set.
const (
	afterPoll       = "after a poll"         // a page has been read, nothing of it is written
	beforeCommit    = "before the commit"    // events and deliveries are about to be written
	afterCommit     = "after the commit"     // they are written, and no worker knows
	beforeSend      = "before the send"      // "sending" is written and synced, nothing is sent
	afterAcceptance = "after the acceptance" // the service said yes, and our receipt is not written
	beforeSettle    = "before settling"
	afterSettle     = "after settling"
	duringLookup    = "during a look-up" // it was found or not, and nothing is written
	duringSweep     = "during a sweep, " // and the name of the step
	duringReload    = "during a reload"  // the old app has ended, the new one is not built
)

// sweepSteps are those of a sweep that has erased something and compacts.
var sweepSteps = []string{"unsynced", "copied", "linked", "renamed", "replaced", "removed"}

// What a trap does.
const (
	kill  = "kill"
	fail  = "error"
	stall = "stall"
)

// trap is a fault that waits at a seam inside the process under test. It springs once.
type trap struct {
	Config string // the config file
	Seam   string // "" = nowhere
	Sink   string // where the seam is one of a sink's: which
	Nth    int    // it springs when the seam is reached for the n-th time
	Fault  string
	Stall  time.Duration

	reached atomic.Int32
}

// trapVariable in the environment of a daemon holds its trap, as JSON.
const trapVariable = "TALKRELAY_TEST_TRAP"

// sprung is what the process prints when the trap springs.
const sprung = "the trap has sprung"

var errTrap = errors.New("an error out of nowhere")

// at is called at every seam.
func (t *trap) at(seam, sink string) error {
	if seam != t.Seam || sink != t.Sink || int(t.reached.Add(1)) != t.Nth {
		return nil
	}
	fmt.Fprintln(os.Stderr, sprung)
	switch t.Fault {
	case kill:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until it has come
	case stall:
		time.Sleep(t.Stall) // and heeds nothing, like a disk that hangs
		return nil
	}
	return errTrap
}

// startTrapped runs the daemon with a trap in it.
func (r *rig) startTrapped(t *trap) *process {
	r.t.Helper()
	t.Config = r.config
	text, err := json.Marshal(t)
	if err != nil {
		r.t.Fatal(err)
	}
	p := &process{t: r.t, cmd: exec.Command(os.Args[0]), ended: make(chan struct{})}
	r.started = append(r.started, p)
	p.cmd.Env = append(os.Environ(), asDaemon+"=1", trapVariable+"="+string(text))
	p.run()
	return p
}

func (p *process) sprung() bool { return strings.Contains(p.log(), sprung) }

// runTrapped is `talkrelay run` with a trap set and with a sweep every moment. It is what the test binary does when it
// is started by startTrapped.
func runTrapped(text string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	t := &trap{}
	err := json.Unmarshal([]byte(text), t)
	if err == nil {
		err = t.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	return exitOK
}

func (t *trap) run(ctx context.Context) error {
	d, err := runOptions{config: t.Config, log: logConfig{Format: "logfmt"}, seams: t}.openDaemon(os.Stderr)
	if err != nil {
		return err
	}
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		for sleepUntil(ctx, time.Now().Add(sweepEvery)) {
			t.sweep(ctx, d)
		}
	}()
	err = d.serve(ctx)
	<-swept
	return errors.Join(err, d.db.Close())
}

// Events count as old at once, and are swept away a moment after they are delivered.
const (
	sweepEvery = 100 * time.Millisecond
	backdate   = 2 * time.Hour
	keptFor    = `retention = "1h"`
)

func (t *trap) sweep(ctx context.Context, d *daemon) {
	if t.Fault != fail || !strings.HasPrefix(t.Seam, duringSweep) || t.reached.Load() > 0 {
		_ = d.erase(ctx) // cut short by the end, or by a trap: the next one does the rest
		return
	}
	cfg, _, _ := d.inForce()
	obstacle := filepath.Join(cfg.plan.state.Path+".compact", "obstacle") // a file cannot be made there
	_ = os.MkdirAll(obstacle, 0o700)
	if err := d.erase(ctx); err != nil {
		_ = t.at(t.Seam, "")
	}
	_ = os.RemoveAll(filepath.Dir(obstacle))
}

// transport implements seams.
func (t *trap) transport(*http.Transport) {}

// state implements seams.
func (t *trap) state(c *state.Config) {
	c.Step = func(name string) {
		if t.Fault != fail {
			_ = t.at(duringSweep+name, "")
		}
	}
}

// poller implements seams. It is called once at the start and once at each reload.
func (t *trap) poller(c *poller.Config) {
	if t.at(duringReload, "") != nil {
		c.Poll = "never"
	}
	c.API, c.Store = trappedAPI{c.API, t}, trappedStore{c.Store, t}
}

// worker implements seams.
func (t *trap) worker(c *dispatch.WorkerConfig) {
	c.Outbox, c.Target = trappedOutbox{c.Outbox, t, c.Sink}, trappedSink{c.Target, t, c.Sink}
}

type trappedAPI struct {
	poller.API
	trap *trap
}

func (a trappedAPI) UserChats(ctx context.Context, q channeltalk.Query) (*channeltalk.ChatPage, error) {
	page, err := a.API.UserChats(ctx, q)
	if err == nil {
		err = a.trap.at(afterPoll, "")
	}
	return page, err
}

type trappedStore struct {
	poller.Store
	trap *trap
}

// Commit has a trap on both sides if c holds events.
func (s trappedStore) Commit(c talkrelay.Commit) error {
	if len(c.Events) == 0 {
		return s.Store.Commit(c)
	}
	for i := range c.Events {
		c.Events[i].Seen = c.Events[i].Seen.Add(-backdate)
	}
	if err := s.trap.at(beforeCommit, ""); err != nil {
		return err
	}
	if err := s.Store.Commit(c); err != nil {
		return err
	}
	if s.trap.Seam == duringReload {
		_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
	}
	return s.trap.at(afterCommit, "")
}

type trappedOutbox struct {
	dispatch.Outbox
	trap *trap
	sink string
}

func (o trappedOutbox) Settle(s *talkrelay.Shipment, out talkrelay.Outcome) error {
	if err := o.trap.at(beforeSettle, o.sink); err != nil {
		return err
	}
	if err := o.Outbox.Settle(s, out); err != nil {
		return err
	}
	return o.trap.at(afterSettle, o.sink)
}

type trappedSink struct {
	sink.Sink
	trap *trap
	name string
}

// Send has a trap on both sides. The worker has written down before that it sends.
func (s trappedSink) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	if err := s.trap.at(beforeSend, s.name); err != nil {
		return "", err
	}
	receipt, err := s.Sink.Send(ctx, m)
	if err != nil {
		return "", err
	}
	if err := s.trap.at(afterAcceptance, s.name); err != nil {
		return "", err
	}
	return receipt, nil
}

// Resolve has a trap behind it.
func (s trappedSink) Resolve(ctx context.Context, m sink.Message) (sink.Receipt, bool, error) {
	receipt, found, err := s.Sink.Resolve(ctx, m)
	if err == nil {
		err = s.trap.at(duringLookup, s.name)
	}
	return receipt, found, err
}

// Recheck implements sink.Rechecker. The worker asks only a sink that has it for one.
func (s trappedSink) Recheck(ctx context.Context, m sink.Message) (int, error) {
	r, ok := s.Sink.(sink.Rechecker)
	if !ok {
		return 0, nil
	}
	return r.Recheck(ctx, m)
}
