package alert

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"time"

	"talkrelay"
	"talkrelay/mail"
)

// Email sends by SMTP, encrypted: see package mail.
type Email struct {
	Server   string // host:port
	Username string // "" = without logging in
	Password string
	From     string
	To       []string
	TLS      *tls.Config // whom to trust; nil = the system's certificates
	Timeout  time.Duration
}

// Name returns the path's table in the config file.
func (e *Email) Name() string { return "alert.email" }

// Validate returns what is wrong with the settings.
func (e *Email) Validate() talkrelay.Problems {
	p := e.server().Validate()
	mail.CheckAddresses(&p, e.From, e.To)
	return p
}

// Send mails m to all at once.
func (e *Email) Send(ctx context.Context, m Message) error {
	from, to, err := mail.Addresses(e.From, e.To)
	if err != nil {
		return err
	}
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails
	return e.server().Send(ctx, mail.Letter{From: from, To: to, Subject: m.Subject, Text: m.Text, ID: fmt.Sprintf("%x", id), Date: time.Now()})
}

// Check logs in and leaves.
func (e *Email) Check(ctx context.Context) (string, error) { return e.server().Check(ctx) }

func (e *Email) server() mail.Server {
	return mail.Server{Address: e.Server, Username: e.Username, Password: e.Password, TLS: e.TLS, Timeout: e.Timeout, Block: "[alert.email]"}
}
