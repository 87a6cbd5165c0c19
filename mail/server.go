// Package mail sends letters by SMTP: with TLS from the start on port 465, else with STARTTLS. A server without either is
// refused unless it is on this machine. No proxy is used: HTTP proxies do not carry mail.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"talkrelay"
)

// Server is a mail server and the account that sends by it.
type Server struct {
	Address  string // host:port
	Username string // "" = without logging in
	Password string
	TLS      *tls.Config // whom to trust; nil = the system's certificates
	Timeout  time.Duration
	Block    string // of the config file that says all this, for errors: "[alert.email]"
}

// smtpsPort is where TLS begins before the first word.
const smtpsPort = "465"

// Validate returns what is wrong with the settings, keyed as in the config file.
func (s Server) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	if host, port, err := net.SplitHostPort(s.Address); err != nil || host == "" || port == "" {
		p.Add("smtp", `must be host and port, like "smtp.gmail.com:587"`)
	}
	switch {
	case s.Username != "" && s.Password == "":
		p.Add("password", "is missing: the username needs one")
	case s.Username == "" && s.Password != "":
		p.Add("username", "is missing: the password needs one")
	}
	return p
}

// Step is how far a conversation with a server came.
type Step int

// The steps.
const (
	Connecting Step = iota
	LoggingIn
	Addressing // sender and recipients
	Posting    // the letter itself: it may have been taken even if no answer came
)

// Failure is what stopped a conversation. Its text holds neither letter nor account: what servers say may quote both.
type Failure struct {
	Step   Step
	Code   int // of the server's answer; 0 = there was none
	server Server
	err    error
}

func (f *Failure) Error() string {
	s := "mail server " + f.server.Address + ": "
	if f.Step == LoggingIn {
		s = "log in to " + s
	}
	if f.Code == 0 {
		return s + f.err.Error()
	}
	return s + fmt.Sprintf("answered with %d", f.Code) + f.hint()
}

func (f *Failure) Unwrap() error { return f.err }

func (f *Failure) hint() string {
	switch f.Code {
	case 454, 530, 534, 535:
		return "; check username and password in " + f.server.Block + " (Gmail and Naver want an app password)"
	case 550, 551, 553, 554:
		return "; check from and to in " + f.server.Block + ": the server may send only in the name of who logs in"
	}
	return ""
}

func (s Server) failure(step Step, err error) *Failure {
	f := &Failure{Step: step, server: s, err: err}
	if answer := (*textproto.Error)(nil); errors.As(err, &answer) {
		f.Code = answer.Code
	}
	return f
}

// Check logs in and leaves. Its error is a *Failure.
func (s Server) Check(ctx context.Context) (found string, err error) {
	found = "the server answers"
	if s.Username != "" {
		found = "the server accepts the username and password"
	}
	return found, s.talk(ctx, func(c *smtp.Client) (Step, error) { return Addressing, c.Noop() })
}

// Send posts l, once, to all its recipients. Its error is a *Failure.
func (s Server) Send(ctx context.Context, l Letter) error {
	return s.talk(ctx, func(c *smtp.Client) (Step, error) {
		if err := c.Mail(l.From.Address); err != nil {
			return Addressing, err
		}
		for _, a := range l.To {
			if err := c.Rcpt(a.Address); err != nil {
				return Addressing, err
			}
		}
		w, err := c.Data()
		if err != nil {
			return Addressing, err
		}
		if _, err := w.Write(l.Bytes()); err != nil {
			return Posting, err
		}
		return Posting, w.Close() // the server's answer: it has the letter
	})
}

// talk opens a session, logs in and lets f speak.
func (s Server) talk(ctx context.Context, f func(*smtp.Client) (Step, error)) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	c, err := s.connect(ctx)
	if err != nil {
		return s.failure(Connecting, err)
	}
	defer c.Close()
	if err := errors.Join(s.login(c), ctx.Err()); err != nil {
		return s.failure(LoggingIn, err)
	}
	if step, err := f(c); err != nil {
		return s.failure(step, err)
	}
	_ = c.Quit() // it has what it needs
	return nil
}

// connect returns a session that is encrypted, or with this machine.
func (s Server) connect(ctx context.Context) (*smtp.Client, error) {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // ends every read and write
	c, err := s.open(conn, host, port == smtpsPort)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// open begins a session on conn; tlsFirst = the server waits for TLS before it says anything.
func (s Server) open(conn net.Conn, host string, tlsFirst bool) (*smtp.Client, error) {
	if tlsFirst {
		return smtp.NewClient(tls.Client(conn, s.tlsConfig(host)), host)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, err
	}
	return c, s.secure(c, host)
}

// secure turns encryption on.
func (s Server) secure(c *smtp.Client, host string) error {
	if ok, _ := c.Extension("STARTTLS"); ok {
		return c.StartTLS(s.tlsConfig(host))
	}
	if loopback(host) {
		return nil
	}
	return errors.New("offers no encryption (STARTTLS), so nothing was sent; use its port 587 or 465")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func (s Server) tlsConfig(host string) *tls.Config {
	cfg := &tls.Config{}
	if s.TLS != nil {
		cfg = s.TLS.Clone()
	}
	cfg.ServerName, cfg.MinVersion = host, tls.VersionTLS12
	cfg.NextProtos = nil
	return cfg
}

func (s Server) login(c *smtp.Client) error {
	if s.Username == "" {
		return nil
	}
	host, _, _ := net.SplitHostPort(s.Address)
	_, mechanisms := c.Extension("AUTH")
	auth := smtp.PlainAuth("", s.Username, s.Password, host)
	if offered := strings.Fields(mechanisms); !contains(offered, "PLAIN") && contains(offered, "LOGIN") {
		auth = &loginAuth{username: s.Username, password: s.Password}
	}
	return c.Auth(auth)
}

func contains(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}
