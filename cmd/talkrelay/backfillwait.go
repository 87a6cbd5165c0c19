package main

import (
	"context"
	"fmt"
	"time"

	"talkrelay"
	"talkrelay/dispatch"
)

// backfillProgress is one line of the answer to POST /backfill, and the last one the result.
type backfillProgress struct {
	Channel  string                              `json:"channel,omitempty"`
	Step     string                              `json:"step,omitempty"`    // what is done before chats are read, or after
	Chats    int                                 `json:"chats"`             // read so far
	Total    int                                 `json:"total"`             // about that many are there
	Resumed  int                                 `json:"resumed,omitempty"` // of Chats, read by an earlier run
	Sinks    map[string]map[string]backfillCount `json:"sinks"`             // by sink and month
	Unrouted int                                 `json:"unrouted"`          // openings that no route sends to a sink which lacks them
	Left     int                                 `json:"left"`              // openings that polls have not seen yet, and will deliver
	Waiting  int                                 `json:"waiting"`           // deliveries in the queues of the sinks
	Trouble  string                              `json:"trouble,omitempty"` // why it does not get on
	Done     bool                                `json:"done,omitempty"`
	Dry      bool                                `json:"dry,omitempty"`
	Error    string                              `json:"error,omitempty"` // why it has ended before it was done
}

func (p backfillProgress) ended() (ended bool, why string) { return p.Done || p.Error != "", p.Error }

// backfillCount counts the openings of a month.
type backfillCount struct {
	Added int `json:"added"` // or would be, in a dry run
	There int `json:"there"` // already, or waiting to be delivered
}

// note changes what is told of the job.
func (j *backfillJob) note(change func(*backfillProgress)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(&j.tell)
}

// progress returns what is to be told of the job now.
func (j *backfillJob) progress() backfillProgress {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := j.tell
	p.Dry = j.ask.Dry
	p.Chats, p.Total = min(p.Chats, max(p.Total, 1)), max(p.Total, 1)
	p.Sinks = make(map[string]map[string]backfillCount, len(j.tell.Sinks))
	for name, months := range j.tell.Sinks {
		p.Sinks[name] = make(map[string]backfillCount, len(months))
		for month, n := range months {
			p.Sinks[name][month] = n
		}
	}
	return p
}

func (j *backfillJob) tally(sink string, at time.Time, n backfillCount) {
	month := at.In(j.cfg.location).Format("2006-01")
	j.note(func(p *backfillProgress) {
		if p.Sinks[sink] == nil {
			p.Sinks[sink] = map[string]backfillCount{}
		}
		was := p.Sinks[sink][month]
		p.Sinks[sink][month] = backfillCount{was.Added + n.Added, was.There + n.There}
	})
}

func (j *backfillJob) tallyAll(routes []talkrelay.Delivery, at time.Time) {
	for _, d := range routes {
		j.tally(d.Sink, at, backfillCount{Added: 1})
	}
}

// roomEvery is how often a job looks whether its queues have emptied.
const roomEvery = 200 * time.Millisecond

// awaitRoom waits until few deliveries wait for the sinks, whoever put them there.
func (j *backfillJob) awaitRoom(ctx context.Context) error {
	return j.await(ctx, func(sink string) (int, error) {
		waiting, _, _, err := j.d.db.Queue(sink).Depth()
		return waiting, err
	}, j.portion)
}

// awaitDelivery waits until all that was added is settled.
func (j *backfillJob) awaitDelivery(ctx context.Context) error {
	return j.await(ctx, func(sink string) (int, error) {
		left, _, err := j.d.db.Queue(sink).Left(j.last[sink])
		return left, err
	}, 1)
}

// await waits until count is below limit for every sink.
func (j *backfillJob) await(ctx context.Context, count func(sink string) (int, error), limit int) error {
	for {
		total, high := 0, false
		for _, sink := range j.sinks {
			n, err := count(sink)
			if err != nil {
				return err
			}
			total, high = total+n, high || n >= limit
		}
		j.note(func(p *backfillProgress) { p.Waiting, p.Trouble = total, "" })
		if !high {
			return nil
		}
		j.noteTrouble()
		if now, _, _ := j.d.inForce(); now != j.cfg {
			return errReloaded
		}
		if !sleepUntil(ctx, time.Now().Add(roomEvery)) {
			return ctx.Err()
		}
	}
}

// noteTrouble tells why a sink does not get on.
func (j *backfillJob) noteTrouble() {
	_, a, _ := j.d.inForce()
	for _, s := range a.sinks {
		if st := s.worker.Status(); st.Waiting != "" && st.Waiting != dispatch.WaitingDoubt && j.holdings[s.name] != nil {
			j.note(func(p *backfillProgress) { p.Trouble = fmt.Sprintf("sink %s: %s", s.name, st.Err) })
		}
	}
}
