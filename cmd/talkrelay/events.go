package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"talkrelay/state"
)

func newEventsCommand() *cobra.Command {
	var o eventsOptions
	cmd := &cobra.Command{
		Use:   "events",
		Short: "List the events seen last, and where each was delivered",
		Long: `List the events seen last, latest first, and where each was delivered. Names are masked unless --reveal is given,
which only root and the service's user may do, and which leaves a line in the log.

Exit codes: 0 good, 1 failed, 2 no daemon answers.`,
		Example: `  talkrelay events --last 50
  talkrelay show 6641e1f2a0b1c2d3     one of them: an event, or all about a chat or a customer`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.list(cmd)
		},
	}
	o.addFlags(cmd)
	cmd.Flags().IntVar(&o.last, "last", 20, "how many")
	return cmd
}

func newShowCommand() *cobra.Command {
	o := eventsOptions{last: maxEvents}
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Where is this inquiry? Seen when, which routes matched, delivered where or waiting for what",
		Long: `Show all that is known of an event, or of every event about a chat or a customer: when it was seen, which routes matched
it and why the others did not, where it was delivered, with a link, or what it waits for.

ID is the id of an event, of a chat (the last part of its link in Channel Talk) or of a customer.

Exit codes: 0 good, 1 nothing is known of it, 2 no daemon answers.`,
		Example: `  talkrelay show 6641e1f2a0b1c2d3
  sudo talkrelay show --reveal 6641e1f2a0b1c2d3`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.find = args[0]
			return o.show(cmd)
		},
	}
	o.addFlags(cmd)
	return cmd
}

// maxEvents bounds one answer of the daemon.
const maxEvents = 1000

// eventsOptions are what `events` and `show` ask for.
type eventsOptions struct {
	daemon askOptions
	last   int
	find   string
	reveal bool
	json   bool
}

func (o *eventsOptions) addFlags(cmd *cobra.Command) {
	addAskFlags(cmd, &o.daemon)
	cmd.Flags().BoolVar(&o.reveal, "reveal", false, "show customers' data as it is")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
}

func (o *eventsOptions) ask(cmd *cobra.Command) (list []eventView, raw []byte, err error) {
	path := "/events"
	if o.reveal {
		path = "/events/reveal"
	}
	query := url.Values{"last": {strconv.Itoa(o.last)}}
	if o.find != "" {
		query.Set("about", o.find)
	}
	raw, err = o.daemon.ask(cmd.Context(), http.MethodGet, path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, nil, failed(fmt.Errorf("read events: %w", err))
	}
	return list, raw, nil
}

func (o *eventsOptions) list(cmd *cobra.Command) error {
	if o.last < 1 || o.last > maxEvents {
		return exitError{exitUsage, fmt.Errorf("--last must be 1 to %d", maxEvents)}
	}
	list, raw, err := o.ask(cmd)
	if err != nil {
		return err
	}
	out, words := cmd.OutOrStdout(), o.daemon.words()
	switch {
	case o.json:
		_, err = out.Write(raw)
	case len(list) == 0:
		_, err = fmt.Fprintln(out, words.NothingYet)
	default:
		err = printEvents(out, list, terminalWidth(out), words)
	}
	if err != nil {
		return failed(err)
	}
	return nil
}

func (o *eventsOptions) show(cmd *cobra.Command) error {
	list, raw, err := o.ask(cmd)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return failed(fmt.Errorf("nothing is known of %s: it happened before the first look or longer ago than state.retention, no poll has seen it yet, or the id is another", o.find))
	}
	out := cmd.OutOrStdout()
	if o.json {
		_, err = out.Write(raw)
		if err != nil {
			return failed(err)
		}
		return nil
	}
	words := o.daemon.words()
	for i, e := range list {
		if i > 0 {
			fmt.Fprintln(out)
		}
		e.print(out, words)
	}
	return nil
}

