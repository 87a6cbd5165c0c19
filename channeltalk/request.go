package channeltalk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// request is one question to the API.
type request struct {
	op     string   // for errors
	bucket *bucket  // the allowance it is taken from
	path   []string // below /open/v5; escaped when sent
	query  url.Values
	single bool // about one chat or user by its id, so that 404 means it is gone
}

// reply is a successful answer.
type reply struct {
	status int
	body   []byte
	at     time.Time // server's clock
}

const (
	defaultMaxBody = 64 << 20

	maxGrow  = 4 << 20  // believed of a Content-Length before the bytes are there
	maxDrain = 64 << 10 // read of a reply nobody wants, to keep its connection
)

// get waits for its turn, asks, and decodes what came. Whatever goes wrong is a *Error, but for the end of ctx.
func get[T any](ctx context.Context, c *Client, q request, decode func(reply) (*T, error)) (*T, error) {
	rep, err := c.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	v, err := decode(rep)
	if err != nil {
		return nil, &Error{Op: q.op, Kind: NotJSON, Status: rep.status, reason: err.Error(), cause: err}
	}
	return v, nil
}

func (c *Client) ask(ctx context.Context, q request) (reply, error) {
	address, err := c.address(q)
	if err != nil {
		return reply{}, err
	}
	held, err := q.bucket.wait(ctx)
	if err != nil {
		return reply{}, fmt.Errorf("%s: %w", q.op, err)
	}
	if held > 0 {
		return reply{}, &Error{Op: q.op, Kind: Throttled, Status: http.StatusTooManyRequests, RetryAfter: held, reason: throttledReason}
	}
	timed, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	rep, err := c.send(timed, q, address)
	if err != nil && ctx.Err() != nil { // not the API's fault
		return reply{}, fmt.Errorf("%s: %w", q.op, ctx.Err())
	}
	return rep, err
}

// address returns the URL of q. An id that would lead to another path is refused.
func (c *Client) address(q request) (string, error) {
	path := make([]string, len(q.path))
	for i, part := range q.path {
		if part == "" || part == "." || part == ".." || strings.Contains(part, "/") {
			return "", &Error{Op: q.op, Kind: Refused, reason: "this is no id"}
		}
		path[i] = url.PathEscape(part)
	}
	u := c.base.String() + "/" + strings.Join(path, "/")
	if len(q.query) > 0 {
		u += "?" + q.query.Encode()
	}
	return u, nil
}

func (c *Client) send(ctx context.Context, q request, address string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return reply{}, &Error{Op: q.op, Kind: Refused, reason: "no such address; check base_url", cause: err}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "talkrelay")
	resp, err := c.gate.RoundTrip(req)
	switch {
	case errors.Is(err, errGate):
		return reply{}, &Error{Op: q.op, Kind: Refused, reason: err.Error(), cause: err}
	case err != nil:
		return reply{}, unreachable(q.op, c.timeout, err)
	}
	defer resp.Body.Close()
	held := c.learn(q.bucket, resp)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
		html := strings.Contains(resp.Header.Get("Content-Type"), "html")
		e := statusError(q.op, resp.StatusCode, q.single, html)
		e.RetryAfter = held
		return reply{}, e
	}
	body, err := readBody(resp, c.maxBody)
	switch {
	case err != nil:
		return reply{}, unreachable(q.op, c.timeout, err)
	case int64(len(body)) > c.maxBody:
		return reply{}, &Error{Op: q.op, Kind: NotJSON, Status: resp.StatusCode, reason: errTooLarge.Error(), cause: errTooLarge}
	}
	return reply{status: resp.StatusCode, body: body, at: serverTime(resp.Header)}, nil
}

// learn takes in what the headers of resp say about pace, and returns how long the bucket is held because of it.
func (c *Client) learn(b *bucket, resp *http.Response) time.Duration {
	now := time.Now()
	h := readHints(resp.Header, now)
	if h.known {
		c.quota.Store(&h.quota)
	}
	return b.learn(resp.StatusCode, h, now)
}

// readBody reads to the end, so that the connection can be used again, or one byte beyond limit.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	var buf bytes.Buffer
	if n := min(resp.ContentLength, maxGrow); n > 0 {
		buf.Grow(int(n) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(io.LimitReader(resp.Body, limit+1))
	return buf.Bytes(), err
}
