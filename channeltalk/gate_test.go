package channeltalk_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"talkrelay/channeltalk"
)

const (
	testKey    = "test-access-key"
	testSecret = "test-access-secret"
)

// asks calls every exported method of Client that sends something, in every form it has. Replies do not matter here.
var asks = map[string]func(context.Context, *channeltalk.Client){
	"UserChats": func(ctx context.Context, c *channeltalk.Client) {
		for _, state := range []string{"", "opened", "queued", "snoozed", "closed", "initial", "missed"} {
			_, _ = c.UserChats(ctx, channeltalk.Query{State: state})
		}
		for _, limit := range []int{-1, 1, 500, 9999} {
			_, _ = c.UserChats(ctx, channeltalk.Query{Since: "a&limit=1+/=한", Limit: limit})
		}
	},
	"UserChat": func(ctx context.Context, c *channeltalk.Client) {
		for _, id := range []string{"6641a0b2c3", "a?x=1#y", "%2e%2e"} {
			_, _ = c.UserChat(ctx, id)
		}
	},
	"User": func(ctx context.Context, c *channeltalk.Client) {
		for _, id := range []string{"6641a0b2c3", "@member 1"} {
			_, _ = c.User(ctx, id)
		}
	},
	"Messages": func(ctx context.Context, c *channeltalk.Client) {
		for _, order := range []string{"", "asc", "desc"} {
			_, _ = c.Messages(ctx, "6641a0b2c3", channeltalk.MessageQuery{SortOrder: order, Since: "b=/", Limit: 9999})
		}
	},
	"Groups": func(ctx context.Context, c *channeltalk.Client) {
		_, _ = c.Groups(ctx, "", 0)
		_, _ = c.Groups(ctx, "배송 & 반품/=", 9999)
	},
	"GroupMessages": func(ctx context.Context, c *channeltalk.Client) {
		_, _ = c.GroupMessages(ctx, "17", channeltalk.MessageQuery{Since: "b=/", Limit: 9999})
	},
	"Managers": func(ctx context.Context, c *channeltalk.Client) {
		_, _ = c.Managers(ctx, "", 0)
		_, _ = c.Managers(ctx, "17", 9999)
	},
	"Channel": func(ctx context.Context, c *channeltalk.Client) { _, _ = c.Channel(ctx) },

	"Quota":                func(_ context.Context, c *channeltalk.Client) { c.Quota() },
	"CloseIdleConnections": func(_ context.Context, c *channeltalk.Client) { c.CloseIdleConnections() },
}

// record asks everything of a server on loopback below base and returns the requests that reached it.
func record(t *testing.T, base string) []*http.Request {
	t.Helper()
	var mu sync.Mutex
	var seen []*http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r)
		_, _ = w.Write([]byte(`{}`))
	}))
	defer srv.Close()
	c := channeltalk.New(channeltalk.Config{
		BaseURL: srv.URL + base, AccessKey: testKey, AccessSecret: testSecret, RequestsPerSecond: 1000, ListRequestsPerSecond: 1000,
	})
	defer c.CloseIdleConnections()
	for i := range reflect.TypeFor[*channeltalk.Client]().NumMethod() {
		name := reflect.TypeFor[*channeltalk.Client]().Method(i).Name
		ask, ok := asks[name]
		if !ok {
			t.Fatalf("Client.%s is not in the table of this test", name)
		}
		ask(t.Context(), c)
	}
	mu.Lock()
	defer mu.Unlock()
	return seen
}

func TestOnlyGETIsSent(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "/", "/some/gateway/"} {
		seen := record(t, base)
		if len(seen) < 20 {
			t.Fatalf("%d requests, want one for each form of each method", len(seen))
		}
		for _, r := range seen {
			if r.Method != http.MethodGet || r.ContentLength != 0 {
				t.Errorf("%s %s with %d bytes, want GET without", r.Method, r.URL, r.ContentLength)
			}
			if prefix := strings.TrimRight(base, "/") + "/open/v5/"; !strings.HasPrefix(r.URL.EscapedPath(), prefix) || strings.Contains(r.URL.EscapedPath(), "..") {
				t.Errorf("%s: not below %s", r.URL, prefix)
			}
			if r.Header.Get("X-Access-Key") != testKey || r.Header.Get("X-Access-Secret") != testSecret {
				t.Errorf("%s: sent without the keys", r.URL)
			}
		}
	}
}

