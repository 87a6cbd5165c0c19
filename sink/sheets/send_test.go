package sheets_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"talkrelay/sink"
	"talkrelay/sink/sheets"
)

func TestVerdicts(t *testing.T) {
	t.Parallel()
	info := func(code int, status, reason string) fault {
		return fault{status: code, body: fmt.Sprintf(`{"error":{"code":%d,"message":"m","status":%q,"details":[{"@type":"x","reason":%q}]}}`, code, status, reason)}
	}
	bad := func(message string) fault { return refused(400, "INVALID_ARGUMENT", message) }
	html := func(code int) fault { return fault{status: code, body: "<html>SECRET</html>"} }
	tests := []struct {
		name    string
		fault   fault
		verdict string
		says    string // part of the error
	}{
		{"empty object", fault{status: 200, body: "{}", apply: true}, "in doubt", "not Google's"},
		{"no content", fault{status: 204, apply: true}, "in doubt", "204"},
		{"other spreadsheet", fault{status: 200, body: `{"spreadsheetId":"x","replies":[{},{}]}`}, "in doubt", ""},
		{"too few replies", fault{status: 200, body: `{"spreadsheetId":"` + spreadsheet + `","replies":[{}]}`}, "in doubt", ""},
		{"html", html(200), "in doubt", ""},
		{"truncated", fault{status: 200, body: `{"spreadsheetId":"` + spreadsheet}, "in doubt", ""},
		{"reset", fault{reset: true}, "in doubt", "broke"},
		{"redirect", fault{status: 307, header: map[string]string{"Location": "http://127.0.0.1:1/"}}, "in doubt", "redirect"},
		{"500", html(500), "in doubt", "500"},
		{"502", html(502), "in doubt", "502"},
		{"503", refused(503, "UNAVAILABLE", "The service is currently unavailable."), "in doubt", "503"},
		{"408", html(408), "in doubt", ""},
		{"409", refused(409, "ABORTED", "The operation was aborted."), "in doubt", ""},
		{"429", refused(429, "RESOURCE_EXHAUSTED", "Quota exceeded"), "retry", "too many"},
		{"403 rate", info(403, "PERMISSION_DENIED", "rateLimitExceeded"), "retry", "too many"},
		{"401", refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."), "credential paused", "google.json"},
		{"403", refused(403, "PERMISSION_DENIED", "The caller does not have permission"), "destination paused", "share the spreadsheet with " + robot},
		{"403 disabled", info(403, "PERMISSION_DENIED", "SERVICE_DISABLED"), "credential paused", "enable it"},
		{"403 scope", info(403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "credential paused", ""},
		{"403 proxy", html(403), "destination paused", "proxy"},
		{"404", refused(404, "NOT_FOUND", "Requested entity was not found."), "destination paused", "check spreadsheet"},
		{"404 html", html(404), "destination paused", "endpoint"},
		{"407", html(407), "destination paused", "proxy"},
		{"418", refused(418, "TEAPOT", "SECRET"), "destination paused", "418 TEAPOT"},
		{"protected", bad("Invalid requests[0].appendCells: You are trying to edit a protected cell or object."), "destination paused", "protected"},
		{"cells", bad("This action would increase the number of cells in the workbook above the limit of 10000000 cells."), "destination paused", "10,000,000"},
		{"xlsx", refused(400, "FAILED_PRECONDITION", "This operation is not supported for this document"), "destination paused", "Excel"},
		{"unknown 400", bad("Something new about SECRET"), "destination paused", "400 INVALID_ARGUMENT"},
		{"html 400", html(400), "destination paused", "endpoint"},
		{"no tab", bad("Invalid requests[0].appendCells: No grid with id: 7"), "rework", "gone"},
		{"row", bad("Invalid requests[0].appendCells: Your input contains more than the maximum of 50000 characters in a single cell."), "bad message", ""},
		{"named row", bad("Invalid value at 'requests[0].append_cells.rows[0].values[1]' (TYPE_DOUBLE), \"SECRET\""), "bad message", "rows[0]"},
		{"413", html(413), "destination paused", "batch_rows"},
		{"metadata full", bad("Invalid requests[1].createDeveloperMetadata: exceeds the metadata storage limit"), "retry", "no room"},
		{"old id", bad("Invalid requests[2].deleteDeveloperMetadata: no match"), "rework", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t, "문의")
			s := newSink(t, g.config())
			m, _ := prepare(t, s, id(1), items(opened(1)), "")
			g.script(tt.fault)
			_, err := s.Send(t.Context(), m)
			must(t, verdict(err), tt.verdict, "verdict")
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %q does not say %q", err, tt.says)
			}
			for _, secret := range []string{"SECRET", "hong", "1234", "BEGIN"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("error %q shows %s", err, secret)
				}
			}
		})
	}
}

