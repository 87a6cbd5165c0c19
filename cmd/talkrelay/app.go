package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/dispatch"
	"talkrelay/poller"
	"talkrelay/sink"
	"talkrelay/state"
)

// app is one configuration put to work on an open state file: the pollers of its channels and the workers of its
// sinks. A reload builds another app on the same file.
type app struct {
	pollers []appPoller
	sinks   []appSink
	links   *links
	log     *slog.Logger
}

// appPoller is the poller of one channel.
type appPoller struct {
	*poller.Poller
	quota func() channeltalk.Quota
	next  func(time.Time) time.Time // when a poll is due after that time

	location *time.Location
	backlog  func(poller.BacklogConfig) (*poller.Backlog, error) // reads old chats with the client, and so at the pace, of the polls
}

// appSink is one destination with its queue and the worker that empties it.
type appSink struct {
	name     string
	worker   *dispatch.Worker
	follower *dispatch.Follower        // nil = what is delivered stays as it is
	keeps    bool                      // it has a row of each chat, see sink.Keeper
	quiet    func(time.Time) time.Time // see dispatch.WorkerConfig; nil = no quiet hours
	queue    *state.Queue
	sink     sink.Sink
}

// link returns where a delivery can be looked at, "" if that is not known.
func (a *app) link(name, receipt string) string {
	for _, s := range a.sinks {
		if l, ok := s.sink.(sink.Linker); ok && s.name == name {
			return l.Link(sink.Receipt(receipt))
		}
	}
	return ""
}

// newApp connects the packages. It sends nothing.
func (d *daemon) newApp(cfg *config, log *slog.Logger) (*app, error) {
	a := &app{log: log}
	var before *links
	if d.app != nil {
		before = d.app.links
	}
	var err error
	if a.links, err = before.next(cfg); err != nil {
		return nil, err
	}
	if d.options.seams != nil && (before == nil || before.base != a.links.base) {
		d.options.seams.transport(a.links.base)
	}
	m := &targetMaker{base: a.links.base, memory: func(key string) sink.Memory { return d.db.Memory(key) }, log: log, shared: a.links.shared}
	targets, err := m.targets(cfg)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		queue := d.db.Queue(t.name)
		t.worker.Sink, t.worker.Instance, t.worker.Target, t.worker.Outbox, t.worker.Receipts = t.name, d.db.Instance(), t.sink, queue, queue
		t.worker.Retry, t.worker.Logger = cfg.plan.retry, log
		if d.options.seams != nil {
			d.options.seams.worker(&t.worker)
		}
		s := appSink{
			name: t.name, worker: dispatch.NewWorker(t.worker), follower: d.newFollower(&t, queue, cfg.plan.retry, log), quiet: t.worker.Quiet, queue: queue, sink: t.sink,
		}
		if keeper, ok := t.sink.(sink.Keeper); ok && keeper.Keeps() {
			s.keeps = true
		} else if err := queue.DropRefreshes(time.Now()); err != nil {
			return nil, err
		}
		a.sinks = append(a.sinks, s)
	}
	a.warnOfOrphans(d.db)
	cfg.plan.router.LogTo(log)
	for _, c := range cfg.plan.channels {
		p, err := d.newPoller(a, c, cfg.plan.router)
		if err != nil {
			return nil, fmt.Errorf("channel %s: %w", c.poller.Name, err)
		}
		a.pollers = append(a.pollers, p)
	}
	return a, nil
}

// newFollower returns what keeps the messages of a sink true, nil if that is not wished.
func (d *daemon) newFollower(t *target, queue *state.Queue, retry dispatch.RetryConfig, log *slog.Logger) *dispatch.Follower {
	editor, ok := t.sink.(sink.Editor)
	if !ok || !editor.Follows() {
		return nil
	}
	return dispatch.NewFollower(dispatch.FollowerConfig{
		Sink: t.name, Instance: d.db.Instance(), Editor: editor, Edits: queue, Retry: retry, Logger: log,
	})
}

// followers returns the names of the sinks that have to know how the chats are now: whose messages or rows are kept true, or
// that sum up quiet hours.
func (a *app) followers() (names []string) {
	for _, s := range a.sinks {
		if s.follower != nil || s.quiet != nil || s.keeps {
			names = append(names, s.name)
		}
	}
	return names
}

// keepers returns the names of the sinks that have a row of each chat.
func (a *app) keepers() (names []string) {
	for _, s := range a.sinks {
		if s.keeps {
			names = append(names, s.name)
		}
	}
	return names
}

