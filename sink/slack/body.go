package slack

import (
	"encoding/json"
	"fmt"
	"net/url"

	slackgo "github.com/slack-go/slack"

	"talkrelay/sink"
)

// eventType names our metadata among those of other apps. Metadata can be read by every app and member of the
// workspace, so all it holds is the shipment's id.
const eventType = "talkrelay_delivery"

// FormPlain is the form of a body without blocks, for a message whose blocks Slack refuses.
const FormPlain = "plain"

// makeBody freezes a message as the form that chat.postMessage is sent. Keys are in order, so the same message makes
// the same bytes. channel may be empty: it is then added when the body is sent.
func makeBody(id, channel, text string, blocks []slackgo.Block) ([]byte, error) {
	metadata, err := json.Marshal(slackgo.SlackMetadata{EventType: eventType, EventPayload: map[string]any{"id": id}})
	if err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	form := url.Values{
		"text":         {text},
		"metadata":     {string(metadata)},
		"parse":        {"none"},
		"link_names":   {"false"},
		"unfurl_links": {"false"},
		"unfurl_media": {"false"},
	}
	if channel != "" {
		form.Set("channel", channel)
	}
	if len(blocks) > 0 {
		encoded, err := json.Marshal(blocks)
		if err != nil {
			return nil, fmt.Errorf("encode blocks: %w", err)
		}
		form.Set("blocks", string(encoded))
	}
	return []byte(form.Encode()), nil
}

// frozen is what has to be known of a body to send it.
type frozen struct {
	channel string // "" if it was not known when the body was made
	blocks  bool   // false = there is no plainer form of it
}

func readBody(body []byte) (frozen, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("text") || !form.Has("metadata") {
		return frozen{}, &sink.Error{Verdict: sink.Rework, Op: opPost, Reason: "the stored message is not one of this version"}
	}
	return frozen{channel: form.Get("channel"), blocks: form.Has("blocks")}, nil
}

// withChannel adds the channel to a body that was made without one.
func withChannel(body []byte, channel string) []byte {
	return append(append([]byte(nil), body...), "&channel="+url.QueryEscape(channel)...)
}
