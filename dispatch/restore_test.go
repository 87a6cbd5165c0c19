package dispatch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay/dispatch"
	"talkrelay/sink"
)

// doubtful returns a file, restored from a backup, in which these events wait and may have been delivered already.
func doubtful(after string, events ...string) *file {
	f := (&file{}).add(events...)
	for i := range f.queue {
		f.queue[i].Doubt, f.queue[i].After, f.queue[i].Event.At = true, after, time.Now()
	}
	return f
}

// What may have been delivered before a backup was put back is looked for, once and at once, and sent if it is not there.
func TestRestoredDeliveriesAreLookedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := doubtful("r0", "there", "lost"), newFake()
		var asked []sink.Message
		target.resolve = func(_ int, m sink.Message) (bool, error) {
			asked = append(asked, m)
			return string(m.Body) == "there", nil
		}
		stop := run(t, dispatch.NewWorker(config(target, f)))
		f.add("new")
		time.Sleep(time.Minute)
		stop()
		want := []string{"0s look there", "0s look lost", "0s send lost", "0s send new"}
		if got := target.seen(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if delivered, dead, _, waiting := f.snapshot(); len(delivered) != 3 || len(dead) > 0 || waiting > 0 {
			t.Errorf("delivered %v, dead %v, %d waiting", delivered, dead, waiting)
		}
		for _, m := range asked { // not after the one that was just found: the order then may have been another
			if m.After != "r0" || m.Attempt != 1 {
				t.Errorf("looked for %+v", m)
			}
		}
	})
}

// The ids of the shipments are those that the process before the restore gave them.
func TestShipmentIDFollowsFromTheEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &service{}
		for _, f := range []*file{(&file{}).add("e1", "e2", "e3"), doubtful("", "e3", "e1", "e4", "e2")} {
			stop := run(t, dispatch.NewWorker(config(client{service}, f)))
			time.Sleep(time.Hour)
			stop()
			if _, _, _, waiting := f.snapshot(); waiting > 0 {
				t.Errorf("%d waiting", waiting)
			}
		}
		if got, want := service.rows(), []string{"e1", "e2", "e3", "e4"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		other := config(client{service}, (&file{}).add("e1"))
		other.Instance = "another state"
		stop := run(t, dispatch.NewWorker(other))
		time.Sleep(time.Hour)
		stop()
		if got := service.copies; got[0].ID == got[len(got)-1].ID || len(got) != 5 {
			t.Errorf("two states use the same ids: %v", got)
		}
	})
}

// A destination that cannot be asked knows a repeat by its id, also one made from an older backup.
func TestStableIDsWithoutLookUps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		for _, stable := range []bool{true, true, false} {
			target := newFake()
			target.send = func(_ context.Context, n int, m sink.Message) error {
				if ids = append(ids, m.ID); n == 1 {
					return errors.New("no answer")
				}
				return nil
			}
			c := config(target, doubtful("", "e1"))
			c.LookupsAnswered, c.LookupsUnanswered, c.StableIDs = nil, nil, stable
			stop := run(t, dispatch.NewWorker(c))
			time.Sleep(time.Hour)
			stop()
		}
		if len(ids) != 6 || ids[0] != ids[1] || ids[0] != ids[2] || ids[2] != ids[3] || ids[4] == ids[0] {
			t.Errorf("ids of two tries each, stable, stable again, and not: %q", ids)
		}
	})
}

// Nobody knows when a message was sent that no receipt stands before. It was not before the event.
func TestRestoredWithoutReceipt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := doubtful("", "e1"), newFake()
		at := f.queue[0].Event.At
		target.resolve = func(_ int, m sink.Message) (bool, error) {
			if m.FirstSent.After(at) || m.FirstSent.Before(at.Add(-25*time.Hour)) {
				t.Errorf("looked for what was sent after %s; the event was at %s", m.FirstSent, at)
			}
			return true, nil
		}
		stop := run(t, dispatch.NewWorker(config(target, f)))
		time.Sleep(time.Minute)
		stop()
		if got, want := target.seen(), []string{"0s look e1"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A sink that has no look-ups cannot tell: it sends.
func TestRestoredWithoutLookups(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := doubtful("", "e1", "e2"), newFake()
		cfg := config(target, f)
		cfg.LookupsAnswered, cfg.LookupsUnanswered, cfg.MaxItems = nil, nil, 10
		stop := run(t, dispatch.NewWorker(cfg))
		time.Sleep(time.Minute)
		stop()
		if got, want := target.seen(), []string{"0s send e1+e2"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A sink that takes several deliveries at once looks for each of those in doubt alone: nobody knows what was sent together.
func TestRestoredAreNotSentTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, target := doubtful("", "d1", "d2"), newFake()
		f.add("n1", "n2")
		target.resolve = func(_ int, m sink.Message) (bool, error) { return string(m.Body) == "d1", nil }
		cfg := config(target, f)
		cfg.MaxItems = 10
		stop := run(t, dispatch.NewWorker(cfg))
		time.Sleep(time.Minute)
		stop()
		if got, want := target.seen(), []string{"0s look d1", "0s look d2", "0s send d2", "0s send n1+n2"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
