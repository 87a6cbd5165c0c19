package main

import (
	"fmt"
	"slices"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// sinksFile holds the [[sink.…]] blocks. A new type of destination is a line here, a word in blocks, and a file of its
// own that says what its keys mean, what becomes of them, and how it is built.
type sinksFile struct {
	Slack   []slackFile   `toml:"slack"`
	Sheets  []sheetsFile  `toml:"sheets"`
	Webhook []webhookFile `toml:"webhook"`
	JSONL   []jsonlFile   `toml:"jsonl"`
	Discord []discordFile `toml:"discord"`
	Email   []emailFile   `toml:"email"`
	SQL     []sqlFile     `toml:"sql"`
}

// blocks lists the blocks, type by type.
func (s *sinksFile) blocks() []placedBlock {
	return slices.Concat(placed("slack", s.Slack), placed("sheets", s.Sheets), placed("webhook", s.Webhook),
		placed("jsonl", s.JSONL), placed("discord", s.Discord), placed("email", s.Email), placed("sql", s.SQL))
}

// sinkBlock is one [[sink.…]] as people write it.
type sinkBlock interface {
	sinkName() string
	secrets() []secret
	plan(p *sinkPlanner) sinkPlan
}

// sinkPlan is a block in the terms of its package.
type sinkPlan interface {
	name() string
	target(m *targetMaker) (target, error)
}

// placedBlock is a block with its key in the config file.
type placedBlock struct {
	sinkBlock
	key string
}

func placed[T any, P interface {
	*T
	sinkBlock
}](kind string, list []T) []placedBlock {
	blocks := make([]placedBlock, len(list))
	for i := range list {
		blocks[i] = placedBlock{P(&list[i]), fmt.Sprintf("sink.%s[%d]", kind, i)}
	}
	return blocks
}

// sinkPlanner is what the plan of a block is made with.
type sinkPlanner struct {
	*config
	key     string // of the block
	secrets *secretReader
	found   *talkrelay.Problems
	before  int // how many of them are not of this block
}

// hours reads hours of the week.
func (p *sinkPlanner) hours(texts []string, name string) talkrelay.Hours {
	h, err := talkrelay.ParseHours(texts)
	if err != nil {
		p.found.Add(join(p.key, name), "%v", err)
	}
	return h
}

// secret reads a secret that must be there.
func (p *sinkPlanner) secret(s secret, name string) string {
	return secretValue(p.secrets, s, join(p.key, name), p.found)
}

// optional reads a secret that may be left out; "" if it is.
func (p *sinkPlanner) optional(s secret, name string) string {
	if !s.set {
		return ""
	}
	return p.secret(s, name)
}

// check adds what validate finds, unless secrets or texts of the block were at fault already: the findings would only be
// what follows from that.
func (p *sinkPlanner) check(validate func() talkrelay.Problems) {
	if len(*p.found) == p.before {
		addAll(p.found, p.key, validate())
	}
}

// options are the settings that most destinations have in common.
func (p *sinkPlanner) options(name string, mask bool, timeout time.Duration, onUnknown string) sink.Options {
	return sink.Options{
		Name: name, Mask: mask, Timeout: timeout, OnUnknown: sink.OnUnknown(onUnknown), Language: p.language, Location: p.location,
	}
}

// routeTexts collects the texts of the routes that lead to the sink.
func (p *sinkPlanner) routeTexts(sinkName string) map[string]string {
	texts := map[string]string{}
	for i, r := range p.Routes {
		if r.Text == "" {
			continue
		}
		if _, err := sink.ParseTemplate(r.Text); err != nil {
			key := fmt.Sprintf("route[%d].text", i)
			if len(*p.found) == 0 || (*p.found)[len(*p.found)-1].Key != key {
				p.found.Add(key, "%v", err)
			}
			continue
		}
		if slices.Contains(r.To, sinkName) {
			texts[r.Name] = r.Text
		}
	}
	return texts
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
