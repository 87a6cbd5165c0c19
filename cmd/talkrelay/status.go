package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func newStatusCommand() *cobra.Command {
	var configPath, socket string
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
			paths := statusSockets(socket, configPath)
			s, raw, err := askStatus(cmd.Context(), paths)
			if err != nil {
				return exitError{exitUsage, err}
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
	cmd.Flags().StringVarP(&configPath, "config", "c", defaultConfig, "config file of the daemon to ask")
	cmd.Flags().StringVar(&socket, "socket", "", "control socket, if it is somewhere else")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// statusSockets lists where the daemon may listen, best guess first.
func statusSockets(socket, configPath string) []string {
	if socket != "" {
		return []string{socket}
	}
	paths := []string{systemdSocket}
	if c, err := readConfig(configPath, os.Getenv); err == nil {
		paths = append([]string{controlSocket(c.plan.state.Path)}, paths...)
	}
	return paths
}

func askStatus(ctx context.Context, paths []string) (status, []byte, error) {
	var problems []error
	for _, path := range paths {
		raw, err := getStatus(ctx, path)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		var s status
		if err := json.Unmarshal(raw, &s); err != nil {
			return status{}, nil, fmt.Errorf("read status from %s: %w", path, err)
		}
		return s, raw, nil
	}
	return status{}, nil, fmt.Errorf("no running talkrelay answers: is it started, and may you read its socket?\n%w", errors.Join(problems...))
}

func getStatus(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
		DisableKeepAlives: true,
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://talkrelay/status", nil)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, 4<<20))
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
