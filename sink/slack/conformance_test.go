package slack_test

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"talkrelay/sink"
	"talkrelay/sink/sinktest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	sinktest.Run(t, sinktest.Target{
		New: func(t *testing.T, baseURL string, base http.RoundTripper) sink.Sink {
			cfg := f.config()
			cfg.APIURL, cfg.Base, cfg.Timeout, cfg.PerSecond, cfg.PerMinute = baseURL, base, sinktest.Timeout, 1e6, 1e8
			return newSink(t, cfg, nil)
		},
		Secrets: []string{token},
		OK: func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Form, _ = url.ParseQuery(string(body))
			f.well(w, r)
		},
		IsWrite: func(r *http.Request) bool { return r.URL.Path == "/chat.postMessage" },
	})
}
