package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"talkrelay/channeltalk"
	"talkrelay/sink"
	"talkrelay/sink/sheets"
	"talkrelay/sink/slack"
)

// Variables that `init` takes secrets from, so that none ever stands in a command line.
const (
	envAccessKey    = "TALKRELAY_ACCESS_KEY"
	envAccessSecret = "TALKRELAY_ACCESS_SECRET"
	envSlackToken   = "TALKRELAY_SLACK_TOKEN"
)

func newInitCommand() *cobra.Command {
	o := initOptions{getenv: os.Getenv, example: installedExample}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Set up: asks for the keys, tries each, writes the config",
		Long: `Set up: asks for the keys of Channel Talk, Slack and Google and tries each as it is typed, lists the Slack channels and
the tabs of the spreadsheet to choose from, and writes a commented config with ready routes: new inquiries to Slack and a
sheet, changed contacts to a sheet. Nothing is written before the end, and nothing existing is overwritten without --force.

Secrets go into files of their own (channel_secret, slack_token, google.json; mode 0600), never into the config: beside
it, or into the directory credentials there if there is one, as the packages make it for the systemd service. The config
is 0600 too, but in the service's case, whose user must be able to read it, 0644.

What is given by a flag or variable is not asked for. --yes asks nothing: for scripts. Secrets are taken from files and
from the variables ` + envAccessKey + `, ` + envAccessSecret + ` and ` + envSlackToken + `.

Exit codes: 0 written, 1 not (nothing is left behind), 2 usage.`,
		Example: `  sudo talkrelay init
  talkrelay init --config talkrelay.toml --language ko
  ` + envAccessKey + `=64f0… talkrelay init --config talkrelay.toml --yes --access-secret-file secret \
      --slack-token-file token --slack-channel cs-alerts \
      --google-key-file google-key.json --spreadsheet https://docs.google.com/spreadsheets/d/1AbC…/edit`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), typist{in: cmd.InOrStdin(), out: cmd.OutOrStdout()})
		},
	}
	o.addFlags(cmd)
	return cmd
}

// initOptions are what `init` was told before it asks.
type initOptions struct {
	getenv  func(string) string
	example string // where the packages install config.toml.example

	config   string
	language string
	force    bool
	yes      bool

	accessKeyFile, accessSecretFile string
	slackTokenFile, slackChannel    string
	googleKeyFile, spreadsheet      string
	inquiriesTab, changesTab        string
	routes                          []string

	baseURL, apiURL, endpoint string
	proxy, caFile             string
}

func (o *initOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&o.config, "config", "c", defaultConfig, "config file to write")
	f.StringVar(&o.language, "language", "", "ko, en or ja: of the questions, messages and headers (default: asked; with --yes by $LANG)")
	f.BoolVar(&o.force, "force", false, "overwrite files that exist")
	f.BoolVarP(&o.yes, "yes", "y", false, "ask nothing; what is missing is an error")
	f.StringVar(&o.accessKeyFile, "access-key-file", "", "file with Channel Talk's access key")
	f.StringVar(&o.accessSecretFile, "access-secret-file", "", "file with its access secret")
	f.StringVar(&o.slackTokenFile, "slack-token-file", "", "file with the Slack bot token")
	f.StringVar(&o.slackChannel, "slack-channel", "", "name or id of the Slack channel to post to")
	f.StringVar(&o.googleKeyFile, "google-key-file", "", "key file (JSON) of the Google service account")
	f.StringVar(&o.spreadsheet, "spreadsheet", "", "address or id of the spreadsheet")
	f.StringVar(&o.inquiriesTab, "inquiries-tab", "", "tab for new inquiries (default by language)")
	f.StringVar(&o.changesTab, "changes-tab", "", "tab for changed contacts (default by language)")
	f.StringSliceVar(&o.routes, "routes", nil, "inquiries, contacts or both (default: asked; with --yes both)")
	f.StringVar(&o.baseURL, "base-url", channeltalk.DefaultBaseURL, "Channel Talk's address")
	f.StringVar(&o.apiURL, "api-url", slack.DefaultAPIURL, "Slack's address")
	f.StringVar(&o.endpoint, "endpoint", sheets.DefaultEndpoint, "Google Sheets' address")
	f.StringVar(&o.proxy, "proxy", "", "proxy to go through (default: $HTTPS_PROXY)")
	f.StringVar(&o.caFile, "ca-file", "", "CA certificates of the company (PEM)")
	fixed := func(words ...string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	}
	_ = cmd.RegisterFlagCompletionFunc("language", fixed("ko", "en", "ja")) // fails only for a flag that is not there
	_ = cmd.RegisterFlagCompletionFunc("routes", fixed(routeInquiries, routeContacts))
}

