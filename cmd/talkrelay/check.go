package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"talkrelay/channeltalk"
	"talkrelay/sink"
)

func newCheckCommand() *cobra.Command {
	var configPath string
	var asJSON, network bool
	var language languageFlag
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Try every key, channel and sheet of a config and say how to mend what fails",
		Long: `Try every key, channel and sheet of a config: one line each with ✓ or ✗ and what to do.
Nothing is written anywhere, and a running daemon is not disturbed.

--network prints the hosts and ports that the config needs, for the form that opens a firewall, and tries the way to each:
its name, the connection, the proxy, TLS. It uses no key.

Exit codes: 0 all good, 1 something failed, 78 bad config.`,
		Example: `  talkrelay check --config talkrelay.toml
  talkrelay check --network                          which hosts and ports, and whether they can be reached
  talkrelay check --config talkrelay.toml --json     for programs`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(configPath, os.Getenv)
			if err != nil {
				return err
			}
			c := newChecker(cmd.OutOrStdout(), asJSON, language.words(cfg.language))
			if network {
				if err := c.network(cmd.Context(), cfg); err != nil {
					return failed(err)
				}
				return c.result(c.words.AllReached)
			}
			if err := c.run(cmd.Context(), cfg); err != nil {
				return failed(err)
			}
			return c.result(c.words.AllGood)
		},
	}
	cmd.Flags().StringVarP(&configPath, "config", "c", defaultConfig, "config file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one finding an object")
	language.add(cmd)
	cmd.Flags().BoolVar(&network, "network", false, "print the hosts and ports that the config needs, and try the way to each")
	return cmd
}

// checkLine is one finding and the part of the config it belongs to.
type checkLine struct {
	Part string `json:"part"` // "channel main", "sink cs-alerts"
	OK   bool   `json:"ok"`
	Name string `json:"name"`
	Text string `json:"text"`
	Fix  string `json:"fix,omitempty"`
}

// checker runs the checks and prints each finding as it comes, so that a slow one is seen to be slow.
type checker struct {
	out   io.Writer
	json  bool
	words *screenWords
	lines []checkLine
	err   error // why the findings could not be printed
}

func newChecker(out io.Writer, json bool, words *screenWords) checker {
	return checker{out: out, json: json, words: words}
}

// checkTimeout bounds the checks of one channel or sink.
const checkTimeout = time.Minute

