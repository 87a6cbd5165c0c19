package main

import (
	"time"

	"talkrelay/dispatch"
	"talkrelay/sink"
	"talkrelay/sink/sql"
)

type sqlFile struct {
	Name        string        `toml:"name"`
	Driver      string        `toml:"driver"`
	DSN         secret        `toml:"dsn"`
	TablePrefix string        `toml:"table_prefix"`
	Envelope    bool          `toml:"envelope"`
	Mask        bool          `toml:"mask"`
	Timeout     time.Duration `toml:"timeout"`
}

func (s *sqlFile) defaults() {
	*s = sqlFile{TablePrefix: sql.DefaultTablePrefix, Timeout: sink.DefaultTimeout}
}

func (s *sqlFile) sinkName() string { return s.Name }

// secrets are none with SQLite: dsn is the path of a file.
func (s *sqlFile) secrets() []secret {
	if s.path() {
		return nil
	}
	return []secret{s.DSN}
}

func (s *sqlFile) path() bool { return sql.Driver(s.Driver) == sql.SQLite }

type sqlPlan struct{ sql.Config }

func (s *sqlFile) plan(p *sinkPlanner) sinkPlan {
	plan := sqlPlan{sql.Config{
		Options:     p.options(s.Name, s.Mask, s.Timeout, ""),
		Driver:      sql.Driver(s.Driver),
		DSN:         s.dsn(p),
		TablePrefix: s.TablePrefix,
		Envelope:    s.Envelope,
		Kinds:       p.kindsFor(s.Name),
	}}
	p.check(plan.Validate)
	return plan
}

// dsn is PostgreSQL's address, or the path of SQLite's file, which may be shown.
func (s *sqlFile) dsn(p *sinkPlanner) string {
	switch {
	case !s.path():
		return p.secret(s.DSN, "dsn")
	case s.DSN.inline():
		return p.besideState(s.DSN.value, p.secrets.getenv)
	}
	if path := p.secret(s.DSN, "dsn"); path != "" {
		return p.besideState(path, p.secrets.getenv)
	}
	return ""
}

func (p sqlPlan) name() string { return p.Name }

func (p sqlPlan) target(m *targetMaker) (target, error) {
	cfg := p.Config
	cfg.Base = m.base
	s, err := sql.New(cfg)
	if err != nil {
		return target{}, err
	}
	return target{cfg.Name, s, s.Check, dispatch.WorkerConfig{MaxItems: sql.MaxItems}}, nil
}
