package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"talkrelay/poller"
)

// verifyResult is what came of a verifyJob.
type verifyResult struct {
	From        time.Time     `json:"from,omitzero"`
	To          time.Time     `json:"to,omitzero"`
	Text        string        `json:"text,omitempty"` // all of it in one line
	Equal       bool          `json:"equal"`
	ChannelTalk int           `json:"channelTalk"` // openings that routes ask for
	Sinks       []*verifySink `json:"sinks,omitempty"`
	Healed      int           `json:"healed,omitempty"`
	Left        int           `json:"left,omitempty"` // openings that polls have not seen yet
	Done        bool          `json:"done,omitempty"`
	Error       string        `json:"error,omitempty"`
}

func (r verifyResult) ended() (ended bool, why string) { return r.Done || r.Error != "", r.Error }

// result is what came of the job, or why nothing did.
func (j *verifyJob) result(err error) verifyResult {
	r := verifyResult{From: j.period.from, To: j.period.to}
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		r.Error = "stopped"
		return r
	case errors.Is(err, poller.ErrNoFirstLook):
		r.Error = err.Error() + ": try again in a minute"
		return r
	default:
		r.Error = replacer(j.cfg.secrets).Replace(err.Error())
		return r
	}
	r.Done, r.Equal, r.ChannelTalk, r.Sinks, r.Healed, r.Left = true, true, j.total, j.sinks, j.healed, j.left
	r.Text = headline(screenWordsOf(j.cfg.language), j.total, j.sinks)
	for _, s := range j.sinks {
		r.Equal = r.Equal && len(s.Gaps)+len(s.Surplus) == 0
	}
	return r
}

// headline is the result in one line: "채널톡 37 = 슬랙 37 = 시트 37". A sink that is to get only some says how many of how
// many; a "≠" stands before one that lacks something or has too much.
func headline(words *screenWords, total int, sinks []*verifySink) string {
	text := fmt.Sprintf("%s %d", words.ChannelTalk, total)
	kinds := map[string]int{}
	for _, s := range sinks {
		kinds[s.Kind]++
	}
	for _, s := range sinks {
		name := s.Name
		if word := map[string]string{"slack": words.Slack, "sheets": words.Sheet}[s.Kind]; word != "" && kinds[s.Kind] == 1 {
			name = word
		}
		sign, number := "=", fmt.Sprint(s.Found)
		if len(s.Gaps)+len(s.Surplus) > 0 {
			sign = "≠"
		}
		if s.Expected != total {
			number += fmt.Sprintf("/%d", s.Expected)
		}
		if n := len(s.Surplus); n > 0 {
			number += fmt.Sprintf("+%d", n)
		}
		text += fmt.Sprintf(" %s %s %s", sign, name, number)
	}
	return text
}

// print writes the headline, and what differs as a table.
func (r verifyResult) print(w io.Writer, words *screenWords) error {
	fmt.Fprintln(w, headline(words, r.ChannelTalk, r.Sinks))
	t := table{titles: words.Gaps[:]}
	for _, s := range r.Sinks {
		if s.Note != "" {
			fmt.Fprintf(w, words.Unread+"\n", s.Name, words.say(s.Note))
		}
		for _, g := range s.Gaps {
			t.add(s.Name, g.Chat, local(g.At), fmt.Sprintf(words.Missing, words.say(g.Why)), g.Link)
		}
		for _, g := range s.Surplus {
			t.add(s.Name, g.Chat, local(g.At), fmt.Sprintf(words.Surplus, words.say(g.Why)), g.Link)
		}
	}
	if r.Healed > 0 {
		fmt.Fprintf(w, words.Healed+"\n", r.Healed)
	}
	if r.Left > 0 {
		fmt.Fprintf(w, words.TooNew+"\n", r.Left)
	}
	if len(t.rows) == 0 {
		return nil
	}
	return t.print(w, terminalWidth(w))
}
