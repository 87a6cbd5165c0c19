package mail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime"
	"net/mail"
	"strings"
	"time"

	"talkrelay"
)

// Letter is a mail of plain text.
type Letter struct {
	From    *mail.Address
	To      []*mail.Address
	Subject string // one line; line breaks become spaces
	Text    string
	ID      string // the part of the Message-ID before the @, of letters and digits
	Date    time.Time
}

// Bytes is the whole text of l. Nothing in Subject or Text can become a header: the one is encoded, the other base64.
func (l Letter) Bytes() []byte {
	var names []string
	for _, a := range l.To {
		names = append(names, a.String())
	}
	_, domain, _ := strings.Cut(l.From.Address, "@")
	subject := strings.Join(strings.Fields(l.Subject), " ")
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", l.From.String()},
		{"To", strings.Join(names, ", ")},
		{"Subject", mime.BEncoding.Encode("utf-8", subject)},
		{"Date", l.Date.Format(time.RFC1123Z)},
		{"Message-ID", fmt.Sprintf("<%s@%s>", l.ID, domain)},
		{"Auto-Submitted", "auto-generated"}, // no answers from those on holiday
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "base64"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	for text := base64.StdEncoding.EncodeToString([]byte(l.Text)); text != ""; {
		n := min(76, len(text))
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return b.Bytes()
}

// Addresses reads a sender and recipients, as "name <a@example.com>".
func Addresses(from string, to []string) (sender *mail.Address, recipients []*mail.Address, err error) {
	if sender, err = mail.ParseAddress(from); err != nil {
		return nil, nil, err
	}
	for _, s := range to {
		a, err := mail.ParseAddress(s)
		if err != nil {
			return nil, nil, err
		}
		recipients = append(recipients, a)
	}
	return sender, recipients, nil
}

// CheckAddresses adds what is wrong with a sender and recipients, keyed as in the config file.
func CheckAddresses(p *talkrelay.Problems, from string, to []string) {
	const fault = `is not an e-mail address like "ops@example.com"`
	if _, err := mail.ParseAddress(from); err != nil {
		p.Add("from", fault)
	}
	if len(to) == 0 {
		p.Add("to", `is missing: who is to be told, like ["ops@example.com"]`)
	}
	for i, s := range to {
		if _, err := mail.ParseAddress(s); err != nil {
			p.Add(fmt.Sprintf("to[%d]", i), fault)
		}
	}
}
