// Package sandbox simulates the three services that talkrelay works with: Channel Talk's Open API, Slack's Web API, and
// Google's token endpoint with the Sheets API. `talkrelay demo` and all end-to-end tests run on it.
//
// It is a second, independent opinion of the three protocols: it imports no package of ours and no client library, it
// refuses what the real services refuse, and it notes in Violations every request that a correct client would not have
// sent. What the real services leave unclear is a setting, so that a test can try each reading.
//
//	w, err := sandbox.Start(sandbox.Options{})
//	defer w.Close()
//	shop := w.ChannelTalk.AddChannel("shop")           // base_url = w.ChannelTalk.URL()
//	room := w.Slack.AddChannel("cs-alerts")            // api_url = w.Slack.APIURL()
//	sheet := w.Google.AddSpreadsheet("Inquiries")      // endpoint = w.Google.Endpoint()
//	chat := shop.OpenChat(shop.AddUser(sandbox.User{Name: "홍길동"}), "배송이 아직 안 왔어요", sandbox.Opening{})
//	…
//	lost := sandbox.Compare([]string{chat.ID()}, sandbox.KeysIn(room.Texts(), chat.ID()))
//
// It listens on loopback addresses only, and keeps everything in memory.
package sandbox

import (
	"errors"
	"time"
)

// Options sets up all three services. The zero value is good: free ports, the real clock.
type Options struct {
	ChannelTalk ServiceOptions
	Slack       ServiceOptions
	Google      ServiceOptions

	Now  func() time.Time // the clock of all three; nil = time.Now. Must be safe for concurrent use
	Seed uint64           // ids and keys are made from it: the same seed and the same calls give the same ids
	TLS  bool             // all three speak HTTPS, as the real ones do; see CertificatePEM
}

// World is the three services together.
type World struct {
	ChannelTalk *ChannelTalk
	Slack       *Slack
	Google      *Google
}

// Start starts all three.
func Start(o Options) (*World, error) {
	w := &World{}
	var err error
	if w.ChannelTalk, err = StartChannelTalk(o.ChannelTalk.with(o)); err != nil {
		return nil, err
	}
	if w.Slack, err = StartSlack(o.Slack.with(o)); err != nil {
		w.Close()
		return nil, err
	}
	if w.Google, err = StartGoogle(o.Google.with(o)); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// Close ends all three and waits for the requests they still hold. Closing twice is legal.
func (w *World) Close() error {
	var errs []error
	for _, s := range w.services() {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// SetFault sets the fault hook of all three.
func (w *World) SetFault(f FaultFunc) {
	for _, s := range w.services() {
		s.SetFault(f)
	}
}

// Violations returns what all three noted.
func (w *World) Violations() []string {
	var all []string
	for _, s := range w.services() {
		all = append(all, s.Violations()...)
	}
	return all
}

func (w *World) services() []*Service {
	var all []*Service
	if w.ChannelTalk != nil {
		all = append(all, w.ChannelTalk.Service)
	}
	if w.Slack != nil {
		all = append(all, w.Slack.Service)
	}
	if w.Google != nil {
		all = append(all, w.Google.Service)
	}
	return all
}
