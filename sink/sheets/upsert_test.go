package sheets_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sandbox"
	"talkrelay/sink"
	"talkrelay/sink/sheets"
)

// keyedTab is a sink with one row a chat, on a simulated spreadsheet.
type keyedTab struct {
	*sheets.Sink
	t      *testing.T
	google *sandbox.Google
	book   *sandbox.Spreadsheet
	log    *bytes.Buffer
}

func newKeyedTab(t *testing.T, change func(*sheets.Config)) *keyedTab {
	t.Helper()
	g, book, c := newBook(t)
	k := &keyedTab{t: t, google: g, book: book, log: new(bytes.Buffer)}
	c.Mode, c.Logger = sheets.Upsert, slog.New(slog.NewTextHandler(k.log, nil))
	if change != nil {
		change(&c)
	}
	k.Sink = newSink(t, c)
	return k
}

// life is what becomes of chat n: its events after the opening carry no message.
func life(n int, state, manager string) talkrelay.Event {
	e := opened(n)
	e.ID, e.Kind = fmt.Sprintf("%s-%d-%s", state, n, manager), talkrelay.Kind("userChat."+state)
	e.Chat.State, e.Assignee, e.Message = state, talkrelay.Person{ID: manager, Name: manager}, talkrelay.Message{}
	return e
}

// show returns a column of each row, as "chat value", in the order of the sheet.
func (k *keyedTab) show(header string) (list []string) {
	k.t.Helper()
	texts := k.book.Texts("문의")
	id, col := slices.Index(texts[0], "상담ID"), slices.Index(texts[0], header)
	for _, row := range texts[1:] {
		if id < len(row) && row[id] != "" {
			value := ""
			if col < len(row) {
				value = row[col]
			}
			list = append(list, row[id]+" "+value)
		}
	}
	return list
}

// An event changes the row of its chat and no other, and in it neither what was written once nor what people added.
func TestUpsertKeepsOneRowAChat(t *testing.T) {
	t.Parallel()
	k := newKeyedTab(t, nil)
	work(t, k.Sink, many(1, 4))
	first := k.show("첫 문의 내용")
	header := k.book.Texts("문의")[0]
	k.book.SetRow("문의", 0, append(slices.Clone(header), "비고")...)
	for i, row := range k.book.Texts("문의")[1:4] {
		k.book.SetRow("문의", i+1, append(padded(row, len(header)), fmt.Sprint("메모", i+1))...)
	}
	k.book.SortRows("문의", 0)
	work(t, k.Sink, items(life(2, "closed", "박상담"), life(3, "snoozed", "이상담")))

	got := k.show("상태")
	slices.Sort(got)
	must(t, got, []string{"chat0001 진행중", "chat0002 종료됨", "chat0003 보류중"}, "states")
	got = k.show("담당자")
	slices.Sort(got)
	if !slices.Contains(got, "chat0002 박상담") || !slices.Contains(got, "chat0003 이상담") || len(got) != 3 {
		t.Errorf("assignees: %v", got)
	}
	got = k.show("첫 문의 내용")
	slices.Sort(got)
	slices.Sort(first)
	must(t, got, first, "first messages")
	got = k.show("비고")
	slices.Sort(got)
	must(t, got, []string{"chat0001 메모1", "chat0002 메모2", "chat0003 메모3"}, "notes of people")
}

func padded(row []string, n int) []string {
	for len(row) < n {
		row = append(row, "")
	}
	return row
}

// Several events of a chat in one batch make one row that shows the last, with the words of the first.
func TestUpsertMergesABatch(t *testing.T) {
	t.Parallel()
	k := newKeyedTab(t, nil)
	work(t, k.Sink, items(opened(1), life(1, "snoozed", "박상담"), opened(2), life(1, "closed", "이상담")))
	must(t, k.show("상태"), []string{"chat0001 종료됨", "chat0002 진행중"}, "states")
	must(t, k.show("담당자")[0], "chat0001 이상담", "assignee")
	if first := k.show("첫 문의 내용")[0]; first == "chat0001 " {
		t.Error("the first message is gone")
	}
}

