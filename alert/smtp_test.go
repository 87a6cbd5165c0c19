package alert_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"talkrelay/alert"
)

// mailServer is an SMTP server on loopback. Its zero settings offer neither TLS nor a log-in.
type mailServer struct {
	starttls bool
	auth     string // mechanisms offered after STARTTLS, or at once without it; "" = none
	refuse   string // verb that is answered with code
	code     int
	maxTLS   uint16
	silent   bool // takes the connection and says nothing

	listener net.Listener
	cert     tls.Certificate
	roots    *x509.CertPool

	mu        sync.Mutex
	verbs     []string
	inTheOpen []string // verbs before encryption
	login     string
	letters   []string
}

const (
	mailUser     = "relay@example.com"
	mailPassword = "hunter2-hunter2"
)

func (s *mailServer) start(t *testing.T) {
	t.Helper()
	donor := httptest.NewUnstartedServer(nil)
	donor.StartTLS() // its certificate is good for 127.0.0.1
	donor.Close()
	s.cert, s.roots = donor.TLS.Certificates[0], x509.NewCertPool()
	s.roots.AddCert(donor.Certificate())
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				s.session(conn, false)
			})
		}
	})
	t.Cleanup(func() { _ = s.listener.Close(); sessions.Wait() })
}

// session speaks SMTP until the caller leaves.
func (s *mailServer) session(conn net.Conn, encrypted bool) {
	r := bufio.NewReader(conn)
	if s.silent {
		_, _ = io.Copy(io.Discard, r)
		return
	}
	say := func(format string, args ...any) { fmt.Fprintf(conn, format+"\r\n", args...) }
	if !encrypted {
		say("220 mail.example ESMTP")
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb, rest, _ := strings.Cut(line, " ")
		s.note(strings.ToUpper(verb), encrypted)
		switch verb = strings.ToUpper(verb); {
		case verb == s.refuse:
			say("%d no, %s", s.code, line)
		case verb == "EHLO":
			s.greet(say, encrypted)
		case verb == "STARTTLS":
			say("220 go on")
			inner := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.cert}, MaxVersion: s.maxTLS})
			s.session(inner, true)
			return
		case verb == "AUTH":
			s.logIn(r, say, rest)
		case verb == "DATA":
			say("354 go on")
			s.letter(r)
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *mailServer) note(verb string, encrypted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verbs = append(s.verbs, verb)
	if !encrypted {
		s.inTheOpen = append(s.inTheOpen, verb)
	}
}

func (s *mailServer) greet(say func(string, ...any), encrypted bool) {
	say("250-mail.example")
	if s.starttls && !encrypted {
		say("250-STARTTLS")
	}
	if s.auth != "" && (encrypted || !s.starttls) {
		say("250-AUTH %s", s.auth)
	}
	say("250 8BITMIME")
}

// logIn takes PLAIN and LOGIN.
func (s *mailServer) logIn(r *bufio.Reader, say func(string, ...any), rest string) {
	mechanism, text, _ := strings.Cut(rest, " ")
	login, _ := base64.StdEncoding.DecodeString(text)
	if mechanism == "LOGIN" {
		login = nil
		for _, question := range []string{"Username:", "Password:"} {
			say("334 %s", base64.StdEncoding.EncodeToString([]byte(question)))
			line, _ := r.ReadString('\n')
			answer, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
			login = append(append(login, 0), answer...)
		}
	}
	s.mu.Lock()
	s.login = string(login)
	s.mu.Unlock()
	if string(login) != "\x00"+mailUser+"\x00"+mailPassword {
		say("535 wrong for %s", mailUser)
		return
	}
	say("235 welcome")
}

func (s *mailServer) letter(r *bufio.Reader) {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == ".\r\n" {
			break
		}
		b.WriteString(line)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letters = append(s.letters, b.String())
}

// email is how a config would reach s.
func (s *mailServer) email() *alert.Email {
	return &alert.Email{
		Server: s.listener.Addr().String(), From: "talkrelay <relay@example.com>", To: []string{"ops@example.com", "김운영 <kim@example.com>"},
		TLS: &tls.Config{RootCAs: s.roots}, Timeout: 30 * time.Second,
	}
}

