package main

import (
	"fmt"
	"strings"
	"time"

	"talkrelay/sink"
)

// screenWords are what commands other than `init` print for people in one language. Those with a verb are formats, those in
// arrays the titles of a table. What is for programs, for the log or an error is English.
type screenWords struct {
	// Spans of time, and days.
	Days, Hours, Minutes, Seconds string
	Gap                           string // between two units; may be empty
	Never                         string
	Weekdays                      [7]string

	// status
	Head           string // version, how long it runs, config
	Channels       [5]string
	Sinks          [8]string
	OK, Noted      string // Noted: a note
	Quiet          string // until
	Broken, Paused string // since how long, why
	NextTryIn      string // how long
	Yes            string

	// queue
	NothingWaits     string
	Queue            [6]string
	Retried, Dropped string // how many

	// events and show
	NothingYet, NoRoute                                                                       string
	Events                                                                                    [5]string
	LHappened, LSeen, LChannel, LChat, LCustomer, LPhone, LEmail, LText, LDesk, LRoute, LSink string
	NotKept                                                                                   string
	Receipt                                                                                   string // receipt
	Ahead                                                                                     string // how many
	DeadSince                                                                                 string // since, why, sink, number
	NextTryAt                                                                                 string // time

	// verify
	ChannelTalk, Slack, Sheet string // in the headline
	Gaps                      [5]string
	Missing, Surplus          string // why
	Unread                    string // sink, why
	Healed, TooNew            string // how many
	Counting                  string // for how long

	// backfill
	Added, ToAdd      string // percent, chats, of how many, openings
	Queued            string // how many
	Stuck             string // why
	TimeLeft          string // how long
	Filled, Fillable  [4]string
	All, NothingThere string
	Unrouted, NotYet  string // how many

	// preview
	NoChat                           string
	PreviewOf                        string // channel, chat, customer
	Held                             string
	Builder, BuilderCut, BuilderNone string

	// check
	AllGood, AllReached, AllPaths                 string
	ToMend                                        string // how many
	Outbound                                      string
	Remotes                                       [5]string
	Direct, NameServers, NameServersFor, ProxyFor string

	// forget
	Erasable, Erased string // events, waiting deliveries, dead letters, customers
	Sure, Elsewhere  string

	// backup
	Copied  string // file, size, how many wait
	Copying string // size

	Told *told // what the daemon and the sinks say; empty in English, which they speak
}

// screenWordsOf returns the words of lang.
func screenWordsOf(lang sink.Language) *screenWords {
	return inLanguage(lang, &screenKorean, &screenEnglish, &screenJapanese)
}

// say is a text of the daemon or a sink in the language of w.
func (w *screenWords) say(text string) string {
	text, _ = w.Told.say(text)
	return text
}

// span is d in its two largest units, the smaller one left out where it is nothing. Less than a second is none.
func (w *screenWords) span(d time.Duration) string {
	seconds := int64(d.Round(time.Second) / time.Second)
	var parts []string
	for _, unit := range []struct {
		format  string
		seconds int64
	}{{w.Days, 86400}, {w.Hours, 3600}, {w.Minutes, 60}, {w.Seconds, 1}} {
		n := seconds / unit.seconds
		seconds -= n * unit.seconds
		if n > 0 {
			parts = append(parts, fmt.Sprintf(unit.format, n))
		}
		if len(parts) == 2 || len(parts) == 1 && n == 0 {
			break
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf(w.Seconds, 0)
	}
	return strings.Join(parts, w.Gap)
}

// ago is how long before now t was, "never" for the zero time.
func (w *screenWords) ago(t, now time.Time) string {
	if t.IsZero() {
		return w.Never
	}
	return w.span(now.Sub(t))
}

// clock is a time of the next days on the clock that it was given in.
func (w *screenWords) clock(t, now time.Time) string {
	if t.Sub(now) < 24*time.Hour {
		return t.Format("15:04")
	}
	return w.Weekdays[t.Weekday()] + t.Format(" 15:04")
}
