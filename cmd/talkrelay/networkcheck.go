package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"

	"talkrelay/sink"
)

// hopTimeout bounds the way to one host.
const hopTimeout = 15 * time.Second

// network prints the hosts that the config sends requests to, as a security form wants them, then goes to each of them hop
// by hop. Nothing but HEAD / is sent, without a key.
func (c *checker) network(ctx context.Context, cfg *config) error {
	base, err := sink.BaseTransport(cfg.plan.base.caPEM, cfg.plan.base.proxy)
	if err != nil {
		return err
	}
	base.DisableKeepAlives = true // each host is gone to anew
	all := cfg.remotes(base.Proxy)
	if err := c.printRemotes(all); err != nil {
		return fmt.Errorf("print the hosts: %w", err)
	}
	for _, r := range all {
		ctx, cancel := context.WithTimeout(ctx, hopTimeout)
		c.tried(ctx, r.address(), goTo(ctx, base, r)...)
		cancel()
	}
	return interrupted(ctx)
}

func (c *checker) printRemotes(all []remote) error {
	if c.json {
		for _, r := range all {
			if err := json.NewEncoder(c.out).Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	t := table{titles: c.words.Remotes[:]}
	for _, r := range all {
		via := r.Via
		if via == "" {
			via = c.words.Direct
		}
		t.add(r.Host, r.Port, "TCP, "+r.Scheme, via, r.purpose(c.words))
	}
	t.add(c.words.NameServers, "53", "UDP, TCP", c.words.Direct, c.words.NameServersFor)
	fmt.Fprintln(c.out, c.words.Outbound)
	fmt.Fprintln(c.out)
	if err := t.print(c.out, terminalWidth(c.out)); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.out)
	return err
}

// goTo tries every hop on the way to r, and stops at the first that fails.
func goTo(ctx context.Context, base *http.Transport, r remote) []sink.Finding {
	if r.Proxy || r.Scheme == "smtp" || r.Scheme == "postgres" {
		return knock(ctx, r)
	}
	w := &way{to: r}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, w.trace()), http.MethodHead, (&url.URL{Scheme: r.Scheme, Host: r.address(), Path: "/"}).String(), nil)
	if err != nil {
		return []sink.Finding{{Name: "address", Text: err.Error(), Fix: "correct it in the config"}}
	}
	start := time.Now()
	resp, err := base.RoundTrip(req)
	if err != nil {
		return w.found(sink.Finding{Name: w.failedHop(err), Text: hopError(err), Fix: w.fix(err)})
	}
	_ = resp.Body.Close()
	return w.found(sink.Finding{Name: "answer", OK: true, Text: fmt.Sprintf("after %s; the status, %d, does not matter here", time.Since(start).Round(time.Millisecond), resp.StatusCode)})
}

// knock looks r up and opens a connection.
func knock(ctx context.Context, r remote) []sink.Finding {
	w := &way{to: r}
	conn, err := new(net.Dialer).DialContext(httptrace.WithClientTrace(ctx, w.trace()), "tcp", r.address())
	if err != nil {
		return w.found(sink.Finding{Name: w.failedHop(err), Text: hopError(err), Fix: w.fix(err)})
	}
	_ = conn.Close()
	return w.found()
}

// way notes how far a request came.
type way struct {
	to        remote
	mu        sync.Mutex // a connection may be tried over IPv4 and IPv6 at once
	names     string
	connected string
	secured   string
}

func (w *way) trace() *httptrace.ClientTrace {
	noted := func(place *string, text string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		*place = text
	}
	return &httptrace.ClientTrace{
		DNSDone: func(i httptrace.DNSDoneInfo) {
			if i.Err == nil && len(i.Addrs) > 0 {
				noted(&w.names, fmt.Sprintf("%d addresses, the first %s", len(i.Addrs), i.Addrs[0].String()))
			}
		},
		ConnectDone: func(_, addr string, err error) {
			if err == nil {
				noted(&w.connected, "connected to "+addr)
			}
		},
		TLSHandshakeDone: func(s tls.ConnectionState, err error) {
			if err == nil && len(s.PeerCertificates) > 0 {
				cert := s.PeerCertificates[0]
				noted(&w.secured, fmt.Sprintf("%s, certificate by %s until %s", tls.VersionName(s.Version), issuer(cert), cert.NotAfter.Format(time.DateOnly)))
			}
		},
	}
}

func issuer(cert *x509.Certificate) string {
	if len(cert.Issuer.Organization) > 0 {
		return strings.Join(cert.Issuer.Organization, " ")
	}
	return cert.Issuer.CommonName
}

// found lists the hops that went well, and last what became of the whole.
func (w *way) found(last ...sink.Finding) (all []sink.Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, hop := range []struct{ name, text string }{{"name", w.names}, {"connection", w.connected}, {"TLS", w.secured}} {
		if hop.text != "" {
			all = append(all, sink.Finding{Name: hop.name, OK: true, Text: hop.text})
		}
	}
	return append(all, last...)
}

// failedHop names the hop at which err came up.
func (w *way) failedHop(err error) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case errors.As(err, new(*net.DNSError)):
		return "name"
	case w.connected == "":
		return "connection"
	case w.to.Via != "" && w.secured == "":
		return "proxy"
	case w.to.Scheme == "https" && w.secured == "":
		return "TLS"
	}
	return "answer"
}

// fix says what to do about err.
func (w *way) fix(err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &authority):
		return "a proxy opens TLS on the way: put the company's CA certificate into a file and name it in network.ca_file"
	case errors.As(err, &host):
		return "something else answers in its place: correct the host in the config, or let the proxy pass it untouched"
	case errors.As(err, &invalid):
		return "check this machine's clock: timedatectl set-ntp true"
	}
	switch w.failedHop(err) {
	case "name":
		return "correct the host in the config, or this machine's name servers (/etc/resolv.conf)"
	case "connection":
		if w.to.Via != "" {
			return "let this machine reach the proxy " + w.to.Via + " by TCP, or correct network.proxy or HTTPS_PROXY"
		}
		return "let the firewall pass this machine to " + w.to.Host + " port " + w.to.Port + " by TCP, or name a proxy in network.proxy"
	case "proxy":
		return "let the proxy " + w.to.Via + " pass CONNECT to " + w.to.address() + "; if it asks who you are, write network.proxy as http://user:password@host:port"
	}
	return "let the firewall and the proxy pass " + w.to.Scheme + " to " + w.to.address() + " unchanged"
}

// hopError is the text of err without the address, which may be a secret.
func hopError(err error) string {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}
