package alert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay/alert"
)

// fakePath takes messages while it is up.
type fakePath struct {
	name string

	mu    sync.Mutex
	down  bool
	hangs bool
	tries int
	got   []alert.Message
}

func (p *fakePath) Name() string                          { return p.name }
func (p *fakePath) Check(context.Context) (string, error) { return "", nil }

func (p *fakePath) Send(ctx context.Context, m alert.Message) error {
	p.mu.Lock()
	p.tries++
	down, hangs := p.down, p.hangs
	if !down && !hangs {
		p.got = append(p.got, m)
	}
	p.mu.Unlock()
	switch {
	case hangs:
		<-ctx.Done()
		return ctx.Err()
	case down:
		return errors.New("no route")
	}
	return nil
}

func (p *fakePath) set(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// shelf is a Memory.
type shelf struct {
	data   []byte
	broken bool
}

func (s *shelf) Load() ([]byte, error) { return s.data, nil }
func (s *shelf) Save(data []byte) error {
	if s.broken {
		return errors.New("disk full")
	}
	s.data = bytes.Clone(data)
	return nil
}

// scene is a Watch in a bubble of time.
type scene struct {
	t     *testing.T
	cfg   alert.Config
	shelf *shelf
	log   bytes.Buffer
	stop  func()
	ended chan struct{}
	mu    sync.Mutex
	wrong []alert.Condition
	hang  chan struct{} // a look waits for it; nil = none does
}

func newScene(t *testing.T, paths ...alert.Path) *scene {
	s := &scene{t: t, shelf: &shelf{}}
	s.cfg = alert.Config{
		Paths: paths, Logger: slog.New(slog.NewTextHandler(&s.log, nil)),
		Look: func(time.Time) alert.Observation {
			s.mu.Lock()
			hang, seen := s.hang, alert.Observation{Conditions: s.wrong, Alive: true}
			s.mu.Unlock()
			if hang != nil {
				<-hang
			}
			return seen
		},
	}
	return s
}

// start opens the memory and watches.
func (s *scene) start() {
	s.t.Helper()
	var err error
	if s.cfg.Desk, err = alert.OpenDesk(s.shelf); err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(s.t.Context())
	s.ended = make(chan struct{})
	s.stop = func() { stop(); <-s.ended }
	go func() {
		defer close(s.ended)
		alert.NewWatch(s.cfg).Run(ctx)
	}()
}

func (s *scene) during(d time.Duration, wrong ...alert.Condition) {
	s.mu.Lock()
	s.wrong = wrong
	s.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
}

// A path that is down, or hangs, holds up no other, is tried more and more seldom, and costs a few lines of log. When
// it is up again it has one message to carry, not one for each that it missed.
func TestBrokenPathHoldsUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good, down, hangs := &fakePath{name: "alert.email"}, &fakePath{name: "alert.slack", down: true}, &fakePath{name: "alert.webhook", hangs: true}
		s := newScene(t, good, down, hangs)
		s.start()
		s.during(3*time.Hour, paused("cs"))
		s.during(time.Hour)
		s.during(50*time.Minute, paused("tab"))
		if n := len(good.got); n != 4 { // cs, cs again after an hour, cs is over, tab
			t.Errorf("the good path carried %d messages", n)
		}
		if down.tries < 20 || down.tries > 40 {
			t.Errorf("the path that is down was tried %d times in five hours", down.tries)
		}
		if n := strings.Count(s.log.String(), "alert not sent"); n < 1 || n > 8 {
			t.Errorf("%d lines of log:\n%s", n, s.log.String())
		}
		down.set(false)
		s.during(11*time.Minute, paused("tab"))
		s.stop()
		if len(down.got) != 1 {
			t.Fatalf("carried %d messages", len(down.got))
		}
		r := down.got[0].Report
		if len(r.Raised) != 1 || r.Raised[0].Name != "tab" || len(r.Recovered) != 1 || r.Recovered[0].Name != "cs" || len(r.Standing) != 0 {
			t.Errorf("carried %+v", r)
		}
		if !strings.Contains(s.log.String(), "alerts can be sent again") {
			t.Errorf("the log does not say that it is over:\n%s", s.log.String())
		}
	})
}

// What was not carried before a restart is carried after it; what was carried is not carried again.
func TestRestartCarriesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good, down := &fakePath{name: "alert.email"}, &fakePath{name: "alert.slack", down: true}
		s := newScene(t, good, down)
		s.start()
		s.during(10*time.Minute, paused("cs"))
		s.stop()
		down.set(false)
		s.start()
		s.during(30*time.Minute, paused("cs"))
		s.stop()
		s.start()
		s.during(10*time.Minute, paused("cs"))
		s.stop()
		if len(good.got) != 1 || len(down.got) != 1 {
			t.Errorf("carried %d and %d messages, want one each", len(good.got), len(down.got))
		}
	})
}

