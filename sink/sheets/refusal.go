package sheets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"talkrelay/sink"
)

// Operations, as errors name them.
const (
	opAppend   = "append rows"
	opOpen     = "open spreadsheet"
	opHeader   = "read header row"
	opHoldings = "read the rows there are"
	opHeaders  = "write headers"
	opAddTab   = "add tab"
	opLook     = "look up batch"
	opOldIDs   = "look for old batch ids"
	opErase    = "erase old batch ids"
)

// reason is why a request was not done, as far as the next step depends on it.
type reason int

const (
	unclear    reason = iota // may have been applied
	notSent                  // no connection, or no token
	throttled                // 429, or 403 for the rate
	badToken                 // 401
	exists                   // the metadata id is in use
	noTab                    // no tab with this id
	full                     // no room for metadata
	badOldID                 // an old id could not be erased
	badRow                   // a value in a row is not accepted
	tooLarge                 // the write has too many bytes
	notFound                 // 404
	badRequest               // any other 400
	apiOff                   // 403, the Sheets API is not enabled
	notShared                // 403, the account may not open the spreadsheet
	officeFile               // 400, an Excel file that Google only shows
	refused                  // anything else that somebody has to mend
)

// refusal is a *sink.Error with the reason for it.
type refusal struct {
	*failure
	reason reason
}

type failure = sink.Error

func (r refusal) Unwrap() error { return r.failure }

// judge decides what a request that did not succeed means. err is what the client returned, nil after an answer.
func (a *Account) judge(op string, trace *sink.Trace, err error) refusal {
	var ours *sink.Error
	switch status := trace.Status(); {
	case errors.As(err, &ours): // no token
		return refusal{ours, notSent}
	case status == 0 && !trace.Connected():
		return refuse(notSent, sink.Retry, op, "no connection to "+hostOf(a.endpoint)+": check network and proxy", plain(err))
	case status == 0 && errors.Is(err, context.DeadlineExceeded):
		return refuse(unclear, sink.InDoubt, op, "no answer in time", nil)
	case status == 0:
		return refuse(unclear, sink.InDoubt, op, "the connection broke before the answer", plain(err))
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusConflict:
		return a.judgeRefused(op, trace)
	case status/100 == 2 && err != nil:
		return refuse(unclear, sink.InDoubt, op, fmt.Sprintf("the answer (%d) broke off or is not Google's: check endpoint and proxy", status), nil)
	default:
		r := refuse(unclear, sink.InDoubt, op, fmt.Sprintf("Google answered %d", status), nil)
		if status/100 == 3 {
			r.Reason += ", a redirect, which is not followed: check endpoint and proxy"
		}
		// A gateway that gave up waiting says nothing of what is behind it.
		r.Answered = status != http.StatusRequestTimeout && status != http.StatusGatewayTimeout
		r.After, _ = trace.RetryAfter(time.Now())
		return r
	}
}

func refuse(why reason, v sink.Verdict, op, text string, err error) refusal {
	return refusal{&sink.Error{Verdict: v, Op: op, Reason: text, Err: err}, why}
}

// judgeRefused reads an answer of 4xx: certainly not applied.
func (a *Account) judgeRefused(op string, trace *sink.Trace) refusal {
	e := readAPIError(trace.Body())
	switch status := trace.Status(); {
	case status == http.StatusTooManyRequests, status == http.StatusForbidden && e.about(rateReasons...):
		return a.judgeThrottled(op, trace)
	case status == http.StatusUnauthorized:
		return a.judgeUnauthorised(op)
	case status == http.StatusForbidden:
		return a.judgeForbidden(op, e)
	case status == http.StatusNotFound && e.readable:
		return refuse(notFound, sink.PauseDestination, op, "404, Google knows no such spreadsheet: check spreadsheet", nil)
	case status == http.StatusRequestEntityTooLarge:
		return refuse(tooLarge, sink.PauseDestination, op, "413, the write is too large: lower batch_rows", nil)
	case status == http.StatusBadRequest && e.readable:
		return judgeBadRequest(op, e)
	case !e.readable:
		return refuse(refused, sink.PauseDestination, op, fmt.Sprintf("%d, and not from Google: check endpoint and proxy", status), nil)
	default:
		return refuse(refused, sink.PauseDestination, op, fmt.Sprintf("Google refused it: %d %s", status, e.shown()), nil)
	}
}

