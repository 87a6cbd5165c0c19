package alert

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"talkrelay"
	"talkrelay/sink"
)

// Heartbeat asks for an address while all is well. Who watches it from elsewhere raises the alarm when it stays away: a
// machine that is off cannot say so. As a Path it is what reports go to, if there is a FailURL.
type Heartbeat struct {
	URL     string // a secret
	FailURL string // asked for when something is wrong, so that nobody waits for the silence; "" = the silence says it
	Client  *http.Client
	Proxy   func(*http.Request) (*url.URL, error) // the client's own, for Check
}

// Name returns the path's table in the config file.
func (h *Heartbeat) Name() string { return "alert.heartbeat" }

// Validate returns what is wrong with the settings.
func (h *Heartbeat) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	if fault := sink.AddressFault(h.URL, false); fault != "" {
		p.Add("url", "%s", fault)
	}
	if fault := sink.AddressFault(h.FailURL, false); fault != "" && h.FailURL != "" {
		p.Add("fail_url", "%s", fault)
	}
	return p
}

// Ping says that all is well.
func (h *Heartbeat) Ping(ctx context.Context) error {
	if _, err := post(ctx, h.Client, h.URL, nil, nil); err != nil {
		return fmt.Errorf("ask for url of [alert.heartbeat]: %w", err)
	}
	return nil
}

// Send asks for FailURL if something is wrong. That all is well again, the next Ping says.
func (h *Heartbeat) Send(ctx context.Context, m Message) error {
	switch m.Report.status() {
	case "test":
		return h.Ping(ctx)
	case "recovered":
		return nil
	}
	if _, err := post(ctx, h.Client, h.FailURL, payload(m), nil); err != nil {
		return fmt.Errorf("post to fail_url of [alert.heartbeat]: %w", err)
	}
	return nil
}

// Check opens a connection.
func (h *Heartbeat) Check(ctx context.Context) (string, error) {
	return sink.Reach(ctx, h.Proxy, h.URL)
}
