package alert

import (
	"fmt"
	"strings"
	"time"
)

// Voice says how messages are worded.
type Voice struct {
	Language string         // ko, en or ja; anything else is Korean
	Location *time.Location // of the times shown; nil = UTC
	Host     string         // which machine speaks; may be empty
}

// Message is a Report in words.
type Message struct {
	Subject string
	Text    string
	Report  Report
}

// Message words r.
func (v Voice) Message(r Report) Message {
	w := wordsOf(v.Language)
	m := Message{Report: r, Text: w.test}
	if !r.Test {
		m.Text = strings.TrimSpace(v.part(w.raised, r.Raised, true) + v.part(w.standing, r.Standing, true) + v.part(w.recovered, r.Recovered, false))
	}
	from := "talkrelay"
	if v.Host != "" {
		from += " @ " + v.Host
	}
	m.Subject = "[" + from + "] " + v.subject(r)
	m.Text = from + "\n" + m.Text
	return m
}

// subject names the first of what matters most, and counts the rest of it.
func (v Voice) subject(r Report) string {
	w := wordsOf(v.Language)
	if r.Test {
		return w.testSubject
	}
	heading, list := w.raised, r.Raised
	switch {
	case len(list) > 0:
	case len(r.Recovered) > 0:
		heading, list = w.recovered, r.Recovered
	default:
		heading, list = w.standing, r.Standing
	}
	if len(list) == 0 {
		return "talkrelay"
	}
	s := fmt.Sprintf(heading, len(list)) + ": " + w.title(list[0])
	if more := len(list) - 1; more > 0 {
		s += fmt.Sprintf(w.more, more)
	}
	return s
}

// maxShown bounds the conditions of one kind of a message: a summary is to be read.
const maxShown = 20

// part words one list of conditions under its heading; mend adds what to do.
func (v Voice) part(heading string, list []Condition, mend bool) string {
	if len(list) == 0 {
		return ""
	}
	w := wordsOf(v.Language)
	var b strings.Builder
	fmt.Fprintf(&b, heading+"\n", len(list))
	for i, c := range list {
		if i == maxShown {
			fmt.Fprintf(&b, "•"+w.more+"\n", len(list)-i)
			break
		}
		fmt.Fprintf(&b, "• %s, %s\n", w.title(c), v.when(c))
		if !mend {
			continue
		}
		if c.Detail != "" {
			fmt.Fprintf(&b, "   %s: %s\n", w.cause, c.Detail)
		}
		fmt.Fprintf(&b, "   %s: %s\n", w.remedy, fmt.Sprintf(w.things[c.Kind].remedy, c.Name))
	}
	return b.String() + "\n"
}

func (w *words) title(c Condition) string {
	t, ok := w.things[c.Kind]
	if !ok {
		return string(c.Kind) + " " + c.Name
	}
	s := fmt.Sprintf(t.title, c.Name)
	if t.count != "" && c.Count > 0 && c.Until.IsZero() {
		s += fmt.Sprintf(t.count, c.Count)
	}
	return s
}

func (v Voice) when(c Condition) string {
	w := wordsOf(v.Language)
	if c.Until.IsZero() {
		return fmt.Sprintf(w.since, v.clock(c.Since))
	}
	return fmt.Sprintf(w.span, v.clock(c.Since), v.clock(c.Until))
}

func (v Voice) clock(t time.Time) string {
	loc := v.Location
	if loc == nil {
		loc = time.UTC
	}
	return t.In(loc).Format("2006-01-02 15:04")
}
