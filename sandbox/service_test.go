package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"talkrelay/sandbox"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault   sandbox.Fault
		applied bool
		status  int    // 0 = the call fails
		body    string // prefix
	}{
		"reset before":    {sandbox.Fault{Skip: true, Reset: true}, false, 0, ""},
		"reset after":     {sandbox.Fault{Reset: true}, true, 0, ""},
		"refused":         {sandbox.Fault{Skip: true, Status: 500, Body: "oops"}, false, 500, "oops"},
		"skipped":         {sandbox.Fault{Skip: true}, false, 503, ""},
		"lied about":      {sandbox.Fault{Status: 502, Body: "<html>"}, true, 502, "<html>"},
		"says nothing":    {sandbox.Fault{Body: "{}"}, true, 200, "{}"},
		"redirected":      {sandbox.Fault{Skip: true, Status: 307, Header: http.Header{"Location": {"http://127.0.0.1:1/"}}}, false, 307, ""},
		"cut off":         {sandbox.Fault{Cut: 5}, true, 0, ""},
		"hung up":         {sandbox.Fault{Hangup: true}, true, 200, `{`},
		"trickled":        {sandbox.Fault{Trickle: time.Millisecond}, true, 200, `{`},
		"held afterwards": {sandbox.Fault{After: time.Millisecond}, true, 200, `{`},
		"held until":      {sandbox.Fault{Hold: closedNow()}, true, 200, `{`},
		"held before":     {sandbox.Fault{Before: time.Millisecond}, true, 200, `{`},
		"none":            {sandbox.Fault{}, true, 200, `{`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startWorld(t)
			room := w.Slack.AddChannel("cs")
			w.Slack.SetFault(sandbox.Only("chat.postMessage", sandbox.Script(&tt.fault)))
			r, err := try("POST", w.Slack.APIURL()+"chat.postMessage", http.Header{
				"Content-Type": {"application/json"}, "Authorization": {"Bearer " + w.Slack.Token},
			}, `{"channel":"`+room.ID+`","text":"hi"}`)
			if (err != nil) != (tt.status == 0) || err == nil && (r.status != tt.status || !bytes.HasPrefix(r.body, []byte(tt.body))) {
				t.Errorf("got %d %q, %v", r.status, r.body, err)
			}
			if applied := len(room.Messages()) == 1; applied != tt.applied {
				t.Errorf("applied = %v", applied)
			}
			if got := w.Slack.Requests()[0].Status; tt.status != 0 && got != tt.status {
				t.Errorf("recorded status %d", got)
			}
			wantClean(t, w)
		})
	}
}

func closedNow() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func TestZombieIsAppliedAfterTheCallerHasGone(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	room := w.Slack.AddChannel("cs")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.Slack.SetFault(func(string, sandbox.Request) *sandbox.Fault {
		cancel() // the request is read, and the caller goes
		return &sandbox.Fault{Before: 300 * time.Millisecond}
	})
	req, err := http.NewRequestWithContext(ctx, "POST", w.Slack.APIURL()+"chat.postMessage?text=hi&channel="+room.ID, strings.NewReader("token="+w.Slack.Token))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Fatal("the call was answered")
	}
	eventually(t, func() bool { return len(room.Messages()) == 1 })
}

// eventually waits for what happens behind a closed connection, where nothing can signal it.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it never happened")
		}
	}
}

func TestCloseLetsGoOfHeldRequests(t *testing.T) {
	t.Parallel()
	for _, f := range []sandbox.Fault{{Before: time.Hour}, {Hold: make(chan struct{})}} {
		testClose(t, f)
	}
}

func testClose(t *testing.T, f sandbox.Fault) {
	s, err := sandbox.StartSlack(sandbox.ServiceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan struct{})
	s.SetFault(func(string, sandbox.Request) *sandbox.Fault {
		close(arrived)
		return &f
	})
	failed := make(chan error)
	go func() {
		_, err := try("GET", s.APIURL()+"auth.test", nil, "")
		failed <- err
	}()
	<-arrived
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("a request held by a fault was answered")
	}
}

