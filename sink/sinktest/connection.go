package sinktest

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"talkrelay/sink"
)

// grace is what a return may take beyond the time it is due, on a machine that is busy.
const grace = 5 * time.Second

// slowServer: no answer, or half of one, is an error in time, and in doubt. Where the status alone is a yes, half of one is
// a whole one.
func slowServer(t *testing.T, target Target) {
	for name, h := range map[string]http.HandlerFunc{
		"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"no end of the answer": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush() // a client that is gone already is no matter
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, target)
			srv.answerWrites(h)
			s := srv.sink(t)
			m := message(t, s, target.Items)
			start := time.Now()
			_, err := send(t, s, m)
			if took := time.Since(start); took > Timeout+grace {
				t.Errorf("returned after %s, the timeout is %s", took, Timeout)
			}
			if name == "no end of the answer" && target.accepts(http.StatusOK) {
				delivered(t, srv, err)
				return
			}
			inDoubt(t, target, srv, err)
		})
	}
}

// cancelled: Send returns at once, in doubt if a request was on its way.
func cancelled(t *testing.T, target Target) {
	t.Run("during the request", func(t *testing.T) {
		t.Parallel()
		srv := newServer(t, target)
		arrived := make(chan struct{}, 1)
		srv.answerWrites(func(_ http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			<-r.Context().Done()
		})
		s := srv.sink(t)
		m := message(t, s, target.Items)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() {
			_, err := s.Send(ctx, m)
			done <- err
		}()
		select {
		case <-arrived:
		case err := <-done:
			t.Fatalf("send returned before the write arrived: %v", err)
		}
		cancel()
		start := time.Now()
		err := <-done
		if took := time.Since(start); took > Timeout/2+grace {
			t.Errorf("returned %s after the context was cancelled", took)
		}
		inDoubt(t, target, srv, err)
	})
	t.Run("before the request", func(t *testing.T) {
		t.Parallel()
		srv := newServer(t, target)
		s := srv.sink(t)
		m := message(t, s, target.Items)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Send(ctx, m)
		verdict := checkError(t, target, "cancelled before", err)
		if verdict != sink.InDoubt && verdict != sink.Retry {
			t.Errorf("got %s, want in doubt or retry", verdict)
		}
	})
}

// refused: without a connection nothing was applied, and the same bytes go out later.
func refused(t *testing.T, target Target) {
	srv := newServer(t, target)
	s := srv.sink(t)
	m := message(t, s, target.Items)
	srv.Close()
	_, err := send(t, s, m)
	if verdict := checkError(t, target, "refused", err); verdict != sink.Retry {
		t.Errorf("got %s, want retry: %v", verdict, err)
	}
}

// broken: a connection that ends after the request was read leaves it in doubt, and nothing sends it again by itself.
func broken(t *testing.T, target Target) {
	for name, h := range map[string]http.HandlerFunc{
		"reset":  func(w http.ResponseWriter, _ *http.Request) { reset(t, w, "") },
		"closed": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut short": func(w http.ResponseWriter, _ *http.Request) {
			reset(t, w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"ok\":tr")
		},
		"no HTTP": func(w http.ResponseWriter, _ *http.Request) { reset(t, w, "220 mail.example.com ESMTP\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, target)
			s := srv.sink(t)
			first := message(t, s, target.Items)
			if _, err := send(t, s, first); err != nil { // leaves a connection open that the next write uses
				t.Fatal(err)
			}
			srv.answerWrites(h)
			_, err := send(t, s, message(t, s, target.Items))
			if name == "cut short" && target.accepts(http.StatusOK) {
				delivered(t, srv, err)
				return
			}
			inDoubt(t, target, srv, err)
		})
	}
}

// reset writes text to the connection and ends it; without a text the client sees a reset.
func reset(t *testing.T, w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Errorf("hijack: %v", err)
		return
	}
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok && text == "" {
		_ = tcp.SetLinger(0) // at worst the client sees an ordinary end
	}
	_, _ = conn.Write([]byte(text)) // a client that is gone already is no matter
}

// delivered fails the test unless the one write was a success.
func delivered(t *testing.T, srv *server, err error) {
	t.Helper()
	if n := len(srv.writes()); err != nil || n != 1 {
		t.Errorf("%d writes, error %v; want one, and a yes", n, err)
	}
}

// inDoubt fails the test unless err is in doubt, without an answer, after one write.
func inDoubt(t *testing.T, target Target, srv *server, err error) {
	t.Helper()
	if verdict := checkError(t, target, "unclear outcome", err); verdict != sink.InDoubt {
		t.Errorf("got %s, want in doubt: %v", verdict, err)
	}
	if err != nil && sink.VerdictOf(err).Answered {
		t.Errorf("counts as answered, but there was no whole answer: %v", err)
	}
	if n := len(srv.writes()); n != 1 {
		t.Errorf("%d writes, want 1", n)
	}
}
