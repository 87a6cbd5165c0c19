package channeltalk

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Kind says why a request brought nothing, and with that what can be done. A Kind is an error of its own so that
// errors.Is(err, channeltalk.Gone) works.
type Kind string

// The kinds of Error.
const (
	Credentials Kind = "credentials" // 401, 403: nothing will work until somebody mends the key or the plan
	Gone        Kind = "gone"        // 404 for one chat or user: deleted, or merged into another one
	Throttled   Kind = "throttled"   // 429, or held back after one: try again after RetryAfter
	Server      Kind = "server"      // 5xx: try again later
	Refused     Kind = "refused"     // any other 3xx or 4xx: the same request will be refused again
	NotJSON     Kind = "not json"    // a reply that is not Channel Talk's: a web page, half a document, another shape
	Unreachable Kind = "unreachable" // no whole reply: name resolution, connection, certificate, time
)

func (k Kind) Error() string { return string(k) }

// KindOf returns the kind of the *Error in err, "" if there is none (a cancelled context, for one).
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// Error is a request that brought nothing. Its text names the setting or place to change, holds neither keys nor
// anything of the reply, and is the same for the same trouble, so that a log can tell a new one from an old one.
type Error struct {
	Op         string        // what was asked, in Channel Talk's words: "read user chats (state=opened)"
	Kind       Kind          // what can be done about it
	Status     int           // HTTP status; 0 = no reply
	RetryAfter time.Duration // with Throttled and Server: not before this much time; 0 = the caller's own choice

	reason string
	cause  error // not in the text: net/http quotes replies in its errors
}

func (e *Error) Error() string {
	reason := e.reason
	if reason == "" {
		reason = string(e.Kind)
	}
	if e.Status == 0 {
		return e.Op + ": " + reason
	}
	return fmt.Sprintf("%s: %d: %s", e.Op, e.Status, reason)
}

// Is reports whether target is e's Kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

// Unwrap returns the cause, nil if the reply itself is the trouble.
func (e *Error) Unwrap() error { return e.cause }

// throttledReason is the text of a 429 and of a request held back after one alike: it is one trouble.
const throttledReason = "the channel's request allowance is used up, by us or by its other tools; waiting as told"

// statusError says what a reply with an HTTP status other than 2xx means. single = the request named one chat or user;
// html = the reply is a web page, so it hardly is Channel Talk's.
func statusError(op string, status int, single, html bool) *Error {
	e := &Error{Op: op, Status: status, Kind: Refused}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Kind = Credentials
		e.reason = "check access_key and access_secret of this channel; the key must be active, and the channel's plan must include the Open API"
	case status == http.StatusNotFound && single && !html:
		e.Kind = Gone
		e.reason = "deleted in Channel Talk, or merged into another one"
	case status == http.StatusNotFound:
		e.reason = "no Channel Talk Open API here; check base_url"
	case status == http.StatusTooManyRequests:
		e.Kind, e.reason = Throttled, throttledReason
	case status >= 500:
		e.Kind, e.reason = Server, "trouble at Channel Talk's end; it will be tried again"
	case status == http.StatusProxyAuthRequired:
		e.reason = "the proxy wants a user name and password; check the proxy settings"
	case status >= 300 && status < 400:
		e.reason = "sent on to another address, which is never followed; check base_url, and whether a proxy answers in Channel Talk's place"
	default:
		e.reason = "Channel Talk does not accept this request"
	}
	return e
}
