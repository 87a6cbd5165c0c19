package channeltalk_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"talkrelay/channeltalk"
)

// clientOf returns a client of base with a short timeout, and connections that end with the test.
func clientOf(t *testing.T, base string, timeout time.Duration) *channeltalk.Client {
	t.Helper()
	c := channeltalk.New(channeltalk.Config{BaseURL: base, AccessKey: testKey, AccessSecret: testSecret, Timeout: timeout})
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// checkError holds an error against what every error promises.
func checkError(t *testing.T, err error, kind channeltalk.Kind, status int, op, word string) {
	t.Helper()
	var e *channeltalk.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) || channeltalk.KindOf(err) != kind {
		t.Fatalf("error %v, want kind %q", err, kind)
	}
	if e.Status != status || !strings.HasPrefix(err.Error(), op+": ") || !strings.Contains(err.Error(), word) {
		t.Errorf("error %q, status %d; want status %d and %q … %q", err, e.Status, status, op, word)
	}
	for _, forbidden := range []string{testKey, testSecret, "010-1234-5678", "127.0.0.1:"} {
		if strings.Contains(err.Error(), forbidden) {
			t.Errorf("error %q shows %q", err, forbidden)
		}
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		kind   channeltalk.Kind
		word   string
	}{
		{301, channeltalk.Refused, "base_url"},
		{302, channeltalk.Refused, "base_url"},
		{304, channeltalk.Refused, ""},
		{400, channeltalk.Refused, ""},
		{401, channeltalk.Credentials, "access_key and access_secret"},
		{403, channeltalk.Credentials, "access_key and access_secret"},
		{404, channeltalk.Gone, "merged"},
		{405, channeltalk.Refused, ""},
		{407, channeltalk.Refused, "proxy"},
		{422, channeltalk.Refused, ""},
		{429, channeltalk.Throttled, "allowance"},
		{500, channeltalk.Server, ""},
		{502, channeltalk.Server, ""},
		{503, channeltalk.Server, ""},
		{599, channeltalk.Server, ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				if tt.status != http.StatusNotModified {
					_, _ = io.WriteString(w, `{"message":"010-1234-5678 `+testSecret+`"}`)
				}
			})
			_, err := clientOf(t, srv.URL, 0).User(t.Context(), "u1")
			checkError(t, err, tt.kind, tt.status, "read user", tt.word)
		})
	}
}

// TestNotFound: only Channel Talk can say that somebody is gone, and only of one object.
func TestNotFound(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/web/") {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
		}
		w.WriteHeader(http.StatusNotFound)
	})
	_, err := clientOf(t, srv.URL, 0).UserChats(t.Context(), channeltalk.Query{State: "closed"})
	checkError(t, err, channeltalk.Refused, 404, "read user chats (state=closed)", "base_url")
	_, err = clientOf(t, srv.URL, 0).Channel(t.Context())
	checkError(t, err, channeltalk.Refused, 404, "read channel", "base_url")
	_, err = clientOf(t, srv.URL+"/web", 0).User(t.Context(), "u")
	checkError(t, err, channeltalk.Refused, 404, "read user", "base_url")
	_, err = clientOf(t, srv.URL, 0).Messages(t.Context(), "c", channeltalk.MessageQuery{})
	checkError(t, err, channeltalk.Gone, 404, "read messages", "deleted")
}

func TestRepliesThatAreNotJSON(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, word string }{
		{"web page", "\n<!DOCTYPE html><p>010-1234-5678</p>", "web page"},
		{"cut short", `{"userChats":[{"id":"c1","name":"010-1234-5678`, "part of it"},
		{"nothing", ``, "part of it"},
		{"words", `010-1234-5678`, "part of it"},
		{"another shape", `["010-1234-5678"]`, "v5"},
		{"an error", `{"status":500,"errors":["010-1234-5678"]}`, "v5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.body) })
			_, err := clientOf(t, srv.URL, 0).UserChats(t.Context(), channeltalk.Query{})
			checkError(t, err, channeltalk.NotJSON, 200, "read user chats (state=opened)", tt.word)
		})
	}
}

// hijack takes the connection out of the server's hands.
func hijack(t *testing.T, w http.ResponseWriter) *net.TCPConn {
	t.Helper()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		panic(http.ErrAbortHandler)
	}
	return conn.(*net.TCPConn)
}

func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer string // before the connection ends; "" = none
		reset  bool
	}{
		{"closed at once", "", false},
		{"reset at once", "", true},
		{"closed in the body", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"userChats\":[{\"id\":\"010-1234-5678", false},
		{"closed in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", false},
		{"reset in the body", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}", true},
		{"not HTTP", "010-1234-5678 at your service\r\n\r\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				conn := hijack(t, w)
				_, _ = io.WriteString(conn, tt.answer)
				if tt.reset {
					_ = conn.SetLinger(0)
				}
				conn.Close()
			})
			_, err := clientOf(t, srv.URL, 0).UserChats(t.Context(), channeltalk.Query{})
			checkError(t, err, channeltalk.Unreachable, 0, "read user chats (state=opened)", "connection")
		})
	}
}

func TestSlowTrickle(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	})
	_, err := clientOf(t, srv.URL, 80*time.Millisecond).Channel(t.Context())
	checkError(t, err, channeltalk.Unreachable, 0, "read channel", "within 80ms")
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = clientOf(t, "http://"+l.Addr().String(), 0).Channel(t.Context())
	checkError(t, err, channeltalk.Unreachable, 0, "read channel", "refused")
}

func TestUnknownCertificate(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	_, err := clientOf(t, srv.URL, 0).Channel(t.Context())
	checkError(t, err, channeltalk.Unreachable, 0, "read channel", "unknown authority")
	_, err = clientOf(t, strings.Replace(srv.URL, "https", "http", 1), 0).Channel(t.Context())
	checkError(t, err, channeltalk.Refused, 400, "read channel", "")
}

func TestTLSToAServerWithout(t *testing.T) {
	t.Parallel()
	srv := serve(t, http.NotFound)
	_, err := clientOf(t, strings.Replace(srv.URL, "http", "https", 1), 0).Channel(t.Context())
	checkError(t, err, channeltalk.Unreachable, 0, "read channel", "base_url")
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	other := serve(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, status)
		})
		_, err := clientOf(t, srv.URL, 0).Channel(t.Context())
		checkError(t, err, channeltalk.Refused, status, "read channel", "base_url")
	}
	if reached.Load() {
		t.Error("a request went to another host")
	}
}

// TestEndOfContext: that we stop is not the API's fault, and must not look like it.
func TestEndOfContext(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	c := clientOf(t, srv.URL, 0)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err := c.Channel(ctx)
	if !errors.Is(err, context.Canceled) || channeltalk.KindOf(err) != "" {
		t.Errorf("%v, want the context's error", err)
	}
	if _, err = c.Channel(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v before anything was sent, want the context's error", err)
	}
}

func TestCompressedReply(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("the client does not offer to take compressed replies")
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		_, _ = z.Write(pageOf(3))
	})
	page, err := clientOf(t, srv.URL, 0).UserChats(t.Context(), channeltalk.Query{})
	if err != nil || len(page.UserChats) != 3 {
		t.Errorf("%v, %v; want 3 chats", page, err)
	}
}

func TestConnectionIsReused(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/channel") {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write(pageOf(20))
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c := clientOf(t, srv.URL, 0)
	for range 5 {
		if _, err := c.UserChats(t.Context(), channeltalk.Query{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Channel(t.Context()); !errors.Is(err, channeltalk.Server) {
			t.Fatal(err)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections for 10 requests in a row, want 1", n)
	}
}
