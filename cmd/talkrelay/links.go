package main

import (
	"bytes"
	"net/http"

	"talkrelay/channeltalk"
	"talkrelay/sink"
)

// links is what an app talks through. The app that follows takes over what it has in common with the one before, so
// that neither a reload nor a pause for something else forgets a Retry-After.
type links struct {
	cfg     *config
	base    *http.Transport
	clients map[channeltalk.Config]*channeltalk.Client
	shared  map[any]any // what sinks have in common: workspaces, accounts
}

// next returns the links of an app for cfg. l is nil for the first one. A client of Channel Talk is kept if all that it
// was made with is the same; what sinks share only if the config is the very same, since their own settings are in it.
func (l *links) next(cfg *config) (*links, error) {
	if l == nil {
		l = &links{}
	}
	n := &links{cfg: cfg, clients: map[channeltalk.Config]*channeltalk.Client{}, shared: map[any]any{}}
	if l.cfg != nil && l.cfg.plan.base.equal(cfg.plan.base) {
		n.base = l.base
	} else {
		var err error
		if n.base, err = sink.BaseTransport(cfg.plan.base.caPEM, cfg.plan.base.proxy); err != nil {
			return nil, err
		}
	}
	if l.cfg == cfg {
		n.shared = l.shared
	}
	for _, c := range cfg.plan.channels {
		made := n.clientConfig(c)
		if n.clients[made] = l.clients[made]; n.clients[made] == nil {
			n.clients[made] = channeltalk.New(made)
		}
	}
	return n, nil
}

func (l *links) clientConfig(c channelPlan) channeltalk.Config {
	made := c.client
	made.Transport = l.base
	return made
}

// client returns the client of a channel of the config.
func (l *links) client(c channelPlan) *channeltalk.Client { return l.clients[l.clientConfig(c)] }

func (b baseConfig) equal(other baseConfig) bool {
	return b.proxy == other.proxy && bytes.Equal(b.caPEM, other.caPEM)
}
