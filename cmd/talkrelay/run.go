package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"talkrelay/dispatch"
	"talkrelay/poller"
	"talkrelay/state"
)

// defaultConfig is where the packages put the config file.
const defaultConfig = "/etc/talkrelay/talkrelay.toml"

func newRunCommand() *cobra.Command {
	var opts runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Poll Channel Talk and deliver to the sinks until stopped",
		Long: `Poll Channel Talk and deliver to the sinks until stopped.

The first start looks at what is there and sends nothing; only what happens from then on is delivered.
SIGTERM or Ctrl-C stops after the send in hand (10 s at most). SIGHUP reads the config again, all or nothing.

Exit codes: 0 good, 1 failed, 2 wrong usage, 78 bad config.`,
		Example: `  talkrelay run --config talkrelay.toml
  talkrelay run --config talkrelay.toml --once     poll once, deliver, exit: for cron`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return opts.run(cmd.Context(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVarP(&opts.config, "config", "c", defaultConfig, "config file")
	cmd.Flags().BoolVar(&opts.once, "once", false, "poll every channel once, deliver what waits, and exit")
	addLogFlags(cmd, &opts.log)
	return cmd
}

func addLogFlags(cmd *cobra.Command, cfg *logConfig) {
	cmd.Flags().StringVar(&cfg.Format, "log-format", "logfmt", "logfmt or json")
	cmd.Flags().BoolVar(&cfg.Verbose, "verbose", false, "log debug lines too")
	_ = cmd.RegisterFlagCompletionFunc("log-format", cobra.FixedCompletions([]string{"logfmt", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

type runOptions struct {
	config string
	once   bool
	log    logConfig
	seams  seams // nil but in tests
}

// seams is where a test gets between the packages. It may put something of its own in front of what a config holds,
// before the package gets it.
type seams interface {
	transport(*http.Transport)
	state(*state.Config)
	poller(*poller.Config)
	worker(*dispatch.WorkerConfig)
}

// openDaemon loads the config and opens the state file.
func (o runOptions) openDaemon(stderr io.Writer) (*daemon, error) {
	if o.log.Format != "logfmt" && o.log.Format != "json" {
		return nil, exitError{exitUsage, fmt.Errorf(`--log-format must be "logfmt" or "json"`)}
	}
	o.log.Journal = underJournal(os.Stderr, os.Getenv)
	cfg, err := loadConfig(o.config, os.Getenv)
	if err != nil {
		return nil, err
	}
	log := newLogger(stderr, o.log, cfg.secrets)
	cfg.warn(log)
	stateCfg := cfg.plan.state
	stateCfg.Logger = log
	if o.seams != nil {
		o.seams.state(&stateCfg)
	}
	db, err := state.Open(stateCfg)
	if err != nil {
		log.Error("open state file", "err", err.Error())
		return nil, failed(fmt.Errorf("open state file: %w", err))
	}
	d := &daemon{options: o, stderr: stderr, db: db, started: time.Now(), chores: make(chan chore)}
	if err := d.use(cfg, log); err != nil {
		_ = db.Close()
		return nil, failed(err)
	}
	return d, nil
}

func (o runOptions) run(ctx context.Context, stderr io.Writer) error {
	d, err := o.openDaemon(stderr)
	if err != nil {
		return err
	}
	if o.once {
		err = errors.Join(d.app.once(ctx), d.erase(ctx)) // nobody else erases where cron does the running
	} else {
		err = d.serve(ctx)
	}
	if closeErr := d.db.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return failed(err)
	}
	return nil
}

func (c *config) warn(log *slog.Logger) {
	for _, w := range c.warnings {
		log.Warn("config", "err", w)
	}
}

// daemon is the process around the app: what stays while configs come and go.
type daemon struct {
	options runOptions
	stderr  io.Writer
	db      *state.DB

	mu  sync.Mutex // guards what a reload replaces; serve, which alone replaces it, reads without
	cfg *config
	log *slog.Logger
	app *app

	started  time.Time
	watchdog watchdog
	chores   chan chore
	lookBack sync.Mutex // held by the one job at a time that reads old chats
}

// use makes cfg the daemon's config. On an error the daemon keeps what it had.
func (d *daemon) use(cfg *config, log *slog.Logger) error {
	a, err := d.newApp(cfg, log)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cfg, d.log, d.app = cfg, log, a
	d.watchdog.expect(cfg.Channels)
	return nil
}

// inForce returns what the last reload left, for whatever goes on beside serve.
func (d *daemon) inForce() (*config, *app, *slog.Logger) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cfg, d.app, d.log
}

// serve runs until ctx ends. A reload stops the app between two sends and starts the next one on the same file.
func (d *daemon) serve(ctx context.Context) error {
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)

	var aside sync.WaitGroup
	defer aside.Wait()
	asideCtx, stopAside := context.WithCancel(ctx)
	defer stopAside()
	d.startAside(asideCtx, &aside)

	d.log.Info("started", "channels", len(d.cfg.Channels), "sinks", len(d.app.sinks))
	notify(d.log, daemonReady)
	for {
		appCtx, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- d.app.run(appCtx) }()
		pause := d.awaitPause(ctx, reload, ended)
		if pause == nil {
			notify(d.log, daemonStopping)
		}
		stop()
		err := <-ended
		if pause == nil {
			d.log.Info("stopped")
			return err
		}
		if err := pause(); err != nil {
			return err
		}
	}
}

// awaitPause waits for something to be done while nothing is polled or delivered, and returns it: a reload whose config is good,
// or what was given to between. nil = the daemon is to end.
func (d *daemon) awaitPause(ctx context.Context, reload <-chan os.Signal, ended chan error) func() error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			ended <- err
			return nil
		case <-reload:
			notify(d.log, daemonReloading())
			if next := d.readAgain(); next != nil {
				return func() error { return d.reload(next) }
			}
			notify(d.log, daemonReady)
		case c := <-d.chores:
			return func() error {
				c.done <- c.do()
				return d.use(d.cfg, d.log)
			}
		}
	}
}