func TestEmailArrives(t *testing.T) {
	t.Parallel()
	message := alert.Voice{Host: "relay1"}.Message(alert.Report{At: start, Raised: []alert.Condition{paused("cs-알림")}})
	for _, tt := range []struct {
		name   string
		server *mailServer
		login  bool
	}{
		{"starttls, plain", &mailServer{starttls: true, auth: "PLAIN LOGIN"}, true},
		{"starttls, login", &mailServer{starttls: true, auth: "LOGIN XOAUTH2"}, true},
		{"loopback, in the open", &mailServer{}, false},
		{"loopback, in the open, with a log-in", &mailServer{auth: "LOGIN"}, true},
	} {
		s := tt.server
		s.start(t)
		e := s.email()
		if tt.login {
			e.Username, e.Password = mailUser, mailPassword
		}
		if found, err := e.Check(t.Context()); err != nil || found == "" || len(s.letters) > 0 {
			t.Errorf("%s: check: %q, %v", tt.name, found, err)
		}
		if err := e.Send(t.Context(), message); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if len(s.letters) != 1 {
			t.Fatalf("%s: %d letters", tt.name, len(s.letters))
		}
		m, err := mail.ReadMessage(strings.NewReader(s.letters[0]))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		subject, _ := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		body, _ := io.ReadAll(base64.NewDecoder(base64.StdEncoding, m.Body))
		to, err := m.Header.AddressList("To")
		if subject != message.Subject || string(body) != message.Text || err != nil || len(to) != 2 || to[1].Name != "김운영" {
			t.Errorf("%s: subject %q, to %v, body:\n%s", tt.name, subject, to, body)
		}
		if _, err := m.Header.Date(); err != nil || m.Header.Get("Auto-Submitted") == "" || m.Header.Get("Message-Id") == "" {
			t.Errorf("%s: header %v", tt.name, m.Header)
		}
		if open := strings.Join(s.inTheOpen, " "); s.starttls && open != "EHLO STARTTLS EHLO STARTTLS" {
			t.Errorf("%s: in the open went %s", tt.name, open)
		}
	}
}

// What a mail server can do wrong ends in an error that says what to change, and that gives nothing away.
func TestEmailErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		server *mailServer
		edit   func(*alert.Email)
		says   string
	}{
		{"wrong password", &mailServer{starttls: true, auth: "PLAIN"}, func(e *alert.Email) { e.Username, e.Password = mailUser, "wrong-wrong" }, "username and password in [alert.email]"},
		{"no log-in", &mailServer{starttls: true, refuse: "AUTH", code: 502}, func(e *alert.Email) { e.Username, e.Password = mailUser, mailPassword }, "502"},
		{"old TLS only", &mailServer{starttls: true, maxTLS: tls.VersionTLS11}, nil, "protocol version"},
		{"nobody there", &mailServer{silent: true}, func(e *alert.Email) { e.Server = "127.0.0.1:1" }, "refused"},
		{"certificate not trusted", &mailServer{starttls: true}, func(e *alert.Email) { e.TLS = nil }, "certificate"},
		{"sender refused", &mailServer{refuse: "MAIL", code: 553}, nil, "553; check from and to"},
		{"recipient refused", &mailServer{refuse: "RCPT", code: 550}, nil, "550; check from and to"},
		{"letter refused", &mailServer{refuse: "DATA", code: 451}, nil, "451"},
		{"says nothing", &mailServer{silent: true}, func(e *alert.Email) { e.Timeout = 200 * time.Millisecond }, "timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := tt.server
			s.start(t)
			e := s.email()
			if tt.edit != nil {
				tt.edit(e)
			}
			err := e.Send(t.Context(), alert.Message{Subject: "s", Text: "t"})
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("%v, want %q", err, tt.says)
			}
			for _, private := range []string{"wrong-wrong", mailPassword, mailUser, "kim@", "ops@"} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("%q is in the error: %v", private, err)
				}
			}
		})
	}
}

// A server elsewhere that offers no encryption gets neither the letter nor the password. 0.0.0.0 leads to this machine,
// but is no loopback address.
func TestEmailIsNotSentInTheOpen(t *testing.T) {
	t.Parallel()
	for _, auth := range []string{"PLAIN", "LOGIN", ""} {
		s := &mailServer{auth: auth}
		s.start(t)
		e := s.email()
		e.Server = strings.Replace(e.Server, "127.0.0.1", "0.0.0.0", 1)
		e.Username, e.Password = mailUser, mailPassword
		if err := e.Send(t.Context(), alert.Message{Text: "t"}); err == nil || !strings.Contains(err.Error(), "offers no encryption") {
			t.Errorf("%q: %v", auth, err)
		}
		s.mu.Lock()
		if open := strings.Join(s.inTheOpen, " "); open != "EHLO" {
			t.Errorf("%q: in the open went %s", auth, open)
		}
		s.mu.Unlock()
	}
}
