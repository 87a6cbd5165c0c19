package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/dispatch"
	"talkrelay/poller"
	"talkrelay/sink"
	"talkrelay/sink/sheets"
	"talkrelay/sink/slack"
	"talkrelay/state"
)

// plan is the config in the packages' own terms: what to build, without anything built yet.
type plan struct {
	state    state.Config
	base     baseConfig
	channels []channelPlan
	slack    []slackPlan
	sheets   []sheets.Config
	router   *dispatch.Router
	retry    dispatch.RetryConfig
	alert    alertPlan
}

type baseConfig struct {
	caPEM []byte
	proxy string
}

type channelPlan struct {
	client channeltalk.Config
	poller poller.Config
}

type slackPlan struct {
	slack.Config
	lookupsAnswered, lookupsUnanswered []time.Duration
	recheckAfter                       time.Duration
}

// makePlan reads the secrets, lets every package validate its part and adds what they find to problems.
func (c *config) makePlan(secrets *secretReader, getenv func(string) string, problems *talkrelay.Problems) plan {
	p := plan{
		state: state.Config{
			Path:      c.statePath(getenv),
			Retention: c.State.Retention,
			MaxSize:   int64(c.State.MaxSizeMB) << 20,
		},
		base:  c.baseConfig(secrets, problems),
		retry: dispatch.RetryConfig{Min: c.Retry.Min, Max: c.Retry.Max},
	}
	addAll(problems, "state", p.state.Validate())
	addAll(problems, "retry", p.retry.Validate())
	if _, err := poller.ParseSchedule(c.State.Sweep, c.location); err != nil {
		problems.Add("state.sweep", "%v", err)
	}
	for i := range c.Channels {
		p.channels = append(p.channels, c.channelPlan(i, secrets, problems))
	}
	for i := range c.Sinks.Slack {
		p.slack = append(p.slack, c.slackPlan(i, secrets, problems))
	}
	for i := range c.Sinks.Sheets {
		p.sheets = append(p.sheets, c.sheetsPlan(i, secrets, problems))
	}
	p.router = c.makeRouter(problems)
	p.alert = c.alertPlan(p.state.Path, secrets, problems)
	return p
}

func addAll(problems *talkrelay.Problems, prefix string, found talkrelay.Problems) {
	for _, f := range found {
		problems.Add(join(prefix, f.Key), "%s", f.Text)
	}
}

// statePath places a relative path in $STATE_DIRECTORY, which systemd makes, else beside the config file.
func (c *config) statePath(getenv func(string) string) string {
	if filepath.IsAbs(c.State.Path) {
		return c.State.Path
	}
	if dir := getenv("STATE_DIRECTORY"); dir != "" {
		return filepath.Join(dir, c.State.Path)
	}
	return filepath.Join(filepath.Dir(c.path), c.State.Path)
}

func (c *config) baseConfig(secrets *secretReader, problems *talkrelay.Problems) baseConfig {
	b := baseConfig{proxy: c.Network.Proxy}
	if name := c.Network.CAFile; name != "" {
		pem, err := secrets.readFile(name)
		if err != nil {
			problems.Add("network.ca_file", "%v", err)
		}
		b.caPEM = []byte(pem)
	}
	if _, err := sink.BaseTransport(b.caPEM, b.proxy); err != nil {
		problems.Add("network", "%v", err)
	}
	return b
}

// secretValue reads a secret that must be there.
func secretValue(secrets *secretReader, s secret, key string, problems *talkrelay.Problems) string {
	if !s.set {
		problems.Add(key, "is missing: write %s or %s_file", key, key)
		return ""
	}
	value, err := secrets.read(s)
	if s.file != "" {
		key += "_file"
	}
	switch {
	case err != nil:
		problems.Add(key, "%v", err)
	case value == "":
		problems.Add(key, "is empty")
	}
	return value
}

func (c *config) channelPlan(i int, secrets *secretReader, problems *talkrelay.Problems) channelPlan {
	ch, key := c.Channels[i], fmt.Sprintf("channel[%d]", i)
	loc := c.location
	if ch.Timezone != "" {
		loc = location(problems, key+".timezone", ch.Timezone)
	}
	before := len(*problems)
	p := channelPlan{
		client: channeltalk.Config{
			BaseURL:               ch.BaseURL,
			AccessKey:             secretValue(secrets, ch.AccessKey, key+".access_key", problems),
			AccessSecret:          secretValue(secrets, ch.AccessSecret, key+".access_secret", problems),
			Timeout:               ch.Timeout,
			RequestsPerSecond:     ch.RequestsPerSecond,
			ListRequestsPerSecond: ch.ListRequestsPerSecond,
			Reserve:               reserve(ch.Reserve),
		},
		poller: poller.Config{
			Name:                     ch.Name,
			Poll:                     ch.Poll,
			Sweep:                    ch.Sweep,
			FullSweep:                ch.FullSweep,
			Location:                 loc,
			Overlap:                  ch.Overlap,
			ContactRequestsPerMinute: ch.ContactRequestsPerMinute,
			MessageLookupsPerMinute:  ch.MessageLookupsPerMinute,
			BotOnly:                  ch.BotOnly,
			SnoozeEndOpens:           ch.SnoozeEndOpens,
			Teams:                    ch.Teams,
			DeskURL:                  ch.DeskURL,
		},
	}
	if len(*problems) == before {
		for _, e := range p.client.Validate() {
			problems.Add(join(key, e.Key), "%s", e.Text)
		}
	}
	addAll(problems, key, p.poller.Validate())
	return p
}

