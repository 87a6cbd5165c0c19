package sink_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"talkrelay/sink"
)

// firewall stands before a server. It forwards what comes in until it forgets the connections there are: from then on
// what is sent on them is swallowed without a word, and new ones work.
type firewall struct {
	net.Listener
	mu    sync.Mutex
	conns []*forgettable
}

type forgettable struct {
	net.Conn
	fw        *firewall
	forgotten bool
}

func (f *firewall) Accept() (net.Conn, error) {
	conn, err := f.Listener.Accept()
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &forgettable{Conn: conn, fw: f}
	f.conns = append(f.conns, c)
	return c, nil
}

func (f *firewall) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.forgotten = true
	}
}

func (c *forgettable) silent() bool {
	c.fw.mu.Lock()
	defer c.fw.mu.Unlock()
	return c.forgotten
}

func (c *forgettable) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.silent() {
			return n, err
		}
	}
}

func (c *forgettable) Write(b []byte) (int, error) {
	if c.silent() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// A connection that a firewall has dropped in silence is given up: without pings HTTP/2 would go on using it, and every
// request would run into its timeout, for as long as the kernel repeats what is not acknowledged, a quarter of an hour.
func TestBaseTransportGivesUpADeadConnection(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	fw := &firewall{Listener: srv.Listener}
	srv.Listener, srv.EnableHTTP2 = fw, true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	t.Cleanup(srv.CloseClientConnections)
	base := transport(t, certificate(srv), "")
	t.Cleanup(base.CloseIdleConnections)
	if base.HTTP2 == nil {
		t.Fatal("connections are not tried by pings")
	}
	if found := base.HTTP2.SendPingTimeout + base.HTTP2.PingTimeout; found <= 0 || found > 30*time.Second {
		t.Errorf("a dead connection is found after %v", found)
	}
	base.HTTP2.SendPingTimeout /= 100
	base.HTTP2.PingTimeout /= 100
	client := sink.NewHTTPClient(base, testTimeout)
	if err := post(t.Context(), client, srv.URL, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	fw.forget()
	for try := 1; ; try++ {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err := post(ctx, client, srv.URL, strings.NewReader("x"))
		cancel()
		if err == nil {
			return
		}
		if try == 5 {
			t.Fatalf("after %d tries: %v", try, err)
		}
	}
}