// Whatever goes wrong with a batch, all rows arrive, once and in order, with nothing but Send, Wait and Prepare.
func TestOnceWhateverHappens(t *testing.T) {
	t.Parallel()
	bad := func(message string) fault { return refused(400, "INVALID_ARGUMENT", message) }
	for name, faults := range map[string][]fault{
		"applied then reset":      {{apply: true, reset: true}},
		"applied then 502":        {{apply: true, status: 502, body: "<html>"}},
		"applied, empty answer":   {{apply: true, status: 200, body: "{}"}},
		"not applied, reset":      {{reset: true}},
		"twice":                   {{reset: true}, {apply: true, reset: true}, {status: 503}},
		"applied, then odd 400":   {{apply: true, reset: true}, bad("Something new")},
		"applied, then protected": {{apply: true, reset: true}, bad("You are trying to edit a protected cell")},
		"applied, then full":      {{apply: true, reset: true}, bad("Invalid requests[1].createDeveloperMetadata: limit exceeded")},
		"applied, then row":       {{apply: true, reset: true}, bad("rows[3] 50000 characters")},
		"applied, then 413":       {{apply: true, reset: true}, {status: 413, body: "<html>"}},
		"tab moved":               {bad("Invalid requests[0].appendCells: No grid with id: 7")},
		"row, then none":          {bad("Invalid value at rows[7]")},
		"rows by halves":          {bad("rows[7]"), bad("rows[7]"), bad("rows[1]")},
		"old id":                  {bad("Invalid requests[2].deleteDeveloperMetadata: no match")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t, "문의")
			s := newSink(t, g.config())
			prepare(t, s, id(0), many(0, 1), "") // headers are written
			g.script(faults...)
			dead, _ := work(t, s, many(0, 20))
			must(t, dead, []string(nil), "dead")
			var want []string
			for i := range 20 {
				want = append(want, opened(i).Chat.ID)
			}
			must(t, g.chats("문의"), want, "rows")
		})
	}
}

// The first request is held and applied after the resend: its id keeps it out.
func TestZombie(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	c := g.config()
	c.Timeout = time.Second
	s := newSink(t, c)
	m, _ := prepare(t, s, id(1), many(0, 3), "")
	hold := make(chan struct{})
	g.script(fault{apply: true, hold: hold})
	_, err := s.Send(t.Context(), m)
	must(t, verdict(err), "in doubt", "verdict of the held one")
	m.Attempt = 2
	receipt, err := s.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	must(t, receipt, fmt.Sprint(sheets.MetadataID(id(1), 0)), "receipt")
	close(hold)
	deliver(t, s, 2, many(3, 4))
	g.Close() // ends when the held request has ended
	must(t, g.chats("문의"), []string{"chat0000", "chat0001", "chat0002", "chat0003"}, "rows")
}

