// Command talkrelay carries what happens in Channel Talk to Slack and Google Sheets. Each subcommand is one file here;
// configfile.go to plan.go turn the TOML file into the packages' own Configs, app.go connects the packages.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // one static binary must know Asia/Seoul on any machine

	"github.com/spf13/cobra"
)

// Exit codes. The unit file does not restart the service on exitConfig.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitConfig = 78 // EX_CONFIG of sysexits.h
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once, which is safe at any instant
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command line and returns the exit code. Errors are printed here and nowhere else.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var exit exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		if exit.err != nil {
			printError(stderr, exit.err.Error())
		}
		return exit.code
	}
	printError(stderr, fmt.Sprintf("talkrelay: %v\nSee 'talkrelay --help'.", err))
	return exitUsage
}

// printError prints why the program ends. Under the journal each line carries its priority, so that
// `journalctl -p err` finds it.
func printError(stderr io.Writer, text string) {
	prefix := ""
	if underJournal(os.Stderr, os.Getenv) {
		prefix = fmt.Sprintf("<%d>", priority(slog.LevelError))
	}
	for line := range strings.Lines(text + "\n") {
		fmt.Fprint(stderr, prefix, line)
	}
}

// exitError ends the program with a code; err is printed if there is one.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

func failed(err error) error { return exitError{exitFailed, err} }

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "talkrelay",
		Short: "Channel Talk (채널톡) → Slack and Google Sheets, each inquiry once, without an inbound port",
		Long: `talkrelay asks Channel Talk what is new and carries it to Slack and Google Sheets:
new inquiries, changed phone numbers and e-mail addresses. Each arrives once and in
order, whatever crashes meanwhile. It listens on no port.

Start here:
  talkrelay demo                       see it work in ten seconds, no account needed
  talkrelay init                       set up: asks, tries every key, writes the config
  talkrelay check --config FILE        try every key, channel and sheet of a config
  talkrelay run   --config FILE        run for real`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newRunCommand(), newCheckCommand(), newDemoCommand(), newInitCommand(), newPreviewCommand(), newStatusCommand(), newEventsCommand(), newShowCommand(), newQueueCommand(), newAlertCommand(), newBackfillCommand(), newVerifyCommand(), newForgetCommand(), newBackupCommand(), newManCommand(), newVersionCommand())
	return root
}

// group makes cmd a holder of subcommands: alone it shows its help, and a name that none of them has is wrong usage.
func group(cmd *cobra.Command, subcommands ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(subcommands...)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := ""
		cmd.SuggestionsMinimumDistance = 2
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = fmt.Sprintf("; did you mean %q?", near[0])
		}
		return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), hint)
	}
	return cmd
}
