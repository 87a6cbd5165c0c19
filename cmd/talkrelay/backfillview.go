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
	live  bool
	width int
	began time.Time
	next  time.Time
	drawn int // columns of the last bar
}

func newBackfillView(out io.Writer) *backfillView {
	return &backfillView{out: out, live: isTerminal(out), width: terminalWidth(out)}
}

func (v *backfillView) show(p backfillProgress, now time.Time) {
	if v.began.IsZero() {
		v.began, v.next = now, now.Add(sayEvery)
	}
	if v.live {
		line := truncateTo(bar(p)+"  "+v.words(p, now), max(v.width-1, 20))
		fmt.Fprint(v.out, "\r"+padRight(line, v.drawn))
		v.drawn = displayWidth(line)
		return
	}
	if now.Before(v.next) || p.Done || p.Error != "" {
		return
	}
	v.next = now.Add(sayEvery)
	fmt.Fprintln(v.out, v.words(p, now))
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

// words are the line about p.
func (v *backfillView) words(p backfillProgress, now time.Time) string {
	text := fmt.Sprintf("%3d%%  %d of %d chats, %d added", 100*p.Chats/max(p.Total, 1), p.Chats, p.Total, p.added())
	if p.Dry {
		text = fmt.Sprintf("%3d%%  %d of %d chats, %d to add", 100*p.Chats/max(p.Total, 1), p.Chats, p.Total, p.added())
	}
	if p.Waiting > 0 {
		text += fmt.Sprintf(", %d waiting", p.Waiting)
	}
	switch left := timeLeft(p, now.Sub(v.began)); {
	case p.Done:
	case p.Trouble != "":
		text += ", waits: " + p.Trouble
	case p.Step != "":
		text += ", " + p.Step
	case left != "":
		text += ", " + left + " left"
	}
	return text
}

// timeLeft guesses from the pace so far; "" = too early to tell.
func timeLeft(p backfillProgress, so time.Duration) string {
	read := p.Chats - p.Resumed
	if read <= 0 || so < 3*time.Second {
		return ""
	}
	left := time.Duration(float64(so) / float64(read) * float64(p.Total-p.Chats))
	if left > time.Minute {
		return strings.TrimSuffix(left.Round(time.Minute).String(), "0s")
	}
	return max(left.Round(time.Second), time.Second).String()
}

// print writes the counts by sink and month.
func (p backfillProgress) print(w io.Writer) error {
	added := "ADDED"
	if p.Dry {
		added = "TO ADD"
	}
	t := table{titles: []string{"SINK", "MONTH", added, "THERE ALREADY"}}
	for _, sink := range slices.Sorted(maps.Keys(p.Sinks)) {
		total := backfillCount{}
		for _, month := range slices.Sorted(maps.Keys(p.Sinks[sink])) {
			n := p.Sinks[sink][month]
			t.add(sink, month, fmt.Sprint(n.Added), fmt.Sprint(n.There))
			total.Added, total.There = total.Added+n.Added, total.There+n.There
		}
		t.add(sink, "all", fmt.Sprint(total.Added), fmt.Sprint(total.There))
	}
	if len(t.rows) == 0 {
		if _, err := fmt.Fprintln(w, "Channel Talk shows no inquiry of that time that a route sends there."); err != nil {
			return err
		}
	} else if err := t.print(w, terminalWidth(w)); err != nil {
		return err
	}
	if p.Unrouted > 0 {
		fmt.Fprintf(w, "%d openings are wanted by no route to a sink that lacks them.\n", p.Unrouted)
	}
	if p.Left > 0 {
		fmt.Fprintf(w, "%d openings are so new that no poll has seen them yet: the daemon delivers them itself.\n", p.Left)
	}
	return nil
}