func TestCursorsAndIDsAreEncoded(t *testing.T) {
	t.Parallel()
	found, paths := false, []string{}
	for _, r := range record(t, "") {
		paths = append(paths, r.URL.Path)
		if r.URL.Path == "/open/v5/user-chats" && r.URL.Query().Get("since") != "" {
			found = true
			if got := r.URL.Query().Get("since"); got != "a&limit=1+/=한" {
				t.Errorf("the server reads since as %q", got)
			}
		}
	}
	if !found {
		t.Error("no request had a cursor")
	}
	for _, want := range []string{"/open/v5/user-chats/a?x=1#y", "/open/v5/user-chats/%2e%2e", "/open/v5/users/@member 1"} {
		if !slices.Contains(paths, want) {
			t.Errorf("the server saw no request of %q", want)
		}
	}
}

// TestIDsThatAreNone: these would read a list instead of one object.
func TestIDsThatAreNone(t *testing.T) {
	t.Parallel()
	c := answering(`{"userChat":{"id":"x"},"user":{"id":"x"}}`)
	for _, id := range []string{"", ".", "..", "a/../../managers"} {
		_, err1 := c.UserChat(t.Context(), id)
		_, err2 := c.User(t.Context(), id)
		_, err3 := c.Messages(t.Context(), id, channeltalk.MessageQuery{})
		for _, err := range []error{err1, err2, err3} {
			if channeltalk.KindOf(err) != channeltalk.Refused {
				t.Errorf("id %q: %v, want refused", id, err)
			}
		}
	}
}

// parameter is what the API's document says about one parameter.
type parameter struct {
	Name     string
	In       string
	Required bool
	Schema   struct {
		Enum             []string
		Minimum, Maximum *json.Number
	}
}

// TestContract holds every request the client can send against Channel Talk's own OpenAPI document.
func TestContract(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("../../shared/openapi/channel-open-api-*.json")
	if len(files) == 0 {
		t.Skip("Channel Talk's OpenAPI document is not here")
	}
	text, err := os.ReadFile(slices.Max(files))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct{ Parameters []parameter }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, r := range record(t, "") {
		params, ok := []parameter(nil), false
		for path, methods := range doc.Paths {
			if get, has := methods["get"]; has && matches(path, r.URL.EscapedPath()) {
				params, ok = get.Parameters, true
				break
			}
		}
		if !ok {
			t.Errorf("GET %s: no such path in the document", r.URL.EscapedPath())
			continue
		}
		checkQuery(t, params, r.URL)
	}
}

// matches reports whether path is one of the template's, as in /open/v5/users/{userId}.
func matches(template, path string) bool {
	a, b := strings.Split(template, "/"), strings.Split(path, "/")
	return slices.EqualFunc(a, b, func(want, got string) bool {
		return want == got || strings.HasPrefix(want, "{") && got != "" || strings.HasPrefix(want, "@{") && strings.HasPrefix(got, "@")
	})
}

func checkQuery(t *testing.T, params []parameter, u *url.URL) {
	t.Helper()
	query := u.Query()
	for name, values := range query {
		i := slices.IndexFunc(params, func(p parameter) bool { return p.In == "query" && p.Name == name })
		if i < 0 || len(values) != 1 {
			t.Errorf("GET %s: parameter %s is unknown or given twice", u, name)
			continue
		}
		s := params[i].Schema
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, values[0]) {
			t.Errorf("GET %s: %s is not one of %v", u, name, s.Enum)
		}
		if s.Minimum != nil && number(t, json.Number(values[0])) < number(t, *s.Minimum) ||
			s.Maximum != nil && number(t, json.Number(values[0])) > number(t, *s.Maximum) {
			t.Errorf("GET %s: %s is out of range", u, name)
		}
	}
	for _, p := range params {
		if p.In == "query" && p.Required && !query.Has(p.Name) {
			t.Errorf("GET %s: %s is missing", u, p.Name)
		}
	}
}

func number(t *testing.T, n json.Number) float64 {
	t.Helper()
	f, err := n.Float64()
	if err != nil {
		t.Error(err)
	}
	return f
}
