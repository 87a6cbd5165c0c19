package poller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"talkrelay/channeltalk"
)

const (
	sweepSoon = 2 * time.Second  // after the start; a sweep makes up for the time the daemon was down
	fullSoon  = time.Minute      // after the start, if a full sweep was missed
	beatEvery = 10 * time.Second // while nothing is due
)

// Run runs the jobs at their times until ctx ends, and returns nil then. The first poll is at once. The only other end
// is that another process has taken over the state: the error wraps talkrelay.ErrFenced.
func (p *Poller) Run(ctx context.Context) error {
	p.start(time.Now())
	for ctx.Err() == nil {
		p.cfg.Beat()
		now := time.Now()
		j := p.nextJob(now)
		if j == nil {
			p.wait(ctx, now)
			continue
		}
		err := p.step(ctx, j)
		if ctx.Err() != nil {
			break
		}
		if fenced(err) {
			return fmt.Errorf("channel %s: %w", p.cfg.Name, err)
		}
		p.plan(j, err, time.Now())
	}
	return nil
}

// start sets the first time of every job.
func (p *Poller) start(now time.Time) {
	for _, j := range p.jobs {
		j.from, j.fails = nil, 0
		switch j.name {
		case JobPoll, JobGroups:
			j.due = now
		case JobSweep:
			j.due = now.Add(sweepSoon)
		case JobFullSweep:
			j.due = j.schedule.after(now)
			if p.missedFullSweep(now) {
				j.due = now.Add(fullSoon)
			}
		default:
			j.due = j.schedule.after(now)
		}
	}
}

// missedFullSweep reports whether a full sweep was due since the last one was complete: on a machine that is off at
// night there would never be one.
func (p *Poller) missedFullSweep(now time.Time) bool {
	data, err := p.cfg.Store.Cursor(p.cfg.Name, chatsStream)
	if err != nil {
		return false // whoever polls says so
	}
	cur, err := readChatCursor(data)
	if err != nil || !cur.Done {
		return false
	}
	due := p.job(JobFullSweep).schedule.Next(fromMillis(cur.Full))
	return !due.IsZero() && !due.After(now)
}

// nextJob returns the job to run now, nil if none is due. It is the most important one that is due, unless another one
// has waited past its patience: a poll that takes longer than its interval is always due, and must not keep the others
// from ever running.
func (p *Poller) nextJob(now time.Time) *job {
	var next *job
	for _, j := range p.jobs {
		if j.due.IsZero() || j.due.After(now) {
			continue
		}
		if next == nil || j.due.Add(j.patience).Before(next.due.Add(next.patience)) {
			next = j
		}
	}
	return next
}

// wait returns when the next job is due, ctx ends, or it is time for another beat.
func (p *Poller) wait(ctx context.Context, now time.Time) {
	d := beatEvery
	for _, j := range p.jobs {
		if !j.due.IsZero() {
			d = min(d, j.due.Sub(now))
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// plan sets when j runs next. In the middle of a walk that is at once, behind whatever else is due. Ticks that have
// passed meanwhile are skipped.
func (p *Poller) plan(j *job, err error, now time.Time) {
	j.last = err
	if refused := (*commitError)(nil); err == nil || errors.As(err, &refused) {
		p.setLastRead()
	}
	if err != nil {
		p.planRetry(j, err, now)
		return
	}
	j.fails = 0
	j.health.OK()
	if j.from != nil && !j.paced {
		j.due = now
		return
	}
	if j.name == JobPoll {
		p.setLastGood()
	}
	j.due = j.schedule.after(now)
}

func (p *Poller) planRetry(j *job, err error, now time.Time) {
	j.fails++
	j.due = retryAt(now, j.schedule.after(now), j.fails, err)
	p.report(j, err)
	if channeltalk.KindOf(err) != channeltalk.Throttled {
		return
	}
	// The allowance is the channel's: whoever lists chats waits with whoever was told to. Reading customers and team chats
	// has an allowance of its own, and must not hold up a poll.
	until := now.Add(retryAfter(err))
	aside := j.name == JobContacts || j.name == JobGroups
	for _, other := range p.jobs {
		if _, lists := other.stream.(*chats); !other.due.IsZero() && other.due.Before(until) && !(aside && lists) {
			other.due = until
		}
	}
}

// report says that a job failed, in one line for one trouble.
func (p *Poller) report(j *job, err error) {
	var refused *commitError
	if errors.As(err, &refused) {
		p.store.Broken(err)
		return
	}
	if j.name != JobPoll && p.pollHas(channeltalk.KindOf(err)) {
		return // said already
	}
	j.health.Broken(err, "next_try", j.due.Format(time.RFC3339))
}

// pollHas reports whether polls fail for the same kind of reason.
func (p *Poller) pollHas(kind channeltalk.Kind) bool {
	return kind != "" && channeltalk.KindOf(p.jobs[0].last) == kind
}
