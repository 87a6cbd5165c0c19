package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"talkrelay/sink"
)

// outcome is what one request came to.
type outcome struct {
	class    class
	code     string        // Slack's error code, "" without one
	scope    string        // with missing_scope: the one that is missing
	answered bool          // a whole HTTP answer came
	after    time.Duration // how long Slack asks to wait; 0 = it does not
	what     string        // the outcome in words, free of secrets and customer data
	err      error         // the transport's error
	body     []byte        // of an answer that was applied
}

// Waits after a throttled answer that names none.
const (
	throttledHold = 10 * time.Second // no Retry-After that can be read
	quotaHold     = 5 * time.Minute  // message_limit_exceeded: the quota of the whole workspace
	maxHold       = time.Hour
)

// maxAnswer bounds what is read of an answer. A page of 200 messages, 50 blocks each, stays below it.
const maxAnswer = 32 << 20

// call posts form to an API method and judges the answer. The form is sent as it is, byte by byte; GetBody stays nil
// and no redirect is followed (sink.NewHTTPClient), so Slack sees it at most once.
func (w *Workspace) call(ctx context.Context, method string, form []byte) outcome {
	ctx, trace := sink.WithTrace(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.endpoint+method, bytes.NewReader(form))
	if err != nil {
		return outcome{class: ourBug, what: "no request could be made for api_url"}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+w.token)
	resp, err := w.client.Do(req)
	if err != nil {
		return transportOutcome(trace, err)
	}
	defer resp.Body.Close()
	w.noteDate(trace)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return outcome{what: fmt.Sprintf("the answer (HTTP %d) broke off", resp.StatusCode), err: plain(err)}
	}
	return judge(resp.StatusCode, body, trace)
}

// transportOutcome judges a request that got no answer.
func transportOutcome(trace *sink.Trace, err error) outcome {
	err = plain(err)
	if !trace.Connected() {
		return outcome{class: notSent, what: "no connection to Slack, which may be down: check network, proxy and api_url", err: err}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return outcome{what: "no answer in time", err: err}
	}
	return outcome{what: "the connection broke before the answer", err: err}
}

// plain takes the method and URL off an error of net/http: they say nothing that Op does not say.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// reply is what every answer of Slack has. Everything else in it is left to the caller: decoding more than is needed
// is how a delivered message gets reported as failed.
type reply struct {
	OK         *bool           `json:"ok"`
	Error      string          `json:"error"`
	Needed     string          `json:"needed"`
	RetryAfter json.RawMessage `json:"retry_after"`
}

// judge reads a complete answer.
func judge(status int, body []byte, trace *sink.Trace) outcome {
	var r reply
	readable := json.Unmarshal(body, &r) == nil && r.OK != nil
	switch {
	case status == http.StatusTooManyRequests:
		code := safeCode(r.Error)
		if classOf(code) != throttled {
			code = "ratelimited"
		}
		return throttledOutcome(code, r, trace)
	case status == http.StatusOK && !readable:
		return outcome{answered: true, what: "the answer is not Slack's (HTTP 200, but no JSON with ok in it): check api_url and proxy"}
	case status == http.StatusOK && *r.OK:
		return outcome{class: applied, answered: true, body: body, what: "accepted"}
	case status == http.StatusOK && r.Error == "":
		return outcome{answered: true, what: "Slack refused without a reason (ok:false and no error)"}
	case status == http.StatusOK, status/100 == 4 && readable && r.Error != "":
		return codeOutcome(r, trace)
	}
	o := statusOutcome(status)
	if status/100 == 5 {
		o.after, _ = trace.RetryAfter(time.Now())
	}
	return o
}

// statusOutcome judges an answer by its HTTP status alone.
func statusOutcome(status int) outcome {
	o := outcome{answered: true, what: fmt.Sprintf("HTTP %d", status)}
	switch {
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		o.answered = false // a gateway gave up waiting: what is behind it may still be at work
	case status/100 == 3:
		o.what += ", a redirect, which is not followed: check api_url and the proxy"
	case status/100 == 4 && status != http.StatusConflict:
		o.class = ourBug
	}
	return o
}

// codeOutcome judges ok:false by its error code.
func codeOutcome(r reply, trace *sink.Trace) outcome {
	code := safeCode(r.Error)
	c := classOf(code)
	if c == throttled {
		return throttledOutcome(code, r, trace)
	}
	return outcome{class: c, code: code, scope: scopeName(r.Needed), answered: true, what: code}
}

// scopeName returns the scope as an app can be given it today. Slack answers a bot without chat:write that it needs
// chat:write:bot, of the time when there was one for users too.
func scopeName(needed string) string {
	if strings.HasPrefix(needed, "chat:write:") {
		return "chat:write"
	}
	return safeCode(needed)
}

// throttledOutcome finds out how long to wait: the Retry-After header, else the body's retry_after, else a guess.
func throttledOutcome(code string, r reply, trace *sink.Trace) outcome {
	o := outcome{class: throttled, code: code, answered: true, what: code, after: throttledHold}
	var seconds float64
	if d, ok := trace.RetryAfter(time.Now()); ok {
		o.after = max(d, time.Second)
	} else if json.Unmarshal(r.RetryAfter, &seconds) == nil && seconds >= 0 {
		o.after = time.Duration(min(max(seconds, 1), maxHold.Seconds()) * float64(time.Second))
	}
	if code == "message_limit_exceeded" {
		o.after = max(o.after, quotaHold)
	}
	return o
}

var codeForm = regexp.MustCompile(`^[a-z0-9_:,.-]{1,80}$`)

// safeCode keeps strange text out of logs: an error code, or a list of scopes, looks like one.
func safeCode(code string) string {
	if code == "" || codeForm.MatchString(code) {
		return code
	}
	return "unreadable_code"
}

// libraryOutcome judges a call that slack-go made. Such a call changes nothing in Slack.
func libraryOutcome(err error, trace *sink.Trace) outcome {
	var refused slackgo.SlackErrorResponse
	switch {
	case err == nil:
		return outcome{class: applied, answered: true}
	case trace.Status() == 0:
		return transportOutcome(trace, err)
	case errors.As(err, &refused):
		return codeOutcome(reply{Error: refused.Err, Needed: refused.Needed}, trace)
	case trace.Status() != http.StatusOK:
		return judge(trace.Status(), trace.Body(), trace)
	}
	return outcome{answered: true, what: "the answer cannot be read: check api_url and proxy"}
}
