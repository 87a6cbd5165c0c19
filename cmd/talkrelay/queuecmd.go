package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"talkrelay"
	"talkrelay/state"
)

func newQueueCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "queue",
		Short: "See and mend what waits and what could not be delivered",
		Long: `What waits for a destination stays in its queue until it is delivered, in order. What can never be delivered as it is (a
text that Slack refuses, an event that cannot be read) becomes a dead letter, so that the next ones can go on; it stays
until somebody retries or drops it.

Changes are for root and the service's user, and leave a line in the log. The daemon stops polling and delivering for
a moment to make them.`,
		Example: `  talkrelay queue list
  talkrelay queue retry --sink cs-alerts --all`,
	}, newQueueListCommand(), newQueueShowCommand(), newQueueChangeCommand(queueRetry), newQueueChangeCommand(queueDrop))
}

func newQueueListCommand() *cobra.Command {
	var daemon askOptions
	var sink string
	var dead, asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what waits, is in hand or is dead",
		Long: `List the deliveries that are not settled, in the order in which they will be made, dead letters last. The first 100 of each queue
are shown.`,
		Example: `  talkrelay queue list
  talkrelay queue list --sink cs-alerts --dead`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"sink": {sink}, "dead": {strconv.FormatBool(dead)}}
			raw, err := daemon.ask(cmd.Context(), http.MethodGet, "/queue?"+query.Encode(), nil)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				_, err = out.Write(raw)
				return failedIf(err)
			}
			var list []queueView
			if err := json.Unmarshal(raw, &list); err != nil {
				return failed(fmt.Errorf("read queue: %w", err))
			}
			return failedIf(printQueue(out, terminalWidth(out), list, daemon.words()))
		},
	}
	addAskFlags(cmd, &daemon)
	cmd.Flags().StringVar(&sink, "sink", "", "only this sink")
	cmd.Flags().BoolVar(&dead, "dead", false, "only dead letters")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printQueue lists deliveries for a terminal of width columns, 0 = any number.
func printQueue(w io.Writer, width int, list []queueView, words *screenWords) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, words.NothingWaits)
		return err
	}
	t := table{titles: words.Queue[:]}
	for _, q := range list {
		t.add(q.Sink, strconv.FormatUint(q.Number, 10), words.say(string(q.Stand)), local(q.Since), q.Event, words.say(q.Err))
	}
	return t.print(w, width)
}

func newQueueShowCommand() *cobra.Command {
	o := eventsOptions{last: maxEvents}
	var sink string
	cmd := &cobra.Command{
		Use:     "show NUMBER --sink NAME",
		Short:   "Show one delivery of a queue with its event",
		Example: `  talkrelay queue show 17 --sink cs-alerts`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil || sink == "" {
				return exitError{exitUsage, errors.New("name a delivery by its number and sink, as 'talkrelay queue list' shows them: queue show 17 --sink cs-alerts")}
			}
			var list []queueView
			query := url.Values{"sink": {sink}, "number": {args[0]}}
			if err := o.daemon.askInto(cmd.Context(), http.MethodGet, "/queue?"+query.Encode(), nil, &list); err != nil {
				return err
			}
			if len(list) == 0 {
				return failed(fmt.Errorf("sink %s has no delivery %d that waits or is dead", sink, number))
			}
			o.find = list[0].Event
			return o.show(cmd)
		},
	}
	o.addFlags(cmd)
	cmd.Flags().StringVar(&sink, "sink", "", "the sink")
	return cmd
}

// queueChange is what can be done to deliveries.
type queueChange struct {
	verb, short, long, example string
	all                        string // help of --all
	done                       func(*screenWords) string
}

var (
	queueRetry = queueChange{
		verb: "retry", short: "Put dead letters back into the queue, behind what waits",
		long: `Put dead letters back into the queue, behind what waits. Mend first what made them dead: the reason is in 'queue list --dead'.`,
		example: `  talkrelay queue retry --sink cs-alerts 17 18
  talkrelay queue retry --sink cs-alerts --all`,
		all:  "all dead letters of the sink",
		done: func(w *screenWords) string { return w.Retried },
	}
	queueDrop = queueChange{
		verb: "drop", short: "Give deliveries up for good",
		long: `Give up deliveries that wait or are dead, for good. One that is being sent at the moment cannot be dropped.

--all drops everything of a sink that is no longer in the config, or the dead letters of one that is.`,
		example: `  talkrelay queue drop --sink cs-alerts 17
  talkrelay queue drop --sink old-sheet --all`,
		all:  "all dead letters; of a sink that is not in the config, everything",
		done: func(w *screenWords) string { return w.Dropped },
	}
)

// queueRequest is the body of POST /queue/retry and /queue/drop.
type queueRequest struct {
	Sink    string   `json:"sink"`
	Numbers []uint64 `json:"numbers,omitempty"`
	All     bool     `json:"all,omitempty"`
}

func newQueueChangeCommand(c queueChange) *cobra.Command {
	var daemon askOptions
	var ask queueRequest
	cmd := &cobra.Command{
		Use:     c.verb + " --sink NAME {NUMBER... | --all}",
		Short:   c.short,
		Long:    c.long,
		Example: c.example,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args {
				n, err := strconv.ParseUint(arg, 10, 64)
				if err != nil {
					return exitError{exitUsage, fmt.Errorf("%q is no number of a delivery: 'talkrelay queue list' shows them", arg)}
				}
				ask.Numbers = append(ask.Numbers, n)
			}
			if ask.Sink == "" || ask.All == (len(args) > 0) {
				return exitError{exitUsage, fmt.Errorf("name the sink, and either numbers or --all: queue %s --sink cs-alerts 17", c.verb)}
			}
			var done queueAnswer
			if err := daemon.askInto(cmd.Context(), http.MethodPost, "/queue/"+c.verb, ask, &done); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), c.done(daemon.words())+"\n", done.Count)
			return failedIf(err)
		},
	}
	addAskFlags(cmd, &daemon)
	cmd.Flags().StringVar(&ask.Sink, "sink", "", "the sink")
	cmd.Flags().BoolVar(&ask.All, "all", false, c.all)
	return cmd
}

