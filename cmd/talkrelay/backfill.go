package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"talkrelay/poller"
)

func newBackfillCommand() *cobra.Command {
	var o backfillOptions
	cmd := &cobra.Command{
		Use:   "backfill --from DAY",
		Short: "Bring old inquiries to the sheets (or other sinks) that lack them",
		Long: `Bring the inquiries of a period, by the time they were opened, to sinks that lack them: by default to every sheet to
which a route sends new inquiries; to Slack only when it is named. Routes and filters decide as for new inquiries.

Nothing is doubled: what was delivered, waits, or stands in the sheet or the Slack channel already, whoever put it there,
is left alone, and what is brought now is never delivered again. Of a chat that was opened more than twice, Channel Talk
shows the first opening and the last; these two are brought.

It can be stopped at any time (Ctrl-C, kill, reboot): the same command goes on where it was. New inquiries are
delivered meanwhile and hardly wait; reading old ones keeps to backfill.requests_per_minute. Rows begin with the chats that were closed first.
With a daemon running it is done by the daemon, else by this process. For root and the service's user.

Exit codes: 0 done, 1 failed or stopped, 2 wrong usage, 78 bad config.`,
		Example: `  talkrelay backfill --from 2026-01-01 --dry-run                  count first
  talkrelay backfill --from 2026-01-01                            into the sheets
  talkrelay backfill --from 2026-03-01 --to 2026-03-31 --sink cs-archive`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	addAskFlags(cmd, &o.daemon)
	cmd.Flags().StringVar(&o.ask.From, "from", "", "first day, or time, of the period, in the config's time zone")
	cmd.Flags().StringVar(&o.ask.To, "to", "", "last day, which is in it, or the time at which it ends (default: now)")
	cmd.Flags().StringSliceVar(&o.ask.Sinks, "sink", nil, "only these sinks, by name (default: the sheets)")
	cmd.Flags().BoolVar(&o.ask.Dry, "dry-run", false, "only count, and write nothing")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON")
	return cmd
}

type backfillOptions struct {
	daemon askOptions
	ask    backfillRequest
	json   bool
}

func (o backfillOptions) run(ctx context.Context, stdout, stderr io.Writer) error {
	if o.ask.From == "" {
		return exitError{exitUsage, errors.New("say from when on: talkrelay backfill --from 2026-01-01")}
	}
	if _, err := parsePeriod(o.ask.From, o.ask.To, time.UTC); err != nil {
		return exitError{exitUsage, err}
	}
	view := newBackfillView(stderr, o.daemon.words())
	show := func(p backfillProgress) { view.show(p, time.Now()) }
	last, err := haveDone(ctx, o.daemon, "/backfill", o.ask, show, o.alone)
	view.end()
	if printErr := o.print(stdout, last); err == nil {
		err = failedIf(printErr)
	}
	return err
}

func (o backfillOptions) alone(ctx context.Context, noDaemon error, see func(backfillProgress) bool) error {
	var j *backfillJob
	prepare := func(d *daemon) (sinks []string, err error) {
		if j, err = d.newBackfill(o.ask); err != nil || o.ask.Dry {
			return nil, err
		}
		return j.sinks, nil
	}
	return o.daemon.alone(ctx, noDaemon, prepare, func(ctx context.Context) error {
		ended := make(chan error, 1)
		go func() { ended <- j.run(ctx) }()
		tick := time.NewTicker(streamEvery)
		defer tick.Stop()
		for {
			select {
			case err := <-ended:
				see(j.result(err))
				return nil
			case <-tick.C:
				see(j.progress())
			}
		}
	})
}

// print writes what came of it, unless nothing did.
func (o backfillOptions) print(w io.Writer, p backfillProgress) error {
	if len(p.Sinks) == 0 && !p.Done {
		return nil
	}
	if o.json {
		return json.NewEncoder(w).Encode(p)
	}
	return p.print(w, o.daemon.words())
}

// result is the last thing told of a job.
func (j *backfillJob) result(err error) backfillProgress {
	p := j.progress()
	p.Step, p.Trouble = "", ""
	switch {
	case err == nil:
		p.Done, p.Chats = true, p.Total
	case errors.Is(err, context.Canceled):
		p.Error = errStoppedByUser.Error()
	case errors.Is(err, poller.ErrNoFirstLook):
		p.Error = err.Error() + ": try again in a minute"
	default:
		p.Error = replacer(j.cfg.secrets).Replace(err.Error())
	}
	return p
}

// serveBackfill answers POST /backfill with a stream of backfillProgress.
func (d *daemon) serveBackfill(w http.ResponseWriter, r *http.Request) {
	var ask backfillRequest
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		answerError(w, controlError{http.StatusBadRequest, err})
		return
	}
	j, err := d.newBackfill(ask)
	if err != nil {
		answerError(w, controlError{http.StatusBadRequest, err})
		return
	}
	streamLookBack(d, w, r, j.run, func(ended bool, err error) backfillProgress {
		if !ended {
			return j.progress()
		}
		p := j.result(err)
		if p.Error != "" {
			d.logger().Warn("bringing old inquiries stopped", "count", p.added(), "err", p.Error)
		} else if !p.Dry {
			d.logger().Info("old inquiries brought", "count", p.added())
		}
		return p
	})
}

// added counts over all sinks and months.
func (p backfillProgress) added() (n int) {
	for _, months := range p.Sinks {
		for _, c := range months {
			n += c.Added
		}
	}
	return n
}
