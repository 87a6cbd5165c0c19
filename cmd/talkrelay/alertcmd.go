package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"talkrelay/alert"
	"talkrelay/sink"
)

func newAlertCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "alert",
		Short: "Try the paths that alerts go over",
		Long: `The table [alert] of the config names other paths to people, for the day when talkrelay itself is in trouble:
a Slack channel, a webhook, an e-mail, a heartbeat. An alert that was never tried is none.`,
	}, newAlertTestCommand())
}

func newAlertTestCommand() *cobra.Command {
	var configPath string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send one test alert over every path of [alert] and say what happened",
		Long: `Send one test alert over every path of [alert] and say what happened. A heartbeat is sent once.
No daemon need run, and one that runs is not disturbed.

Exit codes: 0 all paths work, 1 one does not or there is none, 78 bad config.`,
		Example: `  talkrelay alert test --config talkrelay.toml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(configPath, os.Getenv)
			if err != nil {
				return err
			}
			return testAlerts(cmd.Context(), cfg, newChecker(cmd.OutOrStdout(), asJSON, screenWordsOf(cfg.language)))
		},
	}
	cmd.Flags().StringVarP(&configPath, "config", "c", defaultConfig, "config file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one path an object")
	return cmd
}

func testAlerts(ctx context.Context, cfg *config, c checker) error {
	paths, err := cfg.alertPathsToTry()
	if err != nil {
		return failed(err)
	}
	if len(paths) == 0 {
		return failed(fmt.Errorf("%s: [alert] names no path: fill in alert.slack, alert.webhook, alert.email or alert.heartbeat", cfg.path))
	}
	message := cfg.plan.alert.voice.Message(alert.Report{At: time.Now(), Test: true})
	for _, p := range paths {
		c.tryPath(ctx, cfg, p, "test alert", func(ctx context.Context) (string, error) { return "sent", p.Send(ctx, message) })
	}
	if err := interrupted(ctx); err != nil {
		return failed(err)
	}
	return c.result(c.words.AllPaths)
}

// alertPathsToTry returns every path, the heartbeat included.
func (c *config) alertPathsToTry() ([]alert.Path, error) {
	base, err := sink.BaseTransport(c.plan.base.caPEM, c.plan.base.proxy)
	if err != nil {
		return nil, err
	}
	paths, heartbeat := c.plan.alert.connect(base)
	if heartbeat != nil && heartbeat.FailURL == "" {
		paths = append(paths, heartbeat)
	}
	return paths, nil
}

// alerts checks the paths without a message.
func (c *checker) alerts(ctx context.Context, cfg *config) error {
	paths, err := cfg.alertPathsToTry()
	if err != nil {
		return err
	}
	for _, p := range paths {
		c.tryPath(ctx, cfg, p, "path", p.Check)
	}
	return nil
}

// tryPath tries one path and adds what came of it.
func (c *checker) tryPath(ctx context.Context, cfg *config, p alert.Path, name string, try func(context.Context) (string, error)) {
	ctx, cancel := context.WithTimeout(ctx, cfg.plan.alert.timeout)
	defer cancel()
	found, err := try(ctx)
	f := sink.Finding{Name: name, OK: err == nil, Text: found}
	if err != nil {
		f.Text = replacer(cfg.secrets).Replace(err.Error())
		f.Fix = "correct [" + p.Name() + "], and let this machine reach its host"
	}
	c.tried(ctx, p.Name(), f)
}
