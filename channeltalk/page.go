package channeltalk

import (
	"errors"
	"time"
)

// ChatPage is one page of user chats, with the objects they refer to as far as the reply had them.
type ChatPage struct {
	UserChats  []UserChat
	Users      []User    // a chat's user can be missing
	Messages   []Message // the last one of each chat
	Managers   []Manager
	Next       string    // the next page's Query.Since; "" = this was the last
	Skipped    int       // objects left out because they have no id
	ServerTime time.Time // Channel Talk's clock when it answered; zero = not told
}

// MessagePage is one page of a chat's messages. Of who wrote them only the bots are in it.
type MessagePage struct {
	Messages   []Message
	Bots       []Bot
	Next       string    // the next page's MessageQuery.Since; "" = this was the last
	Skipped    int       // messages and bots left out because they have no id
	ServerTime time.Time // Channel Talk's clock when it answered; zero = not told
}

// GroupPage is one page of team chats.
type GroupPage struct {
	Groups     []Group
	Next       string    // the next page's since; "" = this was the last
	Skipped    int       // groups left out because they have no id
	ServerTime time.Time // Channel Talk's clock when it answered; zero = not told
}

// ManagerPage is one page of managers.
type ManagerPage struct {
	Managers   []Manager
	Next       string    // the next page's since; "" = this was the last
	Skipped    int       // managers left out because they have no id
	ServerTime time.Time // Channel Talk's clock when it answered; zero = not told
}

func decodeChatPage(rep reply, since string) (*ChatPage, error) {
	p, page := newListing(rep.body, "userChats"), &ChatPage{}
	for key := range p.members {
		p.see(key)
		switch string(key) {
		case "userChats":
			page.UserChats = list(p, readUserChat)
		case "users":
			page.Users = list(p, readUser)
		case "messages":
			page.Messages = list(p, readMessage)
		case "managers":
			page.Managers = list(p, readManager)
		}
	}
	page.Next, page.Skipped, page.ServerTime = p.cursor(since), p.skipped, rep.at
	return page, p.fault()
}

func decodeMessagePage(rep reply, since string) (*MessagePage, error) {
	p, page := newListing(rep.body, "messages"), &MessagePage{}
	for key := range p.members {
		p.see(key)
		switch string(key) {
		case "messages":
			page.Messages = list(p, readMessage)
		case "bots":
			page.Bots = list(p, readBot)
		}
	}
	page.Next, page.Skipped, page.ServerTime = p.cursor(since), p.skipped, rep.at
	return page, p.fault()
}

func decodeGroupPage(rep reply, since string) (*GroupPage, error) {
	p, page := newListing(rep.body, "groups"), &GroupPage{}
	for key := range p.members {
		p.see(key)
		if string(key) == "groups" {
			page.Groups = list(p, readGroup)
		}
	}
	page.Next, page.Skipped, page.ServerTime = p.cursor(since), p.skipped, rep.at
	return page, p.fault()
}

func decodeManagerPage(rep reply, since string) (*ManagerPage, error) {
	p, page := newListing(rep.body, "managers"), &ManagerPage{}
	for key := range p.members {
		p.see(key)
		if string(key) == "managers" {
			page.Managers = list(p, readManager)
		}
	}
	page.Next, page.Skipped, page.ServerTime = p.cursor(since), p.skipped, rep.at
	return page, p.fault()
}

// What can be wrong with a reply that claims success. The texts name no part of it.
var (
	errWebPage  = errors.New("a web page instead of JSON; check base_url, and whether a proxy answers in Channel Talk's place")
	errNotWhole = errors.New("not JSON, or only a part of it; check base_url, and whether a proxy stands between")
	errShape    = errors.New("JSON, but not what Channel Talk's Open API v5 answers here; check base_url")
	errTooLarge = errors.New("a reply beyond 64 MiB; check base_url")
)

// listing reads one page of a list. Channel Talk leaves out the keys of empty values, so a page without its main list
// is an empty page, unless it looks like an error that somebody sent with status 200.
type listing struct {
	reader
	main    string // key of the list the page is about
	found   bool   // main was there
	empty   bool   // no element in main
	foreign bool   // looks like an error, or like nothing of Channel Talk's
	next    string
	skipped int
}

func newListing(body []byte, main string) *listing {
	p := &listing{reader: reader{b: dropNULs(body)}, main: main, empty: true}
	p.foreign = p.peek() != '{'
	return p
}

// see takes note of one member of the page before it is read.
func (p *listing) see(key []byte) {
	c := p.peek()
	switch string(key) {
	case p.main:
		p.found, p.empty = true, true
		switch c {
		case '[':
			p.empty = p.emptyArray()
		case 'n': // null
		default:
			p.found, p.foreign = false, true
		}
	case "next":
		p.next = p.text()
	case "error", "errors", "status", "code", "type", "message":
		p.foreign = p.foreign || c != 'n'
	}
}

// emptyArray looks ahead of an opening bracket.
func (p *listing) emptyArray() bool {
	ahead := reader{b: p.b, i: p.i + 1}
	return ahead.peek() == ']'
}

// cursor returns where the next page begins, "" if this was the last one.
func (p *listing) cursor(since string) string {
	if p.empty || p.next == since {
		return ""
	}
	return p.next
}

func (p *listing) fault() error {
	switch {
	case p.complete() && (p.found || !p.foreign):
		return nil
	case p.complete():
		return errShape
	}
	return p.notJSON()
}

// list reads an array of objects. Those without an id are left out and counted.
func list[T any](p *listing, read func(*reader) (T, bool)) []T {
	var all []T
	for range p.elements {
		if v, ok := read(&p.reader); ok {
			all = append(all, v)
		} else {
			p.skipped++
		}
	}
	return all
}

// decodeOne reads the object under key, as in {"user": {…}, "online": …}.
func decodeOne[T any](body []byte, key string, read func(*reader) (T, bool)) (*T, error) {
	r := &reader{b: dropNULs(body)}
	var one *T
	for k := range r.members {
		if string(k) == key {
			if v, ok := read(r); ok {
				one = &v
			}
		}
	}
	switch {
	case !r.complete():
		return nil, r.notJSON()
	case one == nil:
		return nil, errShape
	}
	return one, nil
}

// notJSON says what a document that is not JSON is instead.
func (r *reader) notJSON() error {
	if start := (&reader{b: r.b}); start.peek() == '<' {
		return errWebPage
	}
	return errNotWhole
}
