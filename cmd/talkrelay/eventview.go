package main

import (
	"slices"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/dispatch"
	"talkrelay/sink"
	"talkrelay/state"
)

// eventView is an event as the control socket shows it. Customers' data is masked unless it was asked for as it is.
type eventView struct {
	ID         string           `json:"id"`
	Seen       time.Time        `json:"seen"`
	Kept       bool             `json:"kept"` // false: no route asked for it, or it is erased, and only the ID is known
	Kind       talkrelay.Kind   `json:"kind,omitempty"`
	Change     talkrelay.Change `json:"change,omitempty"`
	Channel    string           `json:"channel,omitempty"`
	At         time.Time        `json:"at,omitzero"`
	ChatID     string           `json:"chatId,omitempty"`
	UserID     string           `json:"userId,omitempty"`
	GroupID    string           `json:"groupId,omitempty"`
	Name       string           `json:"name,omitempty"` // of the customer, or of the team chat
	Phone      string           `json:"phone,omitempty"`
	Email      string           `json:"email,omitempty"`
	Text       string           `json:"text,omitempty"`
	DeskURL    string           `json:"deskUrl,omitempty"`
	Deliveries []deliveryView   `json:"deliveries"`
	Routes     []routeView      `json:"routes,omitempty"` // by the routes in force now
}

// deliveryView is where a delivery stands.
type deliveryView struct {
	Sink    string      `json:"sink"`
	Route   string      `json:"route,omitempty"`
	Stand   state.Stand `json:"stand"`
	Number  uint64      `json:"number,omitempty"` // in the sink's queue
	Ahead   int         `json:"ahead,omitempty"`
	Receipt string      `json:"receipt,omitempty"`
	Link    string      `json:"link,omitempty"`
	At      time.Time   `json:"at,omitzero"`
	Err     string      `json:"err,omitempty"`
	NextTry time.Time   `json:"nextTry,omitzero"`
}

// routeView is what a route makes of an event.
type routeView struct {
	Route   string   `json:"route"`
	Matched bool     `json:"matched"`
	Sinks   []string `json:"sinks,omitempty"`
	Reason  string   `json:"reason"`
}

// reveal says whether customers' data is shown as it is.
type reveal bool

func (r reveal) text(s string, mask func(string) string) string {
	if r {
		return s
	}
	return mask(s)
}

// maskWords hides all of a text but how long it is: a customer's words can say anything.
func maskWords(s string) string {
	if s == "" {
		return ""
	}
	return strings.Repeat("•", min(len([]rune(s)), 10))
}

// viewOf shows t. link returns where a delivery can be looked at, "" if that is not known.
func viewOf(t state.Trace, router *dispatch.Router, show reveal, link func(sink, receipt string) string) eventView {
	v := eventView{ID: t.ID, Seen: t.Seen, Deliveries: []deliveryView{}}
	for _, d := range t.Deliveries {
		view := deliveryView{
			Sink: d.Sink, Route: d.Route, Stand: d.Stand, Number: d.Seq, Ahead: d.Ahead, Receipt: d.Receipt, At: d.At, Err: d.Err, NextTry: d.NextTry,
		}
		if d.Stand == state.Delivered {
			view.Link = link(d.Sink, d.Receipt)
		}
		v.Deliveries = append(v.Deliveries, view)
	}
	e := t.Event
	if e == nil {
		return v
	}
	v.Kept, v.Kind, v.Change, v.Channel, v.At = true, e.Kind, e.Change, e.Channel, e.At
	v.ChatID, v.UserID, v.DeskURL = e.Chat.ID, e.User.ID, e.DeskURL
	v.Name, v.Text = show.text(e.User.Name, talkrelay.MaskName), show.text(e.Message.Text, maskWords)
	if e.Group.ID != "" {
		v.GroupID, v.Name = e.Group.ID, sink.View{Group: e.Group}.GroupName()
	}
	v.Phone, v.Email = show.text(e.User.MobileNumber, talkrelay.MaskPhone), show.text(e.User.Email, talkrelay.MaskEmail)
	for _, x := range router.Explain(*e) {
		v.Routes = append(v.Routes, routeView{Route: x.Route, Matched: x.Matched, Sinks: x.Sinks, Reason: x.Reason})
	}
	return v
}

// about reports whether an event is the one, or about the chat or customer, that somebody names.
func about(name string) func(id string, e *talkrelay.Event) bool {
	return func(id string, e *talkrelay.Event) bool {
		if id == name || strings.Contains("/"+id+"/", "/"+name+"/") {
			return true
		}
		return e != nil && (slices.Contains([]string{e.Chat.ID, e.User.ID, e.Group.ID, e.Group.Name}, name))
	}
}
