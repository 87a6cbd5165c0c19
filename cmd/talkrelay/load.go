package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"talkrelay"
	"talkrelay/poller"
	"talkrelay/sink"
)

// config is a config file that has passed every check that needs no network.
type config struct {
	file
	path     string
	location *time.Location
	language sink.Language
	secrets  []string // values that must never be printed
	warnings []string
	plan     plan
}

// configError is what is wrong with a config file: every problem with its line.
type configError struct {
	path     string
	problems []string
	syntax   bool // it is no TOML at all
}

func (e *configError) Error() string {
	return fmt.Sprintf("%s: %d problem(s)\n%s", e.path, len(e.problems), strings.Join(e.problems, "\n"))
}

// loadConfig reads and checks the file at path. All problems are reported at once, each with file:line, key path and
// what to write instead; the error is then an exitError with exitConfig.
func loadConfig(path string, getenv func(string) string) (*config, error) {
	c, err := readConfig(path, getenv)
	if err != nil {
		return nil, exitError{exitConfig, err}
	}
	return c, nil
}

func readConfig(path string, getenv func(string) string) (*config, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such file; make it with 'talkrelay init', or copy config.toml.example to it and fill it in", path)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("read config: %w; try with sudo, or as its owner", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	c := &config{path: path}
	problems, err := c.parse(data, getenv)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, c.locate(problems, string(data))
	}
	return c, nil
}

// parse fills c from data. The error is a syntax error; everything else is a problem with a key.
func (c *config) parse(data []byte, getenv func(string) string) (talkrelay.Problems, error) {
	var table map[string]any
	if _, err := toml.Decode(string(data), &table); err != nil {
		return nil, c.syntaxError(err)
	}
	problems := decodeStrict(table, &c.file)
	c.checkGlobals(&problems)
	c.checkNames(&problems)
	secrets := &secretReader{configDir: filepath.Dir(c.path), getenv: getenv}
	c.plan = c.makePlan(secrets, getenv, &problems)
	c.secrets = secrets.seen
	c.warnIfReadable()
	return problems, nil
}

func (c *config) syntaxError(err error) error {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return &configError{c.path, []string{fmt.Sprintf("%s:%d:%d: %s",
			c.path, parse.Position.Line, parse.Position.Col, hideQuoted(parse.Message))}, true}
	}
	return &configError{c.path, []string{c.path + ": " + hideQuoted(err.Error())}, true}
}

// quoted is what a message of the TOML library repeats of a file, but for single characters.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.){2,}"|'[^']{4,}'|^\S+( is out of)`)

// hideQuoted takes from a message of the TOML library what it repeats of the file: a value that lacks its quotes, or has
// a \ in it, may well be a secret. Names of keys stay.
func hideQuoted(message string) string {
	if strings.HasPrefix(message, "Key '") {
		return message
	}
	return quoted.ReplaceAllString(message, "(hidden, in case it is a secret)$1")
}

func (c *config) checkGlobals(problems *talkrelay.Problems) {
	var ok bool
	if c.language, ok = sink.ParseLanguage(c.Language); !ok {
		problems.Add("language", `must be "ko", "en" or "ja"`)
	}
	c.location = location(problems, "timezone", c.Timezone)
	if c.State.MaxSizeMB < 8 || c.State.MaxSizeMB > 1<<20 {
		problems.Add("state.max_size_mb", "must be from 8 to %d", 1<<20)
	}
	if after := c.Network.RestartAfter; after != 0 && after < minAlertWait {
		problems.Add("network.restart_after", "must be at least %s, or 0 for never", minAlertWait)
	}
	if n := c.Backfill.RequestsPerMinute; n < 1 || n > 6000 {
		problems.Add("backfill.requests_per_minute", "must be from 1 to 6000; Channel Talk allows a channel about 600, for all its tools")
	}
	if c.Verify.At != "" {
		if _, err := poller.ParseSchedule(c.Verify.At, c.location); err != nil {
			problems.Add("verify.at", "%v", err)
		}
	}
	if !slices.Contains([]string{tellNobody, tellDifferences, tellAlways}, c.Verify.Tell) {
		problems.Add("verify.tell", `must be "never", "differences" or "always"`)
	}
	if len(c.Channels) == 0 {
		problems.Add("channel", "no [[channel]]: name at least one Channel Talk channel")
	}
	if len(c.Sinks.blocks()) == 0 {
		problems.Add("sink", "no [[sink.slack]], [[sink.sheets]] or other sink: nothing could be delivered anywhere")
	}
	if len(c.Routes) == 0 {
		problems.Add("route", "no [[route]]: nothing would ever be delivered")
	}
}

func location(problems *talkrelay.Problems, key, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		problems.Add(key, `is not a time zone: write it like "Asia/Seoul" or "Asia/Tokyo"`)
		return time.UTC
	}
	return loc
}

// checkNames requires every channel and sink to have a name of its own. Names are keys of the state file.
func (c *config) checkNames(problems *talkrelay.Problems) {
	seen := map[string]string{}
	for i, ch := range c.Channels {
		checkName(problems, seen, fmt.Sprintf("channel[%d].name", i), ch.Name)
	}
	seen = map[string]string{}
	for _, b := range c.Sinks.blocks() {
		checkName(problems, seen, b.key+".name", b.sinkName())
	}
}

func checkName(problems *talkrelay.Problems, seen map[string]string, key, name string) {
	switch {
	case strings.TrimSpace(name) == "":
		problems.Add(key, "is missing: give it a name to use in routes and logs")
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '/' || r == 0x7f }):
		problems.Add(key, "may not hold '/' or control characters")
	case seen[name] != "":
		problems.Add(key, "%q is taken by %s", name, seen[name])
	default:
		seen[name] = key
	}
}

// locate turns problems into lines of text with their places in the file, in the order of the file.
func (c *config) locate(problems talkrelay.Problems, text string) error {
	where := findPositions(text)
	slices.SortStableFunc(problems, func(a, b talkrelay.Problem) int { return where.line(a.Key) - where.line(b.Key) })
	e := &configError{path: c.path}
	told := map[string]bool{} // a value that could not be read only causes follow-ups
	for _, p := range problems {
		if told[p.Key] {
			continue
		}
		told[p.Key] = true
		place := c.path
		if n := where.line(p.Key); n > 0 {
			place = fmt.Sprintf("%s:%d", c.path, n)
		}
		e.problems = append(e.problems, fmt.Sprintf("%s: %s: %s", place, p.Key, p.Text))
	}
	return e
}

// warnIfReadable notes that other users of the machine can read a config file with a secret in it. An access key alone
// opens nothing, so it may stand there.
func (c *config) warnIfReadable() {
	info, err := os.Stat(c.path)
	if err == nil && c.holdsSecret() && info.Mode().Perm()&0o077 != 0 {
		c.warnings = append(c.warnings, fmt.Sprintf("%s holds a secret and can be read by others; run: chmod 600 %s", c.path, c.path))
	}
}

func (c *config) holdsSecret() bool {
	for _, ch := range c.Channels {
		if ch.AccessSecret.inline() {
			return true
		}
	}
	for _, b := range c.Sinks.blocks() {
		if slices.ContainsFunc(b.secrets(), secret.inline) {
			return true
		}
	}
	return c.Alert.holdsSecret()
}