var rateReasons = []string{"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "quotaExceeded", "RESOURCE_EXHAUSTED"}

func (a *Account) judgeThrottled(op string, trace *sink.Trace) refusal {
	r := refuse(throttled, sink.Retry, op, "too many requests a minute for this service account", nil)
	var ok bool
	if r.After, ok = trace.RetryAfter(time.Now()); !ok {
		r.After = untilNextMinute(time.Now())
	}
	return r
}

func (a *Account) judgeUnauthorised(op string) refusal {
	if a.tokens.hopeless() {
		return refuse(badToken, sink.PauseCredential, op, "401, Google does not accept the token of "+a.tokens.file+": make a new key, and check the clock of this machine", nil)
	}
	r := refuse(badToken, sink.Retry, op, "401, the token ended early", nil)
	r.After = time.Second
	return r
}

func (a *Account) judgeForbidden(op string, e apiError) refusal {
	switch {
	case e.about("SERVICE_DISABLED", "accessNotConfigured"):
		return refuse(apiOff, sink.PauseCredential, op, "403, the Google Sheets API is off: enable it in the Google Cloud project that "+a.tokens.file+" is from", nil)
	case e.about("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientPermissions"):
		return refuse(refused, sink.PauseCredential, op, "403, the token of "+a.tokens.file+" does not allow Sheets", nil)
	case !e.readable:
		return refuse(refused, sink.PauseDestination, op, "403, and not from Google: check endpoint and proxy", nil)
	}
	return refuse(notShared, sink.PauseDestination, op, "403, no permission: share the spreadsheet with "+a.shareWith()+" as editor", nil)
}

func (a *Account) shareWith() string {
	if a.email == "" {
		return "the account of " + a.tokens.file
	}
	return a.email
}

// judgeBadRequest reads a 400. Google tells the cases apart by the message alone, and documents none of them: these are
// the texts that people have reported, each looked for by its unmistakable words.
func judgeBadRequest(op string, e apiError) refusal {
	has := func(words ...string) bool {
		for _, w := range words {
			if !strings.Contains(e.text, w) {
				return false
			}
		}
		return true
	}
	switch {
	case has("metadata", "already exists"):
		return refuse(exists, sink.InDoubt, op, "400, the id of the batch is in use", nil)
	case has("no grid with id"), has("unable to parse range"), has("no sheet with id"):
		return refuse(noTab, sink.PauseDestination, op, "400, the tab is gone", nil)
	case has("exceeds grid limits"):
		return refuse(badRequest, sink.PauseDestination, op, "400, the tab ends above the header row: lower header_row, or add rows to the tab", nil)
	case has("protected"):
		return refuse(badRequest, sink.PauseDestination, op, "400, the tab or a part of it is protected: let the service account edit it (Data, Protect sheets and ranges)", nil)
	case has("10000000") || has("number of cells"):
		return refuse(badRequest, sink.PauseDestination, op, "400, the spreadsheet is full (10,000,000 cells): delete rows or name a new spreadsheet", nil)
	case has("not supported for this document"), has("office file"):
		return refuse(officeFile, sink.PauseDestination, op, "400, the file is not a Google spreadsheet but an Excel one: open it and choose File, Save as Google Sheets, then set spreadsheet to the new one", nil)
	case has("metadata") && (has("limit") || has("exceed") || has("too much") || has("maximum") || has("quota")):
		return refuse(full, sink.Retry, op, "400, no room for the ids of batches", nil)
	case has("50000"), has("maximum", "characters"), has("rows["):
		return refuse(badRow, sink.PauseDestination, op, "400, Google does not accept a row: "+e.shown(), nil)
	case has("deletedevelopermetadata"), has("delete_developer_metadata"):
		return refuse(badOldID, sink.PauseDestination, op, "400, an old id could not be erased", nil)
	}
	return refuse(badRequest, sink.PauseDestination, op, "Google refused it: 400 "+e.shown(), nil)
}

// apiError is what Google says in an answer of 4xx. It may repeat what was sent, so none of it but codes is ever shown.
type apiError struct {
	readable bool
	status   string
	text     string // lower case
	reasons  []string
}

func readAPIError(body []byte) apiError {
	var raw struct {
		Error *struct {
			Message string
			Status  string
			Errors  []struct{ Reason string }
			Details []struct{ Reason string }
		}
	}
	if json.Unmarshal(body, &raw) != nil || raw.Error == nil {
		return apiError{}
	}
	e := apiError{readable: true, status: raw.Error.Status, text: strings.ToLower(raw.Error.Message)}
	for _, r := range append(raw.Error.Errors, raw.Error.Details...) {
		e.reasons = append(e.reasons, r.Reason)
	}
	e.reasons = append(e.reasons, e.status)
	return e
}

func (e apiError) about(reasons ...string) bool {
	for _, r := range reasons {
		for _, had := range e.reasons {
			if r == had {
				return true
			}
		}
	}
	return false
}

var (
	statusForm = regexp.MustCompile(`^[A-Z_]{1,40}$`)
	placeForm  = regexp.MustCompile(`requests\[\d{1,6}\](\.[a-z_]{1,40})?|rows\[\d{1,6}\]`)
)

// shown is what of e can be shown: its code and the places it names.
func (e apiError) shown() string {
	var parts []string
	if statusForm.MatchString(e.status) {
		parts = append(parts, e.status)
	}
	parts = append(parts, placeForm.FindAllString(e.text, 3)...)
	if len(parts) == 0 {
		return "without a reason we know"
	}
	return strings.Join(parts, " ")
}

// plain takes off an error of net/http what Op says already, and the number of the connection, which would make the same
// trouble look like another one each time.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op != "dial" {
		return fmt.Errorf("%s: %w", op.Op, op.Err)
	}
	return err
}

func hostOf(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil {
		return u.Host
	}
	return "endpoint"
}
