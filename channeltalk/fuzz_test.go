package channeltalk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"talkrelay/channeltalk"
)

// FuzzDecodePage gives the client whatever a stranger could answer. encoding/json is the judge of what JSON is.
func FuzzDecodePage(f *testing.F) {
	f.Add(pageOf(2))
	for _, s := range []string{
		`{}`, `{"userChats":[{"id":"a\u0000b","tags":["x",1,null]}],"next":"n"}`, `{"userChats":[{"id":"\\u0000"}]}`, `{"userChats":[]}x`,
		`{"messages":[{"id":"m","blocks":[{"type":"bullets","blocks":[{"value":"<b>&lt;"}]}]}]}`, `{"users":[{"id":-1.5e3,"profile":{"a":tru}}]}`,
		`{"userChats":[{"id":"a","openedAt":"1e300","source":{"page":7}}]}`, "<html>", `{"`, `{"a`, "\x00{}", `{"a":"\u00\u000000"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		isJSON := json.Valid(bytes.ReplaceAll(body, []byte{0}, nil))
		deep := bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > 100
		page, err := answering(string(body)).UserChats(context.Background(), channeltalk.Query{Since: "s"})
		if err != nil {
			if strings.Contains(err.Error(), "not JSON") && isJSON && !deep {
				t.Fatalf("valid JSON is refused: %v", err)
			}
			return
		}
		if !isJSON {
			t.Fatal("a page was made of what is not JSON")
		}
		if page.Next == "s" {
			t.Error("a repeated cursor is offered as the next")
		}
		check := func(id string, raw json.RawMessage, texts ...string) {
			if id == "" || !json.Valid(raw) || strings.ContainsRune(id+strings.Join(texts, ""), 0) {
				t.Errorf("id %q, texts %q, raw %q", id, texts, raw)
			}
		}
		for _, c := range page.UserChats {
			check(c.ID, c.Raw, append(c.Tags, c.Name, c.Title, c.Page, c.State)...)
		}
		for _, u := range page.Users {
			check(u.ID, u.Raw, u.Name, u.Email, u.MobileNumber)
		}
		for _, m := range page.Messages {
			check(m.ID, m.Raw, m.Text, m.LogAction)
		}
		for _, m := range page.Managers {
			check(m.ID, m.Raw, m.Name, m.Email)
		}
	})
}

// FuzzReplies gives the client whatever a stranger could answer where one thing, or another list, is asked for.
func FuzzReplies(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"user":{"id":"u","profile":{"mobileNumber":7,"email":[]}}}`, `{"user":null}`, `{"userChat":{"id":"c","tags":{}}}`, "<html>", `{"managers":[{"id":null},{"id":"m","name":"\u0000x"}]}`,
		`{"messages":[{"id":"m","blocks":[{"type":"code","value":7}],"files":3}],"next":"s"}`, `{"channel":{"id":"7","name":"<b>"}}`, `[]`, `{"messages":[[]]}`, `{"groups":[{"id":7,"title":"\u0000x","archivedAt":"y"}],"next":"s"}`, `{"user":{"id":"` + strings.Repeat("[", 200) + `"}}`,
	} {
		f.Add(200, []byte(s))
		f.Add(404, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		c := channeltalk.New(channeltalk.Config{AccessKey: "key-of-ours", AccessSecret: "secret-of-ours", Transport: answered{status, string(body)}, RequestsPerSecond: 1e6, ListRequestsPerSecond: 1e6})
		ctx := context.Background()
		check := func(op string, err error, id string, texts ...string) {
			switch {
			case err == nil && (status/100 != 2 || !json.Valid(bytes.ReplaceAll(body, []byte{0}, nil))):
				t.Errorf("%s: %d %q is taken for an answer", op, status, body)
			case err == nil && strings.ContainsRune(id+strings.Join(texts, ""), 0):
				t.Errorf("%s: NUL in %q %q", op, id, texts)
			case err != nil && strings.ContainsAny(err.Error(), "\n\x00\x1b") || err != nil && strings.Contains(err.Error(), "of-ours"):
				t.Errorf("%s: error %q", op, err)
			}
		}
		u, err := c.User(ctx, "u")
		if check("user", err, ""); err == nil {
			check("user", nil, u.ID, u.Name, u.Email, u.MobileNumber, u.LandlineNumber)
		}
		chat, err := c.UserChat(ctx, "c")
		if check("chat", err, ""); err == nil {
			check("chat", nil, chat.ID, append(chat.Tags, chat.Name, chat.Page)...)
		}
		messages, err := c.Messages(ctx, "c", channeltalk.MessageQuery{Since: "s"})
		if check("messages", err, ""); err == nil && messages.Next == "s" {
			t.Error("a repeated cursor is offered as the next")
		}
		groups, err := c.Groups(ctx, "s", 10)
		if check("groups", err, ""); err == nil {
			for _, g := range groups.Groups {
				check("groups", nil, g.ID, g.Title, g.Scope)
			}
		}
		_, err = c.Managers(ctx, "s", 10)
		check("managers", err, "")
		_, err = c.Channel(ctx)
		check("channel", err, "")
	})
}

// answered gives one answer to everything.
type answered struct {
	status int
	body   string
}

func (a answered) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r}, nil
}
