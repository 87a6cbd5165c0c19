package sheets_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sandbox"
	"talkrelay/sink"
	"talkrelay/sink/sheets"
)

// config is for the spreadsheet of g, with a pace that tests need not wait for.
func (g *google) config() sheets.Config {
	return sheets.Config{
		Name: "inquiries", Credentials: keyFile(g.URL+"/token", nil), CredentialsName: "google.json",
		Spreadsheet: spreadsheet, Sheet: "문의", Endpoint: g.URL, WritesPerMinute: 300, Timeout: 5 * time.Second,
		Memory: new(memory),
	}
}

func newSink(t testing.TB, c sheets.Config) *sheets.Sink {
	t.Helper()
	account, err := sheets.NewAccount(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sheets.New(c, account)
	if err != nil {
		t.Fatal(err)
	}
	s.Hasten()
	return s
}

// memory is a sink.Memory.
type memory struct {
	mu   sync.Mutex
	data []byte
}

func (m *memory) Load() ([]byte, error) { m.mu.Lock(); defer m.mu.Unlock(); return m.data, nil }
func (m *memory) Save(b []byte) error   { m.mu.Lock(); defer m.mu.Unlock(); m.data = b; return nil }

// opened is a new inquiry with number n.
func opened(n int) talkrelay.Event {
	e := sink.SampleEvents()[0]
	e.ID = fmt.Sprintf("e%d", n)
	e.Chat.ID = fmt.Sprintf("chat%04d", n)
	return e
}

func items(events ...talkrelay.Event) []sink.Item {
	var out []sink.Item
	for _, e := range events {
		out = append(out, sink.Item{Event: e, Route: "r"})
	}
	return out
}

func many(from, to int) []sink.Item {
	var out []sink.Item
	for n := from; n < to; n++ {
		out = append(out, items(opened(n))...)
	}
	return out
}

// id makes a shipment id.
func id(n int) string { return fmt.Sprintf("%032x", n) }

// prepare waits and makes a shipment of all that fits.
func prepare(t *testing.T, s *sheets.Sink, id string, list []sink.Item, form string) (sink.Message, int) {
	t.Helper()
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal("wait:", err)
	}
	body, n, err := s.Prepare(id, list, form)
	if err != nil {
		t.Fatal("prepare:", err)
	}
	return sink.Message{ID: id, Body: body, Attempt: 1}, n
}

// deliver sends list, all of it, and fails the test if anything goes wrong.
func deliver(t *testing.T, s *sheets.Sink, number int, list []sink.Item) {
	t.Helper()
	for len(list) > 0 {
		m, n := prepare(t, s, id(number), list, "")
		if _, err := s.Send(t.Context(), m); err != nil {
			t.Fatal("send:", err)
		}
		list, number = list[n:], number+1000
	}
}

// shipments counts those that work has made: each has an id of its own, as a worker's have.
var shipments atomic.Int64

// work sends list as a worker does, with resends and reworks, until all is delivered or dead. It returns the dead and
// how many times Send was called.
func work(t *testing.T, s *sheets.Sink, list []sink.Item) (dead []string, sends int) {
	t.Helper()
	for len(list) > 0 {
		m, n := prepare(t, s, id(int(shipments.Add(1))), list, "")
		for done := false; !done; {
			if sends++; sends > 100 {
				t.Fatal("no end of sends")
			}
			receipt, err := s.Send(t.Context(), m)
			if err == nil && receipt == "" {
				t.Fatal("delivered without receipt")
			}
			if err == nil {
				break
			}
			switch e := sink.VerdictOf(err); e.Verdict {
			case sink.InDoubt, sink.Retry:
				m.Attempt++
			case sink.Rework:
				m, n = prepare(t, s, id(int(shipments.Add(1))), list, e.Form)
			case sink.Bad:
				for _, item := range list[:n] {
					dead = append(dead, item.Event.Chat.ID)
				}
				done = true
			default:
				t.Fatal(err)
			}
		}
		list = list[n:]
	}
	return dead, sends
}

// chats returns the first column of a tab, without the header.
func (g *google) chats(title string) []string {
	var ids []string
	for i, row := range g.rows(title) {
		if i > 0 {
			first, _, _ := strings.Cut(row, " | ")
			ids = append(ids, first)
		}
	}
	return ids
}

func verdict(err error) string {
	if err == nil {
		return "delivered"
	}
	return sink.VerdictOf(err).Verdict.String()
}

func must(t *testing.T, got, want any, what string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// newBook starts a simulated Google with one spreadsheet, and returns settings for it, with a pace that tests need not
// wait for.
func newBook(t *testing.T) (*sandbox.Google, *sandbox.Spreadsheet, sheets.Config) {
	t.Helper()
	g, err := sandbox.StartGoogle(sandbox.ServiceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if v := g.Violations(); len(v) > 0 {
			t.Error(v)
		}
		_ = g.Close()
	})
	g.Set(sandbox.GoogleSettings{WritesPerMinute: -1, ReadsPerMinute: -1})
	book := g.AddSpreadsheet("고객 문의")
	return g, book, sheets.Config{
		Name: "inquiries", Credentials: g.ServiceAccountJSON(), Spreadsheet: book.ID, Sheet: "문의", Endpoint: g.Endpoint(),
		WritesPerMinute: 300, Memory: new(memory), Location: time.FixedZone("KST", 9*3600), Timeout: 5 * time.Second,
	}
}
