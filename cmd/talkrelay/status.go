package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"talkrelay/dispatch"
)

func newStatusCommand() *cobra.Command {
	var daemon askOptions
	var asJSON, watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Ask the running daemon how it is: last good poll, what waits, what is paused and why",
		Long: `Ask the running daemon how it is. The question goes over a Unix socket, which systemd makes at
` + systemdSocket + ` or, without systemd, the daemon itself beside its state file.

LAG is how long the next good poll is overdue, LEFT what is left of Channel Talk's allowance of requests. 24 H draws the
deliveries of the last 24 hours, the present one at the right. DOUBT marks a delivery that may have arrived and is being
looked for. DEAD counts messages that can never be delivered: 'talkrelay queue list --dead' says why.

Exit code: 0 all well, 1 something is broken or waits to be mended, 2 no daemon answers.`,
		Example: `  talkrelay status --config talkrelay.toml
  talkrelay status --watch
  talkrelay status --json     for programs`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			view := statusView{out: cmd.OutOrStdout(), json: asJSON}
			look := view.show
			if watch {
				look = view.watch
			}
			s, err := look(cmd.Context(), daemon)
			if err != nil {
				return err
			}
			if s.troubled() {
				return exitError{code: exitFailed}
			}
			return nil
		},
	}
	addAskFlags(cmd, &daemon)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, a line each time")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on every two seconds until Ctrl-C")
	return cmd
}

// watchEvery is the time between two looks of `status --watch`.
const watchEvery = 2 * time.Second

// statusView prints what the daemon says of itself.
type statusView struct {
	out  io.Writer
	json bool
}

// show asks and prints once.
func (v statusView) show(ctx context.Context, daemon askOptions) (status, error) {
	raw, err := daemon.ask(ctx, http.MethodGet, "/status", nil)
	if err != nil {
		return status{}, err
	}
	var s status
	if err := json.Unmarshal(raw, &s); err != nil {
		return status{}, failed(fmt.Errorf("read status: %w", err))
	}
	if v.json {
		_, err = v.out.Write(raw)
	} else {
		var text bytes.Buffer
		s.print(&text, terminalWidth(v.out), daemon.words())
		_, err = v.out.Write(text.Bytes())
	}
	if err != nil {
		return s, failed(err)
	}
	return s, nil
}

// watch shows the status until ctx ends, over the last one on a terminal and below it elsewhere. While no daemon
// answers it says so and goes on: it may be starting again.
func (v statusView) watch(ctx context.Context, daemon askOptions) (last status, err error) {
	const clear = "\x1b[H\x1b[2J" // cursor home, erase the screen
	for {
		if isTerminal(v.out) {
			fmt.Fprint(v.out, clear)
		}
		s, err := v.show(ctx, daemon)
		var exit exitError
		switch {
		case ctx.Err() != nil:
			return last, nil
		case errors.As(err, &exit) && exit.code == exitUsage:
			fmt.Fprintln(v.out, err)
		case err != nil:
			return last, err
		default:
			last = s
		}
		if !sleepUntil(ctx, time.Now().Add(watchEvery)) {
			return last, nil
		}
	}
}

// print writes s for a terminal of width columns, 0 = any number.
func (s status) print(w io.Writer, width int, words *screenWords) {
	fmt.Fprintf(w, words.Head+"\n\n", s.Version, words.ago(s.Started, s.Now), s.Config)
	channels := table{titles: words.Channels[:]}
	for _, c := range s.Channels {
		left := "?"
		if c.Left != nil {
			left = strconv.Itoa(*c.Left)
		}
		lag := words.span(time.Duration(c.Lag * float64(time.Second)))
		channels.add(c.Name, words.ago(c.LastGood, s.Now), lag, left, c.state(s.Now, words))
	}
	_ = channels.print(w, width)
	fmt.Fprintln(w)
	sinks := table{titles: words.Sinks[:]}
	for _, k := range s.Sinks {
		sinks.add(k.Name, sparkline(k.Hours), strconv.Itoa(k.Today), strconv.Itoa(k.Waiting), k.oldest(s.Now, words),
			map[bool]string{true: words.Yes, false: "-"}[k.InDoubt], strconv.Itoa(k.Dead), k.state(s.Now, words))
	}
	_ = sinks.print(w, width)
}

func (c channelStatus) state(now time.Time, words *screenWords) string {
	switch {
	case c.Trouble != "":
		return fmt.Sprintf(words.Broken, words.ago(c.Since, now), words.say(c.Trouble))
	case c.Note != "":
		return fmt.Sprintf(words.Noted, words.say(c.Note))
	}
	return words.OK
}

func (k sinkStatus) oldest(now time.Time, words *screenWords) string {
	if k.Waiting == 0 || k.Oldest.IsZero() {
		return "-"
	}
	return words.ago(k.Oldest, now)
}

func (k sinkStatus) state(now time.Time, words *screenWords) string {
	switch {
	case k.Trouble == "" && !k.Quiet.IsZero():
		return fmt.Sprintf(words.Quiet, words.clock(k.Quiet, now))
	case k.Trouble == "":
		return words.OK
	}
	format := words.Broken
	if k.Why == dispatch.WaitingPaused {
		format = words.Paused
	}
	text := fmt.Sprintf(format, words.ago(k.Since, now), words.say(k.Trouble))
	if k.NextTry.After(now) {
		text += fmt.Sprintf(words.NextTryIn, words.ago(now, k.NextTry))
	}
	return text
}

// sparkline draws counts, at least one, as bars, the highest one full; nothing delivered is a dot.
func sparkline(counts []int) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	most := slices.Max(counts)
	var b strings.Builder
	for _, n := range counts {
		if n == 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune(bars[(n*len(bars)-1)/most])
	}
	return b.String()
}
