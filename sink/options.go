package sink

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"talkrelay"
)

// Options are the settings that most destinations have in common.
type Options struct {
	Name      string        // of the sink in the config file
	Mask      bool          // phone numbers and e-mail addresses as 010-****-5678, h***@example.com
	Timeout   time.Duration // of one request; 0 = DefaultTimeout
	OnUnknown OnUnknown     // "" = Resend

	Language Language       // of default texts and a template's words; "" = Korean
	Location *time.Location // of times, where an event names no zone of its own; nil = UTC

	Base *http.Transport // proxy and CA settings; nil = net/http's default
}

// OnUnknown says what becomes of an event that may have arrived at a destination that cannot be asked.
type OnUnknown string

// The values of OnUnknown.
const (
	Hold   OnUnknown = "hold"   // keep it and all after it until somebody decides
	Resend OnUnknown = "resend" // send it again: it may then be there twice
)

// DefaultTimeout of a request.
const DefaultTimeout = 20 * time.Second

// Defaults returns o with what was left out filled in.
func (o Options) Defaults() Options {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.OnUnknown == "" {
		o.OnUnknown = Resend
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	return o
}

// Validate adds what is wrong with o.
func (o Options) Validate(p *talkrelay.Problems) {
	o = o.Defaults()
	if o.Timeout < time.Second || o.Timeout > 5*time.Minute {
		p.Add("timeout", "%v is out of range: allowed are 1s to 5m", o.Timeout)
	}
	if o.OnUnknown != Hold && o.OnUnknown != Resend {
		p.Add("on_unknown", "%q is not known: allowed are %q and %q", o.OnUnknown, Resend, Hold)
	}
}

// Named names the sink as the config file does. block is its kind there, as "sink.webhook".
func (o Options) Named(block string) string { return fmt.Sprintf("%s %q", block, o.Name) }

// Client returns the client of a destination that speaks HTTP.
func (o Options) Client() *http.Client {
	if o.Base == nil {
		return NewHTTPClient(http.DefaultTransport, o.Defaults().Timeout)
	}
	return NewHTTPClient(o.Base, o.Defaults().Timeout)
}

// Roots are the certificates to trust; nil = the system's.
func (o Options) Roots() *x509.CertPool {
	if o.Base == nil || o.Base.TLSClientConfig == nil {
		return nil
	}
	return o.Base.TLSClientConfig.RootCAs
}

// View returns what the destination may show of e.
func (o Options) View(e talkrelay.Event) View {
	v := NewViewIn(e, o.Language, o.Defaults().Location)
	if o.Mask {
		MaskView(&v)
	}
	return v
}

// Unknown is the answer of Resolve where a destination cannot be asked: nothing is there that it knows of, or, with
// Hold, the error that keeps m until somebody decides. block is as in Named.
func (o Options) Unknown(block string, m Message) error {
	if o.Defaults().OnUnknown == Resend {
		return nil
	}
	return &Error{Verdict: PauseDestination, Op: "look for " + m.ID, Reason: fmt.Sprintf(
		"it may have arrived, and the destination cannot be asked: look there yourself; on_unknown = %q of %s sends it again", Resend, o.Named(block))}
}

// Reached is the finding of a check that connects to the host of address and sends nothing. block is as in Named.
func (o Options) Reached(ctx context.Context, name, block, address string) Finding {
	ctx, cancel := context.WithTimeout(ctx, o.Defaults().Timeout)
	defer cancel()
	var proxy func(*http.Request) (*url.URL, error)
	if o.Base != nil {
		proxy = o.Base.Proxy
	}
	found, err := Reach(ctx, proxy, address)
	if err != nil {
		return Finding{Name: name, Text: err.Error(), Fix: "correct the address of " + o.Named(block) + ", or let this machine reach its host"}
	}
	return Finding{Name: name, OK: true, Text: found}
}
