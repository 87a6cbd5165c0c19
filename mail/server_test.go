package mail_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"talkrelay/mail"
)

// On port 465 TLS comes first: not a word goes in the open.
func TestTLSFirst(t *testing.T) {
	t.Parallel()
	donor := httptest.NewUnstartedServer(nil)
	donor.StartTLS() // its certificate is good for 127.0.0.1
	donor.Close()
	roots := x509.NewCertPool()
	roots.AddCert(donor.Certificate())
	client, server := net.Pipe()
	verbs := make(chan string, 1)
	go func() {
		defer server.Close()
		conn := tls.Server(server, &tls.Config{Certificates: donor.TLS.Certificates})
		fmt.Fprint(conn, "220 mail.example ESMTP\r\n")
		verb, _ := bufio.NewReader(conn).ReadString('\n')
		verbs <- verb
		fmt.Fprint(conn, "250 mail.example\r\n")
	}()
	s := mail.Server{TLS: &tls.Config{RootCAs: roots}}
	c, err := mail.Open(s, client, "127.0.0.1", true)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Hello("relay"); err != nil {
		t.Error(err)
	}
	_ = client.Close()
	if verb := <-verbs; !strings.HasPrefix(verb, "EHLO ") {
		t.Errorf("the first word was %q", verb)
	}
}

// Nothing of a subject, a text or a name becomes a header, and nothing ends the letter early.
func TestNoInjection(t *testing.T) {
	t.Parallel()
	const hostile = "안녕\r\nBcc: all@example.com\r\n\r\n.\r\nQUIT\r\n"
	from, to, err := mail.Addresses("talkrelay <relay@example.com>", []string{"김운영 <kim@example.com>"})
	if err != nil {
		t.Fatal(err)
	}
	from.Name = hostile
	text := mail.Letter{From: from, To: to, Subject: hostile, Text: hostile, ID: "0011", Date: time.Unix(0, 0)}.Bytes()
	m, err := netmail.ReadMessage(strings.NewReader(string(text)))
	if err != nil || len(m.Header) != 9 || m.Header.Get("Bcc") != "" || m.Header.Get("Message-Id") != "<0011@example.com>" {
		t.Errorf("%v: header %v", err, m.Header)
	}
	for line := range strings.SplitSeq(string(text), "\r\n") {
		if strings.ContainsAny(line, "\r\n") || line == "." || len(line) > 998 {
			t.Errorf("line %q", line)
		}
	}
	for _, address := range []string{"a@example.com\r\nBcc: b@example.com", "a@example.com, b@example.com", "no address"} {
		if _, _, err := mail.Addresses(address, nil); err == nil {
			t.Errorf("%q passes for an address", address)
		}
	}
}
