package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// remote is a host that a config sends requests to, or a proxy on the way there.
type remote struct {
	Host   string   `json:"host"`
	Port   string   `json:"port"`
	Scheme string   `json:"scheme"` // https, http, smtp, postgres; http, https or socks5 of a proxy
	For    []string `json:"for"`    // parts of the config
	Proxy  bool     `json:"proxy"`  // it is a proxy
	Via    string   `json:"via"`    // host and port of the proxy that stands before it; "" = none
}

func (r remote) address() string { return net.JoinHostPort(r.Host, r.Port) }

// addressed is a plan that says which addresses its sink sends requests to. They may be secrets: only their hosts are shown.
type addressed interface{ addresses() []string }

func (p slackPlan) addresses() []string { return []string{p.APIURL} }

func (p webhookPlan) addresses() []string { return []string{p.URL} }
func (p discordPlan) addresses() []string { return []string{p.URL} }
func (p emailPlan) addresses() []string   { return []string{"smtp://" + p.SMTP} }
func (p jsonlPlan) addresses() []string   { return nil } // a file of this machine
func (p sqlPlan) addresses() []string     { return p.Addresses() }

// addresses are Google's endpoint and the one that the key file names for tokens.
func (p sheetsPlan) addresses() []string {
	var key struct {
		TokenURI string `json:"token_uri"`
	}
	list := []string{p.Endpoint}
	if json.Unmarshal(p.Credentials, &key) == nil && key.TokenURI != "" {
		list = append(list, key.TokenURI)
	}
	return list
}

// addresses lists those of the paths by their names.
func (p alertPlan) addresses() map[string][]string {
	all := map[string][]string{}
	if p.slack != nil {
		all["alert.slack"] = []string{p.slack.APIURL}
	}
	if p.webhook != nil {
		all["alert.webhook"] = []string{p.webhook.URL}
	}
	if p.email != nil {
		all["alert.email"] = []string{"smtp://" + p.email.Server}
	}
	if p.heartbeat != nil {
		all["alert.heartbeat"] = []string{p.heartbeat.URL, p.heartbeat.FailURL}
	}
	return all
}

// remotes lists every host that the config sends requests to, each once, behind the proxies that stand before them. proxy
// says which proxy a request takes.
func (c *config) remotes(proxy func(*http.Request) (*url.URL, error)) []remote {
	l := remoteList{proxy: proxy}
	for _, ch := range c.plan.channels {
		l.add("channel "+ch.poller.Name, ch.client.BaseURL)
	}
	for _, s := range c.plan.sinks {
		if a, ok := s.(addressed); ok {
			l.add("sink "+s.name(), a.addresses()...)
		}
	}
	paths := c.plan.alert.addresses()
	for _, name := range []string{"alert.slack", "alert.webhook", "alert.email", "alert.heartbeat"} {
		l.add(name, paths[name]...)
	}
	return slices.Concat(l.proxies, l.hosts)
}

type remoteList struct {
	proxy          func(*http.Request) (*url.URL, error)
	proxies, hosts []remote
}

// add notes what a part of the config needs. An address that is none has been reported when the config was read.
func (l *remoteList) add(part string, addresses ...string) {
	for _, text := range addresses {
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" {
			continue
		}
		r := remote{Host: u.Hostname(), Port: portOf(u), Scheme: u.Scheme, For: []string{part}}
		if p := l.proxyOf(u); p != nil {
			over := remote{Host: p.Hostname(), Port: portOf(p), Scheme: p.Scheme, For: []string{part}, Proxy: true}
			l.proxies = note(l.proxies, over)
			r.Via = over.address()
		}
		l.hosts = note(l.hosts, r)
	}
}

// proxyOf returns the proxy before u, nil if there is none: mail and databases never take one.
func (l *remoteList) proxyOf(u *url.URL) *url.URL {
	if l.proxy == nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	p, err := l.proxy(&http.Request{URL: u})
	if err != nil {
		return nil
	}
	return p
}

func note(list []remote, r remote) []remote {
	for i, have := range list {
		if have.address() == r.address() && have.Scheme == r.Scheme {
			if !slices.Contains(have.For, r.For[0]) {
				list[i].For = append(have.For, r.For[0])
			}
			return list
		}
	}
	return append(list, r)
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	switch u.Scheme {
	case "https":
		return "443"
	case "http":
		return "80"
	case "smtp":
		return "587"
	}
	return "1080" // socks5
}

// purpose is what a security form asks for.
func (r remote) purpose(words *screenWords) string {
	if r.Proxy {
		return words.ProxyFor
	}
	parts := make([]string, len(r.For))
	for i, part := range r.For {
		parts[i] = words.say(part)
	}
	return strings.Join(parts, ", ")
}
