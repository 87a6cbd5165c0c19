package main

import (
	"errors"
	"path/filepath"
	"time"

	"talkrelay/dispatch"
	"talkrelay/sink/jsonl"
)

type jsonlFile struct {
	Name      string        `toml:"name"`
	Path      string        `toml:"path"`
	MaxSizeMB int           `toml:"max_size_mb"`
	Daily     bool          `toml:"daily"`
	Keep      time.Duration `toml:"keep"`
	Mask      bool          `toml:"mask"`
}

func (j *jsonlFile) defaults() {
	*j = jsonlFile{MaxSizeMB: jsonl.DefaultMaxSizeMB, Daily: true, Keep: jsonl.DefaultKeep}
}

func (j *jsonlFile) sinkName() string { return j.Name }

func (j *jsonlFile) secrets() []secret { return nil }

type jsonlPlan struct{ jsonl.Config }

func (j *jsonlFile) plan(p *sinkPlanner) sinkPlan {
	plan := jsonlPlan{jsonl.Config{
		Options: p.options(j.Name, j.Mask, 0, ""),
		Path:    j.Path,
		MaxSize: int64(j.MaxSizeMB) << 20,
		Daily:   j.Daily,
		Keep:    j.Keep,
	}}
	if j.Path != "" {
		plan.Path = p.besideState(j.Path, p.secrets.getenv)
	}
	p.check(plan.Validate)
	return plan
}

func (p jsonlPlan) name() string { return p.Name }

// jsonlPath is a file that one sink writes to.
type jsonlPath string

func (p jsonlPlan) target(m *targetMaker) (target, error) {
	s, err := jsonl.New(p.Config)
	if err != nil {
		return target{}, err
	}
	writer, err := share(m, jsonlPath(filepath.Clean(p.Path)), func() (*jsonl.Sink, error) { return s, nil })
	if err == nil && writer != s {
		err = errors.New("another sink.jsonl writes to the same path: give each a file of its own")
	}
	return target{p.Name, s, s.Check, dispatch.WorkerConfig{MaxItems: jsonl.MaxItems}}, err
}
