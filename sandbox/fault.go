package sandbox

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Fault says how one request goes wrong. What is set takes effect in the order of the fields; the zero Fault is none.
//
//	{Skip: true, Reset: true}              the connection breaks before the request is applied
//	{Reset: true}                          applied, and nobody is told
//	{After: time.Minute}                   applied, and told too late
//	{Before: time.Minute}                  a zombie: applied long after the caller has gone
//	{Skip: true, Status: 503}              not applied, and said so
//	{Status: 502, Body: "<html>"}          applied, and a proxy says it was not
//	{Body: "{}"}                           applied, and the answer says nothing
//	{Cut: 10}                              applied, and the answer breaks off after 10 bytes
type Fault struct {
	Before  time.Duration   // wait before the request is applied, whether or not the caller is still there
	Hold    <-chan struct{} // likewise wait until it is closed; nil = do not
	Skip    bool            // do not apply it; with nothing else set the answer is a 503
	After   time.Duration   // wait before the answer
	Reset   bool            // reset the connection instead of an answer; over HTTP/2 the stream alone, with PROTOCOL_ERROR
	Status  int             // answer with this status; 0 = 200 if Body is set, else the service's own answer
	Header  http.Header     // added to the answer
	Body    string          // body of the answer if Status or Body is set
	Trickle time.Duration   // wait between two pieces of the answer's body; it is sent in eight
	Cut     int             // close the connection after this many bytes of the answer's body; 0 = send all
	Hangup  bool            // close the connection after the answer, against what keep-alive promised
}

// FaultFunc decides what goes wrong with r; nil = nothing. It is called once a request, from many goroutines.
// service is "channeltalk", "slack" or "google".
type FaultFunc func(service string, r Request) *Fault

// answer applies r and replies, as far as f lets it. When the service is closed meanwhile, the caller is told nothing:
// to return from a handler would be an answer of 200.
func (s *Service) answer(w http.ResponseWriter, r *Request, f Fault) {
	if !s.wait(f.Before) || !s.hold(f.Hold) {
		reset(w)
		return
	}
	a := answer{status: http.StatusServiceUnavailable}
	if !f.Skip {
		a = s.handle(r)
	}
	if !s.wait(f.After) {
		reset(w)
		return
	}
	switch {
	case f.Reset:
		reset(w)
		return
	case f.Status != 0:
		a = answer{status: f.Status, body: []byte(f.Body)}
	case f.Body != "":
		a = answer{body: []byte(f.Body)}
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	s.setStatus(r, a.status)
	h := w.Header()
	maps.Copy(h, a.header)
	maps.Copy(h, f.Header)
	h.Set("Date", s.now().UTC().Format(http.TimeFormat))
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	if f.Cut > 0 || f.Hangup {
		hangUp(w, a, f.Cut)
		return
	}
	w.WriteHeader(a.status)
	if f.Trickle == 0 {
		_, _ = w.Write(a.body) // a caller that has gone misses nothing
		return
	}
	s.trickle(w, a.body, f.Trickle)
}

// wait returns false when the service is closed.
func (s *Service) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.done:
		return false
	}
}

// hold returns false when the service is closed.
func (s *Service) hold(until <-chan struct{}) bool {
	if until == nil {
		return true
	}
	select {
	case <-until:
		return true
	case <-s.done:
		return false
	}
}

func (s *Service) trickle(w http.ResponseWriter, body []byte, pause time.Duration) {
	const pieces = 8
	size := max(1, (len(body)+pieces-1)/pieces)
	flush := http.NewResponseController(w)
	for len(body) > 0 && s.wait(pause) {
		n := min(size, len(body))
		if _, err := w.Write(body[:n]); err != nil {
			return
		}
		_ = flush.Flush() // the next write fails if this did
		body = body[n:]
	}
}

// reset closes the connection so that the caller reads "connection reset by peer".
func reset(w http.ResponseWriter) {
	conn := takeOver(w)
	inner := conn
	if secured, ok := conn.(*tls.Conn); ok {
		inner = secured.NetConn()
	}
	if tcp, ok := inner.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the close is merely a clean one
	}
	_ = conn.Close()
}

// takeOver returns the connection of w. One that carries other requests too cannot be had: there the handler ends, and
// the stream is reset.
func takeOver(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn
}

// hangUp writes the answer by hand and closes the connection: after cut bytes of the body, or after all of it.
func hangUp(w http.ResponseWriter, a answer, cut int) {
	conn := takeOver(w)
	defer conn.Close()
	if cut > 0 && cut < len(a.body) {
		a.body = a.body[:cut]
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
	_ = w.Header().Write(&b) // a Buffer takes everything
	b.WriteString("\r\n")
	b.Write(a.body)
	_, _ = conn.Write(b.Bytes()) // the connection ends here in any case
}