func printEvents(w io.Writer, list []eventView, width int, words *screenWords) error {
	t := table{titles: words.Events[:]}
	for _, e := range list {
		kind, id := string(e.Kind), e.ChatID
		if !e.Kept {
			kind, _, _ = strings.Cut(e.ID, "/")
			id = strings.TrimPrefix(e.ID, kind+"/")
		} else if id == "" {
			id = cmp.Or(e.UserID, e.GroupID)
		}
		t.add(local(e.Seen), kind, e.Name, id, e.summary(words))
	}
	return t.print(w, width)
}

// summary says in a few words where e was delivered.
func (e eventView) summary(words *screenWords) string {
	if len(e.Deliveries) == 0 {
		return words.NoRoute
	}
	var parts []string
	for _, d := range e.Deliveries {
		part := d.Sink
		if d.Stand != state.Delivered {
			part += " (" + words.say(string(d.Stand)) + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func (e eventView) print(w io.Writer, words *screenWords) {
	labels := widest([]string{words.LHappened, words.LSeen, words.LChannel, words.LChat, words.LCustomer, words.LPhone, words.LEmail,
		words.LText, words.LDesk, words.LRoute, words.LSink})
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %s%s\n", padRight(name, labels+tableGap), value)
		}
	}
	fmt.Fprintln(w, e.ID)
	line(words.LHappened, local(e.At))
	line(words.LSeen, local(e.Seen))
	line(words.LChannel, e.Channel)
	if e.GroupID != "" {
		line(words.LChat, e.Name+" "+e.GroupID)
	} else {
		line(words.LChat, e.ChatID)
		line(words.LCustomer, strings.Join(strings.Fields(e.Name+" "+e.UserID), " "))
	}
	line(words.LPhone, e.Phone)
	line(words.LEmail, e.Email)
	line(words.LText, truncateTo(strings.Join(strings.Fields(e.Text), " "), 200))
	line(words.LDesk, e.DeskURL)
	for _, r := range e.Routes {
		text := fmt.Sprintf("%q: %s", r.Route, words.say(r.Reason))
		if len(r.Sinks) > 0 {
			text += " → " + strings.Join(r.Sinks, ", ")
		}
		line(words.LRoute, text)
	}
	if !e.Kept {
		line(words.LRoute, words.NotKept)
	}
	for _, d := range e.Deliveries {
		line(words.LSink, d.line(words))
	}
}

// line says where a delivery stands.
func (d deliveryView) line(words *screenWords) string {
	text := d.Sink + ": " + words.say(string(d.Stand))
	switch d.Stand {
	case state.Delivered:
		text += " " + local(d.At)
		if d.Link != "" {
			text += ", " + d.Link
		} else {
			text += fmt.Sprintf(words.Receipt, d.Receipt)
		}
	case state.Dropped:
		text += " " + local(d.At)
	case state.Dead:
		text += fmt.Sprintf(words.DeadSince, local(d.At), words.say(d.Err), d.Sink, d.Number)
	case state.Waiting:
		text += fmt.Sprintf(words.Ahead, d.Ahead)
	default:
		if d.Err != "" {
			text += ": " + words.say(d.Err)
		}
		if !d.NextTry.IsZero() {
			text += fmt.Sprintf(words.NextTryAt, local(d.NextTry))
		}
	}
	return text
}

// local prints a time in the terminal's time zone, "" for the zero time.
func local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// events answers /events: last = how many, about = of what.
func (d *daemon) events(show reveal) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		n, err := strconv.Atoi(r.FormValue("last"))
		if err != nil || n < 1 || n > maxEvents {
			return nil, controlError{http.StatusBadRequest, fmt.Errorf("last=%q: 1 to %d", r.FormValue("last"), maxEvents)}
		}
		match := about(r.FormValue("about"))
		if r.FormValue("about") == "" {
			match = nil
		}
		traces, err := d.db.Traces(n, match)
		if err != nil {
			return nil, err
		}
		cfg, a, _ := d.inForce()
		views := make([]eventView, 0, len(traces))
		for _, t := range traces {
			views = append(views, viewOf(t, cfg.plan.router, show, a.link))
		}
		return views, nil
	}
}
