package channeltalk_test

import (
	"bytes"
	"context"
	"encoding/json"
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
