package sheets_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"talkrelay/sink"
	"talkrelay/sink/sheets"
)

// pair returns two sinks of one account and spreadsheet.
func pair(t *testing.T, g *google) (a, b *sheets.Sink) {
	t.Helper()
	c := g.config()
	account, err := sheets.NewAccount(c)
	if err != nil {
		t.Fatal(err)
	}
	if a, err = sheets.New(c, account); err != nil {
		t.Fatal(err)
	}
	c.Sheet, c.Memory, c.Name = "B", nil, "other"
	if b, err = sheets.New(c, account); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// Of one spreadsheet only one write is under way. Waiting for it is not doubt.
func TestOneWriteAtATime(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의", "B")
	a, b := pair(t, g)
	ma, _ := prepare(t, a, id(1), many(0, 1), "")
	mb, _ := prepare(t, b, id(2), many(1, 2), "")
	hold, began := make(chan struct{}), make(chan struct{})
	g.script(fault{apply: true, began: began, hold: hold})
	first := make(chan error, 1)
	before := len(g.sent())
	go func() {
		_, err := a.Send(t.Context(), ma)
		first <- err
	}()
	<-began
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() {
		_, err := b.Send(ctx, mb)
		second <- err
	}()
	cancel()
	must(t, verdict(<-second), "retry", "verdict of the one that waited")
	must(t, len(g.sent())-before, 1, "writes")
	close(hold)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if _, err := b.Send(t.Context(), mb); err != nil {
		t.Error(err)
	}
}

// Sinks of one account agree on the pace of the slowest and the patience of the most patient.
func TestSharedSettings(t *testing.T) {
	t.Parallel()
	c := newGoogle(t, "문의").config()
	c.Timeout, c.WritesPerMinute = 20*time.Second, 30
	account, err := sheets.NewAccount(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []struct {
		timeout time.Duration
		writes  int
	}{{20 * time.Second, 30}, {2 * time.Minute, 12}, {5 * time.Second, 50}} {
		c.Timeout, c.WritesPerMinute = of.timeout, of.writes
		if _, err := sheets.New(c, account); err != nil {
			t.Fatal(err)
		}
	}
	timeout, writes := account.Shared()
	must(t, fmt.Sprintf("%v %.0f", timeout, writes), "2m0s 12", "timeout and writes a minute")
}

// Two sinks erase only their own ids.
func TestOwnersDiffer(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의", "B")
	a, b := pair(t, g)
	if a.Owner() == b.Owner() || len(a.Owner()) != 6 || len(b.Owner()) != 6 {
		t.Errorf("owners %q and %q", a.Owner(), b.Owner())
	}
}

// Memory is a convenience: without it, with a broken one, or with one from before, rows arrive all the same.
func TestMemory(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"empty": "", "broken": "{", "other spreadsheet": `{"spreadsheet":"x","sheet":"문의","sheetId":55,"owner":"abcdef"}`,
		"from a later version": `{"spreadsheet":"` + spreadsheet + `","sheet":"문의","sheetId":0,"owner":"abcdef","new":[1]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t, "문의")
			c := g.config()
			m := &memory{data: []byte(data)}
			c.Memory = m
			s := newSink(t, c)
			deliver(t, s, 1, many(0, 1))
			must(t, g.chats("문의"), []string{"chat0000"}, "rows")
			if strings.Contains(data, "abcdef") {
				must(t, s.Owner(), "abcdef", "owner")
				return
			}
			must(t, newSink(t, c).Owner(), s.Owner(), "owner after a restart")
		})
	}
}

// The look-up of a batch does not keep the spreadsheet locked while reads are held.
func TestLookupHeld(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	s := newSink(t, g.config())
	m, _ := prepare(t, s, id(1), many(0, 1), "")
	g.script(fault{apply: true, reset: true})
	_, err := s.Send(t.Context(), m)
	must(t, verdict(err), "in doubt", "first")
	f := refused(429, "RESOURCE_EXHAUSTED", "Quota exceeded")
	f.header = map[string]string{"Retry-After": "3600"}
	g.set("developerMetadata/", f)
	for m.Attempt = 2; m.Attempt < 4; m.Attempt++ {
		_, err = s.Send(t.Context(), m)
		must(t, verdict(err), "in doubt", "while reads are held")
		must(t, sink.VerdictOf(err).After > 0, true, "says how long")
	}
}

// The same trouble has the same text each time, or every repeat of it would be logged.
func TestErrorsRepeat(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	s := newSink(t, g.config())
	m, _ := prepare(t, s, id(1), many(0, 1), "")
	texts := make(map[string]bool)
	for range 4 {
		g.script(fault{reset: true})
		_, err := s.Send(t.Context(), m)
		must(t, verdict(err), "in doubt", "verdict")
		texts[err.Error()] = true
	}
	if len(texts) > 1 {
		t.Errorf("one trouble, several texts: %v", texts)
	}
}