func (c *checker) run(ctx context.Context, cfg *config) error {
	base, err := sink.BaseTransport(cfg.plan.base.caPEM, cfg.plan.base.proxy)
	if err != nil {
		return err
	}
	c.configFindings(cfg)
	for _, ch := range cfg.plan.channels {
		c.channel(ctx, cfg, ch, base)
	}
	targets, err := makeTargets(cfg, base, func(string) sink.Memory { return forgetful{} }, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	for _, t := range targets {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		c.tried(ctx, "sink "+t.name, t.check(ctx)...)
		cancel()
	}
	if err := c.alerts(ctx, cfg); err != nil {
		return err
	}
	return interrupted(ctx)
}

// interrupted is the error of a check that somebody stopped, nil if nobody did.
func interrupted(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return errors.New("stopped before everything was tried")
}

func (c *checker) configFindings(cfg *config) {
	c.add("config", sink.Finding{Name: "file", OK: true, Text: fmt.Sprintf("%s: %d channels, %d sinks, %d routes",
		cfg.path, len(cfg.Channels), len(cfg.plan.sinks), len(cfg.Routes))})
	for _, w := range cfg.warnings {
		c.add("config", sink.Finding{Name: "file mode", Text: "secrets may be read by other users", Fix: w})
	}
	c.add("config", stateFinding(cfg.plan.state.Path), proxyFinding(cfg.plan.base.proxy, cfg.Channels))
}

// stateFinding tries to write where the state file is, without touching it.
func stateFinding(path string) sink.Finding {
	f := sink.Finding{Name: "state file", OK: true, Text: path}
	probe, err := os.CreateTemp(filepath.Dir(path), ".talkrelay-check-*")
	if err != nil {
		return sink.Finding{Name: "state file", Text: err.Error(),
			Fix: "make the directory of state.path, and let the user that runs talkrelay write to it"}
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return f
}

// proxyFinding says how requests leave the machine.
func proxyFinding(proxy string, channels []channelFile) sink.Finding {
	f := sink.Finding{Name: "proxy", OK: true, Text: "none, direct connections"}
	if proxy != "" {
		f.Text = "network.proxy"
		return f
	}
	for _, ch := range channels {
		req, err := http.NewRequest(http.MethodGet, ch.BaseURL, nil)
		if err != nil {
			continue
		}
		if u, err := http.ProxyFromEnvironment(req); err == nil && u != nil {
			f.Text = "from the environment: " + u.Host
		}
	}
	return f
}

// channel tries the key of one Channel Talk channel and looks at the clock.
func (c *checker) channel(ctx context.Context, cfg *config, p channelPlan, base http.RoundTripper) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	p.client.Transport = base
	client := channeltalk.New(p.client)
	part := "channel " + p.poller.Name
	if !p.poller.Waiting.Holidays.None() {
		c.add(part, holidaysFinding(p.poller, time.Now()))
	}
	ch, err := client.Channel(ctx)
	if err != nil {
		c.tried(ctx, part, sink.Finding{Name: "access key", Text: err.Error(), Fix: channelFix(err)})
		return
	}
	c.add(part, sink.Finding{Name: "access key", OK: true, Text: fmt.Sprintf("channel %q, id %s", ch.Name, ch.ID)})
	page, err := client.UserChats(ctx, channeltalk.Query{State: "opened", Limit: 1})
	if err != nil {
		c.tried(ctx, part, sink.Finding{Name: "chat list", Text: err.Error(), Fix: channelFix(err)})
		return
	}
	c.add(part, sink.Finding{Name: "chat list", OK: true, Text: "readable"}, clockFinding(page.ServerTime, time.Now()))
	if f, asked := teamChatsFinding(ctx, cfg, p.poller, client); asked {
		c.tried(ctx, part, f)
	}
}

// channelFix says what to do about a failed request to Channel Talk.
func channelFix(err error) string {
	switch {
	case errors.Is(err, channeltalk.Credentials):
		return "correct access_key and access_secret: channel settings > security and development > API key management; the Open API needs a paid plan"
	case errors.Is(err, channeltalk.Unreachable):
		return "let this machine reach the host of base_url on port 443, or set network.proxy and network.ca_file"
	case errors.Is(err, channeltalk.Throttled):
		return "another tool uses up this channel's request limit; wait, or lower its rate"
	}
	return "check base_url; if it is right, try again later"
}

// maxClockSkew is how far off this machine's clock may be before signed requests to Google begin to fail.
const maxClockSkew = 2 * time.Minute

func clockFinding(server, now time.Time) sink.Finding {
	if server.IsZero() {
		return sink.Finding{Name: "clock", OK: true, Text: "not compared, the reply had no date"}
	}
	skew := now.Sub(server).Round(time.Second)
	if skew.Abs() > maxClockSkew {
		return sink.Finding{Name: "clock", Text: fmt.Sprintf("this machine is off by %s", skew), Fix: "turn on time synchronisation: timedatectl set-ntp true"}
	}
	return sink.Finding{Name: "clock", OK: true, Text: "right"}
}

func (c *checker) add(part string, findings ...sink.Finding) {
	for _, f := range findings {
		line := checkLine{Part: part, OK: f.OK, Name: f.Name, Text: f.Text, Fix: f.Fix}
		c.lines = append(c.lines, line)
		if err := c.print(line); err != nil {
			c.err = err
		}
	}
}

// tried is add for what may have come to nothing because ctx ended meanwhile: then there is no finding.
func (c *checker) tried(ctx context.Context, part string, findings ...sink.Finding) {
	if !errors.Is(ctx.Err(), context.Canceled) {
		c.add(part, findings...)
	}
}

func (c *checker) print(l checkLine) error {
	if c.json {
		return json.NewEncoder(c.out).Encode(l)
	}
	mark, fix := "✓", ""
	if !l.OK {
		mark = "✗"
	}
	if l.Fix != "" {
		fix = "    → " + c.words.say(l.Fix) + "\n"
	}
	_, err := fmt.Fprintf(c.out, "%s %s: %s: %s\n%s", mark, c.words.say(l.Part), c.words.say(l.Name), c.words.say(l.Text), fix)
	return err
}

// result sums up. good is what is said if nothing has failed.
func (c *checker) result(good string) error {
	if c.err != nil {
		return failed(fmt.Errorf("print what was found: %w", c.err))
	}
	bad := 0
	for _, l := range c.lines {
		if !l.OK {
			bad++
		}
	}
	if bad == 0 {
		if !c.json {
			fmt.Fprintln(c.out, good)
		}
		return nil
	}
	if !c.json {
		fmt.Fprintf(c.out, c.words.ToMend+"\n", bad)
	}
	return exitError{code: exitFailed}
}

// forgetful is the memory of a sink that is only looked at.
type forgetful struct{}

func (forgetful) Load() ([]byte, error) { return nil, nil }
func (forgetful) Save([]byte) error     { return nil }
