package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"talkrelay/dispatch"
)

var errKilled = errors.New("killed")

// process runs workers on one file and one service, and kills them: after kill nothing reaches the file any more.
type process struct {
	file    *file
	service *service
	batch   int
	killAt  int // step at which it dies: 1 = the first touch of the file; 0 = never
	step    int
	dead    bool
	stop    context.CancelFunc
}

func newProcess(f *file, s *service, batch int) *process {
	p := &process{file: f, service: s, batch: batch}
	f.fault = func(string, string) error {
		if p.step++; p.step == p.killAt {
			p.kill()
		}
		if p.dead {
			return errKilled
		}
		return nil
	}
	s.crash = p.kill
	return p
}

func (p *process) kill() {
	p.dead = true
	p.stop()
	// What the service asked for and nobody wrote down is not known to the next process.
	if s := p.file.current(); s == nil || s.NextAt.Before(p.service.holdUntil) {
		p.service.holdUntil = time.Time{}
	}
}

// life runs one worker for d, or until it is killed.
func (p *process) life(t *testing.T, d time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	p.dead, p.stop = false, cancel
	cfg := config(client{p.service}, p.file)
	cfg.MaxItems = p.batch
	if p.service.once {
		cfg.LookupsAnswered, cfg.LookupsUnanswered = nil, nil
	}
	if err := dispatch.NewWorker(cfg).Run(ctx); err != nil {
		t.Errorf("run: %v", err)
	}
}

// check reports what is lost, doubled, out of order, or left.
func (p *process) check(want []string) error {
	if got := p.service.rows(); !slices.Equal(got, want) {
		return fmt.Errorf("service shows %v, want %v", got, want)
	}
	delivered, dead, _, waiting := p.file.snapshot()
	if !slices.Equal(delivered, want) || len(dead) > 0 || waiting > 0 {
		return fmt.Errorf("file says delivered %v, dead %v, %d waiting", delivered, dead, waiting)
	}
	if p.service.broken != "" {
		return errors.New(p.service.broken)
	}
	if len(p.file.rechecks) > 0 {
		return fmt.Errorf("rechecks left: %v", p.file.rechecks)
	}
	return nil
}

// TestKilledAtEveryStep kills the process at each touch of the file, before and after the write, while the service
// misbehaves in each way, and starts it again.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	fates := map[string]fate{
		"well":                    {},
		"killed once sent":        {Crash: true},
		"killed before it left":   {Crash: true, Dropped: true},
		"answer lost":             {Lost: true},
		"answer unclear":          {Lost: true, Answered: true},
		"dropped":                 {Dropped: true},
		"dropped, answer unclear": {Dropped: true, Answered: true},
		"applied late":            {Dropped: true, Late: 200 * time.Second},
		"applied late, killed":    {Dropped: true, Late: 200 * time.Second, Crash: true},
		"refused":                 {Refuse: 30 * time.Second},
		"refused, killed":         {Refuse: time.Second, Crash: true},
		"paused":                  {Pause: true},
		"reworked":                {Rework: true},
		"reworked, killed":        {Rework: true, Crash: true},
	}
	for name, f := range fates {
		for _, like := range []string{"slack", "sheets"} {
			t.Run(like+" "+name, func(t *testing.T) {
				t.Parallel()
				deepest := 0
				for k := 1; k < 200; k++ {
					reached := false
					synctest.Test(t, func(t *testing.T) {
						s := &service{once: like == "sheets", fates: []fate{{}, f}}
						batch := 1
						if s.once {
							batch = 2
						}
						if !f.Answered && !s.once {
							s.lag = 30 * time.Second
						}
						p := newProcess(new(file).add(ids(5)...), s, batch)
						p.killAt = k
						p.life(t, 15*time.Minute)
						reached = p.step >= k
						for range 3 {
							p.life(t, 15*time.Minute)
						}
						if err := p.check(ids(5)); err != nil {
							t.Errorf("killed at step %d: %v", k, err)
						}
					})
					if !reached {
						break
					}
					deepest = k
				}
				if deepest < 20 {
					t.Errorf("only %d steps: the test does not reach what it is about", deepest)
				}
			})
		}
	}
}

// TestModel plays random sequences of what services and processes do.
func TestModel(t *testing.T) {
	t.Parallel()
	for _, like := range []string{"slack", "sheets"} {
		t.Run(like, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				n := rapid.IntRange(1, 8).Draw(rt, "events")
				fates := rapid.SliceOfN(drawFate(like == "slack"), 0, 12).Draw(rt, "fates")
				kills := rapid.SliceOfN(rapid.IntRange(1, 60), 0, 4).Draw(rt, "kills")
				batch := 1
				var lag time.Duration
				if like == "sheets" {
					batch = rapid.IntRange(1, 4).Draw(rt, "batch")
				} else {
					lag = time.Duration(rapid.IntRange(0, 7).Draw(rt, "lag")) * time.Second
				}
				var err error
				synctest.Test(t, func(t *testing.T) {
					s := &service{once: like == "sheets", fates: fates, lag: lag}
					p := newProcess(new(file).add(ids(n)...), s, batch)
					for _, k := range kills {
						p.killAt, p.step = k, 0
						p.life(t, 20*time.Minute)
					}
					p.killAt = 0
					for range len(fates) + 2 { // each of them may kill one
						p.life(t, 3*time.Hour)
					}
					err = p.check(ids(n))
				})
				if err != nil {
					rt.Fatal(err)
				}
			})
		})
	}
}

func drawFate(late bool) *rapid.Generator[fate] {
	return rapid.Custom(func(rt *rapid.T) fate {
		f := fate{Crash: rapid.IntRange(0, 4).Draw(rt, "crash") == 0}
		switch rapid.IntRange(0, 7).Draw(rt, "kind") {
		case 1:
			f.Refuse = time.Duration(rapid.IntRange(1, 1800).Draw(rt, "refuse")) * time.Second
		case 2:
			f.Pause = true
		case 3:
			f.Lost = true
		case 4:
			f.Lost, f.Answered = true, true
		case 5:
			f.Dropped = true
			if late {
				f.Late = time.Duration(rapid.IntRange(0, 200).Draw(rt, "late")) * time.Second
			}
		case 6:
			f.Dropped, f.Answered = true, true
		case 7:
			f.Rework = true
		}
		return f
	})
}
