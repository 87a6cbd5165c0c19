package channeltalk

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestGate asks the gate itself for what no method of Client does, for nobody shall be able to add one that does.
func TestGate(t *testing.T) {
	t.Parallel()
	sent := 0
	c := New(Config{BaseURL: "https://api.channel.io/x", AccessKey: "k", AccessSecret: "s", Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		sent++
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	})})
	const good = "https://api.channel.io/x/open/v5/channel"
	tests := []struct{ name, method, url, body string }{
		{"post", http.MethodPost, good, ""},
		{"put", http.MethodPut, good, ""},
		{"patch", http.MethodPatch, good, ""},
		{"delete", http.MethodDelete, good, ""},
		{"get with a body", http.MethodGet, good, "x"},
		{"empty method", "", good, "x"},
		{"another host", http.MethodGet, "https://api.channel.io.example.com/x/open/v5/channel", ""},
		{"another port", http.MethodGet, "https://api.channel.io:444/x/open/v5/channel", ""},
		{"without TLS", http.MethodGet, "http://api.channel.io/x/open/v5/channel", ""},
		{"another version", http.MethodGet, "https://api.channel.io/x/open/v4/channel", ""},
		{"another path", http.MethodGet, "https://api.channel.io/open/v5/channel", ""},
	}
	for _, tt := range tests {
		req, err := http.NewRequest(tt.method, tt.url, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if tt.body == "" {
			req.Body = nil
		}
		if _, err := c.gate.RoundTrip(req); !errors.Is(err, errGate) || sent != 0 {
			t.Errorf("%s: %v, %d sent", tt.name, err, sent)
		}
	}
	req, _ := http.NewRequest(http.MethodGet, good, nil)
	req.Host = "elsewhere.example.com"
	if _, err := c.gate.RoundTrip(req); !errors.Is(err, errGate) {
		t.Errorf("another Host header: %v", err)
	}
	req.Host, req.URL.Host = "api.channel.io", "elsewhere.example.com"
	if _, err := c.gate.RoundTrip(req); !errors.Is(err, errGate) {
		t.Errorf("another host under the good Host header: %v", err)
	}
	req.URL.Host = req.Host
	if _, err := c.gate.RoundTrip(req); err != nil || sent != 1 {
		t.Errorf("a good request: %v, %d sent", err, sent)
	}
	if req.Header.Get("X-Access-Key") != "" {
		t.Error("the keys were written into the caller's request")
	}
}

// A shorter hold told later, by a reply to a request that was on its way already, does not end a longer one.
func TestLongestHoldCounts(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := newBucket(1, 1, 0)
	b.learn(http.StatusTooManyRequests, hints{retryAfter: time.Hour}, now)
	b.learn(http.StatusTooManyRequests, hints{retryAfter: time.Second}, now)
	if left := b.held.Sub(now); left != time.Hour {
		t.Errorf("held for %s, want %s", left, time.Hour)
	}
}

type closing struct {
	io.Reader
	closed *bool
}

func (c closing) Close() error {
	*c.closed = true
	return nil
}

// An answer nobody wants is read a little, to keep its connection, and then given up.
func TestUnwantedReplyIsClosed(t *testing.T) {
	t.Parallel()
	closed := false
	c := New(Config{AccessKey: "k", AccessSecret: "s", Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 500, Body: closing{spaces{}, &closed}, ContentLength: -1, Request: r}, nil
	})})
	if _, err := c.Channel(t.Context()); !errors.Is(err, Server) || !closed {
		t.Errorf("%v, body closed: %t", err, closed)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// spaces is a body without end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestReplyWithoutEnd(t *testing.T) {
	t.Parallel()
	c := New(Config{AccessKey: "k", AccessSecret: "s", Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(spaces{}), ContentLength: -1, Request: r}, nil
	})})
	if c.maxBody != 64<<20 {
		t.Errorf("replies of up to %d bytes are read, want 64 MiB", c.maxBody)
	}
	c.maxBody = 1 << 20
	if _, err := c.Channel(t.Context()); !errors.Is(err, NotJSON) || !errors.Is(err, errTooLarge) {
		t.Errorf("%v, want too large", err)
	}
}
