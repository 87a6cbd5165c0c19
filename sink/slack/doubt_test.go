package slack_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"talkrelay/sink"
	"talkrelay/sink/slack"
)

// Faults after Slack has applied a post: the look-up finds it, and nothing is posted again.
func TestDoubtIsResolved(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	tests := map[string]func(w http.ResponseWriter, r *http.Request){
		"reset": func(_ http.ResponseWriter, r *http.Request) {
			panic(http.ErrAbortHandler)
		},
		"too late": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"500":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"fatal":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"ok":false,"error":"fatal_error"}`) },
		"no ts":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"ok":true}`) },
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "999")
			io.WriteString(w, `{"ok":tr`)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, f.srv.URL, http.StatusTemporaryRedirect)
		},
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.on("chat.postMessage", func(w http.ResponseWriter, r *http.Request) {
				f.accept(r.Form)
				fault(w, r)
			})
			s := f.sink(nil)
			m := message(t, s, inquiry())
			_, err := s.Send(t.Context(), m)
			mustVerdict(t, err, sink.InDoubt)
			s = f.sink(nil) // the process was restarted: nothing of the old sink is left
			receipt, found, err := s.Resolve(t.Context(), m)
			if err != nil || !found || receipt == "" || f.count() != 1 {
				t.Errorf("Resolve = %q, %v, %v with %d posted; want the one", receipt, found, err, f.count())
			}
		})
	}
}

// The history may show a message late. A first look that finds nothing is no error, and the second finds it.
func TestDoubtWithLaggingHistory(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.sink(nil)
	m := message(t, s, inquiry())
	if _, found, err := s.Resolve(t.Context(), m); found || err != nil {
		t.Fatalf("Resolve of nothing = %v, %v", found, err)
	}
	if _, err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.Resolve(t.Context(), m); !found || err != nil {
		t.Errorf("Resolve = %v, %v", found, err)
	}
}

// A late copy is deleted by the recheck, and the one that people have seen stays.
func TestLateCopyIsDeleted(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.sink(nil)
	m := message(t, s, inquiry())
	first, err := s.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	f.accept(f.seen("chat.postMessage")[0].form) // the request that was believed lost
	if removed, err := s.Recheck(t.Context(), m); err != nil || removed != 1 {
		t.Errorf("Recheck = %d, %v; want 1", removed, err)
	}
	if left := f.history(); len(left) != 1 || left[0]["ts"] != string(first) {
		t.Errorf("left is %v, want %s", left, first)
	}
}

// A kept-alive connection that the server closes while it is idle costs a look-up at most, never a second post.
func TestIdleConnectionClosed(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.sink(nil)
	for i := range 5 {
		m := message(t, s, inquiry())
		m.ID = fmt.Sprintf("%032x", i)
		before := f.count()
		_, err := s.Send(t.Context(), m)
		if err != nil {
			mustVerdict(t, err, sink.InDoubt)
		}
		if n := f.count() - before; n > 1 {
			t.Errorf("send %d made %d posts", i, n)
		}
		f.srv.CloseClientConnections()
	}
}

// The outcome of one sink's channel is no other's: A is paused, B delivers, and A goes on when it is mended.
func TestChannelsAreIndependent(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	ws := slack.NewWorkspace(f.config())
	a := newSink(t, f.config(), ws)
	cfg := f.config()
	cfg.Channel = chanB
	b := newSink(t, cfg, ws)
	f.on("chat.postMessage", func(w http.ResponseWriter, r *http.Request) {
		if r.Form.Get("channel") == chanA {
			io.WriteString(w, `{"ok":false,"error":"is_archived"}`)
			return
		}
		f.well(w, r)
	})
	ma := message(t, a, inquiry())
	_, err := a.Send(t.Context(), ma)
	mustVerdict(t, err, sink.PauseDestination)
	start := time.Now()
	if err := b.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Send(t.Context(), message(t, b, inquiry())); err != nil {
		t.Error(err)
	}
	if passed := time.Since(start); passed > 30*time.Second {
		t.Errorf("B waited %v for A", passed)
	}
	f.on("chat.postMessage", nil)
	if _, err := a.Send(t.Context(), ma); err != nil {
		t.Errorf("A after it was mended: %v", err)
	}
}
