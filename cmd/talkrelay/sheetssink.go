package main

import (
	"slices"
	"time"

	"talkrelay"
	"talkrelay/dispatch"
	"talkrelay/sink/sheets"
)

type sheetsFile struct {
	Name                 string        `toml:"name"`
	Credentials          secret        `toml:"credentials"`
	Spreadsheet          string        `toml:"spreadsheet"`
	Sheet                string        `toml:"sheet"`
	HeaderRow            int           `toml:"header_row"`
	Mode                 string        `toml:"mode"`
	Key                  string        `toml:"key"`
	Columns              []columnFile  `toml:"columns"`
	Mask                 bool          `toml:"mask"`
	Timeout              time.Duration `toml:"timeout"`
	WritesPerMinute      int           `toml:"writes_per_minute"`
	BatchRows            int           `toml:"batch_rows"`
	Endpoint             string        `toml:"endpoint"`
	AllowCredentialTypes []string      `toml:"allow_credential_types"`
}

type columnFile struct {
	Header  string   `toml:"header"`
	Value   string   `toml:"value"`
	Type    string   `toml:"type"`
	Aliases []string `toml:"aliases"`
	Once    bool     `toml:"once"`
}

func (s *sheetsFile) defaults() {
	*s = sheetsFile{
		HeaderRow:       1,
		Mode:            string(sheets.Append),
		Timeout:         60 * time.Second,
		WritesPerMinute: 50,
		BatchRows:       1000,
		Endpoint:        "https://sheets.googleapis.com/",
	}
}

func (s *sheetsFile) sinkName() string  { return s.Name }
func (s *sheetsFile) secrets() []secret { return []secret{s.Credentials} }

type sheetsPlan struct{ sheets.Config }

func (s *sheetsFile) plan(p *sinkPlanner) sinkPlan {
	plan := sheetsPlan{sheets.Config{
		Name:                 s.Name,
		Credentials:          []byte(p.secret(s.Credentials, "credentials")),
		CredentialsName:      s.Credentials.file,
		Spreadsheet:          s.Spreadsheet,
		Sheet:                s.Sheet,
		HeaderRow:            s.HeaderRow,
		Mode:                 sheets.Mode(s.Mode),
		Key:                  s.Key,
		Defaults:             sheets.DefaultsFor(p.kindsFor(s.Name)...),
		Mask:                 s.Mask,
		Timeout:              s.Timeout,
		WritesPerMinute:      s.WritesPerMinute,
		BatchRows:            s.BatchRows,
		Endpoint:             s.Endpoint,
		AllowCredentialTypes: s.AllowCredentialTypes,
		Language:             p.language,
		Location:             p.location,
	}}
	for _, col := range s.Columns {
		plan.Columns = append(plan.Columns, sheets.Column{Header: col.Header, Value: col.Value, Type: col.Type, Aliases: col.Aliases, Once: col.Once})
	}
	p.check(plan.Validate)
	if plan.Mode == sheets.Upsert && plan.Key == "" && slices.Contains(p.kindsFor(s.Name), talkrelay.TeamChatMessage) {
		p.found.Add(join(p.key, "mode"), "%q keeps a row for each customer's chat, and a route sends %s here, which belongs to none: give that a tab of its own",
			sheets.Upsert, talkrelay.TeamChatMessage)
	}
	return plan
}

func (p sheetsPlan) name() string { return p.Name }

// sheetsAccount names what sinks of one service account have in common: its quota, which Google counts by account.
type sheetsAccount string

func (p sheetsPlan) target(m *targetMaker) (target, error) {
	cfg := p.Config
	cfg.Base, cfg.Memory, cfg.Logger = m.base, m.memory("sheets/"+cfg.Name), m.log.With("sink", cfg.Name)
	account, err := share(m, sheetsAccount(cfg.AccountID()), func() (*sheets.Account, error) { return sheets.NewAccount(cfg) })
	if err != nil {
		return target{}, err
	}
	s, err := sheets.New(cfg, account)
	if err != nil {
		return target{}, err
	}
	return target{cfg.Name, s, s.Check, dispatch.WorkerConfig{MaxItems: cfg.BatchRows}}, nil
}