func failedIf(err error) error {
	if err != nil {
		return failed(err)
	}
	return nil
}

// queueView is a delivery that is not settled, as the control socket shows it.
type queueView struct {
	Sink   string      `json:"sink"`
	Number uint64      `json:"number"`
	Stand  state.Stand `json:"stand"`
	Since  time.Time   `json:"since,omitzero"` // seen, or given up
	Event  string      `json:"event"`
	Route  string      `json:"route,omitempty"`
	Err    string      `json:"err,omitempty"`
}

// queueAnswer says how many deliveries were changed.
type queueAnswer struct {
	Count int `json:"count"`
}

// maxQueueRows bounds what is shown of one queue.
const maxQueueRows = 100

// queues answers GET /queue: sink = of which, "" = of all; dead = dead letters only; number = only that one.
func (d *daemon) queues(r *http.Request) (any, error) {
	sinks, err := d.db.Sinks()
	if err != nil {
		return nil, err
	}
	if name := r.FormValue("sink"); name != "" {
		if err := d.knowsSink(name); err != nil {
			return nil, err
		}
		sinks = []string{name}
	}
	only, _ := strconv.ParseUint(r.FormValue("number"), 10, 64)
	list := []queueView{}
	for _, name := range sinks {
		rows, err := d.queue(name, r.FormValue("dead") == "true", only)
		if err != nil {
			return nil, err
		}
		list = append(list, rows...)
	}
	return list, nil
}

// queue returns rows of one queue: number only if that is not 0.
func (d *daemon) queue(name string, deadOnly bool, only uint64) (list []queueView, err error) {
	q := d.db.Queue(name)
	var rows []state.Unsettled
	if !deadOnly {
		if rows, err = q.Unsettled(); err != nil {
			return nil, err
		}
	}
	for _, u := range rows {
		list = append(list, queueView{Sink: name, Number: u.Seq, Stand: u.Stand, Since: u.Seen, Event: u.Event, Route: u.Route, Err: u.Err})
	}
	letters, err := q.DeadLetters()
	if err != nil {
		return nil, err
	}
	if only == 0 {
		list, letters = list[:min(len(list), maxQueueRows)], letters[:min(len(letters), maxQueueRows)]
	}
	for _, l := range letters {
		list = append(list, queueView{Sink: name, Number: l.Seq, Stand: state.Dead, Since: l.At, Event: l.Event, Route: l.Route, Err: l.Reason})
	}
	if only != 0 {
		list = slices.DeleteFunc(list, func(v queueView) bool { return v.Number != only })
	}
	return list, nil
}

// knowsSink returns an error unless there is, or ever was, a sink of this name.
func (d *daemon) knowsSink(name string) error {
	names, err := d.db.Sinks()
	if err != nil || slices.Contains(names, name) || d.configured(name) {
		return err
	}
	hint := ""
	if near := talkrelay.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return controlError{http.StatusNotFound, fmt.Errorf("there is no sink %q%s", name, hint)}
}

func (d *daemon) configured(sink string) bool {
	_, a, _ := d.inForce()
	return slices.ContainsFunc(a.sinks, func(s appSink) bool { return s.name == sink })
}

// changeQueue answers POST /queue/retry and /queue/drop.
func (d *daemon) changeQueue(all func(*state.Queue) (int, error), one func(*state.Queue, uint64) error) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var ask queueRequest
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
			return nil, controlError{http.StatusBadRequest, err}
		}
		if err := d.knowsSink(ask.Sink); err != nil {
			return nil, err
		}
		var done queueAnswer
		err := d.between(r.Context(), func() (err error) {
			q := d.db.Queue(ask.Sink)
			if ask.All {
				done.Count, err = all(q)
				return err
			}
			for _, n := range ask.Numbers {
				if err := one(q, n); err != nil {
					return fmt.Errorf("%w (%d done before it)", err, done.Count)
				}
				done.Count++
			}
			return nil
		})
		if errors.Is(err, state.ErrNoDelivery) || errors.Is(err, state.ErrInHand) {
			return nil, controlError{http.StatusConflict, err}
		}
		return done, err
	}
}

// eachDead does something to every dead letter of q and returns to how many.
func eachDead(q *state.Queue, do func(seq uint64) error) (n int, err error) {
	letters, err := q.DeadLetters()
	for _, l := range letters {
		if err := do(l.Seq); err != nil {
			return n, err
		}
		n++
	}
	return n, err
}

func (d *daemon) retryAll(q *state.Queue) (int, error) { return eachDead(q, q.Retry) }

// dropAll drops the dead letters of a sink in the config, and all there is of one that is not.
func (d *daemon) dropAll(q *state.Queue) (int, error) {
	if !d.configured(q.Sink()) {
		return q.DropAll(time.Now())
	}
	return eachDead(q, func(seq uint64) error { return dropOne(q, seq) })
}

func retryOne(q *state.Queue, seq uint64) error { return q.Retry(seq) }
func dropOne(q *state.Queue, seq uint64) error  { return q.Drop(seq, time.Now()) }