// chore is something to be done while nothing is polled or delivered.
type chore struct {
	do   func() error
	done chan error
}

// between does something while nothing is polled or delivered: after the sends in hand, ten seconds at most. It returns
// the error of do, or that of ctx if its turn did not come.
func (d *daemon) between(ctx context.Context, do func() error) error {
	c := chore{do, make(chan error, 1)}
	select {
	case d.chores <- c:
		return <-c.done
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readAgain loads the config file anew. It returns nil, and the daemon goes on as it was, if the file is bad or asks
// for something that only a restart can change.
func (d *daemon) readAgain() *config {
	next, err := readConfig(d.options.config, os.Getenv)
	if err != nil {
		d.log.Error("reload refused, the old config stays in force", "err", err.Error())
		return nil
	}
	if key := stateChange(d.cfg.plan.state, next.plan.state); key != "" {
		d.log.Error("reload refused, the old config stays in force", "err", key+" can only change with a restart")
		return nil
	}
	return next
}

// stateChange names the key of what differs between two configs of the open state file, "" if nothing does.
func stateChange(old, next state.Config) string {
	switch {
	case next.Path != old.Path:
		return "state.path"
	case next.Retention != old.Retention:
		return "state.retention"
	case next.MaxSize != old.MaxSize:
		return "state.max_size_mb"
	}
	return ""
}

// reload puts next in force. The app has stopped; the state file, and with it every cursor, stays as it is.
func (d *daemon) reload(next *config) error {
	defer func() { notify(d.log, daemonReady) }()
	log := newLogger(d.stderr, d.options.log, next.secrets)
	if err := d.use(next, log); err != nil {
		d.log.Error("reload refused, the old config stays in force", "err", err.Error())
		return d.use(d.cfg, d.log)
	}
	next.warn(d.log)
	d.log.Info("reloaded", "channels", len(next.Channels), "sinks", len(d.app.sinks))
	return nil
}
