package alert

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// Webhook posts JSON to an address: see Payload.
type Webhook struct {
	URL    string // a secret: whoever knows it can post
	Client *http.Client
	Proxy  func(*http.Request) (*url.URL, error) // the client's own, for Check
}

// Payload is the body of a webhook. Fields are added, never renamed. Text alone is enough for what takes Slack's
// incoming webhooks (Slack itself, Mattermost, Rocket.Chat).
type Payload struct {
	Text      string      `json:"text"`
	Subject   string      `json:"subject"`
	Status    string      `json:"status"` // test, raised, standing or recovered: the first of them that holds
	At        time.Time   `json:"at"`
	Raised    []Condition `json:"raised"` // since the last message; [] = none
	Standing  []Condition `json:"standing"`
	Recovered []Condition `json:"recovered"`
}

// Name returns the path's table in the config file.
func (w *Webhook) Name() string { return "alert.webhook" }

// Validate returns what is wrong with the settings.
func (w *Webhook) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	if fault := sink.AddressFault(w.URL, false); fault != "" {
		p.Add("url", "%s", fault)
	}
	return p
}

// Send posts m.
func (w *Webhook) Send(ctx context.Context, m Message) error {
	if _, err := post(ctx, w.Client, w.URL, payload(m), nil); err != nil {
		return fmt.Errorf("post to url of [alert.webhook]: %w", err)
	}
	return nil
}

// Check opens a connection.
func (w *Webhook) Check(ctx context.Context) (string, error) { return sink.Reach(ctx, w.Proxy, w.URL) }

func payload(m Message) Payload {
	r := m.Report
	p := Payload{Text: m.Text, Subject: m.Subject, Status: r.status(), At: r.At.UTC(),
		Raised: []Condition{}, Standing: []Condition{}, Recovered: []Condition{}}
	p.Raised, p.Standing, p.Recovered = append(p.Raised, r.Raised...), append(p.Standing, r.Standing...), append(p.Recovered, r.Recovered...)
	return p
}
