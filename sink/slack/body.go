package slack

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	slackgo "github.com/slack-go/slack"

	"talkrelay/sink"
)

// eventType names our metadata among those of other apps. Metadata can be read by every app and member of the
// workspace, so all it holds is the shipment's id.
const eventType = "talkrelay_delivery"

// Forms of a body that is not as usual. Both may be asked for, with a blank between.
const (
	FormPlain = "plain" // without blocks, for a message whose blocks Slack refuses
	FormTop   = "top"   // in the channel, for a reply whose thread Slack refuses
)

func hasForm(form, part string) bool { return slices.Contains(strings.Fields(form), part) }

// content is what a message shows.
type content struct {
	text   string
	blocks []slackgo.Block // none = the text alone
}

// makeBody freezes a message as the form that chat.postMessage is sent. Keys are in order, so the same message makes
// the same bytes. channel may be empty: it is then added when the body is sent. thread is the ts of the message it
// replies to, "" for none.
func makeBody(id, channel, thread string, c content) ([]byte, error) {
	form, err := c.form(id)
	if err != nil {
		return nil, err
	}
	form.Set("unfurl_links", "false")
	form.Set("unfurl_media", "false")
	if channel != "" {
		form.Set("channel", channel)
	}
	if thread != "" {
		form.Set("thread_ts", thread)
	}
	return []byte(form.Encode()), nil
}

// form returns what posting and changing a message have in common.
func (c content) form(id string) (url.Values, error) {
	metadata, err := json.Marshal(slackgo.SlackMetadata{EventType: eventType, EventPayload: map[string]any{"id": id}})
	if err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	form := url.Values{
		"text":       {c.text},
		"metadata":   {string(metadata)},
		"parse":      {"none"},
		"link_names": {"false"},
	}
	if len(c.blocks) > 0 {
		encoded, err := json.Marshal(c.blocks)
		if err != nil {
			return nil, fmt.Errorf("encode blocks: %w", err)
		}
		form.Set("blocks", string(encoded))
	}
	return form, nil
}

// frozen is what has to be known of a body to send it.
type frozen struct {
	channel string // "" if it was not known when the body was made
	thread  string // ts of the message it replies to; "" = none
	blocks  bool   // false = there is no plainer form of it
}

func readBody(body []byte) (frozen, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("text") || !form.Has("metadata") {
		return frozen{}, &sink.Error{Verdict: sink.Rework, Op: opPost, Reason: "the stored message is not one of this version"}
	}
	return frozen{channel: form.Get("channel"), thread: form.Get("thread_ts"), blocks: form.Has("blocks")}, nil
}

// withChannel adds the channel to a body that was made without one.
func withChannel(body []byte, channel string) []byte {
	return append(append([]byte(nil), body...), "&channel="+url.QueryEscape(channel)...)
}
