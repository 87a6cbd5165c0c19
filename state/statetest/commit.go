package statetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"talkrelay"
)

func testEmpty(t *testing.T, b *bench) {
	if got, err := b.Cursor("main", "chats"); err != nil || got != nil {
		t.Errorf("cursor: got %q, %v", got, err)
	}
	if got, err := b.Entity("main", chat("1")); err != nil || got != nil {
		t.Errorf("entity: got %q, %v", got, err)
	}
	if got, err := b.Entities("main", talkrelay.EntityChat, "", 10); err != nil || len(got) != 0 {
		t.Errorf("entities: got %v, %v", got, err)
	}
	q := b.Queue("slack")
	if s, err := q.InFlight(); err != nil || s != nil {
		t.Errorf("in flight: got %v, %v", s, err)
	}
	if r, err := q.LastReceipt(); err != nil || r != "" {
		t.Errorf("last receipt: got %q, %v", r, err)
	}
	if s, at, err := q.NextRecheck(); err != nil || s != nil || !at.IsZero() {
		t.Errorf("next recheck: got %v, %v, %v", s, at, err)
	}
	b.must(q.DropRecheck("none"))
	b.must(b.Commit(talkrelay.Commit{Epoch: b.Epoch(), Channel: "main", Stream: "chats"}))
	b.wantPending(q)
	b.wantDepth(q, 0, 0)
}

func chat(id string) talkrelay.Ref { return talkrelay.Ref{Type: talkrelay.EntityChat, ID: id} }

// move commits a cursor and nothing else.
func (b *bench) move(from, to []byte) error {
	return b.Commit(talkrelay.Commit{Epoch: b.Epoch(), Channel: "main", Stream: "chats", Read: from, Cursor: to})
}

func (b *bench) wantCursor(want []byte) {
	b.t.Helper()
	got, err := b.Cursor("main", "chats")
	b.must(err)
	if !bytes.Equal(got, want) {
		b.t.Errorf("cursor: got %q, want %q", got, want)
	}
}

func testCursorKept(_ *testing.T, b *bench) {
	b.must(b.move(nil, []byte("one")))
	b.wantCursor([]byte("one"))
	b.must(b.move([]byte("one"), nil)) // unchanged
	b.wantCursor([]byte("one"))
	b.must(b.move([]byte("one"), []byte("two")))
	b.reopen()
	b.wantCursor([]byte("two"))
}

func testMoved(t *testing.T, b *bench) {
	b.must(b.move(nil, []byte("one")))
	for _, read := range [][]byte{nil, []byte("zero"), []byte("one more")} {
		if err := b.move(read, []byte("two")); !errors.Is(err, talkrelay.ErrMoved) {
			t.Errorf("read %q: got %v, want ErrMoved", read, err)
		}
	}
	b.wantCursor([]byte("one"))
}

func testFenced(t *testing.T, b *bench) {
	older := b.Epoch()
	b.reopen()
	if b.Epoch() <= older {
		t.Fatalf("epoch %d after %d", b.Epoch(), older)
	}
	c := b.commit([]string{"slack"}, "e1")
	c.Epoch, c.Cursor = older, []byte("one")
	if err := b.Commit(c); !errors.Is(err, talkrelay.ErrFenced) {
		t.Errorf("got %v, want ErrFenced", err)
	}
	b.wantCursor(nil)
	b.wantPending(b.Queue("slack"))
}

func testAtomic(t *testing.T, b *bench) {
	b.must(b.move(nil, []byte("one")))
	refused := func(why string, change func(*talkrelay.Commit)) {
		t.Helper()
		c := b.commit([]string{"slack"}, "e1")
		c.Read, c.Cursor = []byte("one"), []byte("two")
		c.Entities = map[talkrelay.Ref][]byte{chat("1"): []byte("new")}
		change(&c)
		if err := b.Commit(c); err == nil {
			t.Errorf("%s: no error", why)
		}
	}
	refused("cursor moved", func(c *talkrelay.Commit) { c.Read = nil })
	refused("epoch", func(c *talkrelay.Commit) { c.Epoch++ })
	refused("event without id", func(c *talkrelay.Commit) { c.Events = append(c.Events, talkrelay.Event{}) })
	refused("entity without id", func(c *talkrelay.Commit) { c.Entities[chat("")] = []byte("x") })
	refused("stray delivery", func(c *talkrelay.Commit) { c.Deliveries[0].EventID = "e2" })
	refused("delivery to nowhere", func(c *talkrelay.Commit) { c.Deliveries[0].Sink = "" })

	b.wantCursor([]byte("one"))
	if got, _ := b.Entity("main", chat("1")); got != nil {
		t.Errorf("entity of a refused commit: %q", got)
	}
	b.wantDepth(b.Queue("slack"), 0, 0)
}

