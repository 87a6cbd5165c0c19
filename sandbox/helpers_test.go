package sandbox_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"talkrelay/sandbox"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(int) { http.DefaultClient.CloseIdleConnections() }))
}

// watch is a clock that tests move.
type watch struct {
	mu sync.Mutex
	t  time.Time
}

func newWatch() *watch { return &watch{t: time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)} }

func (w *watch) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t
}

func (w *watch) add(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = w.t.Add(d)
}

func startWorld(t *testing.T) *sandbox.World {
	t.Helper()
	return startWith(t, sandbox.Options{Seed: 1})
}

func startWith(t *testing.T, o sandbox.Options) *sandbox.World {
	t.Helper()
	w, err := sandbox.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// reply is what a service answered.
type reply struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

// path reads a value as in "error.code"; a number as a name counts in an array.
func (r reply) path(at string) any {
	var v any = r.json
	for name := range strings.SplitSeq(at, ".") {
		switch c := v.(type) {
		case map[string]any:
			v = c[name]
		case []any:
			i := 0
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(c) {
				return nil
			}
			v = c[i]
		default:
			return nil
		}
	}
	return v
}

func do(t *testing.T, method, address string, header http.Header, body string) reply {
	t.Helper()
	r, err := try(method, address, header, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func try(method, address string, header http.Header, body string) (reply, error) {
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	r := reply{status: resp.StatusCode, header: resp.Header, body: b}
	_ = json.Unmarshal(b, &r.json) // a test that expects JSON looks into it
	return r, err
}

// form holds the arguments of a call to Slack.
type form map[string]string

func call(t *testing.T, s *sandbox.Slack, method string, args form) reply {
	t.Helper()
	v := url.Values{"token": {s.Token}}
	for k, a := range args {
		v.Set(k, a)
	}
	return do(t, "POST", s.APIURL()+method, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, v.Encode())
}

// read asks the Open API as the channel's own client would.
func read(t *testing.T, ct *sandbox.ChannelTalk, c *sandbox.Channel, path string) reply {
	t.Helper()
	return do(t, "GET", ct.URL()+"/open/v5/"+path, http.Header{"X-Access-Key": {c.AccessKey}, "X-Access-Secret": {c.AccessSecret}}, "")
}

// sheetsClient signs in as a service account and asks the Sheets API.
type sheetsClient struct {
	t      *testing.T
	g      *sandbox.Google
	header http.Header
}

func signIn(t *testing.T, g *sandbox.Google, a *sandbox.ServiceAccount, now time.Time) *sheetsClient {
	t.Helper()
	r := exchange(t, g, assertion(t, a.JSON(), now, nil))
	token, _ := r.path("access_token").(string)
	if token == "" {
		t.Fatalf("no token: %d %s", r.status, r.body)
	}
	return &sheetsClient{t, g, http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}}
}

func exchange(t *testing.T, g *sandbox.Google, jwt string) reply {
	t.Helper()
	v := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {jwt}}
	return do(t, "POST", g.URL()+"/token", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, v.Encode())
}

// assertion makes a JWT from a key file; change may spoil its claims.
func assertion(t *testing.T, file []byte, now time.Time, change func(claims map[string]any)) string {
	t.Helper()
	var f map[string]string
	if err := json.Unmarshal(file, &f); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(f["private_key"]))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{
		"iss": f["client_email"], "aud": f["token_uri"], "scope": "https://www.googleapis.com/auth/spreadsheets",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	if change != nil {
		change(claims)
	}
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	head := part(map[string]string{"alg": "RS256", "typ": "JWT", "kid": f["private_key_id"]}) + "." + part(claims)
	hash := sha256.Sum256([]byte(head))
	signature, err := rsa.SignPKCS1v15(nil, key.(*rsa.PrivateKey), crypto.SHA256, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	return head + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (c *sheetsClient) get(path string) reply {
	c.t.Helper()
	return do(c.t, "GET", c.g.Endpoint()+"v4/spreadsheets/"+path, c.header, "")
}

func (c *sheetsClient) post(path, body string) reply {
	c.t.Helper()
	return do(c.t, "POST", c.g.Endpoint()+"v4/spreadsheets/"+path, c.header, body)
}

// batch sends subrequests.
func (c *sheetsClient) batch(s *sandbox.Spreadsheet, requests ...string) reply {
	c.t.Helper()
	return c.post(s.ID+":batchUpdate", `{"requests":[`+strings.Join(requests, ",")+`]}`)
}

func wantClean(t *testing.T, w *sandbox.World) {
	t.Helper()
	if v := w.Violations(); len(v) > 0 {
		t.Errorf("violations: %s", strings.Join(v, "\n"))
	}
}

func wantViolation(t *testing.T, s interface{ Violations() []string }, part string) {
	t.Helper()
	for _, v := range s.Violations() {
		if strings.Contains(v, part) {
			return
		}
	}
	t.Errorf("no violation with %q in %q", part, s.Violations())
}
