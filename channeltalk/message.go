package channeltalk

import (
	"encoding/json"
	"slices"
	"time"
)

// Message is one message of a chat. Any field but ID may be missing, and is zero then.
type Message struct {
	ID         string
	ChatID     string
	ChatType   string // userChat, group
	RootID     string // the message that its thread hangs on, or that others hang on; "" = no thread
	PersonType string // user, manager, bot; an open set
	PersonID   string
	Text       string   // plainText, else the text of the blocks, without mark-up
	Options    []string // private, actAsManager, silent…; an open set
	LogAction  string   // what a log message records: open, close, assign…; "unknown" if it does not say; "" = no log
	State      string   // sending, sent, failed, removed
	Files      int      // how many are attached
	CreatedAt  time.Time

	// Raw is the object as it came, without NULs. It shares memory with its whole page: copy what outlives that.
	Raw json.RawMessage
}

// Private reports whether m is an internal note, which must never be shown as something the customer could read.
func (m *Message) Private() bool { return slices.Contains(m.Options, "private") }

// IsLog reports whether m records something that was done to the chat, and nobody wrote it.
func (m *Message) IsLog() bool { return m.LogAction != "" }

func readMessage(r *reader) (m Message, ok bool) {
	at := r.start()
	var blocks json.RawMessage
	for key := range r.members {
		switch string(key) {
		case "id":
			m.ID = r.text()
		case "chatId":
			m.ChatID = r.text()
		case "chatType":
			m.ChatType = r.text()
		case "thread":
			m.RootID = r.member("rootMessageId")
		case "personType":
			m.PersonType = r.text()
		case "personId":
			m.PersonID = r.text()
		case "plainText":
			m.Text = r.text()
		case "blocks":
			blocks = r.raw()
		case "options":
			m.Options = r.texts()
		case "log":
			if r.peek() == '{' {
				m.LogAction = firstOf(r.member("action"), "unknown")
			}
		case "state":
			m.State = r.text()
		case "files":
			m.Files = r.count()
		case "createdAt":
			m.CreatedAt = r.time()
		}
	}
	if m.Text == "" && len(blocks) > 0 {
		m.Text = blocksText(&reader{b: blocks})
	}
	m.Raw = r.since(at)
	return m, m.ID != ""
}
