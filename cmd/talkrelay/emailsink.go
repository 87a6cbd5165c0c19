package main

import (
	"time"

	"talkrelay/sink"
	"talkrelay/sink/email"
)

type emailFile struct {
	Name      string        `toml:"name"`
	SMTP      string        `toml:"smtp"`
	Username  string        `toml:"username"`
	Password  secret        `toml:"password"`
	From      string        `toml:"from"`
	To        []string      `toml:"to"`
	Subject   string        `toml:"subject"`
	Text      string        `toml:"text"`
	Mask      bool          `toml:"mask"`
	Timeout   time.Duration `toml:"timeout"`
	OnUnknown string        `toml:"on_unknown"`
}

func (e *emailFile) defaults() {
	*e = emailFile{Mask: true, Timeout: sink.DefaultTimeout, OnUnknown: string(sink.Resend)}
}

func (e *emailFile) sinkName() string { return e.Name }

func (e *emailFile) secrets() []secret { return []secret{e.Password} }

type emailPlan struct{ email.Config }

func (e *emailFile) plan(p *sinkPlanner) sinkPlan {
	plan := emailPlan{email.Config{
		Options:  p.options(e.Name, e.Mask, e.Timeout, e.OnUnknown),
		SMTP:     e.SMTP,
		Username: e.Username,
		Password: p.optional(e.Password, "password"),
		From:     e.From,
		To:       e.To,
		Subject:  e.Subject,
		Text:     e.Text,
	}}
	p.check(plan.Validate)
	return plan
}

func (p emailPlan) name() string { return p.Name }

func (p emailPlan) target(m *targetMaker) (target, error) {
	cfg := p.Config
	cfg.Base = m.base
	s, err := email.New(cfg)
	if err != nil {
		return target{}, err
	}
	return target{cfg.Name, s, s.Check, unasked(cfg.Options)}, nil
}
