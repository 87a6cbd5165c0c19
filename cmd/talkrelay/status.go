package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func newStatusCommand() *cobra.Command {
	var daemon askOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Ask the running daemon how it is: last good poll, what waits, what is paused and why",
		Long: `Ask the running daemon how it is. The question goes over a Unix socket, which systemd makes at
` + systemdSocket + ` or, without systemd, the daemon itself beside its state file.

Exit code: 0 all well, 1 something is broken or waits to be mended, 2 no daemon answers.`,
		Example: `  talkrelay status --config talkrelay.toml
  talkrelay status --json     for programs`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := daemon.ask(cmd.Context(), http.MethodGet, "/status", nil)
			if err != nil {
				return err
			}
			var s status
			if err := json.Unmarshal(raw, &s); err != nil {
				return failed(fmt.Errorf("read status: %w", err))
			}
			if asJSON {
				_, err = cmd.OutOrStdout().Write(raw)
			} else {
				printStatus(cmd.OutOrStdout(), s, time.Now())
			}
			if err != nil {
				return failed(err)
			}
			if s.troubled() {
				return exitError{code: exitFailed}
			}
			return nil
		},
	}
	addAskFlags(cmd, &daemon)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// status is what the running daemon says of itself. Times are RFC 3339; a zero time is left out.
type status struct {
	Version  string          `json:"version"`
	Started  time.Time       `json:"started"`
	Config   string          `json:"config"`
	Channels []channelStatus `json:"channels"`
	Sinks    []sinkStatus    `json:"sinks"`
}

type channelStatus struct {
	Name     string    `json:"name"`
	LastGood time.Time `json:"lastGoodPoll,omitzero"`
	Trouble  string    `json:"trouble,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Note     string    `json:"note,omitempty"`
}

type sinkStatus struct {
	Name      string    `json:"name"`
	Delivered int       `json:"delivered"` // since the daemon started
	Waiting   int       `json:"waiting"`
	Oldest    time.Time `json:"oldestWaiting,omitzero"`
	Dead      int       `json:"dead"`
	InDoubt   bool      `json:"inDoubt,omitempty"`
	Trouble   string    `json:"trouble,omitempty"`
	Since     time.Time `json:"since,omitzero"`
	NextTry   time.Time `json:"nextTry,omitzero"`
}

// troubled reports whether somebody should look.
func (s status) troubled() bool {
	for _, c := range s.Channels {
		if c.Trouble != "" {
			return true
		}
	}
	for _, k := range s.Sinks {
		if k.Trouble != "" || k.Dead > 0 {
			return true
		}
	}
	return false
}

func printStatus(w io.Writer, s status, now time.Time) {
	fmt.Fprintf(w, "talkrelay %s, up %s, config %s\n\n", s.Version, ago(s.Started, now), s.Config)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "CHANNEL\tLAST GOOD POLL\tSTATE")
	for _, c := range s.Channels {
		fmt.Fprintf(t, "%s\t%s\t%s\n", c.Name, ago(c.LastGood, now), stateWords(c.Trouble, c.Since, now, c.Note))
	}
	fmt.Fprintln(t, "\nSINK\tDELIVERED\tWAITING\tDEAD\tSTATE")
	for _, k := range s.Sinks {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\n", k.Name, k.Delivered, k.Waiting, k.Dead, stateWords(k.Trouble, k.Since, now, ""))
	}
	t.Flush()
}

func stateWords(trouble string, since, now time.Time, note string) string {
	switch {
	case trouble != "":
		return fmt.Sprintf("BROKEN for %s: %s", ago(since, now), trouble)
	case note != "":
		return "ok; " + note
	}
	return "ok"
}

// ago prints how long before now t was, "never" for the zero time.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return now.Sub(t).Round(time.Second).String()
}
