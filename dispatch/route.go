package dispatch

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"talkrelay"
)

// RouteConfig is one [[route]] of the config file: trigger → filter → destinations.
type RouteConfig struct {
	Name     string   // shown in logs and kept with every delivery; unique
	On       []string // kinds of event; at least one
	Channels []string // names of Channel Talk channels; empty = all
	Where    string   // filter, see Router; empty = every event of these kinds
	To       []string // names of sinks; at least one
	Include  []string // classes of messages that are left out otherwise, see talkrelay.Message.Classes
}

// Router decides which sinks an event goes to. Routes are tried in the order of the config file; the first that
// matches and names a sink decides for that sink, so that an event reaches a sink at most once.
//
// A filter is an expression in the language of github.com/expr-lang/expr over these names, whose fields are spelled as
// in Channel Talk's API and are zero where they are not known:
//
//	kind change channel              text
//	chat user old before message     as in talkrelay.Event
//	oldSubscription assignee team
//	group                            of message.created.teamChat: as in group.name == "배송"
//	stage waited                     of userChat.waiting: as in waited >= duration("2h")
//	tags                             short for chat.tags
//	now()                            when the event was first seen
//	hasAny(message.text, ["a", "b"]) whether a text holds one of these words, in capitals or not
//
// All times are in the event's time zone. A filter that cannot be evaluated matches: an unexpected event is an alert
// too many, never one too few. Messages of bots, private notes and log entries never match a route that does not include
// them, or whose filter does not speak of what they are (message.personType, message.private, message.log). An evaluation may use at most 100,000 elements of lists it makes itself, and loops
// (all, any, filter …) cannot be nested, so that no text of a customer can hold up the relay.
//
// A Router does not change once made and is safe for concurrent use.
type Router struct {
	routes []route
	zones  zones
}

type route struct {
	name     string
	on       []talkrelay.Kind
	include  []string // classes of messages
	channels []string
	where    *filter     // nil = always
	parts    []condition // of where
	to       []string
	health   *talkrelay.Health
}

