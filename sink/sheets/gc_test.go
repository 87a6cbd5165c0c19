package sheets_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"talkrelay/sink/sheets"
)

func TestErasable(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	// run makes n marks, each a second after the one before, the last one ending as long ago as ended.
	run := func(n int, ended time.Duration, clean func(i int) bool) []sheets.Stored {
		var out []sheets.Stored
		for i := range n {
			at := now.Add(-ended - time.Duration(n-1-i)*time.Second)
			var before time.Time
			if clean(i) {
				before = at.Add(-time.Second)
			}
			out = append(out, sheets.NewStored(int64(i), sheets.NewMark(id(i), at, "me", before)))
		}
		return out
	}
	always := func(clean bool) func(int) bool { return func(int) bool { return clean } }
	const keep = sheets.KeepNewest
	tests := []struct {
		name  string
		found []sheets.Stored
		want  int // ids from 0
	}{
		{"nothing", nil, 0},
		{"few", run(keep, 24*time.Hour, always(true)), 0},
		{"all confirmed at once", run(keep+20, 0, always(true)), 20},
		{"all doubtful and young", run(keep+20, 30*time.Minute, always(false)), 0},
		{"all doubtful and old", run(keep+20, sheets.EraseAge+time.Minute, always(false)), 20},
		{"short of room", run(300, 10*time.Minute, always(false)), 250},
		{"short of room, but young", run(300, 0, always(false)), 0},
	}
	for _, tt := range tests {
		got := sheets.ErasableIDs(tt.found, "me", now)
		must(t, len(got), tt.want, tt.name)
		for i, erased := range got {
			if erased != int64(i) {
				t.Fatalf("%s: %v is not from the oldest on", tt.name, got)
			}
		}
	}
}

// A doubtful batch stays, and is not taken for a confirmed one when its successor is gone.
func TestErasableOneDoubtful(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var found []sheets.Stored
	for i := range sheets.KeepNewest + 3 {
		if i == 1 {
			continue // the successor of 0, which said that 0 was doubtful, is erased already
		}
		at := now.Add(time.Duration(i-100) * time.Second)
		found = append(found, sheets.NewStored(int64(i), sheets.NewMark(id(i), at, "me", at.Add(-time.Second))))
	}
	must(t, sheets.ErasableIDs(found, "me", now), []int64{2}, "ids before")
	at := now.Add(time.Second)
	found = append(found, sheets.NewStored(99, sheets.NewMark(id(99), at, "me", time.Time{})))
	found = append(found, sheets.NewStored(100, sheets.NewMark(id(100), at.Add(time.Second), "me", at)))
	must(t, sheets.ErasableIDs(found, "me", now), []int64{2, 3, 4}, "ids")
}

// Ids of others stay, unless they are very old.
func TestErasableOfOthers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	found := []sheets.Stored{
		sheets.NewStored(1, sheets.NewMark("a", now.Add(-24*time.Hour), "you", time.Time{})),
		sheets.NewStored(2, sheets.NewMark("b", now.Add(-31*24*time.Hour), "you", time.Time{})),
		sheets.NewStored(3, "something else"), sheets.NewStored(4, "a:b:c:d"), sheets.NewStored(5, ""),
	}
	must(t, sheets.ErasableIDs(found, "me", now), []int64{2}, "ids")
}

// However many batches are sent, and however often the program starts, the metadata stays below Google's limit.
func TestMetadataStaysSmall(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	c := g.config()
	c.Columns = []sheets.Column{{Header: "ID", Value: "{{.Chat.ID}}"}}
	account, err := sheets.NewAccount(c)
	if err != nil {
		t.Fatal(err)
	}
	most, number := 0, 0
	for life := range 40 {
		s, err := sheets.New(c, account)
		if err != nil {
			t.Fatal(err)
		}
		account.NoPace()
		for range 1 + life*life%97 { // some lives are short, some longer than the time between two looks
			number++
			deliver(t, s, number, many(number, number+1))
			most = max(most, g.metadataSize())
		}
	}
	if most > 20_000 || number < 1000 {
		t.Errorf("%d characters of metadata after %d batches", most, number)
	}
}

func (g *google) metadataSize() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	size := 0
	for _, m := range g.metadata {
		size += len(m[0]) + len(m[1])
	}
	return size
}

// When Google has no room for another id, old ones are erased first.
func TestMakeRoom(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	s := newSink(t, g.config())
	deliver(t, s, 1, many(0, 1))
	for i := range 300 {
		at := time.Now().Add(-2*time.Hour + time.Duration(i)*time.Second)
		g.metadata[int64(i+1)] = [2]string{sheets.MetadataKey, sheets.NewMark(id(i), at, s.Owner(), time.Time{})}
	}
	m, _ := prepare(t, s, id(2), many(1, 2), "")
	g.script(refused(400, "INVALID_ARGUMENT", "Invalid requests[1].createDeveloperMetadata: the limit of metadata storage is exceeded"))
	_, err := s.Send(t.Context(), m)
	must(t, verdict(err), "retry", "verdict")
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	must(t, len(g.metadata), 301-200, "ids left")
	if _, err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	must(t, g.chats("문의"), []string{"chat0000", "chat0001"}, "rows")
}

// If there is nothing to erase either, the queue waits and the reason is said.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	s := newSink(t, g.config())
	m, _ := prepare(t, s, id(1), many(0, 1), "")
	g.script(refused(400, "INVALID_ARGUMENT", "metadata exceeds the limit"))
	if _, err := s.Send(t.Context(), m); verdict(err) != "retry" {
		t.Fatal(err)
	}
	err := s.Wait(t.Context())
	must(t, verdict(err), "retry", "verdict")
	if err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("error: %v", err)
	}
}

func TestMetadataID(t *testing.T) {
	t.Parallel()
	seen := make(map[int64]string)
	for n := range 2000 {
		for turn := range 3 {
			got, name := sheets.MetadataID(id(n), turn), fmt.Sprint(n, turn)
			if got < 1 || got > 1<<31-1 || seen[got] != "" {
				t.Fatalf("id %d of %s, before of %q", got, name, seen[got])
			}
			seen[got] = name
		}
	}
}
