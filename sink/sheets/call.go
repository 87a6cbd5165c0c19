package sheets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"google.golang.org/api/googleapi"
	sheetsapi "google.golang.org/api/sheets/v4"

	"talkrelay/sink"
)

// maxAnswer bounds what is read of an answer to a write: a reply is some hundred bytes, and there are some hundred.
const maxAnswer = 4 << 20

// write sends one spreadsheets.batchUpdate, as it is. It counts as done only if the answer says so in full. replies is
// how many replies the answer must have.
//
// Google's library is not used here: it decodes and encodes the request again, and calls an empty answer a success.
func (a *Account) write(ctx context.Context, op, spreadsheet string, request []byte, replies int) (*sheetsapi.BatchUpdateSpreadsheetResponse, *refusal) {
	ctx, trace := sink.WithTrace(ctx)
	target := a.endpoint + "v4/spreadsheets/" + url.PathEscape(spreadsheet) + ":batchUpdate"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(request))
	if err != nil {
		r := refuse(refused, sink.PauseDestination, op, "no request can be made for endpoint", nil)
		return nil, &r
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	answer, err := a.exchange(req)
	if err == nil && trace.Status() == http.StatusOK {
		if answer.SpreadsheetId == spreadsheet && len(answer.Replies) == replies {
			return answer, nil
		}
		err = errStray
	}
	return nil, a.refused(a.writes, op, trace, err)
}

// exchange sends req and decodes an answer of 200.
func (a *Account) exchange(req *http.Request) (*sheetsapi.BatchUpdateSpreadsheetResponse, error) {
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, err
	}
	answer := new(sheetsapi.BatchUpdateSpreadsheetResponse)
	return answer, json.Unmarshal(body, answer)
}

// refused judges, and holds what is to be held.
func (a *Account) refused(pace *pacer, op string, trace *sink.Trace, err error) *refusal {
	r := a.judge(op, trace, err)
	if r.reason == throttled {
		pace.hold(r.After)
	}
	return &r
}

// read makes one call that changes nothing, in its turn. An unclear outcome of it is no doubt: it is simply made again.
func (a *Account) read(ctx context.Context, op string, call func(ctx context.Context) error) error {
	if err := a.reads.wait(ctx); err != nil {
		return err
	}
	ctx, trace := sink.WithTrace(ctx)
	err := call(ctx)
	if err == nil {
		return nil
	}
	var answered *googleapi.Error
	if errors.As(err, &answered) {
		err = nil // what it says is in trace
	}
	r := a.refused(a.reads, op, trace, err)
	if r.Verdict == sink.InDoubt {
		r.Verdict = sink.Retry
	}
	return *r
}

// because reports whether err is a refusal for this reason.
func because(err error, why reason) bool {
	var r refusal
	return errors.As(err, &r) && r.reason == why
}
