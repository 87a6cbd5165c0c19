package sink

import (
	"strings"

	"talkrelay"
)

// Plain is the default message of destinations that show plain text: what happened to whom, and lines about it, the
// link to the chat last. No text in it is escaped for anything.
func (v View) Plain() (title string, lines []string) {
	w := v.Lang.Words()
	title = w.Event(&v)
	name := v.User.Name
	switch {
	case v.Kind == talkrelay.TeamChatMessage:
		name = v.GroupName()
	case name == "":
		name = w.NoName
	}
	add := func(label, value string) {
		if value != "" {
			lines = append(lines, label+": "+value)
		}
	}
	if text := strings.TrimSpace(v.Message.Text + "\n" + w.Files(v.Message.Files)); text != "" && !v.Kind.ContactEvent() {
		lines = append(lines, text)
	}
	if v.Kind.MessageEvent() && v.Message.PersonType != "user" {
		add(w.Author, v.Message.PersonName)
		add(w.LogEntry, v.Message.Log)
	}
	for _, c := range v.Changes {
		add(c.Field, orWord(talkrelay.FormatPhone(c.Old), w.None)+" → "+orWord(talkrelay.FormatPhone(c.New), w.None))
	}
	add(w.Team, v.Team.Name)
	add(w.Assignee, v.Assignee.Name)
	add(w.Tags, v.Tags.String())
	add(w.Page, v.Chat.Page)
	if !v.Kind.ContactEvent() {
		add(w.Phone, talkrelay.FormatPhone(orWord(v.User.MobileNumber, v.User.LandlineNumber)))
		add(w.Email, v.User.Email)
	}
	add(w.Received, w.When(v.At.Time))
	add(w.Answer, v.DeskURL)
	return title + " · " + name, lines
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}
