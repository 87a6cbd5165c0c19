package email_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/email"
	"talkrelay/sink/sinktest"
)

// server takes mails on loopback, where no encryption is asked for.
type server struct {
	listener net.Listener
	mu       sync.Mutex
	refuse   string // verb that is answered with code; "." = the letter
	code     int    // 0 = the connection ends instead
	letters  []string
}

func newServer(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{listener: l}
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				s.session(conn)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); sessions.Wait() })
	return s
}

func (s *server) session(conn net.Conn) {
	r := bufio.NewReader(conn)
	say := func(line string) { fmt.Fprint(conn, line+"\r\n") }
	say("220 mail.example ESMTP")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch code, refused := s.refuses(verb); {
		case refused && code == 0:
			return
		case refused:
			say(fmt.Sprintf("%d no, %s", code, line[:len(line)-2]))
		case verb == "EHLO":
			say("250-mail.example\r\n250 AUTH PLAIN")
		case verb == "AUTH":
			say("235 welcome")
		case verb == "DATA":
			say("354 go on")
			if !s.letter(r, say) {
				return
			}
		default:
			say("250 ok")
		}
	}
}

func (s *server) refuses(verb string) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code, s.refuse == verb
}

// letter takes one, and reports whether the session goes on.
func (s *server) letter(r *bufio.Reader, say func(string)) bool {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(line)
	}
	code, refused := s.refuses(".")
	if refused && code > 0 {
		say(fmt.Sprintf("%d no", code))
		return true
	}
	s.mu.Lock()
	s.letters = append(s.letters, b.String())
	s.mu.Unlock()
	if refused {
		return false // taken, and nobody is told
	}
	say("250 taken")
	return true
}

func (s *server) set(verb string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse, s.code = verb, code
}

func (s *server) mails(t *testing.T) []*netmail.Message {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*netmail.Message
	for _, text := range s.letters {
		m, err := netmail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

const password = "hunter2-hunter2"

func (s *server) config() email.Config {
	return email.Config{
		Options: sink.Options{Name: "mail", Mask: true, Timeout: sinktest.Timeout}, SMTP: s.listener.Addr().String(),
		Username: "relay@example.com", Password: password, From: "talkrelay <relay@example.com>", To: []string{"ops@example.com", "김운영 <kim@example.com>"},
	}
}

func newSink(t *testing.T, c email.Config) *email.Sink {
	t.Helper()
	s, err := email.New(c)
	return sinktest.Must(t, s, err)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sinktest.RunPlace(t, func(t *testing.T) sinktest.Place {
		srv := newServer(t)
		return sinktest.Place{
			New: func() sink.Sink { return newSink(t, srv.config()) },
			Count: func() int {
				ids := map[string]bool{}
				for _, m := range srv.mails(t) {
					ids[m.Header.Get("Message-Id")] = true
				}
				return len(ids)
			},
			Break:   func() func() { srv.set("RCPT", 451); return func() { srv.set("", 0) } },
			Secrets: []string{password, "kim@example.com"},
		}
	})
}

func send(t *testing.T, s sink.Sink, e talkrelay.Event) error {
	t.Helper()
	_, err := s.Send(t.Context(), sinktest.Message(t, s, "00112233445566778899aabbccddeeff", e))
	return err
}

// A mail says what happened, masked, and its Message-ID follows from the delivery.
func TestMail(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	e := sink.SampleEvents()[0]
	e.User.Name = "홍길동\r\nBcc: all@example.com"
	if err := send(t, newSink(t, srv.config()), e); err != nil {
		t.Fatal(err)
	}
	own := srv.config()
	own.Subject, own.Text = "{{.User.Name}} 님", "{{.Message.Text}}"
	if err := send(t, newSink(t, own), e); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ subject, text string }{
		{"새 문의 · 홍길동 Bcc: a***@example.com", "010-****-5678"},
		{"홍길동 Bcc: a***@example.com 님", e.Message.Text},
	} {
		m := srv.mails(t)[i]
		subject, _ := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		body, _ := io.ReadAll(base64.NewDecoder(base64.StdEncoding, m.Body))
		if subject != want.subject || !strings.Contains(string(body), want.text) || strings.Contains(string(body), "1234-5678") {
			t.Errorf("subject %q\n%s", subject, body)
		}
		if id := m.Header.Get("Message-Id"); id != "<00112233445566778899aabbccddeeff@example.com>" || m.Header.Get("Bcc") != "" {
			t.Errorf("header %v", m.Header)
		}
	}
}

// Only the letter itself can be in doubt; what a server refuses for good waits for whoever can mend it.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		verb string
		code int
		want sink.Verdict
	}{
		{"EHLO", 0, sink.Retry},
		{"AUTH", 535, sink.PauseCredential},
		{"AUTH", 454, sink.Retry},
		{"MAIL", 553, sink.PauseDestination},
		{"RCPT", 451, sink.Retry},
		{"DATA", 0, sink.Retry},
		{".", 0, sink.InDoubt},
		{".", 452, sink.Retry},
		{".", 554, sink.PauseDestination},
	} {
		srv := newServer(t)
		srv.set(tt.verb, tt.code)
		err := send(t, newSink(t, srv.config()), sink.SampleEvents()[0])
		if got := sink.VerdictOf(err).Verdict; err == nil || got != tt.want {
			t.Errorf("%s answered with %d: %s, want %s: %v", tt.verb, tt.code, got, tt.want, err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	if f := newSink(t, srv.config()).Check(t.Context()); !f[0].OK || len(srv.mails(t)) > 0 {
		t.Errorf("%+v", f)
	}
	srv.set("AUTH", 535)
	if f := newSink(t, srv.config()).Check(t.Context()); f[0].OK || f[0].Fix == "" || strings.Contains(f[0].Text, password) {
		t.Errorf("%+v", f)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := email.Config{SMTP: "mail.example.com:587", From: "a@example.com", To: []string{"b@example.com"}}
	if p := good.Validate(); len(p) > 0 {
		t.Error(p)
	}
	for key, change := range map[string]func(*email.Config){
		"smtp":     func(c *email.Config) { c.SMTP = "mail.example.com" },
		"from":     func(c *email.Config) { c.From = "x\r\nBcc: a@example.com" },
		"to":       func(c *email.Config) { c.To = nil },
		"to[0]":    func(c *email.Config) { c.To = []string{"x"} },
		"password": func(c *email.Config) { c.Username = "x" },
		"subject":  func(c *email.Config) { c.Subject = "{{.Usr}}" },
		"text":     func(c *email.Config) { c.Text = "{{" },
	} {
		c := good
		change(&c)
		if p := c.Validate(); len(p) != 1 || p[0].Key != key {
			t.Errorf("%s: %v", key, p)
		}
	}
}
