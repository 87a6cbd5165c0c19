package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// throttledWait is the wait after a 429 that names none.
const throttledWait = 10 * time.Second

// maxReply bounds what Exchange keeps of an answer.
const maxReply = 1 << 20

// Reply is an answer to Exchange.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte        // at most its first MiB; nil if Broken
	Broken bool          // the body did not come to its end
	After  time.Duration // how long it asks to wait; 0 = it does not
}

// Exchange posts body to address, once, and returns the answer, whatever it says. The error is a *Error: certainly not
// sent, or in doubt because no answer came. It names neither the address, which may be a secret, nor the body.
func Exchange(ctx context.Context, client *http.Client, op, address string, header http.Header, body []byte) (Reply, error) {
	ctx, trace := WithTrace(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return Reply{}, &Error{Verdict: PauseDestination, Op: op, Reason: "no request could be made for the address: correct it"}
	}
	req.Header = header.Clone()
	req.Header.Set("User-Agent", "talkrelay")
	resp, err := client.Do(req)
	if err != nil {
		return Reply{}, noReply(op, trace, err)
	}
	defer resp.Body.Close()
	reply := Reply{Status: resp.StatusCode, Header: resp.Header}
	reply.After, _ = trace.RetryAfter(time.Now())
	if reply.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxReply)); err != nil {
		reply.Body, reply.Broken = nil, true
	}
	return reply, nil
}

// noReply judges a request that got no answer.
func noReply(op string, trace *Trace, err error) *Error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	switch {
	case !trace.Connected():
		return &Error{Verdict: Retry, Op: op, Reason: "no connection", Err: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Op: op, Reason: "no answer in time", Err: err}
	}
	return &Error{Op: op, Reason: "the connection broke before the answer", Err: err}
}

// Refusal is what follows on a reply that is no yes, by its HTTP status alone. It is never a bad message: a status does
// not say that no other setting could help. credential and destination say what to mend when the one or the other is
// at fault, as "correct token of …".
func (r Reply) Refusal(op, credential, destination string) *Error {
	e := &Error{Op: op, Reason: fmt.Sprintf("HTTP %d", r.Status), After: r.After, Answered: true}
	switch {
	case r.Broken:
		e.Answered, e.Reason = false, fmt.Sprintf("the answer (HTTP %d) broke off", r.Status)
	case r.Status == http.StatusTooManyRequests:
		e.Verdict, e.Answered, e.Reason = Retry, false, "rate limit (HTTP 429)"
		if e.After == 0 {
			e.After = throttledWait
		}
	case r.Status == http.StatusRequestTimeout, r.Status == http.StatusGatewayTimeout:
		e.Answered = false // a gateway gave up waiting: what is behind it may still be at work
	case r.Status/100 == 3:
		e.Reason += ", a redirect, which is not followed: " + destination
	case r.Status == http.StatusConflict:
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden, r.Status == http.StatusProxyAuthRequired:
		e.Verdict, e.Answered = PauseCredential, false
		e.Reason += ": " + credential
	case r.Status/100 == 4:
		e.Verdict, e.Answered = PauseDestination, false
		e.Reason += ": " + destination
	}
	return e
}
