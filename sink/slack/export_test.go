package slack

import (
	"time"

	"talkrelay/sink"
)

// Render is Prepare with the time that waiting is counted to.
func (s *Sink) Render(id string, item sink.Item, form string, now time.Time) ([]byte, error) {
	return s.render(id, item, form, now)
}

// Codes returns every code of the table that Send decides on.
func Codes() []string {
	var codes []string
	for code := range codeClasses {
		codes = append(codes, code)
	}
	return codes
}

// Summarize is Prepare of what quiet hours held back, at a time.
func (s *Sink) Summarize(id string, items []sink.Item, now time.Time) (body []byte, n int, err error) {
	n = s.held(items)
	body, err = s.summary(id, items[:n], false, now)
	return body, n, err
}
