package sinktest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"talkrelay/sink"
)

// bodies are answers that no service means as yes. The last repeats what must not get into an error.
func bodies(target Target) []string {
	echo, _ := json.Marshal(map[string]any{ // of strings only: cannot fail
		"message": strings.Join(confidential(target), " "),
		"error":   map[string]any{"code": 400, "message": strings.Join(confidential(target), " ")},
	})
	return []string{"", "<html><body>Bad Gateway</body></html>", "{}", string(echo)}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if strings.HasPrefix(body, "{") {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // refused for 204 and 304, which have no body
	}
}

// statuses: an answer without a yes is never a success, never the end of a message, and none makes more than one write. Where the service may have applied the request, the outcome is in doubt.
func statuses(t *testing.T, target Target) {
	srv := newServer(t, target)
	for status := 200; status <= 599; status++ {
		for i, body := range bodies(target) {
			srv.answerWrites(answer(status, body))
			s := srv.sink(t)
			receipt, err := send(t, s, message(t, s, target.Items))
			name := fmt.Sprintf("status %d, body %d", status, i)
			if n := len(srv.writes()); n != 1 {
				t.Errorf("%s: %d writes, want 1", name, n)
			}
			if target.accepts(status) {
				if err != nil || receipt == "" {
					t.Errorf("%s: receipt %q, error %v, though the status is a yes", name, receipt, err)
				}
				continue
			}
			verdict := checkError(t, target, name, err)
			if verdict == sink.Bad {
				t.Errorf("%s: a bad message, though the answer says nothing about it: %v", name, err)
			}
			if status/100 != 4 && verdict != sink.InDoubt {
				t.Errorf("%s: %s, though it may have been applied; want in doubt: %v", name, verdict, err)
			}
		}
	}
}

// failedLookups: Resolve finds nothing in answers that say nothing.
func failedLookups(t *testing.T, target Target) {
	srv := newServer(t, target)
	for _, status := range []int{200, 204, 302, 400, 401, 403, 404, 429, 500, 502, 503} {
		for i, body := range bodies(target) {
			srv.answerOthers(nil)
			srv.answerWrites(nil)
			s := srv.sink(t)
			m := message(t, s, target.Items)
			srv.answerOthers(answer(status, body))
			srv.answerWrites(answer(status, body))
			_, found, err := resolve(t, s, m)
			name := fmt.Sprintf("status %d, body %d", status, i)
			if found {
				t.Errorf("%s: found the message", name)
			}
			if err != nil {
				checkError(t, target, name, err)
			}
		}
	}
}

func resolve(t *testing.T, s sink.Sink, m sink.Message) (sink.Receipt, bool, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*Timeout)
	defer cancel()
	return s.Resolve(ctx, m)
}

// redirects: none is followed, so neither token nor message goes where the service did not send it before.
func redirects(t *testing.T, target Target) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed: %s %s", r.Method, r.URL.Path)
		target.OK(w, r)
	}))
	t.Cleanup(elsewhere.Close)
	srv := newServer(t, target)
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv.answerWrites(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
		})
		s := srv.sink(t)
		_, err := send(t, s, message(t, s, target.Items))
		name := fmt.Sprintf("redirect %d", status)
		if verdict := checkError(t, target, name, err); verdict != sink.InDoubt {
			t.Errorf("%s: %s, want in doubt", name, verdict)
		}
		if n := len(srv.writes()); n != 1 {
			t.Errorf("%s: %d writes, want 1", name, n)
		}
	}
}
