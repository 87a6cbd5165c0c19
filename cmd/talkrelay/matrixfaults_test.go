package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"talkrelay/sandbox"
)

// Words of the witness that come often.
const (
	unreadable  = "unreachable → read"
	again       = "retry → delivered"
	lookedFor   = "in doubt → found → delivered" // the last is the next message
	sentAgain   = "in doubt → not found → delivered"
	sameBytes   = "in doubt → delivered" // the id in them makes sure that they count once
	placePaused = "destination paused → delivered"
	keyPaused   = "credential paused → delivered"
)

// each is what the four services are to say, in the order of the columns; "" = there is no such case.
func each(channel, slack, sheets, token string) [4]wanted {
	return [4]wanted{{says: channel}, {says: slack}, {says: sheets}, {says: token}}
}

// down and up are an outage.
func down(r *matrixRig) { r.service().Down() }

func up(r *matrixRig) { r.must(r.service().Up()) }

func (r *matrixRig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// address is host and port of the service.
func (r *matrixRig) address() string {
	_, address, _ := strings.Cut(r.service().URL(), "://")
	return address
}

// networkFaults are those of the way to a service.
var networkFaults = []matrixFault{
	{name: "connection refused", begin: down, mend: up, want: each(unreadable, again, again, again)},
	{
		name: "no such host", want: each(unreadable, again, again, again),
		begin: func(r *matrixRig) {
			r.witness.lose(r.address())
			down(r) // the connections that are open
			up(r)
		},
		mend: func(r *matrixRig) { r.witness.lose("") },
	},
	{
		name: "certificate of nobody", secure: true, want: each(unreadable, again, again, again),
		begin: func(r *matrixRig) { r.must(r.service().SetUnknown(true)) },
		mend:  func(r *matrixRig) { r.must(r.service().SetUnknown(false)) },
	},
	{name: "reset before the request is applied", once: sandbox.Fault{Skip: true, Reset: true}, want: each(unreadable, sentAgain, sameBytes, again)},
	{name: "reset after the request is applied", once: sandbox.Fault{Reset: true}, want: each(unreadable, lookedFor, sameBytes, again)},
	{name: "RST_STREAM after the request is applied", secure: true, once: sandbox.Fault{Reset: true}, want: each(read, lookedFor, sameBytes, again)},
	{name: "applied, and held past the timeout", slow: true, once: sandbox.Fault{After: 3 * time.Second}, want: each(unreadable, lookedFor, sameBytes, again)},
	{
		name: "applied late, after the resend", slow: true, want: each(unreadable, sentAgain+" → "+lateCopy, sameBytes, again),
		begin: func(r *matrixRig) { r.service().SetFault(sandbox.Only(r.c.site.path, r.zombie())) },
	},
	{name: "an answer that trickles past the timeout", slow: true, once: sandbox.Fault{Trickle: 500 * time.Millisecond}, want: each(unreadable, lookedFor, sameBytes, again)},
	{
		name: "kept connection closed", chats: 1, want: each(read, said, said, said),
		begin: func(r *matrixRig) { // after each answer
			r.service().SetFault(sandbox.Only(r.c.site.path, sandbox.Always(sandbox.Fault{Hangup: true})))
			r.warmUp()
		},
	},
}

// answerFaults are answers that are none, or a refusal.
var answerFaults = append(statusFaults(), []matrixFault{
	tooMany("429, Retry-After: 2", "2", [4]wanted{{says: "throttled → read", quiet: 2 * time.Second}, {says: again, quiet: 2 * time.Second}, {says: again, quiet: 2 * time.Second}, {says: again, quiet: 2 * time.Second}}),
	tooMany("429 without Retry-After", "", [4]wanted{{says: "throttled → read", quiet: time.Second}, {says: again, quiet: 10 * time.Second}, {says: "retry", held: 66 * time.Second}, {says: again}}),
	tooMany("429, Retry-After: 0", "0", [4]wanted{{says: "throttled → read", quiet: time.Second}, {says: again, quiet: time.Second}, {says: again, quiet: time.Second}, {says: again}}),
	tooMany("429, Retry-After: 86400", "86400", [4]wanted{{says: "throttled", held: 5 * time.Minute}, {says: "retry", held: time.Hour}, {says: "retry", held: time.Hour}, {says: "retry", held: time.Hour}}),
	tooMany("429, Retry-After: soon", "soon", [4]wanted{{says: "throttled → read", quiet: time.Second}, {says: again, quiet: 10 * time.Second}, {says: "retry", held: 66 * time.Second}, {says: again}}),
	{
		name: "307 to another host", want: each("refused → read", sentAgain, sameBytes, again),
		begin: func(r *matrixRig) {
			away := http.Header{"Location": {elsewhereURL()}}
			r.service().SetFault(sandbox.Only(r.c.site.path, sandbox.Always(sandbox.Fault{Skip: true, Status: http.StatusTemporaryRedirect, Header: away})))
		},
		mend: func(*matrixRig) {},
	},
	{name: "200 and {}", once: sandbox.Fault{Body: "{}"}, want: each(read, lookedFor, sameBytes, again)},
	{name: "200 and a web page", once: sandbox.Fault{Body: "<!DOCTYPE html><html><title>Please log in</title></html>"}, want: each("not json → read", lookedFor, sameBytes, again)},
	{name: "200, cut off", once: sandbox.Fault{Cut: 20}, want: each(unreadable, lookedFor, sameBytes, again)},
	{name: "200 and half a JSON text", once: sandbox.Fault{Body: `{"ok":true,"spreadsheetId":"1A`}, want: each("not json → read", lookedFor, sameBytes, again)},
	{
		name: "200 and other types", want: each("not json → read", lookedFor, sameBytes, again),
		once: sandbox.Fault{Body: `{"ok":"yes","ts":1,"spreadsheetId":5,"replies":"none","access_token":5,"userChats":"none","next":5}`},
	},
}...)

// statusFaults are answers of 4xx and 5xx to a request that was not applied, each in the words of its service.
func statusFaults() []matrixFault {
	refused := each("refused → read", placePaused, placePaused, again)
	server := each("server → read", sentAgain, sameBytes, again)
	wants := []struct {
		status int
		want   [4]wanted
	}{
		{400, each("refused → read", placePaused, placePaused, keyPaused)},
		{401, each("credentials → read", placePaused, keyPaused, keyPaused)},
		{403, each("credentials → read", placePaused, placePaused, again)},
		{404, refused},
		{409, each("refused → read", sentAgain, sameBytes, again)},
		{413, refused},
		{422, refused},
		{500, server}, {502, server}, {503, server}, {504, server},
	}
	var faults []matrixFault
	for _, w := range wants {
		body := fmt.Sprintf(`{"error":{"code":%d,"status":"REFUSED","message":"refused"}}`, w.status)
		f := matrixFault{name: fmt.Sprint(w.status), lasting: sandbox.Fault{Skip: true, Status: w.status, Body: body}, want: w.want}
		if w.status == http.StatusRequestEntityTooLarge { // two rows would be tried one by one first
			f.chats = 1
		}
		faults = append(faults, f)
	}
	return faults
}

// tooMany is a 429 to the first request.
func tooMany(name, after string, want [4]wanted) matrixFault {
	f := sandbox.Fault{Skip: true, Status: http.StatusTooManyRequests}
	if after != "" {
		f.Header = http.Header{"Retry-After": {after}}
	}
	return matrixFault{name: name, once: f, want: want}
}
