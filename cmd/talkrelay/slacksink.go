package main

import (
	"time"

	"talkrelay/dispatch"
	"talkrelay/sink/slack"
)

type slackFile struct {
	Name              string          `toml:"name"`
	Token             secret          `toml:"token"`
	Channel           string          `toml:"channel"`
	Mask              bool            `toml:"mask"`
	Text              string          `toml:"text"`
	Mention           string          `toml:"mention"`
	MentionAssignee   bool            `toml:"mention_assignee"`
	WaitingMentions   []string        `toml:"waiting_mentions"`
	Timeout           time.Duration   `toml:"timeout"`
	PerSecond         float64         `toml:"per_second"`
	PerMinute         float64         `toml:"per_minute"`
	DigestAbove       int             `toml:"digest_above"`
	Follow            bool            `toml:"follow"`
	Quiet             []string        `toml:"quiet"`
	EditsPerMinute    float64         `toml:"edits_per_minute"`
	OnUnknown         string          `toml:"on_unknown"`
	LookupsAnswered   []time.Duration `toml:"lookups_answered"`
	LookupsUnanswered []time.Duration `toml:"lookups_unanswered"`
	RecheckAfter      time.Duration   `toml:"recheck_after"`
	APIURL            string          `toml:"api_url"`
}

func (s *slackFile) defaults() {
	*s = slackFile{
		Mask:              true,
		Timeout:           20 * time.Second,
		PerSecond:         1,
		PerMinute:         200,
		EditsPerMinute:    slack.DefaultEdits,
		OnUnknown:         string(slack.Hold),
		LookupsAnswered:   []time.Duration{2 * time.Second, 8 * time.Second},
		LookupsUnanswered: []time.Duration{10 * time.Second, 60 * time.Second},
		RecheckAfter:      5 * time.Minute,
		APIURL:            "https://slack.com/api/",
	}
}

func (s *slackFile) sinkName() string  { return s.Name }
func (s *slackFile) secrets() []secret { return []secret{s.Token} }

type slackPlan struct {
	slack.Config
	lookupsAnswered, lookupsUnanswered []time.Duration
	recheckAfter                       time.Duration
}

func (s *slackFile) plan(p *sinkPlanner) sinkPlan {
	plan := slackPlan{
		Config: slack.Config{
			Name:      s.Name,
			Token:     p.secret(s.Token, "token"),
			Channel:   s.Channel,
			Mask:      &s.Mask,
			Text:      s.Text,
			RouteText: p.routeTexts(s.Name),
			Mention:   s.Mention,

			MentionAssignee: s.MentionAssignee,
			WaitingMentions: s.WaitingMentions,

			Timeout:   s.Timeout,
			PerSecond: s.PerSecond,
			PerMinute: s.PerMinute,
			OnUnknown: slack.OnUnknown(s.OnUnknown),

			DigestAbove:    s.DigestAbove,
			Follow:         s.Follow,
			Quiet:          p.hours(s.Quiet, "quiet"),
			EditsPerMinute: s.EditsPerMinute,
			APIURL:         s.APIURL,
			Language:       p.language,
			Location:       p.location,
		},
		lookupsAnswered:   s.LookupsAnswered,
		lookupsUnanswered: s.LookupsUnanswered,
		recheckAfter:      s.RecheckAfter,
	}
	p.check(plan.Validate)
	for name, list := range map[string][]time.Duration{"lookups_answered": s.LookupsAnswered, "lookups_unanswered": s.LookupsUnanswered} {
		if len(list) == 0 {
			p.found.Add(join(p.key, name), "needs at least one time: without a look-up a message in doubt would be sent twice")
		}
	}
	return plan
}

func (p slackPlan) name() string { return p.Name }

// slackCredential is what sinks of one workspace have in common: its pace, its holds, its token.
type slackCredential struct{ apiURL, token string }

func (p slackPlan) target(m *targetMaker) (target, error) {
	cfg := p.Config
	cfg.Base, cfg.Memory, cfg.Logger = m.base, m.memory("slack/"+cfg.Name), m.log.With("sink", cfg.Name)
	workspace, err := share(m, slackCredential{cfg.APIURL, cfg.Token}, func() (*slack.Workspace, error) {
		return slack.NewWorkspace(cfg), nil
	})
	if err != nil {
		return target{}, err
	}
	s, err := slack.New(cfg, workspace)
	if err != nil {
		return target{}, err
	}
	return target{cfg.Name, s, s.Check, dispatch.WorkerConfig{
		Quiet:             quietOf(s, cfg),
		MaxItems:          slackItems(cfg),
		LookupsAnswered:   p.lookupsAnswered,
		LookupsUnanswered: p.lookupsUnanswered,
		RecheckAfter:      p.recheckAfter,
	}}, nil
}

// slackItems is how many deliveries one message may hold: those of a summary of quiet hours or of a digest, if the sink makes
// any.
func slackItems(c slack.Config) int {
	if !c.Quiet.Empty() {
		return max(slack.MaxHeld, c.DigestAbove+1)
	}
	if c.DigestAbove == 0 {
		return 1
	}
	return max(slack.MaxDigest, c.DigestAbove+1)
}

// quietOf returns when quiet hours are over, nil if the sink has none.
func quietOf(s *slack.Sink, c slack.Config) func(time.Time) time.Time {
	if c.Quiet.Empty() {
		return nil
	}
	return s.Quiet
}
