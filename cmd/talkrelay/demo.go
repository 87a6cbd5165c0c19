package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"talkrelay/sandbox"
)

func newDemoCommand() *cobra.Command {
	var opts demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work in ten seconds: a small Korean shop on simulated services, no account needed",
		Long: `Starts simulated Channel Talk, Slack and Google services on this machine, runs the real daemon with a
real config against them, lets a small shop's inquiries arrive (also a changed phone number, a chat
that is answered, closed and opened again, a hostile text, an outage of Slack), and shows what Slack
and the sheet hold. Slack's messages are edited as their chats go on.

Exit code: 0 everything arrived once and in order, 1 something was lost, doubled or shown wrongly.`,
		Example: `  talkrelay demo
  talkrelay demo --for 1h --page shop.html     keep the shop open, and say where the page goes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.out = cmd.OutOrStdout()
			if err := opts.run(cmd.Context()); err != nil {
				return failed(fmt.Errorf("demo: %w", err))
			}
			return nil
		},
	}
	cmd.Flags().DurationVar(&opts.lasts, "for", 8*time.Second, "how long inquiries keep arriving")
	cmd.Flags().StringVar(&opts.page, "page", "", "where to write the HTML page (default: a new file in the temporary directory)")
	cmd.Flags().BoolVar(&opts.showLog, "log", false, "show the daemon's log too")
	return cmd
}

type demoOptions struct {
	lasts   time.Duration
	page    string
	showLog bool
	out     io.Writer
}

// settleLimit is how long the demo waits on a slow machine: for the daemon's first look, for what a scene builds on, and
// after the last inquiry for the rest to arrive.
const settleLimit = time.Minute

func (o demoOptions) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "talkrelay-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	shop, err := openShop()
	if err != nil {
		return err
	}
	defer shop.world.Close()
	shop.living = true

	fmt.Fprintln(o.out, "모의 채널톡, Slack, Google을 이 컴퓨터에서 시작했습니다. / Simulated services are up on this machine.")
	config := filepath.Join(dir, "talkrelay.toml")
	if err := shop.writeConfig(dir, config); err != nil {
		return err
	}
	missing, err := o.relay(ctx, shop, config)
	if err != nil {
		return err
	}
	shop.print(o.out)
	path, err := shop.writePage(o.page)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, "\n%s\n  HTML: %s\n", missing.verdict(), path)
	if !missing.ok() {
		return errors.New("something was lost, doubled or out of order")
	}
	return nil
}

// relay runs the daemon on config while the shop is open, and returns how what arrived compares with what happened.
func (o demoOptions) relay(ctx context.Context, shop *demoShop, config string) (demoResult, error) {
	var log io.Writer = io.Discard
	if o.showLog {
		log = o.out
	}
	d, err := runOptions{config: config, log: logConfig{Format: "logfmt"}}.openDaemon(log)
	if err != nil {
		return demoResult{}, err
	}
	defer d.db.Close()

	daemonCtx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.serve(daemonCtx) }()

	watcher := newDemoWatcher(shop, o.out)
	watcher.until(ctx, d.looked)
	err = shop.live(ctx, o.lasts, watcher)
	if err == nil {
		watcher.until(ctx, func() bool { return shop.compare().ok() })
	}
	stop()
	if serveErr := <-ended; err == nil {
		err = serveErr
	}
	watcher.look()
	return shop.compare(), err
}

// looked reports whether every channel has been polled: what is new from then on is delivered.
func (d *daemon) looked() bool {
	return !slices.ContainsFunc(d.status().Channels, func(c channelStatus) bool { return c.LastGood.IsZero() })
}

// demoResult is what went wrong at each destination.
type demoResult struct {
	events        int
	slack, sheets sandbox.Diff
	changes       sandbox.Diff
	pings         int
	untrue        int // messages that do not show how their chat is
	violations    []string
}

func (r demoResult) ok() bool {
	return r.slack.OK() && r.sheets.OK() && r.changes.OK() && r.pings+r.untrue == 0 && len(r.violations) == 0
}

func (r demoResult) verdict() string {
	if r.ok() {
		return fmt.Sprintf("✓ 일어난 일 %d건이 Slack과 시트에 한 번씩, 순서대로 도착했습니다. / All %d events arrived, once each, in order.",
			r.events, r.events)
	}
	return fmt.Sprintf("✗ %d events: slack %+v, inquiries %+v, changes %+v, customers' pings %d, messages that are not true %d, protocol violations %v",
		r.events, r.slack, r.sheets, r.changes, r.pings, r.untrue, r.violations)
}
