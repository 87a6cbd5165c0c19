package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"talkrelay/dispatch"
	"talkrelay/sink"
	"talkrelay/sink/sheets"
	"talkrelay/sink/slack"
)

// target is a destination built from the config: what a worker needs of it, and what `check` does.
type target struct {
	name   string
	sink   sink.Sink
	check  func(context.Context) []sink.Finding
	worker dispatch.WorkerConfig // what depends on the kind of destination
}

// makeTargets builds every sink. memory gives each a place for the little it remembers.
func makeTargets(cfg *config, base http.RoundTripper, memory func(key string) sink.Memory, log *slog.Logger) ([]target, error) {
	slackTargets, err := makeSlack(cfg.plan.slack, base, memory, log)
	if err != nil {
		return nil, err
	}
	sheetsTargets, err := makeSheets(cfg.plan.sheets, base, memory, log)
	return append(slackTargets, sheetsTargets...), err
}

// makeSlack builds the Slack sinks. Sinks of one token share its workspace: its pace, its holds, its credential.
func makeSlack(plans []slackPlan, base http.RoundTripper, memory func(string) sink.Memory, log *slog.Logger) ([]target, error) {
	type credential struct{ apiURL, token string }
	workspaces := map[credential]*slack.Workspace{}
	var targets []target
	for _, p := range plans {
		cfg := p.Config
		cfg.Base, cfg.Memory, cfg.Logger = base, memory("slack/"+cfg.Name), log.With("sink", cfg.Name)
		shared := credential{cfg.APIURL, cfg.Token}
		if workspaces[shared] == nil {
			workspaces[shared] = slack.NewWorkspace(cfg)
		}
		s, err := slack.New(cfg, workspaces[shared])
		if err != nil {
			return nil, fmt.Errorf("sink %s: %w", cfg.Name, err)
		}
		targets = append(targets, target{cfg.Name, s, s.Check, dispatch.WorkerConfig{
			MaxItems:          slackItems(p.Config),
			LookupsAnswered:   p.lookupsAnswered,
			LookupsUnanswered: p.lookupsUnanswered,
			RecheckAfter:      p.recheckAfter,
		}})
	}
	return targets, nil
}

// slackItems is how many deliveries one message may hold: those of a digest, if the sink makes any.
func slackItems(c slack.Config) int {
	if c.DigestAbove == 0 {
		return 1
	}
	return max(slack.MaxDigest, c.DigestAbove+1)
}

// makeSheets builds the Sheets sinks. Sinks of one service account share its quota, which Google counts by account.
func makeSheets(plans []sheets.Config, base http.RoundTripper, memory func(string) sink.Memory, log *slog.Logger) ([]target, error) {
	accounts := map[string]*sheets.Account{}
	var targets []target
	for _, cfg := range plans {
		cfg.Base, cfg.Memory, cfg.Logger = base, memory("sheets/"+cfg.Name), log.With("sink", cfg.Name)
		shared := cfg.AccountID()
		if accounts[shared] == nil {
			account, err := sheets.NewAccount(cfg)
			if err != nil {
				return nil, fmt.Errorf("sink %s: %w", cfg.Name, err)
			}
			accounts[shared] = account
		}
		s, err := sheets.New(cfg, accounts[shared])
		if err != nil {
			return nil, fmt.Errorf("sink %s: %w", cfg.Name, err)
		}
		targets = append(targets, target{cfg.Name, s, s.Check, dispatch.WorkerConfig{MaxItems: cfg.BatchRows}})
	}
	return targets, nil
}