// Whatever becomes of a write, there is one row a chat and it shows the last that was said.
func TestUpsertInDoubt(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{
		"lost before":  {Skip: true, Reset: true},
		"answer lost":  {Reset: true},
		"502, applied": {Status: 502, Body: "<html>"},
		"503":          {Skip: true, Status: 503},
		"empty answer": {Body: "{}"},
		"cut off":      {Cut: 10},
		"redirect":     {Skip: true, Status: 307, Header: map[string][]string{"Location": {"http://127.0.0.1:1/"}}},
		"500":          {Skip: true, Status: 500, Body: `{"error":{"code":500}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKeyedTab(t, nil)
			work(t, k.Sink, many(1, 4))
			var writes atomic.Int32
			k.google.SetFault(func(_ string, r sandbox.Request) *sandbox.Fault {
				if strings.HasSuffix(r.Path, ":batchUpdate") && writes.Add(1) == 1 {
					return &fault
				}
				return nil
			})
			dead, _ := work(t, k.Sink, items(life(2, "closed", "박상담"), opened(4)))
			must(t, dead, []string(nil), "dead")
			must(t, k.show("상태"), []string{"chat0001 진행중", "chat0002 종료됨", "chat0003 진행중", "chat0004 진행중"}, "states")
		})
	}
}

// A write that Google applies long after it was sent again changes nothing: its id is in use by then.
func TestUpsertZombie(t *testing.T) {
	t.Parallel()
	k := newKeyedTab(t, func(c *sheets.Config) { c.Timeout = time.Second })
	work(t, k.Sink, many(1, 3))
	hold := make(chan struct{})
	var writes atomic.Int32
	k.google.SetFault(func(_ string, r sandbox.Request) *sandbox.Fault {
		if strings.HasSuffix(r.Path, ":batchUpdate") && writes.Add(1) == 1 {
			return &sandbox.Fault{Hold: hold}
		}
		return nil
	})
	work(t, k.Sink, items(life(1, "snoozed", "박상담"), opened(3)))
	work(t, k.Sink, items(life(1, "closed", "이상담")))
	close(hold)
	work(t, k.Sink, items(life(2, "closed", "이상담")))
	must(t, k.show("상태"), []string{"chat0001 종료됨", "chat0002 종료됨", "chat0003 진행중"}, "states")
}

// People who sort in the very moment between our reading and our writing are noticed: our row is written where it is now,
// and the one that stood in its place is put right.
func TestUpsertRowsMove(t *testing.T) {
	t.Parallel()
	k := newKeyedTab(t, nil)
	work(t, k.Sink, items(opened(1), opened(2), opened(3)))
	var writes atomic.Int32
	k.google.SetFault(func(_ string, r sandbox.Request) *sandbox.Fault {
		if strings.HasSuffix(r.Path, ":batchUpdate") && writes.Add(1) == 1 {
			rows := k.book.Texts("문의")
			k.book.SetRow("문의", 1, rows[3]...) // chat 3 and chat 1 change places
			k.book.SetRow("문의", 3, rows[1]...)
		}
		return nil
	})
	work(t, k.Sink, items(life(1, "closed", "박상담")))
	must(t, k.show("상태"), []string{"chat0003 진행중", "chat0002 진행중", "chat0001 종료됨"}, "states")
	if !strings.Contains(k.log.String(), "rows moved while they were written") {
		t.Errorf("log: %s", k.log)
	}
}

// The same after a restart: what stood there is not known any more, and is told of.
func TestUpsertRowsMoveUnknown(t *testing.T) {
	t.Parallel()
	mem := new(memory)
	k := newKeyedTab(t, func(c *sheets.Config) { c.Memory = mem })
	work(t, k.Sink, items(opened(1), opened(2)))
	k.Forget()
	var writes atomic.Int32
	k.google.SetFault(func(_ string, r sandbox.Request) *sandbox.Fault {
		if strings.HasSuffix(r.Path, ":batchUpdate") && writes.Add(1) == 1 {
			rows := k.book.Texts("문의")
			k.book.SetRow("문의", 1, rows[2]...)
			k.book.SetRow("문의", 2, rows[1]...)
		}
		return nil
	})
	work(t, k.Sink, items(life(1, "closed", "박상담")))
	must(t, k.show("상태")[1], "chat0001 종료됨", "state")
	if !strings.Contains(k.log.String(), "rows show the values of others") || !strings.Contains(k.log.String(), "rows [2]") {
		t.Errorf("log: %s", k.log)
	}
}

// An event with nothing in the key column can have no row.
func TestUpsertWithoutAKey(t *testing.T) {
	t.Parallel()
	k := newKeyedTab(t, nil)
	contact := sink.SampleEvents()[1]
	contact.Chat = talkrelay.Chat{}
	if err := k.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _, err := k.Prepare(id(1), items(contact, opened(1)), "")
	if sink.VerdictOf(err).Verdict != sink.Bad || !strings.Contains(err.Error(), "상담ID") {
		t.Errorf("got %v", err)
	}
	if _, n, err := k.Prepare(id(1), items(opened(1), contact), ""); n != 1 || err != nil {
		t.Errorf("the one before it: %d, %v", n, err)
	}
}

// Own columns: the key is named, and a column may be written once.
func TestUpsertOwnColumns(t *testing.T) {
	t.Parallel()
	k := newKeyedTab(t, func(c *sheets.Config) {
		c.Key = "고객ID"
		c.Columns = []sheets.Column{
			{Header: "상담ID", Value: "{{.Chat.ID}}"}, {Header: "고객ID", Value: "{{.User.ID}}"}, {Header: "처음", Value: "{{.Chat.ID}}", Once: true},
		}
	})
	a, b := opened(1), opened(2)
	b.User.ID = a.User.ID
	work(t, k.Sink, items(a))
	work(t, k.Sink, items(b))
	must(t, k.show("처음"), []string{"chat0002 chat0001"}, "rows")
}

func TestUpsertConfig(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	for name, test := range map[string]struct {
		change func(*sheets.Config)
		want   string
	}{
		"mode":    {func(c *sheets.Config) { c.Mode = "replace" }, `mode: "replace" is not known`},
		"key":     {func(c *sheets.Config) { c.Mode, c.Key = sheets.Upsert, "없음" }, `key: "없음" is the header of no column`},
		"append":  {func(c *sheets.Config) { c.Key = "상담ID" }, `key: has a meaning with mode = "upsert" only`},
		"history": {func(c *sheets.Config) { c.Mode, c.Defaults = sheets.Upsert, sheets.Changes }, `mode: "upsert" would keep the last change only`},
		"no chat": {func(c *sheets.Config) {
			c.Mode, c.Columns = sheets.Upsert, []sheets.Column{{Header: "a", Value: "{{.User.Name}}"}}
		}, "key: no column holds the id of the chat alone"},
	} {
		c := g.config()
		test.change(&c)
		if err := c.Validate().Error(); !strings.Contains(err, test.want) {
			t.Errorf("%s: got %q, want %q", name, err, test.want)
		}
	}
}

// A refresh shows how the chat is, in the row that is there: it adds none, and leaves alone what tells of an event or was
// written once. Whatever event a row is written for, it shows the chat as it is by then.
func TestUpsertRefreshes(t *testing.T) {
	t.Parallel()
	k := newKeyedTab(t, func(c *sheets.Config) {
		c.Columns = []sheets.Column{
			{Header: "상담ID", Value: "{{.Chat.ID}}"}, {Header: "상태", Value: "{{.Chat.State}}"}, {Header: "담당", Value: "{{.Assignee.Name}}"},
			{Header: "일", Value: "{{.Kind}}"}, {Header: "닫힘", Value: `{{if eq .Kind "userChat.closed"}}예{{end}}`},
			{Header: "글", Value: "{{.Message.Text}}"}, {Header: "때", Value: `{{date "15:04" .At}}`}, {Header: "처음", Value: "{{.Chat.State}}", Once: true},
		}
	})
	work(t, k.Sink, items(opened(1), opened(2)))
	told := func() (list []string) {
		for _, header := range []string{"일", "닫힘", "글", "때", "처음"} {
			list = append(list, k.show(header)...)
		}
		return list
	}
	before := told()
	refresh := func(n int, kind, state, manager string) sink.Item {
		e := life(n, state, manager)
		e.Kind, e.At = talkrelay.Kind("userChat."+kind), e.At.Add(time.Hour)
		return sink.Item{Event: e, Refresh: true}
	}
	work(t, k.Sink, []sink.Item{refresh(1, "moved", "snoozed", "박상담"), refresh(2, "closed", "closed", "이상담"), refresh(3, "moved", "opened", "")})
	must(t, k.show("상태"), []string{"chat0001 snoozed", "chat0002 closed"}, "states")
	must(t, k.show("담당"), []string{"chat0001 박상담", "chat0002 이상담"}, "assignees")
	must(t, told(), before, "what tells of events")

	late, now := life(1, "assigned", "김상담"), life(1, "closed", "김상담")
	work(t, k.Sink, []sink.Item{{Event: late, Latest: &now}, refresh(4, "moved", "opened", ""), {Event: opened(4)}, refresh(4, "closed", "closed", "")})
	must(t, k.show("상태"), []string{"chat0001 closed", "chat0002 closed", "chat0004 closed"}, "states after")
	must(t, k.show("일"), []string{"chat0001 userChat.assigned", "chat0002 userChat.opened", "chat0004 userChat.opened"}, "kinds after")
	must(t, k.show("처음")[2], "chat0004 opened", "what was written once")
}

// A refresh that finds no row is delivered, also when the answer is lost, and people's deletions stay.
func TestUpsertRefreshOfNoRow(t *testing.T) {
	t.Parallel()
	k := newKeyedTab(t, nil)
	work(t, k.Sink, items(opened(1)))
	var writes atomic.Int32
	k.google.SetFault(func(_ string, r sandbox.Request) *sandbox.Fault {
		if strings.HasSuffix(r.Path, ":batchUpdate") && writes.Add(1) == 1 {
			return &sandbox.Fault{Reset: true}
		}
		return nil
	})
	nameless := life(3, "closed", "")
	nameless.Chat.ID = ""
	dead, _ := work(t, k.Sink, []sink.Item{{Event: life(2, "closed", ""), Refresh: true}, {Event: nameless, Refresh: true}})
	must(t, dead, []string(nil), "dead")
	must(t, k.show("상태"), []string{"chat0001 진행중"}, "states")
}
