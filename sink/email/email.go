// Package email sends each event as a mail to a list of people.
//
// The Message-ID follows from the delivery's id, so that a mail sent again after an unclear outcome is the same mail to
// systems that look at it (Gmail shows one). Others show two: delivery is at least once.
package email

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/mail"
	"talkrelay/sink"
)

// Config holds the settings of one [[sink.email]].
type Config struct {
	sink.Options
	SMTP     string // host:port
	Username string // "" = without logging in
	Password string
	From     string
	To       []string
	Subject  string // own template; "" = the default title
	Text     string // own template; "" = the default message
}

const (
	block  = "sink.email" // in the config file
	opSend = "send a mail"

	maxSubject = 200 // UTF-16 units
)

// Validate returns everything that is wrong with c, keyed as in the config file.
func (c Config) Validate() talkrelay.Problems {
	p := c.server().Validate()
	mail.CheckAddresses(&p, c.From, c.To)
	for key, text := range map[string]string{"subject": c.Subject, "text": c.Text} {
		if _, err := sink.ParseOwn(text); err != nil {
			p.Add(key, "%v", err)
		}
	}
	c.Options.Validate(&p)
	return p
}

func (c Config) server() mail.Server {
	return mail.Server{
		Address: c.SMTP, Username: c.Username, Password: c.Password, TLS: &tls.Config{RootCAs: c.Roots()}, Timeout: c.Defaults().Timeout, Block: c.Named(block),
	}
}

// Sink mails to one list of people. It implements sink.Sink.
type Sink struct {
	cfg           Config
	server        mail.Server
	subject, text *sink.Template // nil = the default
}

var _ sink.Sink = (*Sink)(nil)

// New returns a sink. It sends nothing.
func New(cfg Config) (*Sink, error) {
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, problems
	}
	cfg.Options = cfg.Defaults()
	s := &Sink{cfg: cfg, server: cfg.server()}
	var err, err2 error
	s.subject, err = sink.ParseOwn(cfg.Subject)
	s.text, err2 = sink.ParseOwn(cfg.Text)
	return s, errors.Join(err, err2)
}

// Wait returns at once: a server that wants fewer mails refuses for a time, with a code that begins with 4.
func (s *Sink) Wait(ctx context.Context) error { return ctx.Err() }

// frozen is a mail before it is addressed: to whom it goes is a setting, and may be mended between two tries.
type frozen struct {
	ID      string    `json:"id"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	Date    time.Time `json:"date"`
}

// Prepare renders the first of items.
func (s *Sink) Prepare(id string, items []sink.Item, _ string) ([]byte, int, error) {
	if len(items) == 0 {
		return nil, 0, errors.New("prepare a mail: nothing to prepare")
	}
	v := s.cfg.View(items[0].Event)
	title, lines := v.Plain()
	f := frozen{ID: id, Date: items[0].Event.At, Subject: s.subject.Or(v, title), Text: s.text.Or(v, strings.Join(lines, "\n"))}
	if f.Date.Year() < 1970 || f.Date.Year() > 9999 { // a header has four digits
		f.Date = time.Unix(0, 0).UTC()
	}
	f.Subject = sink.TruncateUTF16(sink.OneLine(f.Subject), maxSubject)
	body, err := json.Marshal(f)
	return body, 1, err
}

// Send mails m to all recipients at once. The server's yes to the letter is the end of it.
func (s *Sink) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	var f frozen
	if err := json.Unmarshal(m.Body, &f); err != nil || f.ID == "" {
		return "", &sink.Error{Verdict: sink.Rework, Op: opSend, Reason: "the stored mail is not one of this version"}
	}
	from, to, err := mail.Addresses(s.cfg.From, s.cfg.To)
	if err != nil {
		return "", &sink.Error{Verdict: sink.PauseDestination, Op: opSend, Reason: "correct from and to of " + s.server.Block}
	}
	err = s.server.Send(ctx, mail.Letter{From: from, To: to, Subject: f.Subject, Text: f.Text, ID: f.ID, Date: f.Date})
	if err != nil {
		return "", judge(err)
	}
	return sink.Receipt(m.ID), nil
}

// judge says what follows on a mail that was not taken. Before the letter itself nothing can have been.
func judge(err error) *sink.Error {
	e := &sink.Error{Verdict: sink.Retry, Op: opSend, Reason: err.Error()}
	f := (*mail.Failure)(nil)
	switch {
	case !errors.As(err, &f):
		e.Verdict = sink.InDoubt
	case f.Code == 0 && f.Step == mail.Posting:
		e.Verdict = sink.InDoubt
	case f.Code == 0, f.Code/100 == 4:
	case f.Step == mail.LoggingIn:
		e.Verdict = sink.PauseCredential
	default:
		e.Verdict = sink.PauseDestination
	}
	return e
}

// Resolve cannot ask: a mail server does not say what it took.
func (s *Sink) Resolve(_ context.Context, m sink.Message) (sink.Receipt, bool, error) {
	return "", false, s.cfg.Unknown(block, m)
}

// Check logs in and sends nothing.
func (s *Sink) Check(ctx context.Context) []sink.Finding {
	found, err := s.server.Check(ctx)
	if err != nil {
		return []sink.Finding{{Name: "mail server", Text: err.Error(), Fix: "correct smtp, username and password of " + s.server.Block + ", or let this machine reach its host"}}
	}
	return []sink.Finding{{Name: "mail server", OK: true, Text: found}}
}
