package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// sayEvery is the time between two lines where nobody watches a bar.
const sayEvery = 5 * time.Second

// backfillView shows how a job gets on: a bar that is drawn over on a terminal, else a line now and then.
type backfillView struct {
	out   io.Writer
	words *screenWords
	live  bool
	width int
	began time.Time
	next  time.Time
	drawn int // columns of the last bar
}

func newBackfillView(out io.Writer, words *screenWords) *backfillView {
	return &backfillView{out: out, words: words, live: isTerminal(out), width: terminalWidth(out)}
}

func (v *backfillView) show(p backfillProgress, now time.Time) {
	if v.began.IsZero() {
		v.began, v.next = now, now.Add(sayEvery)
	}
	if v.live {
		line := truncateTo(bar(p)+"  "+v.line(p, now), max(v.width-1, 20))
		fmt.Fprint(v.out, "\r"+padRight(line, v.drawn))
		v.drawn = displayWidth(line)
		return
	}
	if now.Before(v.next) || p.Done || p.Error != "" {
		return
	}
	v.next = now.Add(sayEvery)
	fmt.Fprintln(v.out, v.line(p, now))
}

// end leaves the line of the bar.
func (v *backfillView) end() {
	if v.drawn > 0 {
		fmt.Fprintln(v.out)
	}
}

// bar draws the share of chats that have been read.
func bar(p backfillProgress) string {
	const columns = 24
	full := columns * p.Chats / max(p.Total, 1)
	return "[" + strings.Repeat("█", full) + strings.Repeat("░", columns-full) + "]"
}

// line says how p gets on.
func (v *backfillView) line(p backfillProgress, now time.Time) string {
	format := v.words.Added
	if p.Dry {
		format = v.words.ToAdd
	}
	text := fmt.Sprintf(format, 100*p.Chats/max(p.Total, 1), p.Chats, p.Total, p.added())
	if p.Waiting > 0 {
		text += fmt.Sprintf(v.words.Queued, p.Waiting)
	}
	switch left := timeLeft(p, now.Sub(v.began)); {
	case p.Done:
	case p.Trouble != "":
		text += fmt.Sprintf(v.words.Stuck, v.words.say(p.Trouble))
	case p.Step != "":
		text += ", " + v.words.say(p.Step)
	case left > 0:
		text += fmt.Sprintf(v.words.TimeLeft, v.words.span(left))
	}
	return text
}

// timeLeft guesses from the pace so far; 0 = too early to tell.
func timeLeft(p backfillProgress, so time.Duration) time.Duration {
	read := p.Chats - p.Resumed
	if read <= 0 || so < 3*time.Second {
		return 0
	}
	left := time.Duration(float64(so) / float64(read) * float64(p.Total-p.Chats))
	if left > time.Minute {
		return left.Round(time.Minute)
	}
	return max(left, time.Second)
}

// print writes the counts by sink and month.
func (p backfillProgress) print(w io.Writer, words *screenWords) error {
	t := table{titles: words.Filled[:]}
	if p.Dry {
		t.titles = words.Fillable[:]
	}
	for _, sink := range slices.Sorted(maps.Keys(p.Sinks)) {
		total := backfillCount{}
		for _, month := range slices.Sorted(maps.Keys(p.Sinks[sink])) {
			n := p.Sinks[sink][month]
			t.add(sink, month, fmt.Sprint(n.Added), fmt.Sprint(n.There))
			total.Added, total.There = total.Added+n.Added, total.There+n.There
		}
		t.add(sink, words.All, fmt.Sprint(total.Added), fmt.Sprint(total.There))
	}
	if len(t.rows) == 0 {
		if _, err := fmt.Fprintln(w, words.NothingThere); err != nil {
			return err
		}
	} else if err := t.print(w, terminalWidth(w)); err != nil {
		return err
	}
	if p.Unrouted > 0 {
		fmt.Fprintf(w, words.Unrouted+"\n", p.Unrouted)
	}
	if p.Left > 0 {
		fmt.Fprintf(w, words.NotYet+"\n", p.Left)
	}
	return nil
}
