package sink

import (
	"encoding/json"
	"strings"

	"talkrelay"
)

// ParseOwn parses the template of a setting that may be left out; nil if it is.
func ParseOwn(text string) (*Template, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	return ParseTemplate(text)
}

// Or returns what t makes of v, or otherwise if there is no t, if it makes nothing, or if it fails: ParseTemplate has tried
// it, and what fails all the same must not cost the message.
func (t *Template) Or(v View, otherwise string) string {
	if t == nil {
		return otherwise
	}
	if text, err := t.Execute(v); err == nil && strings.TrimSpace(text) != "" {
		return text
	}
	return otherwise
}

// ExecuteShort is Execute, and again with every text cut if that fails, then cut shorter: what a template makes is limited in length, and
// a message that a customer made enormous is better seen in part than not at all.
func (t *Template) ExecuteShort(v View) (string, error) {
	text, err := t.Execute(v)
	for _, limit := range []int{5000, 500} {
		if err != nil {
			text, err = t.Execute(MapTexts(v, func(s string) string { return TruncateUTF16(s, limit) }))
		}
	}
	return text, err
}

// MakesJSON reports whether t makes JSON of every kind of event, also where texts hold quotes and line breaks, which
// customers do write, and of one with nothing in it.
func (t *Template) MakesJSON(lang Language) bool {
	for _, e := range append(SampleEvents(), talkrelay.Event{}) {
		e.User.Name, e.Message.Text, e.Chat.Title = "a\"b", "a\"b\nc\\", "\""
		if text, err := t.Execute(NewView(e, lang)); err != nil || !json.Valid([]byte(text)) {
			return false
		}
	}
	return true
}
