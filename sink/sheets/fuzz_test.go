package sheets_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/sheets"
	"talkrelay/sink/sinktest"
)

// scripted is a Google in memory: requests with part in their path get one answer, the others one where all is well.
type scripted struct {
	part, body, retryAfter string
	status                 int
}

func (s scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	status, header := http.StatusOK, http.Header{"Content-Type": {"application/json"}}
	body := `{"spreadsheetId":"` + spreadsheet + `","properties":{"timeZone":"Asia/Seoul"},"sheets":[{"properties":{"sheetId":7,"title":"문의","gridProperties":{"rowCount":10,"columnCount":26}}}]}`
	switch {
	case strings.Contains(r.URL.Path, s.part):
		status, body = s.status, s.body
		header.Set("Retry-After", s.retryAfter)
	case r.URL.Path == "/token":
		body = `{"access_token":"` + accessToken + `","expires_in":3600,"token_type":"Bearer"}`
	case strings.Contains(r.URL.Path, ":batch"):
		body = `{}`
	}
	return sinktest.Reply(r, status, header, body), nil
}

// customers stands for what Google repeats of a row that it refuses.
const customers = "홍길동-010-5551-2345"

// FuzzReply gives the sink whatever may come back from endpoint and token_uri. A batch counts as written only where Google
// said so, or said that its id is in use. An error is one clean line without the token and without what a row holds.
func FuzzReply(f *testing.F) {
	google := func(status int, code, text string) string { _, body := refusal(status, code, text); return body }
	for _, body := range []string{
		`{}`, `{"spreadsheetId":"x","replies":[]}`, "<html>", `[`, `null`, `"`, `{"error":7}`, `{"error":{"code":"x","message":["` + customers + `"]}}`,
		google(400, "INVALID_ARGUMENT", `Invalid value at 'requests[0].append_cells' (TYPE_STRING), "`+customers+`"`),
		google(400, "INVALID_ARGUMENT", "Invalid requests[0].createDeveloperMetadata: metadataId 7 is already in use"),
		google(403, "PERMISSION_DENIED", "\x1b[31m"+customers), google(404, "NOT_FOUND", customers),
		`{"access_token":"","expires_in":-1}`, `{"access_token":7}`, `{"error":"invalid_grant","error_description":"` + customers + `"}`,
	} {
		for _, status := range []int{200, 400, 403, 429, 500} {
			f.Add(status, body, "1")
		}
	}
	key := keyFile("https://google.example/token", nil)
	f.Fuzz(func(t *testing.T, status int, body, retryAfter string) {
		if status < 200 || status > 599 {
			return
		}
		for _, part := range []string{":batchUpdate", "/token", "developerMetadata", spreadsheet} {
			s := unpacedSink(t, sheets.Config{
				Name: "a", Credentials: key, CredentialsName: "google.json", Spreadsheet: spreadsheet, Sheet: "문의", Endpoint: "https://google.example/",
				Timeout: time.Minute, Memory: new(memory), Base: scripted{part, body, retryAfter, status},
			})
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // whoever is asked to wait need not
			defer cancel()
			checkError(t, s.Wait(ctx))
			for _, finding := range s.Check(ctx) {
				checkError(t, errors.New(finding.Name+finding.Text+finding.Fix))
			}
			e := opened(1)
			e.User.Name = customers
			b, _, err := s.Prepare(id(1), items(e), "")
			if err != nil {
				checkError(t, err)
				continue
			}
			_, err = s.Send(ctx, sink.Message{ID: id(1), Body: b, Attempt: 1})
			wellSaid := status/100 == 2 || status == http.StatusBadRequest && strings.Contains(body, "etadata")
			if err == nil && part == ":batchUpdate" && !(wellSaid && json.Valid([]byte(body))) {
				t.Errorf("%d %q counts as written", status, body)
			}
			checkError(t, err)
			_, _, err = s.Resolve(ctx, sink.Message{ID: id(1), Body: b, Attempt: 1})
			checkError(t, err)
		}
	})
}

func unpacedSink(t *testing.T, c sheets.Config) *sheets.Sink {
	t.Helper()
	account, err := sheets.NewAccount(c)
	if err != nil {
		t.Fatal(err)
	}
	account.NoPace()
	s, err := sheets.New(c, account)
	if err != nil {
		t.Fatal(err)
	}
	s.Hasten()
	return s
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	for _, not := range []string{accessToken, "PRIVATE KEY", customers, "5551", "\n", "\r", "\x00", "\x1b"} {
		if strings.Contains(text, not) {
			t.Errorf("error %q", text)
		}
	}
	if e := sink.VerdictOf(err); e.After < 0 || e.After > 24*time.Hour {
		t.Errorf("wait of %s", e.After)
	}
}

// FuzzCells: no text of a customer becomes anything but text.
func FuzzCells(f *testing.F) {
	for _, text := range []string{"=1+1", "+82 10", "-1", "@SUM(A1)", "'=1", "\t=1", "\x00=1", "TRUE", "007", "1e5", "2026-01-02", "{=A1}", "\u202e=", "＝1", "=IMPORTXML(\"https://evil.example\")"} {
		f.Add(text, string(talkrelay.UserChatOpened))
	}
	g := newGoogle(f, "문의")
	var sinks []*sheets.Sink
	for _, set := range []sheets.DefaultSet{sheets.Inquiries, sheets.Changes, sheets.Mixed} {
		c := g.config()
		c.Defaults = set
		s := newSink(f, c)
		if err := s.Wait(f.Context()); err != nil {
			f.Fatal(err)
		}
		sinks = append(sinks, s)
	}
	f.Fuzz(func(t *testing.T, text, kind string) {
		e := opened(1)
		e.Kind = talkrelay.Kind(kind)
		e.Chat = talkrelay.Chat{ID: text, State: text, MediumType: text, Page: text, Tags: []string{text}}
		e.User = talkrelay.User{Name: text, Contact: talkrelay.Contact{Email: text, MobileNumber: text}}
		e.Old = talkrelay.Contact{Email: text + "x", MobileNumber: text + "x"}
		e.Message.Text, e.Assignee.Name, e.Team.Name, e.DeskURL = text, text, text, text
		for _, s := range sinks {
			body, _, err := s.Prepare(id(1), items(e), "")
			if err != nil {
				t.Fatal(err)
			}
			request, _, _ := sheets.Request(body)
			checkCells(t, request)
		}
	})
}
