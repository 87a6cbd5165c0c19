package poller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"talkrelay"
)

// job is a stream with its schedule.
type job struct {
	name     string
	schedule Schedule
	stream   Stream
	patience time.Duration // by how much a more important job may be late before this one goes first
	paced    bool          // the schedule is the pace of its pages, and not only of its walks
	health   *talkrelay.Health

	from  Position // where the walk goes on; nil = at its start
	due   time.Time
	fails int   // in a row
	last  error // of the last step
}

// commitError is a step that failed because the store refused what was found.
type commitError struct{ err error }

func (e *commitError) Error() string { return "write what was found: " + e.err.Error() }
func (e *commitError) Unwrap() error { return e.err }

// step reads one page, or several while there is news, commits what is new and moves the job on. After an error the walk
// goes on where the stream says. If it does not say, the walk begins anew, but for a paced one, which stays where it was.
// A panic is an error.
func (p *Poller) step(ctx context.Context, j *job) (err error) {
	var next Position
	if j.paced {
		next = j.from
	}
	defer func() {
		if r := recover(); r != nil {
			err = crash(r)
		}
		j.from = next
	}()
	v := view{store: p.cfg.Store, channel: p.cfg.Name}
	if v.cursor, err = p.cfg.Store.Cursor(p.cfg.Name, j.stream.Name()); err != nil {
		return fmt.Errorf("read cursor of %s: %w", j.stream.Name(), err)
	}
	b, readErr := p.gather(ctx, j, v)
	if err := p.commit(j.stream.Name(), v.cursor, b); err != nil {
		return err
	}
	if readErr == nil || b.Next != nil {
		next = b.Next
	}
	return readErr
}

// commit writes a batch, unless there is nothing in it.
func (p *Poller) commit(stream string, read []byte, b Batch) error {
	if len(b.Events) == 0 && len(b.Entities) == 0 && b.Cursor == nil {
		return nil
	}
	c := talkrelay.Commit{
		Epoch:   p.cfg.Epoch,
		Channel: p.cfg.Name,
		Stream:  stream,

		Read:   read,
		Cursor: b.Cursor,

		Entities: b.Entities,
		Events:   b.Events,

		Followers: p.cfg.Followers,
		Keepers:   p.cfg.Keepers,
	}
	if c.Cursor == nil {
		c.Cursor = read
	}
	if len(b.Events) > 0 {
		c.Deliveries = p.cfg.Match(b.Events)
	}
	if err := p.cfg.Store.Commit(c); err != nil {
		return &commitError{err}
	}
	p.store.OK()
	if b.Then != nil {
		b.Then()
	}
	if len(c.Deliveries) > 0 || len(c.Followers) > 0 && len(c.Events) > 0 {
		p.cfg.Committed(c.Deliveries)
	}
	return nil
}

// view is what is stored of one channel, and the cursor of one stream.
type view struct {
	store   Store
	channel string
	cursor  []byte
}

func (v view) Cursor() []byte { return v.cursor }

func (v view) Entity(ref talkrelay.Ref) ([]byte, error) { return v.store.Entity(v.channel, ref) }

func (v view) Entities(typ, after string, limit int) ([]talkrelay.Snapshot, error) {
	return v.store.Entities(v.channel, typ, after, limit)
}

// fenced reports that another process has taken over the state: nothing can be written any more.
func fenced(err error) bool { return errors.Is(err, talkrelay.ErrFenced) }