func testKnownEvent(_ *testing.T, b *bench) {
	q := b.queue("e1")
	b.must(b.Commit(b.commit([]string{"slack", "sheets"}, "e1", "e2")))
	b.wantPending(q, "e1", "e2")
	b.wantPending(b.Queue("sheets"), "e2")
	b.reopen()
	b.must(b.Commit(b.commit([]string{"slack"}, "e2", "e1")))
	b.wantPending(b.Queue("slack"), "e1", "e2")
	b.wantDepth(b.Queue("slack"), 2, 0)
}

func testTwiceInCommit(_ *testing.T, b *bench) {
	b.must(b.Commit(b.commit([]string{"slack"}, "e1", "e2", "e1")))
	b.wantPending(b.Queue("slack"), "e1", "e2")
	b.wantDepth(b.Queue("slack"), 2, 0)
}

func testStrayDelivery(t *testing.T, b *bench) {
	b.queue("e1")
	c := b.commit(nil, "e2")
	c.Deliveries = []talkrelay.Delivery{{EventID: "e1", Sink: "slack"}}
	if err := b.Commit(c); err == nil {
		t.Error("no error")
	}
}

func testEntities(t *testing.T, b *bench) {
	c := talkrelay.Commit{Epoch: b.Epoch(), Channel: "main", Stream: "chats", Entities: map[talkrelay.Ref][]byte{}}
	for i := range 25 {
		c.Entities[chat(fmt.Sprintf("%02d", i))] = []byte{byte(i)}
	}
	c.Entities[talkrelay.Ref{Type: talkrelay.EntityUser, ID: "05"}] = []byte("user")
	b.must(b.Commit(c))
	c.Entities = map[talkrelay.Ref][]byte{chat("03"): nil, chat("04"): []byte("changed"), chat("99"): nil}
	b.must(b.Commit(c))
	b.reopen()

	var got []string
	for after := ""; ; {
		page, err := b.Entities("main", talkrelay.EntityChat, after, 10)
		b.must(err)
		if len(page) == 0 {
			break
		}
		if len(page) > 10 {
			t.Fatalf("page of %d", len(page))
		}
		for _, s := range page {
			got = append(got, s.ID)
			after = s.ID
		}
	}
	if len(got) != 24 || got[0] != "00" || got[3] != "04" || got[23] != "24" {
		t.Errorf("got %v", got)
	}
	if page, _ := b.Entities("main", talkrelay.EntityChat, "03", 1); len(page) != 1 || string(page[0].Data) != "changed" {
		t.Errorf("after an id that is gone: got %v", page)
	}
	if page, err := b.Entities("main", talkrelay.EntityChat, "", 0); err != nil || len(page) != 0 {
		t.Errorf("limit 0: got %d, %v", len(page), err)
	}
}

func testCopies(t *testing.T, b *bench) {
	put := func(i int) []byte {
		data := bytes.Repeat([]byte{byte('a' + i%26)}, 3000)
		b.must(b.Commit(talkrelay.Commit{
			Epoch: b.Epoch(), Channel: "main", Stream: "chats", Entities: map[talkrelay.Ref][]byte{chat("1"): data},
		}))
		return data
	}
	in := put(0)
	want := bytes.Clone(in)
	clear(in) // ours again once Commit has returned
	out, err := b.Entity("main", chat("1"))
	b.must(err)
	page, err := b.Entities("main", talkrelay.EntityChat, "", 1)
	b.must(err)
	for i := range 50 { // let the store use its space again
		put(i + 1)
	}
	if !bytes.Equal(out, want) || !bytes.Equal(page[0].Data, want) {
		t.Error("changed after it was read")
	}
	clear(out) // ours too
	if got, _ := b.Entity("main", chat("1")); len(got) != 3000 || got[0] != 'a'+50%26 {
		t.Error("what is stored was changed through what was read")
	}
}

func testChannels(t *testing.T, b *bench) {
	for _, channel := range []string{"a", "ab"} {
		b.must(b.Commit(talkrelay.Commit{
			Epoch: b.Epoch(), Channel: channel, Stream: "chats", Cursor: []byte(channel),
			Entities: map[talkrelay.Ref][]byte{chat("1"): []byte(channel)},
		}))
	}
	for _, channel := range []string{"a", "ab"} {
		cursor, _ := b.Cursor(channel, "chats")
		data, _ := b.Entity(channel, chat("1"))
		page, _ := b.Entities(channel, talkrelay.EntityChat, "", 10)
		if string(cursor) != channel || string(data) != channel || len(page) != 1 {
			t.Errorf("%s: cursor %q, entity %q, %d entities", channel, cursor, data, len(page))
		}
	}
}
