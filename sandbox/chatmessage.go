package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// CustomerSays adds a message by the customer. It opens nothing by itself.
func (t *Chat) CustomerSays(text string) {
	t.change(func(at int64) {
		t.say(at, "user", t.wire.UserID, text, sayOptions{})
		t.asked(at)
	})
}

// CustomerSends adds a message by the customer that has files and no text.
func (t *Chat) CustomerSends(files int) {
	t.change(func(at int64) {
		t.say(at, "user", t.wire.UserID, "", sayOptions{files: files})
		t.asked(at)
	})
}

// ManagerSays adds an answer by m. The customer waits no longer.
func (t *Chat) ManagerSays(m *Manager, text string) {
	t.change(func(at int64) {
		t.say(at, "manager", m.wire.ID, text, sayOptions{})
		w := &t.wire
		w.Managed = true
		if w.FirstRepliedAt == 0 {
			w.FirstRepliedAt = at
		}
		if w.FirstRepliedAtAfterOpen == 0 && w.OpenedAt != 0 {
			w.FirstRepliedAtAfterOpen = at
			w.WaitingTime = at - w.OpenedAt
			w.OperationWaitingTime = w.WaitingTime
		}
		if w.AskedAt != 0 {
			w.ReplyCount++
			w.OperationReplyCount++
			w.TotalReplyTime += at - w.AskedAt
			w.AvgReplyTime = w.TotalReplyTime / int64(w.ReplyCount)
		}
		w.AskedAt = 0
	})
}

// BotSays adds a message by the channel's bot. The customer waits as before.
func (t *Chat) BotSays(text string) {
	t.change(func(at int64) { t.say(at, "bot", t.c.bot.ID, text, sayOptions{}) })
}

// ALFSays adds an answer by the AI answerer.
func (t *Chat) ALFSays(text string) {
	t.change(func(at int64) { t.say(at, "bot", t.c.bot.ID, text, sayOptions{alf: true}) })
}

// Note adds an internal note by m, which customers never see.
func (t *Chat) Note(m *Manager, text string) {
	t.change(func(at int64) { t.say(at, "manager", m.wire.ID, text, sayOptions{private: true}) })
}

type sayOptions struct {
	private bool
	alf     bool
	files   int
	log     *wireLog
}

func (t *Chat) asked(at int64) {
	t.wire.AskedAt = at
	if t.wire.FirstAskedAt == 0 {
		t.wire.FirstAskedAt = at
	}
}

func (t *Chat) log(at int64, action string, values ...string) {
	t.say(at, "bot", t.c.bot.ID, "", sayOptions{log: &wireLog{Action: action, Values: slices.Clone(values), TriggerType: "system"}})
}

func (t *Chat) say(at int64, personType, personID, text string, o sayOptions) {
	m := t.c.newMessage(at, "userChat", t.wire.ID, personType, personID, text, o)
	id := m.wire.ID
	t.messages = append(t.messages, m)
	w := &t.wire
	w.DeskMessageID, w.DeskUpdatedAt = id, at
	if o.private || o.log != nil {
		return
	}
	m.wire.FrontKey = m.wire.MainKey
	w.FrontMessageID, w.FrontUpdatedAt = id, at
	t.front = m
	if personType == "user" {
		w.UserLastMessageID = id
	}
}

// newMessage makes a message of the chat of this type and id.
func (c *Channel) newMessage(at int64, chatType, chatID, personType, personID, text string, o sayOptions) *chatMessage {
	id := c.ct.names.timed(at)
	chatKey := chatType + "-" + chatID
	m := &chatMessage{wire: wireMessage{
		ID: id, ChatKey: chatKey, MainKey: chatKey + "-" + id, ChannelID: c.ID, ChatType: chatType, ChatID: chatID,
		PersonType: personType, PersonID: personID, Language: "ko", CreatedAt: at, UpdatedAt: at, Version: at,
		PlainText: text, State: "sent", Log: o.log, WritingType: "standard",
	}}
	if text != "" {
		m.wire.Blocks = []wireBlock{{Type: "text", Value: markUp.Replace(text)}}
	}
	for i := range o.files {
		m.wire.Files = append(m.wire.Files, m.file(i))
	}
	if o.alf {
		m.wire.Alf = &wireAlf{HandlingID: "alf", Type: "complete"}
	}
	if o.private {
		m.wire.Options = []string{"private"}
	}
	return m
}

// file makes the i-th file of a message.
func (m *chatMessage) file(i int) wireFile {
	w := &m.wire
	id := w.ID + "-" + strconv.Itoa(i)
	return wireFile{
		ID: id, Type: "image", Name: fmt.Sprintf("사진%d.jpg", i+1), Size: 183_422, ContentType: "image/jpeg", Bucket: "bin.exp.channel.io",
		Key: "pri-file/" + w.ChannelID + "/" + w.ChatType + "/" + id, ChannelID: w.ChannelID, ChatType: w.ChatType, ChatID: w.ChatID,
	}
}

// markUp escapes text as the blocks of a message hold it.
var markUp = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