// Values of --routes.
const (
	routeInquiries = "inquiries"
	routeContacts  = "contacts"
)

// run asks, tries and writes. Its error is an exitError.
func (o *initOptions) run(ctx context.Context, t typist) error {
	if err := o.validate(); err != nil {
		return exitError{exitUsage, err}
	}
	d, err := o.newDialogue(t)
	if err != nil {
		return failed(err)
	}
	err = d.run(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil || errors.Is(err, io.EOF):
		fmt.Fprintln(t.out)
		return failed(errors.New(d.w.Left))
	}
	return failed(err)
}

// validate reports flags that can mean nothing, before anything is asked.
func (o *initOptions) validate() error {
	if o.language != "" {
		if _, ok := sink.ParseLanguage(o.language); !ok {
			return fmt.Errorf(`--language must be "ko", "en" or "ja"`)
		}
	}
	for _, r := range o.routes {
		if r != routeInquiries && r != routeContacts {
			return fmt.Errorf("--routes: %q is none of %s, %s", r, routeInquiries, routeContacts)
		}
	}
	for _, e := range (channeltalk.Config{BaseURL: o.baseURL}).Validate() {
		if e.Key == "base_url" {
			return fmt.Errorf("--base-url %s", e.Text)
		}
	}
	for _, p := range (slack.Config{APIURL: o.apiURL}).Validate() {
		if p.Key == "api_url" {
			return fmt.Errorf("--api-url %s", p.Text)
		}
	}
	for _, p := range (sheets.Config{Endpoint: o.endpoint}).Validate() {
		if p.Key == "endpoint" {
			return fmt.Errorf("--endpoint %s", p.Text)
		}
	}
	return nil
}

// newDialogue reads what the flags name.
func (o *initOptions) newDialogue(t typist) (*dialogue, error) {
	d := &dialogue{initOptions: o, typist: t, files: newInitFiles(o.config, o.force, o.example)}
	d.setLanguage(languageOfTerminal(o.getenv))
	if lang, ok := sink.ParseLanguage(o.language); ok {
		d.setLanguage(lang)
	}
	var pem []byte
	var err error
	if o.caFile != "" {
		if pem, err = os.ReadFile(o.caFile); err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
	}
	if d.base, err = sink.BaseTransport(pem, o.proxy); err != nil {
		return nil, fmt.Errorf("--proxy, --ca-file: %w", err)
	}
	for _, s := range []struct {
		value      *string
		flag, file string
		variable   string
	}{
		{&d.accessKey.given, "--access-key-file", o.accessKeyFile, envAccessKey},
		{&d.accessSecret.given, "--access-secret-file", o.accessSecretFile, envAccessSecret},
		{&d.slackToken.given, "--slack-token-file", o.slackTokenFile, envSlackToken},
	} {
		if *s.value, err = o.given(s.file, s.variable); err != nil {
			return nil, fmt.Errorf("%s: %w", s.flag, err)
		}
	}
	return d, nil
}

// given reads a file, or if none is named a variable.
func (o *initOptions) given(file, variable string) (string, error) {
	if file == "" {
		return strings.TrimSpace(o.getenv(variable)), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(data))
	if text == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return text, nil
}

// absolute makes a path one that means the same from everywhere.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
