package sheets_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sandbox"
	"talkrelay/sink"
	"talkrelay/sink/sheets"
)

// newTab returns a sink on a simulated spreadsheet of its own.
func newTab(t *testing.T, change func(*sheets.Config)) (*sheets.Sink, *sandbox.Spreadsheet) {
	t.Helper()
	_, book, c := newBook(t)
	if change != nil {
		change(&c)
	}
	return newSink(t, c), book
}

// holdings are what s holds, as "chat time".
func holdings(t *testing.T, s *sheets.Sink) (list []string) {
	t.Helper()
	err := s.Holdings(t.Context(), time.Time{}, func(h sink.Holding) {
		text := h.Chat
		if !h.Wall.IsZero() {
			text += h.Wall.Format(" 2006-01-02 15:04:05")
		}
		list = append(list, text)
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// inquiryAt is an inquiry of a chat, received at a time that Seoul's clocks show.
func inquiryAt(chat, clock string) talkrelay.Event {
	at, _ := time.ParseInLocation("2006-01-02 15:04:05", clock, time.FixedZone("KST", 9*3600))
	e := opened(1)
	e.Chat = talkrelay.Chat{ID: chat, CreatedAt: at, FirstAskedAt: at, OpenedAt: at, FirstOpenedAt: at}
	e.At, e.TimeZone = at, ""
	return e
}

func TestHoldings(t *testing.T) {
	t.Parallel()
	s, book := newTab(t, nil)
	if got := holdings(t, s); len(got) != 0 {
		t.Errorf("before there is a tab: %v", got)
	}
	deliver(t, s, 1, items(inquiryAt("chat1", "2026-03-02 09:10:11"), inquiryAt("chat2", "2026-03-02 23:59:59"), inquiryAt("chat1", "2026-04-01 00:00:00")))
	want := []string{"chat1 2026-03-02 09:10:11", "chat2 2026-03-02 23:59:59", "chat1 2026-04-01 00:00:00"}
	if got := holdings(t, s); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// People sort, delete, and write rows of their own, as another tool did before us.
	book.DeleteRow("문의", 2)
	book.SetRow("문의", 10, "chat3", "2026-03-03 10:00")
	book.SetRow("문의", 11, "chat4", "지난주")
	book.SetRow("문의", 12, "", "2026-03-03 10:00:00")
	want = []string{"chat1 2026-03-02 09:10:11", "chat1 2026-04-01 00:00:00", "chat3 2026-03-03 10:00:00", "chat4"}
	if got := holdings(t, s); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Where people moved columns, the rows are found where they are now.
func TestHoldingsOfMovedColumns(t *testing.T) {
	t.Parallel()
	s, book := newTab(t, nil)
	book.AddTab("문의")
	book.SetRow("문의", 0, "메모", "접수일시", "담당", "상담ID")
	deliver(t, s, 1, items(inquiryAt("chat1", "2026-03-02 09:10:11")))
	if got := holdings(t, s); !slices.Equal(got, []string{"chat1 2026-03-02 09:10:11"}) {
		t.Error(got)
	}
}

// A tab that takes changes of contact fields as well has rows that are about no opening.
func TestHoldingsOfMixedTab(t *testing.T) {
	t.Parallel()
	s, _ := newTab(t, func(c *sheets.Config) { c.Defaults = sheets.Mixed })
	change := inquiryAt("chat1", "2026-03-02 09:10:11")
	change.Kind, change.Change = talkrelay.MemberContact, talkrelay.Updated
	change.User.MobileNumber, change.Old.MobileNumber = "+821012345678", "+821012340000"
	deliver(t, s, 1, items(change, inquiryAt("chat2", "2026-03-02 09:10:11")))
	if got := holdings(t, s); !slices.Equal(got, []string{"chat2 2026-03-02 09:10:11"}) {
		t.Error(got)
	}
}

// A tab that takes all kinds of event has rows that give the chat and the very time of an opening, and are about something
// else: what the customer wrote when it opened, for one. What the row is called tells, in whatever language it was written.
func TestHoldingsOfEventsTab(t *testing.T) {
	t.Parallel()
	kind := sheets.Column{Header: "무엇", Value: "{{.Kind}}"}
	chat := sheets.Column{Header: "번호", Value: "{{.Chat.ID}}"}
	at := sheets.Column{Header: "시각", Value: "{{date .At}}", Type: "datetime"}
	for name, change := range map[string]func(*sheets.Config){
		"default": func(c *sheets.Config) { c.Defaults = sheets.Events },
		"own":     func(c *sheets.Config) { c.Columns = []sheets.Column{kind, chat, at} },
	} {
		s, book := newTab(t, change)
		var all []talkrelay.Event
		for _, k := range talkrelay.Kinds() {
			e := inquiryAt("chat1", "2026-03-02 09:10:00")
			e.Kind = k
			if k == talkrelay.UserChatOpened {
				e.Chat.ID = "chat2" // a row of another kind must not stand for chat1's
			}
			all = append(all, e)
		}
		again := inquiryAt("chat3", "2026-03-02 09:10:00")
		again.Chat.Reopened = true
		deliver(t, s, 1, items(append(all, again)...))
		want := []string{"chat2 2026-03-02 09:10:00", "chat3 2026-03-02 09:10:00"}
		if name == "default" {
			book.SetRow("문의", 30, "2026-03-03 10:00:00", "対応終了", "chat1")
			book.SetRow("문의", 31, "2026-03-03 10:00:00", "New inquiry", "chat4")
			book.SetRow("문의", 32, "2026-03-03 10:00:00", "사람이 쓴 말", "chat5")
			want = append(want, "chat4 2026-03-03 10:00:00", "chat5 2026-03-03 10:00:00")
		}
		if got := holdings(t, s); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestHoldingsOfOwnColumns(t *testing.T) {
	t.Parallel()
	columns := func(list ...sheets.Column) func(*sheets.Config) {
		return func(c *sheets.Config) { c.Columns = list }
	}
	name := sheets.Column{Header: "이름", Value: "{{.User.Name}}"}
	chat := sheets.Column{Header: "번호", Value: "{{.Chat.ID}}"}
	at := sheets.Column{Header: "시각", Value: "{{date .Chat.OpenedAt}}", Type: "datetime"}
	s, _ := newTab(t, columns(name, at, chat))
	deliver(t, s, 1, items(inquiryAt("chat1", "2026-03-02 09:10:11")))
	if got := holdings(t, s); len(got) != 1 || !strings.HasPrefix(got[0], "chat1 2026-03-02 09:10:") {
		t.Error(got)
	}
	s, _ = newTab(t, columns(name, chat))
	deliver(t, s, 1, items(inquiryAt("chat1", "2026-03-02 09:10:11")))
	if got := holdings(t, s); !slices.Equal(got, []string{"chat1"}) {
		t.Error(got)
	}
	s, _ = newTab(t, columns(name, at))
	var e *sink.Error
	err := s.Holdings(t.Context(), time.Time{}, func(sink.Holding) {})
	if !errors.As(err, &e) || !strings.Contains(e.Reason, "{{.Chat.ID}}") {
		t.Errorf("without a column for the chat: %v", err)
	}
}

// Holdings may be asked for while the sink is at work.
func TestHoldingsWhileAtWork(t *testing.T) {
	t.Parallel()
	s, _ := newTab(t, func(c *sheets.Config) { c.BatchRows = 2 })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := range 5 {
			if got := holdings(t, s); len(got)%2 != 0 {
				t.Errorf("look %d: half a batch: %v", n, got)
			}
		}
	}()
	for n := range 5 {
		deliver(t, s, n, items(inquiryAt(fmt.Sprint("a", n), "2026-03-02 09:10:11"), inquiryAt(fmt.Sprint("b", n), "2026-03-02 09:10:11")))
	}
	<-ended
	if got := holdings(t, s); len(got) != 10 {
		t.Errorf("%d rows, want 10", len(got))
	}
}
