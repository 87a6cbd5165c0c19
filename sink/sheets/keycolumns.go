package sheets

import (
	"errors"
	"fmt"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// ErrNoChatColumn says that rows cannot be told apart.
var ErrNoChatColumn = errors.New(`no column holds the id of the chat alone: add { header = "상담ID", value = "{{.Chat.ID}}" } to columns`)

// keyColumns are the columns that tell rows apart, -1 for one that there is not.
type keyColumns struct {
	chat  int             // the id of the chat
	at    int             // when the inquiry was received, or whatever time of an opening there is
	other int             // filled in rows that are about something else than an opening
	kind  int             // says what a row is about
	kinds map[string]bool // what kind says of rows that are about no opening, in every language
}

// keyColumns finds out by trying: columns may be the operator's own.
func (s *Sink) keyColumns() (keyColumns, error) {
	keys := keyColumns{chat: -1, at: -1, other: -1, kind: -1}
	p := s.newProbe(s.config.Language)
	for i, col := range s.columns {
		cells, change := p.cells(col, p.openings), p.cells(col, p.changes)
		if cells == nil || change == nil {
			continue
		}
		cell := cells[0]
		switch {
		case keys.chat < 0 && textOf(cell) == probeChat:
			keys.chat = i
		case keys.at < 0 && cell.Value != nil && cell.Value.Number != nil && cell.Format == timeFormat:
			keys.at = i
		case keys.other < 0 && emptyAll(cells) && change[0].Value != nil:
			keys.other = i
		case keys.kind < 0:
			if kinds := s.kindsIn(col); len(kinds) > 0 {
				keys.kind, keys.kinds = i, kinds
			}
		}
	}
	if keys.chat < 0 {
		return keys, ErrNoChatColumn
	}
	return keys, nil
}

// kindsIn returns what a column says of the kinds of event that are no opening. It is empty unless the column says of
// openings something that depends on nothing else, and of some other kinds something else.
func (s *Sink) kindsIn(col column) map[string]bool {
	openings, others := map[string]bool{}, map[string]bool{}
	for _, lang := range sink.Languages() { // the config may have had another one when a row was written
		p := s.newProbe(lang)
		said := p.cells(col, p.openings)
		for i, c := range said {
			text := textOf(c)
			if text == "" || text != textOf(said[i/2*2]) {
				return nil
			}
			openings[text] = true
		}
		for _, c := range p.cells(col, p.others) {
			others[textOf(c)] = true
		}
	}
	delete(others, "")
	for text := range openings {
		delete(others, text)
	}
	return others
}

// probe are events that columns are tried with.
type probe struct {
	s        *Sink
	openings []talkrelay.Event // in pairs that have nothing in common but what they are
	changes  []talkrelay.Event // of contact fields
	others   []talkrelay.Event // one of each kind, or more where a kind has several words
}

const probeChat = "0123456789abcdef"

func (s *Sink) newProbe(lang sink.Language) probe {
	config := s.config
	config.Language = lang
	p := probe{s: &Sink{config: config}}
	at := time.Date(2020, 2, 2, 2, 2, 0, 0, time.UTC)
	bare := talkrelay.Event{
		Kind: talkrelay.UserChatOpened, At: at, User: talkrelay.User{Contact: talkrelay.Contact{Email: "b@example.com"}},
		Chat: talkrelay.Chat{ID: probeChat, CreatedAt: at, FirstAskedAt: at, FirstOpenedAt: at, OpenedAt: at},
	}
	again := bare
	again.Chat.Reopened = true
	for _, e := range []talkrelay.Event{bare, again} {
		p.openings = append(p.openings, e, unlike(e))
	}
	change := bare
	change.Kind, change.Change, change.Old.Email = talkrelay.LeadContact, talkrelay.Updated, "a@example.com"
	p.changes = []talkrelay.Event{change}
	for _, kind := range talkrelay.Kinds() {
		if e := bare; kind != talkrelay.UserChatOpened {
			e.Kind = kind
			p.others = append(p.others, e)
		}
	}
	created, note, entry := change, bare, bare
	created.Change = talkrelay.Created
	note.Kind, note.Message.Private = talkrelay.UserChatMessage, true
	entry.Kind, entry.Message.Log = talkrelay.UserChatMessage, "close"
	p.others = append(p.others, change, created, note, entry)
	return p
}

// unlike is an event of the same kind as e that has another value in every field that a column may show.
func unlike(e talkrelay.Event) talkrelay.Event {
	full := sink.SampleEvents()[0]
	full.Kind, full.Chat.Reopened = e.Kind, e.Chat.Reopened
	full.Chat.State, full.Channel = "closed", fmt.Sprint(e.Channel, "2")
	return full
}

// cells are what a column shows of events, nil if it cannot.
func (p probe) cells(col column, events []talkrelay.Event) []cell {
	cells := make([]cell, len(events))
	for i, e := range events {
		view := p.s.view(e)
		var err error
		if cells[i], err = col.render(&view, p.s.config.Language.Words()); err != nil {
			return nil
		}
	}
	return cells
}

func emptyAll(cells []cell) bool {
	for _, c := range cells {
		if c.Value != nil {
			return false
		}
	}
	return true
}

// textOf is the text of a cell, "" if it holds something else.
func textOf(c cell) string {
	if c.Value == nil || c.Value.String == nil {
		return ""
	}
	return *c.Value.String
}