// NewRouter compiles routes. sinks and channels are the names that exist. Problems are keyed as in "route[1].where"
// and "route[0].on[2]", counted from 0; the Router is nil if there are any.
func NewRouter(routes []RouteConfig, sinks, channels []string) (*Router, talkrelay.Problems) {
	var problems talkrelay.Problems
	r := &Router{}
	names := map[string]int{}
	for i, c := range routes {
		key := fmt.Sprintf("route[%d]", i)
		checkName(&problems, key+".name", c.Name, names, i)
		checkList(&problems, key+".on", c.On, "kind of event", kindNames())
		if len(c.Channels) > 0 {
			checkList(&problems, key+".channel", c.Channels, "channel", channels)
		}
		checkList(&problems, key+".to", c.To, "sink", sinks)
		checkInclude(&problems, key, c)
		where, err := compileFilter(c.Where)
		if err != nil {
			problems.Add(key+".where", "%v", err)
		}
		r.routes = append(r.routes, route{
			name: c.Name, on: kinds(c.On), channels: slices.Clone(c.Channels), where: where, parts: conditions(c.Where, where), to: slices.Clone(c.To),
			include: append(slices.Clone(c.Include), classesIn(c.Where)...),
		})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	r.LogTo(slog.New(slog.NewTextHandler(io.Discard, nil)))
	return r, nil
}

// LogTo makes the Router report filters that cannot be evaluated to log. Without it they are not reported. Call it
// before the Router is used.
func (r *Router) LogTo(log *slog.Logger) {
	for i := range r.routes {
		r.routes[i].health = talkrelay.NewHealth(log.With("route", r.routes[i].name), msgFilterFailed, msgFilterFailed)
	}
}

// Kinds returns the kinds of event that some route asks for on a channel, in the order of talkrelay.Kinds; never nil.
func (r *Router) Kinds(channel string) []talkrelay.Kind {
	wanted := []talkrelay.Kind{}
	for _, k := range talkrelay.Kinds() {
		if slices.ContainsFunc(r.routes, func(r route) bool {
			return slices.Contains(r.on, k) && (len(r.channels) == 0 || slices.Contains(r.channels, channel))
		}) {
			wanted = append(wanted, k)
		}
	}
	return wanted
}

// Match returns the deliveries that events make, in the order of the events. The same events always make the same
// deliveries.
func (r *Router) Match(events []talkrelay.Event) []talkrelay.Delivery {
	var out []talkrelay.Delivery
	for i := range events {
		for _, x := range r.explain(&lazyEnv{event: &events[i], zones: &r.zones}) {
			for _, sink := range x.Sinks {
				out = append(out, talkrelay.Delivery{EventID: events[i].ID, Sink: sink, Route: x.Route})
			}
		}
	}
	return out
}

// Explanation says what one route made of an event.
type Explanation struct {
	Route   string
	Matched bool
	Sinks   []string // those it decided for; without those that an earlier route had taken
	Reason  string   // one of the Reason constants

	TakenBy map[string]string // with a match: the earlier route, by sink that it had decided for; nil = none
	Untrue  string            // with ReasonWhere: the first part of the filter that is not true; "" = none can be named
}

// Why a route did or did not match.
const (
	ReasonMatched = "matched"
	ReasonFailed  = "matched, because its filter could not be evaluated"
	ReasonKind    = "another kind of event"
	ReasonChannel = "another channel"
	ReasonClass   = "a bot's message, a private note or a log entry, which it does not include"
	ReasonWhere   = "the filter says no"
	ReasonTaken   = "matched, but earlier routes had decided for all its sinks"
)

// Explain returns what each route makes of e, in the order of the routes.
func (r *Router) Explain(e talkrelay.Event) []Explanation {
	lazy := lazyEnv{event: &e, zones: &r.zones}
	out := r.explain(&lazy)
	for i := range out {
		if out[i].Reason == ReasonWhere {
			out[i].Untrue = untrue(r.routes[i].parts, lazy.env())
		}
	}
	return out
}

// explain is Explain without Untrue, which deliveries do not need.
func (r *Router) explain(lazy *lazyEnv) []Explanation {
	out := make([]Explanation, 0, len(r.routes))
	var taken map[string]string // sink → route
	for i := range r.routes {
		x := Explanation{Route: r.routes[i].name}
		x.Reason, x.Matched = r.routes[i].match(lazy)
		if x.Matched {
			taken = x.share(r.routes[i].to, taken)
		}
		out = append(out, x)
	}
	return out
}

// share gives x those of sinks that are not taken, and returns what is taken then.
func (x *Explanation) share(sinks []string, taken map[string]string) map[string]string {
	if taken == nil {
		taken = make(map[string]string, len(sinks))
	}
	for _, sink := range sinks {
		if by, ok := taken[sink]; ok {
			if x.TakenBy == nil {
				x.TakenBy = map[string]string{}
			}
			x.TakenBy[sink] = by
			continue
		}
		x.Sinks = append(x.Sinks, sink)
		taken[sink] = x.Route
	}
	if len(x.Sinks) == 0 {
		x.Reason = ReasonTaken
	}
	return taken
}

func (r *route) match(lazy *lazyEnv) (reason string, matched bool) {
	switch {
	case !slices.Contains(r.on, lazy.event.Kind):
		return ReasonKind, false
	case len(r.channels) > 0 && !slices.Contains(r.channels, lazy.event.Channel):
		return ReasonChannel, false
	case !r.includes(lazy.event):
		return ReasonClass, false
	case r.where == nil:
		return ReasonMatched, true
	}
	ok, err := r.where.eval(lazy.env())
	if err != nil {
		// Health is never told of a success: a filter that fails on every second event would fill the log.
		r.health.Broken(err)
		return ReasonFailed, true
	}
	if !ok {
		return ReasonWhere, false
	}
	return ReasonMatched, true
}

func checkName(problems *talkrelay.Problems, key, name string, seen map[string]int, i int) {
	if name == "" {
		problems.Add(key, "is missing: give the route a name, it is shown in logs")
		return
	}
	if first, ok := seen[name]; ok {
		problems.Add(key, "%q is the name of route[%d] already: names of routes must differ", name, first)
		return
	}
	seen[name] = i
}

// checkList reports an empty list, names that are not known and names given twice.
func checkList(problems *talkrelay.Problems, key string, list []string, what string, known []string) {
	if len(list) == 0 {
		problems.Add(key, "is empty: name at least one %s (%s)", what, choices(known))
	}
	for i, name := range list {
		at := fmt.Sprintf("%s[%d]", key, i)
		switch {
		case !slices.Contains(known, name):
			problems.Add(at, "%q is no %s (%s)%s", name, what, choices(known), didYouMean(name, known))
		case slices.Index(list, name) < i:
			problems.Add(at, "%q is listed twice", name)
		}
	}
}

// didYouMean returns a hint at the known name nearest to name, "" if none is near.
func didYouMean(name string, known []string) string {
	if near := talkrelay.Nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

func choices(known []string) string {
	if len(known) == 0 {
		return "none is configured"
	}
	return "known: " + strings.Join(known, ", ")
}

func kindNames() []string {
	var names []string
	for _, k := range talkrelay.Kinds() {
		names = append(names, string(k))
	}
	return names
}

func kinds(names []string) []talkrelay.Kind {
	out := make([]talkrelay.Kind, len(names))
	for i, n := range names {
		out[i] = talkrelay.Kind(n)
	}
	return out
}
