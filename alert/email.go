package alert

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// Email sends by SMTP: with TLS from the start on port 465, else with STARTTLS. A server without either is refused
// unless it is on this machine. No proxy is used: HTTP proxies do not carry mail.
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

// smtpsPort is where TLS begins before the first word.
const smtpsPort = "465"

// Validate returns what is wrong with the settings.
func (e *Email) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	if host, port, err := net.SplitHostPort(e.Server); err != nil || host == "" || port == "" {
		p.Add("smtp", `must be host and port, like "smtp.gmail.com:587"`)
	}
	if fault := mailboxFault(e.From); fault != "" {
		p.Add("from", "%s", fault)
	}
	if len(e.To) == 0 {
		p.Add("to", `is missing: who is to be told, like ["ops@example.com"]`)
	}
	for i, to := range e.To {
		if fault := mailboxFault(to); fault != "" {
			p.Add(fmt.Sprintf("to[%d]", i), "%s", fault)
		}
	}
	switch {
	case e.Username != "" && e.Password == "":
		p.Add("password", "is missing: the username needs one")
	case e.Username == "" && e.Password != "":
		p.Add("username", "is missing: the password needs one")
	}
	return p
}

func mailboxFault(s string) string {
	if _, err := mail.ParseAddress(s); err != nil {
		return `is not an e-mail address like "ops@example.com"`
	}
	return ""
}

// Send mails m to all at once.
func (e *Email) Send(ctx context.Context, m Message) error {
	return e.talk(ctx, func(c *smtp.Client) error {
		from, to, err := e.mailboxes()
		if err != nil {
			return err
		}
		if err := c.Mail(from.Address); err != nil {
			return err
		}
		for _, a := range to {
			if err := c.Rcpt(a.Address); err != nil {
				return err
			}
		}
		w, err := c.Data()
		if err != nil {
			return err
		}
		if _, err := w.Write(letter(from, to, m, time.Now())); err != nil {
			return err
		}
		return w.Close() // the server's answer: it has the letter
	})
}

// Check logs in and leaves.
func (e *Email) Check(ctx context.Context) (string, error) {
	found := "the server answers"
	if e.Username != "" {
		found = "the server accepts the username and password"
	}
	return found, e.talk(ctx, func(c *smtp.Client) error { return c.Noop() })
}

func (e *Email) mailboxes() (from *mail.Address, to []*mail.Address, err error) {
	if from, err = mail.ParseAddress(e.From); err != nil {
		return nil, nil, err
	}
	for _, s := range e.To {
		a, err := mail.ParseAddress(s)
		if err != nil {
			return nil, nil, err
		}
		to = append(to, a)
	}
	return from, to, nil
}

// talk opens a session, logs in and lets f speak.
func (e *Email) talk(ctx context.Context, f func(*smtp.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	c, err := e.connect(ctx)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", e.Server, told(err))
	}
	defer c.Close()
	if err := errors.Join(e.login(c), ctx.Err()); err != nil {
		return fmt.Errorf("log in to mail server %s: %w", e.Server, told(err))
	}
	if err := f(c); err != nil {
		return fmt.Errorf("mail server %s: %w", e.Server, told(err))
	}
	_ = c.Quit() // it has what it needs
	return nil
}

// connect returns a session that is encrypted, or with this machine.
func (e *Email) connect(ctx context.Context) (*smtp.Client, error) {
	host, port, err := net.SplitHostPort(e.Server)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", e.Server)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // ends every read and write
	c, err := e.open(conn, host, port == smtpsPort)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// open begins a session on conn; tlsFirst = the server waits for TLS before it says anything.
func (e *Email) open(conn net.Conn, host string, tlsFirst bool) (*smtp.Client, error) {
	if tlsFirst {
		return smtp.NewClient(tls.Client(conn, e.tlsConfig(host)), host)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, err
	}
	return c, e.secure(c, host)
}

// secure turns encryption on.
func (e *Email) secure(c *smtp.Client, host string) error {
	if ok, _ := c.Extension("STARTTLS"); ok {
		return c.StartTLS(e.tlsConfig(host))
	}
	if sink.Loopback(host) {
		return nil
	}
	return errors.New("offers no encryption (STARTTLS), so nothing was sent; use its port 587 or 465")
}

func (e *Email) tlsConfig(host string) *tls.Config {
	cfg := &tls.Config{}
	if e.TLS != nil {
		cfg = e.TLS.Clone()
	}
	cfg.ServerName, cfg.MinVersion = host, tls.VersionTLS12
	cfg.NextProtos = nil
	return cfg
}

func (e *Email) login(c *smtp.Client) error {
	if e.Username == "" {
		return nil
	}
	host, _, _ := net.SplitHostPort(e.Server)
	_, mechanisms := c.Extension("AUTH")
	auth := smtp.PlainAuth("", e.Username, e.Password, host)
	if offered := strings.Fields(mechanisms); !contains(offered, "PLAIN") && contains(offered, "LOGIN") {
		auth = &loginAuth{username: e.Username, password: e.Password}
	}
	return c.Auth(auth)
}

func contains(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}

// loginAuth is the LOGIN mechanism, the only one with a password that some servers (Microsoft's among them) offer.
type loginAuth struct {
	username, password string
	step               int
}

// Start refuses to give the password away in the open, as smtp.PlainAuth does.
func (a *loginAuth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS && !sink.Loopback(server.Name) {
		return "", nil, errors.New("unencrypted connection")
	}
	return "LOGIN", nil, nil
}

// Next answers the two questions: the name, then the password.
func (a *loginAuth) Next(_ []byte, more bool) ([]byte, error) {
	a.step++
	switch {
	case !more:
		return nil, nil
	case a.step == 1:
		return []byte(a.username), nil
	case a.step == 2:
		return []byte(a.password), nil
	}
	return nil, errors.New("asks for more than name and password")
}

// told keeps of a server's answer its code only: what it says may quote the letter or the name.
func told(err error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) {
		return fmt.Errorf("answered with %d%s", answer.Code, smtpHint(answer.Code))
	}
	return err
}

func smtpHint(code int) string {
	switch code {
	case 454, 530, 534, 535:
		return "; check username and password in [alert.email] (Gmail and Naver want an app password)"
	case 550, 551, 553, 554:
		return "; check from and to in [alert.email]: the server may send only in the name of who logs in"
	}
	return ""
}

// letter is the whole text of a mail.
func letter(from *mail.Address, to []*mail.Address, m Message, now time.Time) []byte {
	var names []string
	for _, a := range to {
		names = append(names, a.String())
	}
	var id [12]byte
	_, _ = rand.Read(id[:])
	_, domain, _ := strings.Cut(from.Address, "@")
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", from.String()},
		{"To", strings.Join(names, ", ")},
		{"Subject", mime.BEncoding.Encode("utf-8", m.Subject)},
		{"Date", now.Format(time.RFC1123Z)},
		{"Message-ID", fmt.Sprintf("<%x@%s>", id, domain)},
		{"Auto-Submitted", "auto-generated"}, // no answers from those on holiday
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "base64"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	for text := base64.StdEncoding.EncodeToString([]byte(m.Text)); text != ""; {
		n := min(76, len(text))
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return b.Bytes()
}
