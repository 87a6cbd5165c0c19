package sink_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"talkrelay/sink"
)

const testTimeout = 10 * time.Second

// net/http repeats a request that an HTTP/2 server reset with PROTOCOL_ERROR, without an end, unless it cannot.
func TestClientDoesNotRepeatAfterHTTP2Reset(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]io.Reader{"with a body": strings.NewReader("text=hello"), "without a body": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var posts atomic.Int32
			srv := httptest.NewUnstartedServer(nil)
			srv.TLS = &tls.Config{NextProtos: []string{"h2"}}
			srv.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
				"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) { resetStreams(conn, &posts) },
			}
			srv.StartTLS()
			t.Cleanup(srv.Close)
			client := sink.NewHTTPClient(transport(t, certificate(srv), ""), testTimeout)
			ctx, trace := sink.WithTrace(t.Context())
			if err := post(ctx, client, srv.URL, body); err == nil {
				t.Error("no error")
			}
			if n := posts.Load(); n != 1 {
				t.Errorf("the server saw %d requests", n)
			}
			if !trace.Connected() || trace.Status() != 0 {
				t.Errorf("connected %t, status %d; want true, 0", trace.Connected(), trace.Status())
			}
		})
	}
}

// resetStreams reads whole HTTP/2 requests and answers each with RST_STREAM.
func resetStreams(conn net.Conn, requests *atomic.Int32) {
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(conn, preface); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	if framer.WriteSettings() != nil {
		return
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		var ended bool
		switch f := frame.(type) {
		case *http2.HeadersFrame:
			ended = f.StreamEnded()
		case *http2.DataFrame:
			ended = f.StreamEnded()
		}
		if !ended {
			continue
		}
		requests.Add(1)
		if framer.WriteRSTStream(frame.Header().StreamID, http2.ErrCodeProtocol) != nil {
			return
		}
	}
}

// A server may close a connection it had kept open in the moment it is used again.
func TestClientDoesNotRepeatOnKeptConnection(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if posts.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(srv.Close)
	client := sink.NewHTTPClient(transport(t, nil, ""), testTimeout)
	if err := post(t.Context(), client, srv.URL, strings.NewReader("first")); err != nil {
		t.Fatal(err)
	}
	ctx, trace := sink.WithTrace(t.Context())
	if err := post(ctx, client, srv.URL, strings.NewReader("second")); err == nil {
		t.Error("no error")
	}
	if n := posts.Load(); n != 2 {
		t.Errorf("the server saw %d requests, want the two that were made", n)
	}
	if !trace.Connected() {
		t.Error("not connected, though the server read the request")
	}
}

func TestClientFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	t.Cleanup(elsewhere.Close)
	srv := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(srv.Close)
	ctx, trace := sink.WithTrace(t.Context())
	if err := post(ctx, sink.NewHTTPClient(transport(t, nil, ""), testTimeout), srv.URL, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if trace.Status() != http.StatusTemporaryRedirect {
		t.Errorf("status %d, want the redirect", trace.Status())
	}
}

func TestClientTakesAwayWhatMakesRepeats(t *testing.T) {
	t.Parallel()
	var got *http.Request
	base := roundTripper(func(r *http.Request) (*http.Response, error) {
		got = r
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Idempotency-Key", "1")
	req.Header["x-idempotency-key"] = []string{"1"}
	req.Header.Set("Authorization", "Bearer x")
	resp, err := sink.NewHTTPClient(base, testTimeout).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got.GetBody != nil || len(got.Header) != 1 || got.Header.Get("Authorization") == "" {
		t.Errorf("sent GetBody nil: %t, header %v", got.GetBody == nil, got.Header)
	}
	if req.GetBody == nil || req.Header.Get("Idempotency-Key") == "" {
		t.Error("the caller's request was changed")
	}
}

func TestTraceWithoutConnection(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	untrusted := httptest.NewUnstartedServer(nil)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	noDNS := transport(t, nil, "")
	noDNS.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "slack.example", IsNotFound: true}
	}
	for _, tt := range []struct {
		name, url string
		base      http.RoundTripper
	}{
		{"refused", closed.URL, transport(t, nil, "")},
		{"certificate not trusted", untrusted.URL, transport(t, nil, "")},
		{"no such host", "https://slack.example", noDNS},
		{"proxy refused", "https://slack.example", transport(t, nil, closed.URL)},
	} {
		ctx, trace := sink.WithTrace(t.Context())
		err := post(ctx, sink.NewHTTPClient(tt.base, testTimeout), tt.url, strings.NewReader("x"))
		if err == nil || trace.Connected() || trace.Status() != 0 || trace.Header() != nil || trace.Body() != nil {
			t.Errorf("%s: error %v, connected %t, status %d", tt.name, err, trace.Connected(), trace.Status())
		}
	}
}

