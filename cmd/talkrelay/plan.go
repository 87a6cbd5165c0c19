package main

import (
	"fmt"
	"path/filepath"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/dispatch"
	"talkrelay/poller"
	"talkrelay/sink"
	"talkrelay/state"
)

// plan is the config in the packages' own terms: what to build, without anything built yet.
type plan struct {
	state    state.Config
	base     baseConfig
	channels []channelPlan
	sinks    []sinkPlan
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
	for _, b := range c.Sinks.blocks() {
		p.sinks = append(p.sinks, b.plan(&sinkPlanner{c, b.key, secrets, problems, len(*problems)}))
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

// statePath is the absolute path of the state file.
func (c *config) statePath(getenv func(string) string) string {
	return c.besideState(c.State.Path, getenv)
}

// besideState places a relative path in $STATE_DIRECTORY, which systemd makes, else beside the config file.
func (c *config) besideState(path string, getenv func(string) string) string {
	if filepath.IsAbs(path) {
		return path
	}
	if dir := getenv("STATE_DIRECTORY"); dir != "" {
		return filepath.Join(dir, path)
	}
	return filepath.Join(filepath.Dir(c.path), path)
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
			MessageRequestsPerMinute: ch.MessageRequestsPerMinute,
			Groups:                   ch.Groups,
			GroupRequestsPerMinute:   ch.GroupRequestsPerMinute,
			BotOnly:                  ch.BotOnly,
			SnoozeEndOpens:           ch.SnoozeEndOpens,
			Waiting:                  c.waiting(ch.Waiting, key+".waiting", problems),
			Teams:                    ch.Teams,
			DeskURL:                  ch.DeskURL,
			TeamDeskURL:              ch.TeamDeskURL,
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

// makeRouter compiles the routes; nil if they have problems.
func (c *config) makeRouter(problems *talkrelay.Problems) *dispatch.Router {
	var routes []dispatch.RouteConfig
	for _, r := range c.Routes {
		routes = append(routes, dispatch.RouteConfig{Name: r.Name, On: r.On, Channels: r.Channel, Where: r.Where, To: r.To, Include: r.Include})
	}
	c.checkWaitingRoutes(problems)
	var sinks, channels []string
	for _, b := range c.Sinks.blocks() {
		sinks = append(sinks, b.sinkName())
	}
	for _, ch := range c.Channels {
		channels = append(channels, ch.Name)
	}
	router, found := dispatch.NewRouter(routes, sinks, channels)
	addAll(problems, "", found)
	return router
}
