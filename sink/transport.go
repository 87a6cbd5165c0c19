package sink

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// Limits of a connection. The time a whole call may take is the http.Client's.
const (
	dialTimeout   = 10 * time.Second
	tlsTimeout    = 10 * time.Second
	headerTimeout = 5 * time.Minute // longer than any call's own timeout; ends what has none
	idleTimeout   = 10 * time.Second
	quietTimeout  = 15 * time.Second // without a word on an HTTP/2 connection in use, then it is tried by a ping …
	pingTimeout   = 10 * time.Second // … and given up when that is not answered
	maxHeader     = 256 << 10
)

// BaseTransport returns the transport that every client of one process shares: TLS 1.2 or newer, HTTP/2 where the
// server has it. Idle connections are closed after ten seconds, before servers and firewalls drop them in silence, and
// one that was dropped while in use is found by a ping.
//
// caPEM holds certificates to trust besides the system's; nil = none. proxy is the URL of a proxy (http, https or
// socks5); "" = what HTTPS_PROXY and HTTP_PROXY say. NO_PROXY is honoured in both cases.
func BaseTransport(caPEM []byte, proxy string) (*http.Transport, error) {
	roots, err := certPool(caPEM)
	if err != nil {
		return nil, err
	}
	proxyFunc, err := proxyFor(proxy)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  proxyFunc,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    2,
		MaxResponseHeaderBytes: maxHeader,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: quietTimeout, PingTimeout: pingTimeout},
	}, nil
}

// certPool returns nil, which stands for the system's certificates, if there are no others.
func certPool(caPEM []byte) (*x509.CertPool, error) {
	if caPEM == nil {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's certificates: %w", err)
	}
	if !pool.AppendCertsFromPEM(caPEM) {
		return nil, errors.New("read CA file: no certificate in PEM form (-----BEGIN CERTIFICATE-----) in it")
	}
	return pool, nil
}

func proxyFor(proxy string) (func(*http.Request) (*url.URL, error), error) {
	config := httpproxy.FromEnvironment()
	config.CGI = false // a daemon is no CGI program, whatever its environment looks like
	if proxy != "" {
		u, err := url.Parse(proxy)
		if err != nil {
			return nil, errors.New("parse proxy: not a URL, as http://proxy.example:3128 is") // err would show a password
		}
		if u.Host == "" || !strings.Contains(" http https socks5 socks5h ", " "+u.Scheme+" ") {
			return nil, errors.New("parse proxy: must be http://, https:// or socks5:// with host and port")
		}
		config.HTTPProxy, config.HTTPSProxy = proxy, proxy
	}
	choose := config.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }, nil
}

// NewHTTPClient returns a client that sends each request at most once and follows no redirect: it returns the redirect
// as the answer. timeout bounds a call from dialling to the last byte of the answer.
//
// net/http repeats a request on its own when it holds a copy of the body (GetBody) or sees an Idempotency-Key header:
// both are taken away here, so that whatever is sent again is sent again by a worker that knows what it does. Every
// client of a destination must come from here.
func NewHTTPClient(base http.RoundTripper, timeout time.Duration) *http.Client {
	return &http.Client{
		Transport:     onceTransport{base},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       timeout,
	}
}

type onceTransport struct{ base http.RoundTripper }

func (t onceTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	trace := traceOf(req.Context())
	trace.begin()
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { trace.gotConn() },
	})
	resp, err := t.base.RoundTrip(unrepeatable(req.Clone(ctx)))
	if err != nil {
		return nil, err
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxTraceBody))
	trace.answered(resp, head)
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failedReader{err}
	}
	resp.Body = &joinedBody{Reader: io.MultiReader(bytes.NewReader(head), rest), Closer: resp.Body}
	return resp, nil
}

// unrepeatable takes from req what makes net/http believe that it may send it twice.
func unrepeatable(req *http.Request) *http.Request {
	req.GetBody = nil
	for key := range req.Header {
		if strings.EqualFold(key, "Idempotency-Key") || strings.EqualFold(key, "X-Idempotency-Key") {
			delete(req.Header, key)
		}
	}
	reads := req.Method == "" || req.Method == http.MethodGet || req.Method == http.MethodHead
	if !reads && (req.Body == nil || req.Body == http.NoBody) {
		req.Body = io.NopCloser(strings.NewReader("")) // HTTP/2 repeats what has no body
	}
	return req
}

// joinedBody is a response body whose start has been read already.
type joinedBody struct {
	io.Reader
	io.Closer
}

// failedReader repeats the error that reading the start ended with.
type failedReader struct{ err error }

func (r failedReader) Read([]byte) (int, error) { return 0, r.err }
