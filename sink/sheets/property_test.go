package sheets_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/sheets"
)

// texts are what people type, with everything that could be taken for something else mixed in.
func texts() *rapid.Generator[string] {
	odd := rapid.SampledFrom([]string{"=1+1", "+", "-", "@", "'", "\t=", "\x00", "\xff", "TRUE", "007", "\u202e", `"`, `\`, "}]", "가나다", "🧑‍🚀", "\u2028"})
	return rapid.Custom(func(t *rapid.T) string {
		s := ""
		for _, part := range rapid.SliceOfN(rapid.OneOf(odd, rapid.String()), 0, 6).Draw(t, "parts") {
			s += part
		}
		return s
	})
}

func anyEvent(t *rapid.T) talkrelay.Event {
	text := func(name string) string { return texts().Draw(t, name) }
	return talkrelay.Event{
		ID: "e", Kind: rapid.SampledFrom(talkrelay.Kinds()).Draw(t, "kind"), At: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 0),
		Chat:     talkrelay.Chat{ID: text("chat"), State: text("state"), MediumType: text("medium"), Page: text("page"), Tags: []string{text("tag")}},
		User:     talkrelay.User{Name: text("name"), Contact: talkrelay.Contact{Email: text("email"), MobileNumber: text("mobile")}},
		Old:      talkrelay.Contact{Email: text("old email"), MobileNumber: text("old mobile")},
		Message:  talkrelay.Message{Text: text("message")},
		Assignee: talkrelay.Person{Name: text("assignee")}, Team: talkrelay.Team{Name: text("team")}, DeskURL: text("desk"),
		TimeZone: rapid.SampledFrom([]string{"Asia/Seoul", "", "Mars/Olympus"}).Draw(t, "zone"),
	}
}

// No text of a customer becomes anything but text: no formula, no number, no date, in no set of columns.
func TestCustomerTextStaysText(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	var sinks []*sheets.Sink
	for _, set := range []sheets.DefaultSet{sheets.Inquiries, sheets.Changes, sheets.Mixed, ""} {
		c := g.config()
		c.Defaults = set
		if set == "" {
			c.Columns = []sheets.Column{{Header: "a", Value: "{{.User.Name}}{{.Message.Text}}"}, {Header: "b", Value: "{{.Chat.Tags}}"}}
		}
		s := newSink(t, c)
		if err := s.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		sinks = append(sinks, s)
	}
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent(t)
		s := rapid.SampledFrom(sinks).Draw(t, "sink")
		body, _, err := s.Prepare(id(1), items(e), "")
		if err != nil {
			t.Fatal(err)
		}
		request, _, _ := sheets.Request(body)
		checkCells(t, request)
	})
}

func checkCells(t interface{ Fatalf(string, ...any) }, request []byte) {
	if !json.Valid(request) {
		t.Fatalf("no JSON: %s", request)
	}
	for _, c := range wire(request)[0].AppendCells.Rows[0].Values {
		v, format := c.UserEnteredValue, c.UserEnteredFormat.NumberFormat.Type
		switch {
		case v == nil:
		case v.FormulaValue != nil || v.BoolValue != nil:
			t.Fatalf("a formula or boolean in %s", request)
		case v.NumberValue != nil && format != "DATE_TIME": // the events have no other numbers
			t.Fatalf("a number in %s", request)
		case v.StringValue != nil && (format != "TEXT" || sink.LenUTF16(*v.StringValue) > 49_000):
			t.Fatalf("format %q in %s", format, request)
		}
	}
}

// What is cut is cut between characters and is marked.
func FuzzLongText(f *testing.F) {
	f.Add("=", 3)
	f.Add("긴글자", 30_000)
	f.Add("🧑‍🚀", 12_000)
	g := newGoogle(f, "문의")
	c := g.config()
	s := newSink(f, c)
	if err := s.Wait(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, times int) {
		e := opened(1)
		e.User.Name = strings.Repeat(text, min(max(times, 1), 60_000, 1+300_000/max(len(text), 1)))
		body, _, err := s.Prepare(id(1), items(e), "")
		if err != nil {
			t.Fatal(err)
		}
		request, _, _ := sheets.Request(body)
		for _, one := range wire(request)[0].AppendCells.Rows[0].Values {
			if v := one.UserEnteredValue; v != nil && v.StringValue != nil && sink.LenUTF16(*v.StringValue) > 49_000 {
				t.Errorf("a cell of %d characters", sink.LenUTF16(*v.StringValue))
			}
		}
	})
}

// What 5,000 new inquiries cost before anything is sent.
func BenchmarkPrepare5000(b *testing.B) {
	g := newGoogle(b, "문의")
	s := newSink(b, g.config())
	if err := s.Wait(b.Context()); err != nil {
		b.Fatal(err)
	}
	all := many(0, 5000)
	b.ReportAllocs()
	for b.Loop() {
		size, writes := 0, 0
		for list := all; len(list) > 0; writes++ {
			body, n, err := s.Prepare(id(writes), list, "")
			if err != nil {
				b.Fatal(err)
			}
			size += len(body)
			list = list[n:]
		}
		b.ReportMetric(float64(size), "body-bytes")
		b.ReportMetric(float64(writes), "writes")
	}
}