// Somebody else keeps something under the id we chose.
func TestForeignID(t *testing.T) {
	t.Parallel()
	for name, value := range map[string][2]string{"readable": {"theirs", "x"}, "our key": {"talkrelay", "x"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t, "문의")
			s := newSink(t, g.config())
			g.metadata[sheets.MetadataID(id(1), 0)] = value
			m, _ := prepare(t, s, id(1), many(0, 2), "")
			_, err := s.Send(t.Context(), m)
			must(t, verdict(err), "rework", "verdict")
			must(t, sink.VerdictOf(err).Form, "id:1", "form")
			work(t, s, many(0, 2))
			must(t, g.chats("문의"), []string{"chat0000", "chat0001"}, "rows")
		})
	}
}

// As long as it is not known whether the id in use is ours, the batch stays in doubt.
func TestLookupFails(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{"503": {status: 503}, "empty": {status: 200, body: "{}"}, "html 404": {status: 404, body: "<html>"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t, "문의")
			s := newSink(t, g.config())
			m, _ := prepare(t, s, id(1), many(0, 2), "")
			g.script(fault{apply: true, reset: true})
			_, err := s.Send(t.Context(), m)
			must(t, verdict(err), "in doubt", "first")
			g.set("developerMetadata/", f)
			m.Attempt++
			_, err = s.Send(t.Context(), m)
			must(t, verdict(err), "in doubt", "while the look-up fails")
			g.clear()
			m.Attempt++
			if _, err = s.Send(t.Context(), m); err != nil {
				t.Error(err)
			}
			must(t, len(g.chats("문의")), 2, "rows")
		})
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	s := newSink(t, g.config())
	m, _ := prepare(t, s, id(1), many(0, 2), "")
	_, found, err := s.Resolve(t.Context(), m)
	must(t, fmt.Sprint(found, err), "false <nil>", "before it was sent")
	g.script(fault{apply: true, reset: true})
	if _, err := s.Send(t.Context(), m); err == nil {
		t.Fatal("no error")
	}
	receipt, found, err := s.Resolve(t.Context(), m)
	must(t, found && err == nil, true, "found after")
	must(t, receipt, sheets.MetadataID(id(1), 0), "receipt")
	g.set("developerMetadata/", fault{status: 500})
	_, found, err = s.Resolve(t.Context(), m)
	must(t, found, false, "found while the look-up fails")
	must(t, verdict(err), "retry", "verdict while the look-up fails")
}

// A 429 holds every sink of the account, and says until when.
func TestThrottled(t *testing.T) {
	t.Parallel()
	for after, want := range map[string]time.Duration{"3": 3 * time.Second, "0": time.Second, "": 0, "abc": 0} {
		t.Run("Retry-After "+after, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t, "문의", "B")
			c := g.config()
			account, err := sheets.NewAccount(c)
			if err != nil {
				t.Fatal(err)
			}
			a, _ := sheets.New(c, account)
			c.Sheet, c.Memory = "B", nil
			b, _ := sheets.New(c, account)
			ma, _ := prepare(t, a, id(1), many(0, 1), "")
			mb, _ := prepare(t, b, id(2), many(0, 1), "")
			f := refused(429, "RESOURCE_EXHAUSTED", "Quota exceeded")
			if after != "" {
				f.header = map[string]string{"Retry-After": after}
			}
			g.script(f)
			_, err = a.Send(t.Context(), ma)
			must(t, verdict(err), "retry", "verdict")
			if got := sink.VerdictOf(err).After; want > 0 && got != want || want == 0 && (got < time.Second || got > 66*time.Second) {
				t.Errorf("to wait %v", got)
			}
			before := len(g.sent())
			_, err = b.Send(t.Context(), mb)
			if e := sink.VerdictOf(err); e.Verdict != sink.Retry || e.After <= 0 || len(g.sent()) != before {
				t.Errorf("the other sink: %v, %d writes", err, len(g.sent())-before)
			}
		})
	}
}

