package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"

	"talkrelay/dispatch"
	"talkrelay/poller"
	"talkrelay/state"
)

// pipeNet is a network of pipes within the process. Waiting on it is waiting to testing/synctest, where a wait for a real
// socket would stop the bubble's clock.
type pipeNet struct {
	mu        sync.Mutex
	last      int
	listeners map[string]*pipeListener
}

func newPipeNet() *pipeNet { return &pipeNet{listeners: map[string]*pipeListener{}} }

// listen implements sandbox.ServiceOptions.Listen. Ports are counted from 1.
func (n *pipeNet) listen(addr string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if addr == "127.0.0.1:0" {
		n.last++
		addr = fmt.Sprintf("127.0.0.1:%d", n.last)
	}
	l := &pipeListener{net: n, addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

func (n *pipeNet) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[addr]
	n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: network, Addr: pipeAddr(addr), Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type pipeListener struct {
	net    *pipeNet
	addr   string
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.net.mu.Lock()
		defer l.net.mu.Unlock()
		delete(l.net.listeners, l.addr)
	})
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr(l.addr) }

type pipeAddr string

func (pipeAddr) Network() string  { return "tcp" }
func (a pipeAddr) String() string { return string(a) }

// pipeNet implements seams: it is the way to everything else, and leaves the rest as it is.
func (n *pipeNet) transport(t *http.Transport)   { t.DialContext, t.Proxy = n.dial, nil }
func (n *pipeNet) state(*state.Config)           {}
func (n *pipeNet) poller(*poller.Config)         {}
func (n *pipeNet) worker(*dispatch.WorkerConfig) {}
