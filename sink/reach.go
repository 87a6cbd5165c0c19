package sink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Reach opens a connection to the host of address, or to the proxy on the way there, and closes it: many services take
// any request for the real thing. proxy may be nil. It returns what was found; neither that nor the error shows the address.
func Reach(ctx context.Context, proxy func(*http.Request) (*url.URL, error), address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", errors.New("the address is no URL")
	}
	to, what := req.URL, "host can be reached"
	if proxy != nil {
		p, err := proxy(req)
		if err != nil {
			return "", fmt.Errorf("find the proxy: %w", err)
		}
		if p != nil {
			to, what = p, "the proxy can be reached"
		}
	}
	port := to.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[to.Scheme]
	}
	if port == "" {
		port = "1080" // a SOCKS proxy
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(to.Hostname(), port))
	if err != nil {
		return "", err
	}
	return what + "; nothing was sent", conn.Close()
}

// AddressFault says what is wrong with an address that something is sent to; "" if nothing is. Plain http carries
// secrets in the open, so it is for this machine only, unless the operator allows it.
func AddressFault(text string, allowHTTP bool) string {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return "is missing"
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return "is not an address like https://example.com/…"
	case u.Scheme == "http" && !allowHTTP && !Loopback(u.Hostname()):
		return "must begin with https://; http:// is for this machine only"
	}
	return ""
}

// fixedHeaders are what a request has by itself, and what makes net/http send it twice.
var fixedHeaders = []string{"Content-Length", "Host", "Connection", "Transfer-Encoding", "Idempotency-Key", "X-Idempotency-Key"}

// HeaderFault says what is wrong with a header that an operator adds to requests; "" if nothing is. own are those that the
// destination sets itself, in canonical form.
func HeaderFault(name, value string, own ...string) string {
	key := http.CanonicalHeaderKey(name)
	switch {
	case slices.Contains(own, key), slices.Contains(fixedHeaders, key):
		return "cannot be set: talkrelay sets it itself, or it would make requests repeat"
	case !httpguts.ValidHeaderFieldName(name), !httpguts.ValidHeaderFieldValue(value):
		return "is no HTTP header: a name has letters, digits and '-', a value no line breaks"
	}
	return ""
}

// Loopback reports whether host is this machine.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
