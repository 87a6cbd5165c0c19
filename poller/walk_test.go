package poller

import "testing"

// A mark says that a walk is not through below something new. It may only be cleared by who has read all that it stands for.
func TestMarks(t *testing.T) {
	t.Parallel()
	news, none := []judgement{{fresh: true}}, []judgement{{}}
	done := chatCursor{Done: true}

	t.Run("set and cleared by the same walk", func(t *testing.T) {
		t.Parallel()
		cur := done
		w := startWalk(tick, cur)
		setMark(&w, &cur, news)
		if cur.Mark == 0 {
			t.Fatal("no mark")
		}
		clearMark(&w, &cur)
		if cur.Mark != 0 {
			t.Error("not cleared")
		}
	})
	t.Run("not without news", func(t *testing.T) {
		t.Parallel()
		cur := done
		w := startWalk(tick, cur)
		if setMark(&w, &cur, none); cur != done {
			t.Errorf("cursor = %+v", cur)
		}
	})
	t.Run("a tick takes over what a failed walk has left", func(t *testing.T) {
		t.Parallel()
		cur := done
		failed := startWalk(sweep, cur)
		setMark(&failed, &cur, news)
		next := startWalk(tick, cur)
		if !next.Full {
			t.Fatal("does not read to the end")
		}
		if clearMark(&next, &cur); cur.Mark != 0 {
			t.Error("not cleared")
		}
	})
	t.Run("a sweep under way does not clear what it did not read", func(t *testing.T) {
		t.Parallel()
		cur := done
		slow := startWalk(sweep, cur) // has read the top already
		failed := startWalk(tick, cur)
		setMark(&failed, &cur, news)
		setMark(&slow, &cur, news) // sees news of its own further down
		clearMark(&slow, &cur)
		if cur.Mark == 0 {
			t.Error("the mark of the failed tick is gone")
		}
	})
	t.Run("a tick does not clear the mark of a sweep that came in between", func(t *testing.T) {
		t.Parallel()
		cur := done
		first := startWalk(tick, cur)
		setMark(&first, &cur, news)
		second := startWalk(sweep, cur)
		setMark(&second, &cur, news)
		if clearMark(&first, &cur); cur.Mark == 0 {
			t.Error("cleared")
		}
	})
}
