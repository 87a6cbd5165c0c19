package main

import (
	"maps"
	"slices"
	"time"

	"talkrelay/dispatch"
	"talkrelay/sink"
	"talkrelay/sink/webhook"
)

type webhookFile struct {
	Name        string            `toml:"name"`
	URL         secret            `toml:"url"`
	AllowHTTP   bool              `toml:"allow_http"`
	Format      string            `toml:"format"`
	Template    string            `toml:"template"`
	ContentType string            `toml:"content_type"`
	Mask        bool              `toml:"mask"`
	Secret      secret            `toml:"secret"`
	Headers     map[string]string `toml:"headers"`
	HeaderFiles map[string]string `toml:"header_files"`
	Timeout     time.Duration     `toml:"timeout"`
	OnUnknown   string            `toml:"on_unknown"`
}

func (w *webhookFile) defaults() {
	*w = webhookFile{
		Format:      string(webhook.ChannelTalk),
		ContentType: webhook.DefaultContentType,
		Timeout:     sink.DefaultTimeout,
		OnUnknown:   string(sink.Resend),
	}
}

func (w *webhookFile) sinkName() string { return w.Name }

func (w *webhookFile) secrets() []secret { return []secret{w.URL, w.Secret} }

type webhookPlan struct{ webhook.Config }

func (w *webhookFile) plan(p *sinkPlanner) sinkPlan {
	plan := webhookPlan{webhook.Config{
		Options:     p.options(w.Name, w.Mask, w.Timeout, w.OnUnknown),
		URL:         p.secret(w.URL, "url"),
		AllowHTTP:   w.AllowHTTP,
		Format:      webhook.Format(w.Format),
		Template:    w.Template,
		ContentType: w.ContentType,
		Secret:      p.optional(w.Secret, "secret"),
		Headers:     w.headers(p),
	}}
	p.check(plan.Validate)
	return plan
}

// headers joins those whose values stand in the config, or in the environment, with those whose values are secrets of
// files.
func (w *webhookFile) headers(p *sinkPlanner) map[string]string {
	all := map[string]string{}
	for name, value := range w.Headers {
		if all[name] = value; envPattern.MatchString(value) {
			all[name] = p.secret(secret{value: value, set: true}, "headers."+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.HeaderFiles)) {
		if _, twice := all[name]; twice {
			p.found.Add(join(p.key, "header_files."+name), "is given twice: keep it in headers or in header_files")
			continue
		}
		value, err := p.secrets.read(secret{file: w.HeaderFiles[name], set: true})
		if err != nil {
			p.found.Add(join(p.key, "header_files."+name), "%v", err)
		}
		all[name] = value
	}
	return all
}

func (p webhookPlan) name() string { return p.Name }

func (p webhookPlan) target(m *targetMaker) (target, error) {
	cfg := p.Config
	cfg.Base = m.base
	s, err := webhook.New(cfg)
	if err != nil {
		return target{}, err
	}
	return target{cfg.Name, s, s.Check, unasked(cfg.Options)}, nil
}

// unasked is how a worker treats a destination that cannot be asked whether it got something, and knows a repeat, if at
// all, by its id. To hold is to ask, and to be told that there is no answer.
func unasked(o sink.Options) dispatch.WorkerConfig {
	w := dispatch.WorkerConfig{StableIDs: true}
	if o.OnUnknown == sink.Hold {
		w.LookupsAnswered, w.LookupsUnanswered = []time.Duration{0}, []time.Duration{0}
	}
	return w
}