// The state file that cannot be written may be the trouble: it is told all the same.
func TestToldWithoutMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := &fakePath{name: "alert.email"}
		s := newScene(t, path)
		s.shelf.broken = true
		s.start()
		s.during(10*time.Minute, alert.Condition{Kind: alert.Disk, Name: "/var/lib"})
		s.during(10 * time.Minute)
		s.stop()
		if len(path.got) != 2 || strings.Count(s.log.String(), "alerts not remembered") > 2 || !strings.Contains(s.log.String(), "disk full") {
			t.Errorf("%d messages, log:\n%s", len(path.got), s.log.String())
		}
	})
	if desk, err := alert.OpenDesk(&shelf{data: []byte("{")}); err == nil || desk == nil {
		t.Errorf("half a memory: %v, %v", desk, err)
	}
}

// heartbeatTo lets a heartbeat go to f.
func (s *scene) heartbeatTo(f func() int) *alert.Heartbeat {
	return &alert.Heartbeat{URL: "https://beat.example/secret", Client: &http.Client{Transport: trip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: f(), Body: http.NoBody}, nil
	})}}
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The heartbeat stops when something is wrong, and when the looks hang, which is worse. An address that fails is no
// reason to stop.
func TestHeartbeatMeansWell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		var beats, answer atomic.Int64
		answer.Store(200)
		s.cfg.Heartbeat, s.cfg.HeartbeatEvery = s.heartbeatTo(func() int { beats.Add(1); return int(answer.Load()) }), time.Minute
		since := func(what string, least, most int64) {
			t.Helper()
			if n := beats.Swap(0); n < least || n > most {
				t.Errorf("%s: %d heartbeats, want %d to %d", what, n, least, most)
			}
		}
		s.start()
		s.during(time.Hour)
		since("an hour of health", 59, 61)
		s.during(time.Hour, paused("cs"))
		since("an hour of trouble", 0, 4)
		s.during(time.Hour)
		since("the hour after", 55, 60)
		answer.Store(500)
		s.during(10 * time.Minute)
		since("while nobody listens", 9, 11)
		answer.Store(200)
		s.mu.Lock()
		s.hang = make(chan struct{})
		s.mu.Unlock()
		s.during(time.Hour)
		since("while nothing is known", 0, 1)
		close(s.hang)
		s.stop()
		if log := s.log.String(); strings.Count(log, "heartbeat not sent") != 2 || !strings.Contains(log, "heartbeat sent again") || strings.Contains(log, "secret") {
			t.Errorf("the log:\n%s", log)
		}
	})
}

// Ending is quick, whatever a path does.
func TestEndsWhileAPathHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, &fakePath{name: "alert.slack", hangs: true})
		s.start()
		s.during(time.Hour, paused("cs"))
		before := time.Now()
		s.stop()
		if d := time.Since(before); d > 0 {
			t.Errorf("took %s", d)
		}
		if !bytes.Contains(s.shelf.data, []byte("alert.slack")) {
			t.Error("what hangs is not remembered")
		}
	})
}

// Every kind has its words in every language, and none of them is broken.
func TestWordsAreComplete(t *testing.T) {
	t.Parallel()
	kinds := []alert.Kind{alert.Refused, alert.Paused, alert.NoPoll, alert.Queue, alert.Dead, alert.Disk}
	for _, language := range []string{"ko", "en", "ja"} {
		voice := alert.Voice{Language: language, Host: "relay1"}
		var all []alert.Condition
		for _, k := range kinds {
			all = append(all, alert.Condition{Kind: k, Name: "name-1", Count: 7, Since: start, Detail: "the cause"})
		}
		m := voice.Message(alert.Report{At: start, Raised: all, Standing: all[:1], Recovered: all[1:2]})
		if n := strings.Count(m.Text, "name-1"); n != 2*len(kinds)+3 {
			t.Errorf("%s: names stand %d times in\n%s", language, n, m.Text)
		}
		for _, text := range []string{m.Text, m.Subject, voice.Message(alert.Report{Test: true}).Text} {
			if strings.Contains(text, "%!") || !strings.Contains(text, "relay1") || strings.Contains(m.Subject, "\n") {
				t.Errorf("%s: %s", language, text)
			}
		}
	}
	many := make([]alert.Condition, 200)
	for i := range many {
		many[i] = paused(fmt.Sprint("sink-", i))
	}
	if m := (alert.Voice{Language: "en"}).Message(alert.Report{Raised: many}); len(m.Text) > 10_000 || !strings.Contains(m.Text, "180 more") {
		t.Errorf("%d bytes:\n%s", len(m.Text), m.Text)
	}
}
