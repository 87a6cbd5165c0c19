package sinktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"talkrelay/sink"
	"talkrelay/sink/sinktest"
)

const token = "secret-token"

// plain is the simplest sink that keeps the contract: it posts JSON and gets an "id" back. flaw breaks one rule.
type plain struct {
	client *http.Client
	url    string
	flaw   string
}

func (p *plain) Wait(ctx context.Context) error { return ctx.Err() }

func (p *plain) Prepare(id string, items []sink.Item, _ string) ([]byte, int, error) {
	if p.flaw == "ids are left out" {
		id = ""
	}
	if p.flaw == "hostile texts fail" && strings.Contains(items[0].Event.Message.Text, "\x00") {
		return nil, 0, &sink.Error{Verdict: sink.Bad, Op: "prepare", Reason: "control character"}
	}
	body, err := json.Marshal(map[string]string{"id": id, "text": sink.Clean(items[0].Event.Message.Text)})
	return body, 1, err
}

func (p *plain) Send(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	receipt, err := p.post(ctx, m)
	if err != nil && p.flaw == "sends again" {
		return p.post(ctx, m)
	}
	return receipt, err
}

func (p *plain) post(ctx context.Context, m sink.Message) (sink.Receipt, error) {
	ctx, trace := sink.WithTrace(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/write", bytes.NewReader(m.Body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := p.client.Do(req)
	if err != nil {
		return "", p.noAnswer(trace, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", &sink.Error{Op: "write", Reason: "no whole answer", Err: err}
	}
	return p.judge(resp.StatusCode, body)
}

func (p *plain) noAnswer(trace *sink.Trace, err error) error {
	e := &sink.Error{Op: "write", Reason: "no answer", Err: err}
	if !trace.Connected() || p.flaw == "doubt counts as not sent" {
		e.Verdict = sink.Retry
	}
	if p.flaw == "shows the token" {
		e.Reason += " to " + token
	}
	return e
}

func (p *plain) judge(status int, body []byte) (sink.Receipt, error) {
	var answer struct{ ID string }
	e := &sink.Error{Op: "write", Reason: fmt.Sprint("HTTP ", status), Answered: true}
	switch err := json.Unmarshal(body, &answer); {
	case status == http.StatusOK && p.flaw == "believes any 200":
		return "x", nil
	case status == http.StatusOK && err == nil && answer.ID != "":
		return sink.Receipt(answer.ID), nil
	case status/100 == 4 && p.flaw == "gives up on 4xx":
		e.Verdict = sink.Bad
	case status/100 == 5 && p.flaw == "thinks 5xx is a no":
		e.Verdict = sink.Retry
	case status/100 == 4:
		e.Verdict = sink.PauseDestination
	}
	if p.flaw == "repeats the answer" {
		e.Reason = string(body)
	}
	return "", e
}

func (p *plain) Resolve(context.Context, sink.Message) (sink.Receipt, bool, error) {
	return "x", p.flaw == "finds what it did not look for", nil
}

func target(flaw string) sinktest.Target {
	return sinktest.Target{
		New: func(_ *testing.T, baseURL string, base http.RoundTripper) sink.Sink {
			client := sink.NewHTTPClient(base, sinktest.Timeout)
			switch flaw {
			case "follows redirects":
				client.CheckRedirect = nil
			case "never times out":
				client.Timeout = 0
			}
			return &plain{client: client, url: baseURL, flaw: flaw}
		},
		Secrets: []string{token},
		OK:      func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":"42"}`) },
		IsWrite: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/write") },
	}
}

// flawVariable names the flaw that TestRun is to find; empty = none.
const flawVariable = "SINKTEST_FLAW"

func TestRun(t *testing.T) {
	t.Parallel()
	sinktest.Run(t, target(os.Getenv(flawVariable)))
}

// A suite is worth what it finds.
func TestRunFindsFlaws(t *testing.T) {
	t.Parallel()
	if os.Getenv(flawVariable) != "" {
		t.Skip("this is the process that looks for one flaw")
	}
	for flaw, part := range map[string]string{
		"ids are left out":               "prepare",
		"hostile texts fail":             "hostile_texts",
		"sends again":                    "statuses",
		"doubt counts as not sent":       "broken_connections",
		"shows the token":                "connection_refused",
		"believes any 200":               "statuses",
		"gives up on 4xx":                "statuses",
		"thinks 5xx is a no":             "statuses",
		"repeats the answer":             "statuses",
		"finds what it did not look for": "look-ups_that_fail",
		"follows redirects":              "redirects",
		"never times out":                "slow_server",
	} {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRun$/^"+part+"$", "-test.timeout=60s")
			cmd.Env = append(os.Environ(), flawVariable+"="+flaw)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestRun/"+part) {
				t.Errorf("%s does not find it (%v):\n%s", part, err, out)
			}
		})
	}
}
