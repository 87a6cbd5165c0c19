package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// ServiceOptions sets up one service. The zero value is good.
type ServiceOptions struct {
	Addr string           // loopback address to listen on; "" = 127.0.0.1 and a free port
	Now  func() time.Time // the service's clock; nil = time.Now. Must be safe for concurrent use
	Seed uint64           // ids and keys are made from it
	Keep int              // how many requests Requests remembers, newest first to stay; 0 = 10,000
	TLS  bool             // speak HTTPS, HTTP/2 too, with the certificate of CertificatePEM

	// Listen makes the listener on a loopback address; nil = TCP. In a bubble of testing/synctest only pipes will do.
	Listen func(addr string) (net.Listener, error)
}

func (o ServiceOptions) with(all Options) ServiceOptions {
	if o.Now == nil {
		o.Now = all.Now
	}
	o.Seed = cmp.Or(o.Seed, all.Seed)
	o.TLS = o.TLS || all.TLS
	return o
}

// Request is one request as it was received.
type Request struct {
	Time   time.Time // by the service's clock
	Method string
	Path   string
	Query  url.Values
	Header http.Header // those that matter: credentials, content type, user agent, idempotency keys
	Body   []byte
	Status int // of the answer; 0 = none was sent (yet)
}

// recordedHeaders are kept of each request.
var recordedHeaders = []string{
	"Authorization", "Content-Type", "User-Agent", "X-Access-Key", "X-Access-Secret", "Idempotency-Key", "X-Idempotency-Key",
}

// maxBody is the largest request body that is read.
const maxBody = 8 << 20

// answer is what a service replies. The zero status means 200.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// Service is what the simulated services have in common: a listener, a record of what was asked, faults.
// All methods are safe for concurrent use.
type Service struct {
	name   string
	now    func() time.Time
	handle func(*Request) answer
	keep   int
	tls    bool
	listen func(addr string) (net.Listener, error)

	handlers sync.WaitGroup // requests in hand, and the accept loops
	done     chan struct{}  // closed by Close: nothing is held any longer

	mu         sync.Mutex
	addr       string
	server     *http.Server // nil while down
	closed     bool
	unknown    bool // shows a certificate that nobody vouches for
	fault      FaultFunc
	requests   []*Request
	total      int
	violations []string
}

func newService(name string, o ServiceOptions, handle func(*Request) answer) (*Service, error) {
	s := &Service{
		name: name, now: o.Now, handle: handle, keep: cmp.Or(o.Keep, 10_000), tls: o.TLS,
		done: make(chan struct{}), addr: cmp.Or(o.Addr, "127.0.0.1:0"), listen: o.Listen,
	}
	if s.listen == nil {
		s.listen = func(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.Up(); err != nil {
		return nil, err
	}
	return s, nil
}

// URL returns where the service listens, as in http://127.0.0.1:41217. It stays the same over Down and Up.
func (s *Service) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tls {
		return "https://" + s.addr
	}
	return "http://" + s.addr
}

// Up ends an outage: the service listens again at its old address. Without an outage it does nothing.
func (s *Service) Up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.server != nil {
		return nil
	}
	host, _, err := net.SplitHostPort(s.addr)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("start %s: %s is no loopback address", s.name, host)
	}
	l, err := s.listen(s.addr)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	s.addr = l.Addr().String()
	srv := &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	serve := srv.Serve
	if s.tls {
		if err := s.secure(srv); err != nil {
			_ = l.Close()
			return fmt.Errorf("start %s: %w", s.name, err)
		}
		serve = func(l net.Listener) error { return srv.ServeTLS(l, "", "") }
	}
	s.server = srv
	s.handlers.Go(func() { _ = serve(l) }) // always ErrServerClosed
	return nil
}

// Down begins an outage: nothing listens any longer, and every connection is closed. Requests that the service has
// read already are still applied.
func (s *Service) Down() {
	s.mu.Lock()
	srv := s.server
	s.server = nil
	s.mu.Unlock()
	if srv != nil {
		_ = srv.Close() // the listener is gone either way
	}
}

// Close ends the service and waits until no request is in hand. Requests that a fault holds are not applied.
func (s *Service) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if first {
		close(s.done)
	}
	s.Down()
	s.handlers.Wait()
	return nil
}

// SetFault sets what decides which requests go wrong; nil = none.
func (s *Service) SetFault(f FaultFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Requests returns the requests received, oldest first, at most as many as ServiceOptions.Keep.
func (s *Service) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Request, len(s.requests))
	for i, r := range s.requests {
		all[i] = *r
	}
	return all
}

// Total returns how many requests were received.
func (s *Service) Total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// Forget drops the recorded requests and violations, so that what follows can be told from what was before.
func (s *Service) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.violations, s.total = nil, nil, 0
}

// Violations returns what a correct client would not have done, one line each, as in
// "slack: POST /api/chat.postMessage: unknown argument colour".
func (s *Service) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

func (s *Service) violate(r *Request, format string, args ...any) {
	line := fmt.Sprintf("%s: %s %s: %s", s.name, r.Method, r.Path, fmt.Sprintf(format, args...))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, line)
}

func (s *Service) serve(w http.ResponseWriter, hr *http.Request) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		reset(w)
		return
	}
	s.handlers.Add(1)
	s.mu.Unlock()
	defer s.handlers.Done()

	body, err := io.ReadAll(http.MaxBytesReader(w, hr.Body, maxBody))
	r := s.record(hr, body)
	if err != nil { // a caller that died while sending has done nothing wrong
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			s.violate(r, "body over %d bytes", maxBody)
		}
		http.Error(w, "body could not be read", http.StatusBadRequest)
		return
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if hr.Header.Get(name) != "" {
			s.violate(r, "header %s: net/http would send the request again by itself", name)
		}
	}
	s.answer(w, r, s.faultFor(r))
}

// record keeps r. A service that is asked for long forgets the older half now and then.
func (s *Service) record(hr *http.Request, body []byte) *Request {
	r := &Request{
		Time: s.now(), Method: hr.Method, Path: hr.URL.Path, Query: hr.URL.Query(), Header: make(http.Header), Body: body,
	}
	for _, name := range recordedHeaders {
		if v := hr.Header.Values(name); v != nil {
			r.Header[name] = v
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) >= 2*s.keep {
		s.requests = slices.Clone(s.requests[s.keep:])
	}
	s.requests = append(s.requests, r)
	s.total++
	return r
}

func (s *Service) faultFor(r *Request) Fault {
	s.mu.Lock()
	hook := s.fault
	s.mu.Unlock()
	if hook == nil {
		return Fault{}
	}
	if f := hook(s.name, *r); f != nil {
		return *f
	}
	return Fault{}
}

func (s *Service) setStatus(r *Request, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Status = status
}
