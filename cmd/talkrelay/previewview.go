package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/sandbox"
	"talkrelay/sink"
)

// previewView is what would become of one event.
type previewView struct {
	ID      string           `json:"id"`
	Kind    talkrelay.Kind   `json:"kind"`
	Change  talkrelay.Change `json:"change,omitempty"`
	Channel string           `json:"channel"`
	At      time.Time        `json:"at"`
	ChatID  string           `json:"chatId,omitempty"`
	UserID  string           `json:"userId,omitempty"`
	Name    string           `json:"name,omitempty"`
	DeskURL string           `json:"deskUrl,omitempty"`
	Held    bool             `json:"held,omitempty"` // a poll would wait until the customer speaks
	Routes  []previewRoute   `json:"routes"`
	Sinks   []previewSink    `json:"sinks"`
}

// previewRoute is what a route makes of the event.
type previewRoute struct {
	Route   string   `json:"route"`
	Matched bool     `json:"matched"`
	Sinks   []string `json:"sinks,omitempty"`
	Reason  string   `json:"reason"`
}

// previewSink is what a sink would send.
type previewSink struct {
	Sink    string             `json:"sink"`
	Route   string             `json:"route"`
	Text    string             `json:"text,omitempty"` // plain
	Blocks  json.RawMessage    `json:"blocks,omitempty"`
	Builder string             `json:"builder,omitempty"` // opens the message in Slack's Block Kit Builder
	Cut     bool               `json:"cut,omitempty"`     // not all of it fits into the address
	Cells   []sink.PreviewCell `json:"cells,omitempty"`
	Err     string             `json:"err,omitempty"`
}

// previewID stands for the id of a shipment that will never be.
const previewID = "00000000000000000000000000000000"

// previewOf has the sink show item. One that cannot show it shows the bytes it would send.
func previewOf(t target, item sink.Item) previewSink {
	v := previewSink{Sink: t.name, Route: item.Route}
	s, ok := t.sink.(sink.Previewer)
	if !ok {
		body, _, err := t.sink.Prepare(previewID, []sink.Item{item}, "")
		if err != nil {
			v.Err = err.Error()
		}
		v.Text = sink.Clean(string(body))
		return v
	}
	p, err := s.Preview(item)
	if err != nil {
		v.Err = err.Error()
		return v
	}
	v.Blocks, v.Cells = p.Blocks, p.Cells
	if p.Text != "" {
		v.Text = sandbox.SlackMessage{Text: p.Text, Blocks: p.Blocks}.Terminal()
		v.Builder, v.Cut = builderLink(p)
	}
	return v
}

// maxBuilderLink is how long an address may be for any browser and terminal to take it.
const maxBuilderLink = 8000

// builderLink is the address that opens a message in Slack's Block Kit Builder. Blocks that make it too long are left out
// from the end; cut says so. "" if not even the first fits.
func builderLink(p sink.Preview) (link string, cut bool) {
	var blocks []json.RawMessage
	if json.Unmarshal(p.Blocks, &blocks) != nil {
		text, _ := json.Marshal(p.Text) // a string has no reason to fail
		blocks = []json.RawMessage{fmt.Appendf(nil, `{"type":"section","text":{"type":"mrkdwn","text":%s}}`, text)}
	}
	for n := len(blocks); n > 0; n-- {
		list, err := json.Marshal(map[string]any{"blocks": blocks[:n]})
		if err != nil {
			break
		}
		link = "https://app.slack.com/block-kit-builder#" + url.PathEscape(string(list))
		if len(link) <= maxBuilderLink {
			return link, n < len(blocks)
		}
	}
	return "", true
}

// text is v for a terminal of width columns, 0 = any number.
func (v previewView) text(width int, words *screenWords) string {
	var b strings.Builder
	line := func(indent int, text string) {
		for _, part := range wrapTo(text, width, indent) {
			b.WriteString(strings.TrimRight(strings.Repeat(" ", indent)+part, " ") + "\n")
		}
	}
	what := string(v.Kind)
	if v.Change != "" {
		what += " (" + string(v.Change) + ")"
	}
	line(0, strings.Join(strings.Fields("▶ "+what+" "+local(v.At)+" "+v.Name), " "))
	line(2, fmt.Sprintf(words.PreviewOf, v.Channel, v.ChatID, v.UserID))
	if v.Held {
		line(2, words.Held)
	}
	for _, r := range v.Routes {
		mark, to := "✗", ""
		if r.Matched {
			mark, to = "✓", " → "+strings.Join(r.Sinks, ", ")
		}
		if len(r.Sinks) == 0 {
			to = ""
		}
		line(2, fmt.Sprintf("%s %q: %s%s", mark, r.Route, words.say(r.Reason), to))
	}
	for _, s := range v.Sinks {
		b.WriteString("\n")
		line(2, s.Sink+":")
		s.print(&b, line, width, words)
	}
	return b.String()
}

func (s previewSink) print(b *strings.Builder, line func(int, string), width int, words *screenWords) {
	if s.Err != "" {
		line(4, "✗ "+words.say(s.Err))
	}
	for text := range strings.SplitSeq(strings.TrimSpace(s.Text), "\n") {
		if text != "" {
			line(4, text)
		}
	}
	header := 0
	for _, c := range s.Cells {
		header = max(header, displayWidth(c.Header))
	}
	if width > 0 {
		header = min(header, width/3)
	}
	for _, c := range s.Cells {
		for i, part := range wrapTo(strings.Join(strings.Fields(c.Value), " "), width, header+6) {
			name := ""
			if i == 0 {
				name = truncateTo(c.Header, header)
			}
			b.WriteString(strings.TrimRight("    "+padRight(name, header+2)+part, " ") + "\n")
		}
	}
	switch {
	case s.Builder != "" && s.Cut:
		line(4, words.BuilderCut)
	case s.Builder != "":
		line(4, words.Builder)
	case s.Cut:
		line(4, words.BuilderNone)
	}
	if s.Builder != "" {
		b.WriteString(s.Builder + "\n") // in one piece, or nobody can click it
	}
}

// wrapTo breaks text into lines that leave room for indent columns; at least one.
func wrapTo(text string, width, indent int) []string {
	if width == 0 {
		return []string{text}
	}
	return wrap(text, max(8, width-indent))
}

// maskEvent returns e with nothing in it that says who the customer is, or what they wrote.
func maskEvent(e talkrelay.Event) talkrelay.Event {
	e.Envelope = nil
	e.User.Name, e.Chat.Name = talkrelay.MaskName(e.User.Name), talkrelay.MaskName(e.Chat.Name)
	e.User.MemberID = talkrelay.MaskText(e.User.MemberID)
	e.User.Contact, e.Old = maskedContact(e.User.Contact), maskedContact(e.Old)
	e.Message.Text = maskWords(e.Message.Text)
	e.Chat.Title, e.Chat.Description = maskWords(e.Chat.Title), maskWords(e.Chat.Description)
	e.Chat.Page = talkrelay.MaskText(strings.ReplaceAll(e.Chat.Page, "%40", "@"))
	e.User.Profile = maps.Clone(e.User.Profile)
	for key, value := range e.User.Profile {
		e.User.Profile[key] = maskWords(value)
	}
	return e
}

func maskedContact(c talkrelay.Contact) talkrelay.Contact {
	return talkrelay.Contact{
		Email:          talkrelay.MaskEmail(c.Email),
		MobileNumber:   talkrelay.MaskPhone(c.MobileNumber),
		LandlineNumber: talkrelay.MaskPhone(c.LandlineNumber),
	}
}