// reserve turns the config's 0, none, into the client's.
func reserve(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

func (c *config) slackPlan(i int, secrets *secretReader, problems *talkrelay.Problems) slackPlan {
	s, key := c.Sinks.Slack[i], fmt.Sprintf("sink.slack[%d]", i)
	before := len(*problems)
	p := slackPlan{
		Config: slack.Config{
			Name:      s.Name,
			Token:     secretValue(secrets, s.Token, key+".token", problems),
			Channel:   s.Channel,
			Mask:      &s.Mask,
			Text:      s.Text,
			RouteText: c.routeTexts(s.Name, problems),
			Mention:   s.Mention,
			Timeout:   s.Timeout,
			PerSecond: s.PerSecond,
			PerMinute: s.PerMinute,
			OnUnknown: slack.OnUnknown(s.OnUnknown),

			DigestAbove: s.DigestAbove,
			APIURL:      s.APIURL,
			Language:    c.language,
			Location:    c.location,
		},
		lookupsAnswered:   s.LookupsAnswered,
		lookupsUnanswered: s.LookupsUnanswered,
		recheckAfter:      s.RecheckAfter,
	}
	if len(*problems) == before {
		addAll(problems, key, p.Validate())
	}
	for name, list := range map[string][]time.Duration{"lookups_answered": s.LookupsAnswered, "lookups_unanswered": s.LookupsUnanswered} {
		if len(list) == 0 {
			problems.Add(join(key, name), "needs at least one time: without a look-up a message in doubt would be sent twice")
		}
	}
	return p
}

// routeTexts collects the texts of the routes that lead to the sink.
func (c *config) routeTexts(sinkName string, problems *talkrelay.Problems) map[string]string {
	texts := map[string]string{}
	for i, r := range c.Routes {
		if r.Text == "" {
			continue
		}
		if _, err := sink.ParseTemplate(r.Text); err != nil {
			key := fmt.Sprintf("route[%d].text", i)
			if len(*problems) == 0 || (*problems)[len(*problems)-1].Key != key {
				problems.Add(key, "%v", err)
			}
			continue
		}
		if slices.Contains(r.To, sinkName) {
			texts[r.Name] = r.Text
		}
	}
	return texts
}

func (c *config) sheetsPlan(i int, secrets *secretReader, problems *talkrelay.Problems) sheets.Config {
	s, key := c.Sinks.Sheets[i], fmt.Sprintf("sink.sheets[%d]", i)
	before := len(*problems)
	p := sheets.Config{
		Name:                 s.Name,
		Credentials:          []byte(secretValue(secrets, s.Credentials, key+".credentials", problems)),
		CredentialsName:      s.Credentials.file,
		Spreadsheet:          s.Spreadsheet,
		Sheet:                s.Sheet,
		HeaderRow:            s.HeaderRow,
		Defaults:             sheets.DefaultsFor(c.kindsFor(s.Name)...),
		Mask:                 s.Mask,
		Timeout:              s.Timeout,
		WritesPerMinute:      s.WritesPerMinute,
		BatchRows:            s.BatchRows,
		Endpoint:             s.Endpoint,
		AllowCredentialTypes: s.AllowCredentialTypes,
		Language:             c.language,
		Location:             c.location,
	}
	for _, col := range s.Columns {
		p.Columns = append(p.Columns, sheets.Column{Header: col.Header, Value: col.Value, Type: col.Type, Aliases: col.Aliases})
	}
	if len(*problems) == before {
		addAll(problems, key, p.Validate())
	}
	return p
}

// kindsFor lists the kinds of event that routes send to the sink.
func (c *config) kindsFor(sinkName string) []talkrelay.Kind {
	var kinds []talkrelay.Kind
	for _, r := range c.Routes {
		if !slices.Contains(r.To, sinkName) {
			continue
		}
		for _, kind := range r.On {
			kinds = append(kinds, talkrelay.Kind(kind))
		}
	}
	return kinds
}

// makeRouter compiles the routes; nil if they have problems.
func (c *config) makeRouter(problems *talkrelay.Problems) *dispatch.Router {
	var routes []dispatch.RouteConfig
	for _, r := range c.Routes {
		routes = append(routes, dispatch.RouteConfig{Name: r.Name, On: r.On, Channels: r.Channel, Where: r.Where, To: r.To})
	}
	var sinks, channels []string
	for _, s := range c.Sinks.Slack {
		sinks = append(sinks, s.Name)
	}
	for _, s := range c.Sinks.Sheets {
		sinks = append(sinks, s.Name)
	}
	for _, ch := range c.Channels {
		channels = append(channels, ch.Name)
	}
	router, found := dispatch.NewRouter(routes, sinks, channels)
	addAll(problems, "", found)
	return router
}