// kinds lists the kinds of event that are to be made on a channel: those that routes ask for, and where a sink has to
// know how the chats are, all that show a chat or a customer as they are and cost no request.
func (a *app) kinds(router *dispatch.Router, channel string) []talkrelay.Kind {
	kinds := router.Kinds(channel)
	if len(a.followers()) == 0 {
		return kinds
	}
	for _, k := range talkrelay.Kinds() {
		if free := k == talkrelay.UserChatOpened || k.UserEvent() || k.LifeEvent(); free && !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	return append(kinds, talkrelay.UserChatMoved)
}

// warnOfOrphans tells of deliveries that wait for a sink which the config no longer has. They stay until it comes back.
func (a *app) warnOfOrphans(db *state.DB) {
	names, err := db.Sinks()
	if err != nil {
		a.log.Warn("queues not read", "err", err.Error())
	}
	for _, name := range names {
		if slices.ContainsFunc(a.sinks, func(s appSink) bool { return s.name == name }) {
			continue
		}
		if waiting, _, _, err := db.Queue(name).Depth(); err == nil && waiting > 0 {
			a.log.Warn("deliveries wait for a sink that is not in the config; name it so again to deliver them", "sink", name, "count", waiting)
		}
	}
}

func (d *daemon) newPoller(a *app, c channelPlan, router *dispatch.Router) (appPoller, error) {
	client := a.links.client(c)
	cfg := c.poller
	cfg.API, cfg.Store, cfg.Epoch = client, d.db, d.db.Epoch()
	cfg.Include = router.Includes(cfg.Name)
	cfg.Match, cfg.Kinds, cfg.Followers, cfg.Committed = router.Match, a.kinds(router, cfg.Name), a.followers(), a.wake
	cfg.Keepers = a.keepers()
	cfg.Logger = a.log
	cfg.Beat = func() { d.watchdog.beat(c.poller.Name) }
	schedule, err := poller.ParseSchedule(cfg.Poll, cfg.Location)
	if err != nil {
		return appPoller{}, err
	}
	if d.options.seams != nil {
		d.options.seams.poller(&cfg)
	}
	p, err := poller.New(cfg)
	backlog := func(b poller.BacklogConfig) (*poller.Backlog, error) { return poller.NewBacklog(cfg, b) }
	return appPoller{Poller: p, quota: client.Quota, next: schedule.Next, location: cfg.Location, backlog: backlog}, err
}

// wake tells the workers of these deliveries that something waits, and the followers and keepers that chats may have changed.
func (a *app) wake(deliveries []talkrelay.Delivery) {
	woken := map[string]bool{}
	for _, d := range deliveries {
		woken[d.Sink] = true
	}
	for _, s := range a.sinks {
		if woken[s.name] || s.keeps {
			s.worker.Wake()
		}
		if s.follower != nil {
			s.follower.Wake()
		}
	}
}

// run polls and delivers until ctx ends, then lets every worker finish the send in hand. If one of them ends with an
// error, all of them end, and run returns that error.
func (a *app) run(ctx context.Context) error {
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	start := func(f func(context.Context) error) {
		wg.Go(func() {
			if err := f(work); err != nil {
				stop(err)
			}
		})
	}
	for _, p := range a.pollers {
		start(p.Run)
	}
	for _, s := range a.sinks {
		start(s.worker.Run)
		if s.follower != nil {
			start(s.follower.Run)
		}
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(work)
}

// drainLimit bounds how long `run --once` waits for destinations that do not answer.
const drainLimit = 10 * time.Minute

// once polls every channel once, completely, and delivers what waits. The error says what is still undone.
func (a *app) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainLimit)
	defer cancel()
	var wg sync.WaitGroup
	errs := make(chan error, len(a.pollers)+len(a.sinks))
	for _, p := range a.pollers {
		wg.Go(func() {
			if err := p.Once(ctx); err != nil {
				errs <- fmt.Errorf("channel %s: %w", p.Name(), err)
			}
		})
	}
	wg.Wait()
	for _, s := range a.sinks {
		wg.Go(func() {
			err := s.worker.Drain(ctx)
			if err == nil && s.follower != nil {
				err = s.follower.Drain(ctx)
			}
			if err != nil {
				errs <- fmt.Errorf("sink %s: %w", s.name, err)
			}
		})
	}
	wg.Wait()
	close(errs)
	var first error
	for err := range errs {
		a.log.Error("undone", "err", err.Error())
		if first == nil {
			first = err
		}
	}
	return first
}
