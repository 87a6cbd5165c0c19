package slack

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"talkrelay/sink"
)

var _ sink.Previewer = (*Sink)(nil)

// Preview implements sink.Previewer.
func (s *Sink) Preview(item sink.Item) (sink.Preview, error) {
	body, err := s.render("", item, "", time.Now())
	if err != nil {
		return sink.Preview{}, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return sink.Preview{}, fmt.Errorf("read message: %w", err)
	}
	p := sink.Preview{Text: form.Get("text")}
	if form.Has("blocks") {
		p.Blocks = json.RawMessage(form.Get("blocks"))
	}
	return p, nil
}
