package main

import (
	"time"

	"talkrelay/sink"
	"talkrelay/sink/discord"
)

type discordFile struct {
	Name      string        `toml:"name"`
	URL       secret        `toml:"url"`
	Text      string        `toml:"text"`
	Mask      bool          `toml:"mask"`
	Timeout   time.Duration `toml:"timeout"`
	OnUnknown string        `toml:"on_unknown"`
}

func (d *discordFile) defaults() {
	*d = discordFile{Mask: true, Timeout: sink.DefaultTimeout, OnUnknown: string(sink.Resend)}
}

func (d *discordFile) sinkName() string { return d.Name }

func (d *discordFile) secrets() []secret { return []secret{d.URL} }

type discordPlan struct{ discord.Config }

func (d *discordFile) plan(p *sinkPlanner) sinkPlan {
	plan := discordPlan{discord.Config{
		Options: p.options(d.Name, d.Mask, d.Timeout, d.OnUnknown),
		URL:     p.secret(d.URL, "url"),
		Text:    d.Text,
	}}
	p.check(plan.Validate)
	return plan
}

func (p discordPlan) name() string { return p.Name }

func (p discordPlan) target(m *targetMaker) (target, error) {
	cfg := p.Config
	cfg.Base = m.base
	s, err := discord.New(cfg)
	if err != nil {
		return target{}, err
	}
	return target{cfg.Name, s, s.Check, unasked(cfg.Options)}, nil
}
