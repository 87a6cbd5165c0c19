package sheets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"talkrelay/sink"
	"talkrelay/sink/sheets"
	"talkrelay/sink/sinktest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	sinktest.Run(t, sinktest.Target{
		New: func(t *testing.T, baseURL string, base http.RoundTripper) sink.Sink {
			t.Helper()
			c := sheets.Config{
				Name: "inquiries", Credentials: keyFile(baseURL+"/token", nil), Spreadsheet: spreadsheet, Sheet: "문의",
				Endpoint: baseURL, Base: base, Timeout: sinktest.Timeout,
				Columns: []sheets.Column{{Header: "ID", Value: "{{.Chat.ID}}"}, {Header: "본문", Value: "{{.Message.Text}}"}, {Header: "고객", Value: "{{.User.Name}}"}},
			}
			account, err := sheets.NewAccount(c)
			if err != nil {
				t.Fatal(err)
			}
			s, err := sheets.New(c, account)
			if err != nil {
				t.Fatal(err)
			}
			account.NoPace()
			s.Hasten()
			if err := s.Wait(t.Context()); err != nil && t.Context().Err() == nil { // a sheet is looked at before rows are made for it
				t.Fatal(err)
			}
			if idle, ok := base.(interface{ CloseIdleConnections() }); ok {
				idle.CloseIdleConnections() // so that every case begins as a first request does
			}
			return s
		},
		Secrets: []string{accessToken, "PRIVATE KEY", strings.Split(testKey(), "\n")[1]},
		OK:      allIsWell,
		IsWrite: func(r *http.Request) bool {
			body, err := io.ReadAll(r.Body)
			return err == nil && strings.HasSuffix(r.URL.Path, ":batchUpdate") && bytes.Contains(body, []byte("appendCells"))
		},
	})
}

// allIsWell answers as a sheet with all headers does, and believes every write.
func allIsWell(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	rest := strings.TrimPrefix(r.URL.Path, pathBase)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/token":
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":3600}`, accessToken)
	case rest == "":
		fmt.Fprintf(w, `{"spreadsheetId":%q,"sheets":[{"properties":{"sheetId":0,"title":"문의","sheetType":"GRID"}}]}`, spreadsheet)
	case rest == "/values:batchGetByDataFilter":
		fmt.Fprintf(w, `{"spreadsheetId":%q,"valueRanges":[{"valueRange":{"values":[["ID","본문","고객"]]}}]}`, spreadsheet)
	case rest == ":batchUpdate":
		var b struct{ Requests []json.RawMessage }
		_ = json.Unmarshal(body, &b)
		fmt.Fprintf(w, `{"spreadsheetId":%q,"replies":[%s]}`, spreadsheet, strings.TrimSuffix(strings.Repeat("{},", len(b.Requests)), ","))
	default:
		fmt.Fprint(w, `{}`)
	}
}

// A look-up by Resolve knows a batch by its value, not by its id alone.
func TestResolveForeign(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	s := newSink(t, g.config())
	m, _ := prepare(t, s, id(1), many(0, 1), "")
	g.metadata[sheets.MetadataID(id(1), 0)] = [2]string{"talkrelay", "another"}
	if _, found, err := s.Resolve(context.Background(), m); found || err != nil {
		t.Errorf("found %v, error %v", found, err)
	}
}