// Whoever asks for time gets it: the API when it is down, and the token endpoint.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	s := newSink(t, g.config())
	m, _ := prepare(t, s, id(1), many(0, 1), "")
	down := fault{status: 503, header: map[string]string{"Retry-After": "120"}}
	g.script(down)
	_, err := s.Send(t.Context(), m)
	must(t, fmt.Sprint(verdict(err), " ", sink.VerdictOf(err).After), "in doubt 2m0s", "a write")
	g.set("developerMetadata/", down)
	_, _, err = s.Resolve(t.Context(), m)
	must(t, fmt.Sprint(verdict(err), " ", sink.VerdictOf(err).After), "retry 2m0s", "a look-up")
	g.set("/token", down)
	_, err = newSink(t, g.config()).Send(t.Context(), m)
	must(t, fmt.Sprint(verdict(err), " ", sink.VerdictOf(err).After), "retry 2m0s", "a token")
}

// No token, no request: certainly not sent.
func TestTokenRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, verdict, says string
		fault               fault
	}{
		{"deleted key", "credential paused", "make a new key", fault{status: 400, body: `{"error":"invalid_grant","error_description":"Invalid grant: account not found"}`}},
		{"401", "credential paused", "google.json", fault{status: 401, body: `{"error":"invalid_client"}`}},
		{"clock", "credential paused", "clock", fault{status: 400, body: `{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes)"}`}},
		{"503", "retry", "503", fault{status: 503}},
		{"429", "retry", "429", fault{status: 429}},
		{"reset", "retry", "token_uri", fault{reset: true}},
		{"html", "retry", "token_uri", fault{status: 200, body: "<html>"}},
		{"redirect", "retry", "307", fault{status: 307, header: map[string]string{"Location": "http://127.0.0.1:1/"}}},
		{"empty", "retry", "no token", fault{status: 200, body: "{}"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t, "문의")
			s := newSink(t, g.config())
			m, _ := prepare(t, newSink(t, g.config()), id(1), many(0, 1), "")
			before := len(g.seen())
			g.set("/token", tt.fault)
			_, err := s.Send(t.Context(), m)
			must(t, verdict(err), tt.verdict, "verdict")
			if !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "PRIVATE KEY") {
				t.Errorf("error: %v", err)
			}
			for _, path := range g.seen()[before:] {
				if path != http.MethodPost+" /token" {
					t.Errorf("the API was asked: %s", path)
				}
			}
			must(t, verdict(s.Wait(t.Context())), tt.verdict, "verdict of Wait")
		})
	}
}

// One token serves all; a token that is refused is replaced.
func TestTokenUse(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	s := newSink(t, g.config())
	deliver(t, s, 1, many(0, 1))
	deliver(t, s, 2, many(1, 2))
	must(t, strings.Count(strings.Join(g.seen(), "\n"), "/token"), 1, "tokens fetched")
	g.script(refused(401, "UNAUTHENTICATED", "expired"))
	m, _ := prepare(t, s, id(3), many(2, 3), "")
	if _, err := s.Send(t.Context(), m); err == nil {
		t.Fatal("no error")
	}
	if _, err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	must(t, strings.Count(strings.Join(g.seen(), "\n"), "/token"), 2, "tokens fetched")
}

func TestNoConnection(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	c := g.config()
	m, _ := prepare(t, newSink(t, c), id(1), many(0, 1), "")
	c.Endpoint = "http://127.0.0.1:1/"
	_, err := newSink(t, c).Send(t.Context(), m)
	must(t, verdict(err), "retry", "verdict")
}

func TestBrokenBody(t *testing.T) {
	t.Parallel()
	s := newSink(t, newGoogle(t, "문의").config())
	for _, body := range []string{"", "{}", "{}\n{}", "not json\n{}"} {
		_, err := s.Send(t.Context(), sink.Message{ID: id(1), Body: []byte(body), Attempt: 1})
		must(t, verdict(err), "bad message", body)
	}
}
