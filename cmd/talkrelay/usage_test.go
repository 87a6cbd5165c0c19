package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestWrongUsage gives command lines that mean nothing. None of them starts anything.
func TestWrongUsage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tests := []struct {
		args string
		says string
	}{
		{"run --confg x", "unknown flag: --confg"},
		{"run --once=maybe", "--once"},
		{"run extra", "extra"},
		{"run --config", "flag needs an argument"},
		{"run --config " + r.config + " --log-format xml", `--log-format must be "logfmt" or "json"`},
		{"check --josn", "unknown flag: --josn"},
		{"check extra", "extra"},
		{"status -x", "unknown shorthand flag"},
		{"demo --for soon", "--for"},
		{"demo --fro 1s", "unknown flag: --fro"},
		{"version --long", "unknown flag: --long"},
		{"rnu", `unknown command "rnu"`},
		{"queue lits", `unknown command "lits" for "talkrelay queue"; did you mean "list"?`},
		{"alert tset", `unknown command "tset" for "talkrelay alert"; did you mean "test"?`},
		{"--verbose", "unknown flag: --verbose"},
	}
	for _, test := range tests {
		code, out, errs := here(t, strings.Fields(test.args)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, test.says) {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s%s", test.args, code, exitUsage, test.says, out, errs)
		}
	}
	if n := r.world.ChannelTalk.Total(); n > 0 {
		t.Errorf("%d requests were made", n)
	}
}

// TestHelp asks every command for help.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, cmd := range commands(newRootCommand()) {
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		code, out, errs := here(t, args...)
		if code != exitOK || errs != "" || !strings.Contains(out, "Usage:") || cmd.Short == "" {
			t.Errorf("%q: exit code %d:\n%s%s", args, code, out, errs)
		}
		if _, examples, _ := strings.Cut(out, "Examples:\n"); !cmd.HasSubCommands() && !strings.Contains(examples, "  "+cmd.CommandPath()) &&
			!strings.Contains(examples, "  sudo "+cmd.CommandPath()) {
			t.Errorf("%q shows no example:\n%s", args, out)
		}
	}
	if code, out, _ := here(t); code != exitOK || !strings.Contains(out, "Start here:") {
		t.Errorf("without arguments: exit code %d:\n%s", code, out)
	}
}

// commands lists root and all of its own commands.
func commands(root *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{root}
	for _, c := range root.Commands() {
		all = append(all, commands(c)...)
	}
	return all
}