func TestBaseTransportThroughProxy(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(srv.Close)
	var connects atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "example.com:443" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		connects.Add(1)
		tunnel(t, w, srv.Listener.Addr().String())
	}))
	t.Cleanup(proxy.Close)
	base := transport(t, certificate(srv), proxy.URL)
	t.Cleanup(base.CloseIdleConnections)
	ctx, trace := sink.WithTrace(t.Context())
	// The certificate of httptest is for example.com; only the proxy knows where that is.
	if err := post(ctx, sink.NewHTTPClient(base, testTimeout), "https://example.com/", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if connects.Load() != 1 || string(trace.Body()) != "hello" {
		t.Errorf("%d CONNECTs, body %q", connects.Load(), trace.Body())
	}
	// What the proxy refuses was not sent.
	ctx, trace = sink.WithTrace(t.Context())
	if err := post(ctx, sink.NewHTTPClient(base, testTimeout), "https://other.example/", strings.NewReader("x")); err == nil || trace.Connected() {
		t.Errorf("refused by the proxy: error %v, connected %t", err, trace.Connected())
	}
}

// tunnel joins the client of a CONNECT request with the server at addr.
func tunnel(t *testing.T, w http.ResponseWriter, addr string) {
	server, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		server.Close()
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n") // only now: what comes after it must not be read by the server
	go func() {
		defer server.Close()
		_, _ = io.Copy(server, buffered) // ends when the client closes
	}()
	go func() {
		defer client.Close()
		_, _ = io.Copy(client, server)
	}()
}

func TestBaseTransportProxyFromEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://env-proxy.example:3128")
	t.Setenv("NO_PROXY", "intern.example,.local.example")
	t.Setenv("REQUEST_METHOD", "GET") // as if run by a web server
	for _, tt := range []struct{ proxy, url, want string }{
		{"", "https://slack.com/api/", "http://env-proxy.example:3128"},
		{"http://mine.example:8080", "https://slack.com/api/", "http://mine.example:8080"},
		{"http://mine.example:8080", "http://plain.example/", "http://mine.example:8080"},
		{"http://mine.example:8080", "https://intern.example/", ""},
		{"", "https://a.local.example/", ""},
		{"http://mine.example:8080", "https://127.0.0.1:9/", ""},
	} {
		req := httptest.NewRequest(http.MethodPost, tt.url, nil)
		u, err := transport(t, nil, tt.proxy).Proxy(req)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if u != nil {
			got = u.String()
		}
		if got != tt.want {
			t.Errorf("proxy %q for %s: got %q, want %q", tt.proxy, tt.url, got, tt.want)
		}
	}
}

func TestBaseTransportErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ ca, proxy, want string }{
		{"not a certificate", "", "no certificate in PEM form"},
		{"", "proxy.example:3128", "must be http://"},
		{"", "ftp://proxy.example", "must be http://"},
		{"", "http://user:hunter2@pro xy:1", "not a URL"},
		{"", "http://", "must be http://"},
	} {
		var ca []byte
		if tt.ca != "" {
			ca = []byte(tt.ca)
		}
		_, err := sink.BaseTransport(ca, tt.proxy)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("CA %q, proxy %q: got %v, want %q", tt.ca, tt.proxy, err, tt.want)
		}
	}
}

func TestBaseTransportRefusesOldTLS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(nil)
	srv.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	if err := post(t.Context(), sink.NewHTTPClient(transport(t, certificate(srv), ""), testTimeout), srv.URL, nil); err == nil {
		t.Error("talked TLS 1.1")
	}
}

func TestBaseTransportSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	var proto atomic.Value
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { proto.Store(r.Proto) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	base := transport(t, certificate(srv), "")
	t.Cleanup(base.CloseIdleConnections)
	if err := post(t.Context(), sink.NewHTTPClient(base, testTimeout), srv.URL, strings.NewReader("x")); err != nil || proto.Load() != "HTTP/2.0" {
		t.Errorf("spoke %v, error %v", proto.Load(), err)
	}
}

func transport(t *testing.T, ca []byte, proxy string) *http.Transport {
	t.Helper()
	base, err := sink.BaseTransport(ca, proxy)
	if err != nil {
		t.Fatal(err)
	}
	return base
}

func certificate(srv *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
}

// post sends body and reads the whole answer.
func post(ctx context.Context, client *http.Client, url string, body io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(new(bytes.Buffer), resp.Body)
	return errors.Join(err, resp.Body.Close())
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
