package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

func newVerifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Count a day's inquiries in Channel Talk, Slack and the sheets, and list what differs",
		Long: `Count the inquiries that were opened on a day (yesterday, if none is named) in Channel Talk, in Slack and in the sheets,
each as far as routes send them there, and list by chat what is missing and what is too much. Slack's history is read
where the bot may; where it may not, the receipts in the state count.

--heal delivers what was never delivered, once, as backfill does, and counts again. What somebody deleted at the
destination is listed and not brought back. [verify] in the config does all this every day.
With a daemon running it is done by the daemon, else by this process. For root and the service's user.

Exit codes: 0 all equal, 1 something differs or it could not be counted, 2 wrong usage, 78 bad config.`,
		Example: `  talkrelay verify
  talkrelay verify --day 2026-11-26 --heal
  talkrelay verify --from 2026-11-01 --to 2026-11-30 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	addAskFlags(cmd, &o.daemon)
	cmd.Flags().StringVar(&o.ask.Day, "day", "", "the day, as in 2026-11-26, in the config's time zone (default: yesterday)")
	cmd.Flags().StringVar(&o.ask.From, "from", "", "first day, or time, of a longer period")
	cmd.Flags().StringVar(&o.ask.To, "to", "", "its last day, which is in it, or the time at which it ends (default: now)")
	cmd.Flags().BoolVar(&o.ask.Heal, "heal", false, "deliver what is missing, and count again")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

type verifyOptions struct {
	daemon askOptions
	ask    verifyRequest
	json   bool
}

// verifyRequest is the body of POST /verify.
type verifyRequest struct {
	Day  string `json:"day,omitempty"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	Heal bool   `json:"heal,omitempty"`
}

// period returns what is asked about; now is for yesterday.
func (r verifyRequest) period(now time.Time, loc *time.Location) (period, error) {
	switch {
	case r.Day != "" && (r.From != "" || r.To != ""), r.From == "" && r.To != "":
		return period{}, errors.New("name a day, or a period that begins with --from")
	case r.From != "":
		return parsePeriod(r.From, r.To, loc)
	case r.Day == "":
		return dayOf(dayOf(now, loc).from.Add(-time.Hour), loc), nil
	}
	day, isDay, err := parseMoment("--day", r.Day, loc)
	if err == nil && !isDay {
		err = fmt.Errorf("--day %q is no day: write it as in 2026-11-26", r.Day)
	}
	return dayOf(day, loc), err
}

func (o verifyOptions) run(ctx context.Context, stdout, stderr io.Writer) error {
	if _, err := o.ask.period(time.Now(), time.UTC); err != nil {
		return exitError{exitUsage, err}
	}
	words := o.daemon.words()
	stop := sayWait(ctx, stderr, words)
	last, err := haveDone(ctx, o.daemon, "/verify", o.ask, func(verifyResult) {}, o.alone)
	stop()
	if err != nil {
		return err
	}
	if o.json {
		err = json.NewEncoder(stdout).Encode(last)
	} else {
		err = last.print(stdout, words)
	}
	if err != nil {
		return failed(err)
	}
	if !last.Equal {
		return exitError{code: exitFailed}
	}
	return nil
}

func (o verifyOptions) alone(ctx context.Context, noDaemon error, see func(verifyResult) bool) error {
	var j *verifyJob
	prepare := func(d *daemon) (sinks []string, err error) {
		if j, err = d.newVerify(o.ask, time.Now()); err != nil || !o.ask.Heal {
			return nil, err
		}
		return j.sinkNames(), nil
	}
	return o.daemon.alone(ctx, noDaemon, prepare, func(ctx context.Context) error {
		see(j.result(j.run(ctx)))
		return nil
	})
}

// sayWait tells now and then that the count goes on, until stop is called.
func sayWait(ctx context.Context, w io.Writer, words *screenWords) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for began := time.Now(); sleepUntil(ctx, time.Now().Add(sayEvery)); {
			fmt.Fprintf(w, words.Counting+"\n", words.span(time.Since(began)))
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// serveVerify answers POST /verify with a stream that ends with the result.
func (d *daemon) serveVerify(w http.ResponseWriter, r *http.Request) {
	var ask verifyRequest
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		answerError(w, controlError{http.StatusBadRequest, err})
		return
	}
	j, err := d.newVerify(ask, time.Now())
	if err != nil {
		answerError(w, controlError{http.StatusBadRequest, err})
		return
	}
	streamLookBack(d, w, r, j.run, func(ended bool, err error) verifyResult {
		if !ended {
			return verifyResult{}
		}
		return j.result(err)
	})
}