func TestOutage(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	address := w.Slack.URL()
	call(t, w.Slack, "auth.test", nil)
	w.Slack.Down()
	if _, err := try("GET", w.Slack.APIURL()+"auth.test", nil, ""); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("during the outage: %v", err)
	}
	if err := w.Slack.Up(); err != nil {
		t.Fatal(err)
	}
	if w.Slack.URL() != address {
		t.Errorf("moved from %s to %s", address, w.Slack.URL())
	}
	if r := call(t, w.Slack, "auth.test", nil); r.path("ok") != true {
		t.Errorf("after the outage: %s", r.body)
	}
}

func TestFixedAddress(t *testing.T) {
	t.Parallel()
	first, err := sandbox.StartChannelTalk(sandbox.ServiceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(first.URL(), "http://")
	if _, err := sandbox.StartChannelTalk(sandbox.ServiceOptions{Addr: address}); err == nil {
		t.Error("one address was taken twice")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := sandbox.StartChannelTalk(sandbox.ServiceOptions{Addr: address})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if second.URL() != first.URL() {
		t.Errorf("%s is not %s", second.URL(), first.URL())
	}
}

func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "example.com:80", "[::]:0", "nonsense"} {
		if s, err := sandbox.StartSlack(sandbox.ServiceOptions{Addr: addr}); err == nil {
			s.Close()
			t.Errorf("listens on %s", addr)
		}
	}
	host, _, err := net.SplitHostPort(strings.TrimPrefix(startWorld(t).Google.URL(), "http://"))
	if err != nil || host != "127.0.0.1" {
		t.Errorf("host %q, %v", host, err)
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	s, err := sandbox.StartSlack(sandbox.ServiceOptions{Keep: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 10 {
		do(t, "GET", s.APIURL()+"auth.test?x=1", http.Header{"Authorization": {"Bearer x"}, "X-Unimportant": {"1"}}, "")
	}
	all := s.Requests()
	if len(all) < 3 || len(all) > 6 || s.Total() != 10 {
		t.Errorf("%d kept of %d", len(all), s.Total())
	}
	last := all[len(all)-1]
	if last.Method != "GET" || last.Path != "/api/auth.test" || last.Query.Get("x") != "1" || last.Status != 200 ||
		last.Header.Get("Authorization") != "Bearer x" || last.Header.Get("X-Unimportant") != "" || last.Time.IsZero() {
		t.Errorf("recorded %+v", last)
	}
	wantViolation(t, s, "unknown argument x")
	s.Forget()
	if len(s.Requests())+s.Total()+len(s.Violations()) != 0 {
		t.Error("Forget left something")
	}
}

func TestIdempotencyKeyIsAViolation(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	do(t, "GET", w.Google.URL()+"/token", http.Header{"Idempotency-Key": {"1"}}, "")
	wantViolation(t, w, "Idempotency-Key")
}

func TestRandomFaultsAreDrawnAlikeFromOneSeed(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64, rate float64) []sandbox.Fault {
		f := sandbox.RandomFaults(seed, rate, time.Second)
		var all []sandbox.Fault
		for range 1000 {
			if fault := f("slack", sandbox.Request{}); fault != nil {
				fault.Header = nil
				all = append(all, *fault)
			}
		}
		return all
	}
	same := func(a, b sandbox.Fault) bool {
		return a.Skip == b.Skip && a.Reset == b.Reset && a.Before == b.Before && a.After == b.After && a.Status == b.Status && a.Body == b.Body
	}
	a := draw(7, 0.3)
	if len(a) < 200 || len(a) > 400 {
		t.Errorf("%d of 1000 at a rate of 0.3", len(a))
	}
	if !slices.EqualFunc(a, draw(7, 0.3), same) {
		t.Error("one seed, two series")
	}
	if slices.EqualFunc(a, draw(8, 0.3), same) {
		t.Error("two seeds, one series")
	}
	if len(draw(7, 0)) != 0 || len(draw(7, 1)) != 1000 {
		t.Error("rates 0 and 1 are not never and always")
	}
}
