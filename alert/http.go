package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// post sends body as JSON, or a GET without one if it is nil, and returns what an answer of 2xx holds. The errors name
// neither the address, which may be the secret, nor anything of the answer.
func post(ctx context.Context, client *http.Client, address string, body any, header http.Header) ([]byte, error) {
	method, content := http.MethodGet, io.Reader(nil)
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		method, content = http.MethodPost, bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, errors.New("the address is no URL")
	}
	for key, values := range header {
		req.Header[key] = values
	}
	req.Header.Set("User-Agent", "talkrelay")
	if body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, bare(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return nil, errors.New("429: asked to wait")
	case resp.StatusCode/100 == 3:
		return nil, fmt.Errorf("%d: sent on to another address", resp.StatusCode)
	case resp.StatusCode/100 != 2:
		return nil, fmt.Errorf("answered with %d", resp.StatusCode)
	case err != nil:
		return nil, bare(err)
	}
	return text, nil
}

// bare takes the URL from an error of net/http.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// addressFault says what is wrong with an address that something is sent to; "" if nothing is. Plain http carries
// secrets in the open, so it is for this machine only.
func addressFault(text string) string {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return "is missing"
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return "is not an address like https://example.com/…"
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "must begin with https://; http:// is for this machine only"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// reach opens a connection to the address's host, or to the proxy on the way there, and closes it: many services take
// any request for the real thing.
func reach(ctx context.Context, proxy func(*http.Request) (*url.URL, error), address string) (string, error) {
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
