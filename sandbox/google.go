package sandbox

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Google is the simulated token endpoint and the Sheets API v4, with any number of spreadsheets and service accounts.
type Google struct {
	*Service

	mu           sync.Mutex // guards what follows, and all spreadsheets
	names        *names
	accounts     []*ServiceAccount
	tokens       map[string]grant
	spreadsheets map[string]*Spreadsheet
	settings     GoogleSettings
	disabled     bool
}

// GoogleSettings are Google's quotas, for each service account.
type GoogleSettings struct {
	WritesPerMinute int // 0 = 60, below 0 = without limit
	ReadsPerMinute  int // likewise
}

// ServiceAccount is one identity that may open spreadsheets.
type ServiceAccount struct {
	Email string
	KeyID string

	g        *Google
	disabled bool
	writes   quota
	reads    quota
}

// grant is what an access token allows.
type grant struct {
	account *ServiceAccount
	scopes  []string
	until   time.Time
}

// quota counts the requests of the present minute.
type quota struct {
	minute   time.Time
	used     int
	arrivals []time.Time
}

// signingKey is the one key of all simulated service accounts: making one takes too long to make many.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// StartGoogle starts the token endpoint and the Sheets API alone, with one service account.
func StartGoogle(o ServiceOptions) (*Google, error) {
	if _, err := signingKey(); err != nil {
		return nil, err
	}
	g := &Google{names: newNames(o.Seed), tokens: make(map[string]grant), spreadsheets: make(map[string]*Spreadsheet)}
	g.AddServiceAccount("talkrelay")
	var err error
	if g.Service, err = newService("google", o, g.reply); err != nil {
		return nil, err
	}
	return g, nil
}

// Endpoint returns what an endpoint setting holds, as in http://127.0.0.1:41217/.
func (g *Google) Endpoint() string { return g.URL() + "/" }

// Set changes the quotas from now on.
func (g *Google) Set(to GoogleSettings) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settings = to
}

// SetDisabled switches the Sheets API off for the project (403 SERVICE_DISABLED), or on again.
func (g *Google) SetDisabled(disabled bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.disabled = disabled
}

// AddServiceAccount makes one more service account. Every spreadsheet is shared with it until somebody says otherwise.
func (g *Google) AddServiceAccount(name string) *ServiceAccount {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := &ServiceAccount{g: g, Email: name + "@sandbox.iam.gserviceaccount.com", KeyID: g.names.hex(16) + g.names.hex(16)}
	g.accounts = append(g.accounts, a)
	return a
}

// ServiceAccountJSON returns the key file of the first service account.
func (g *Google) ServiceAccountJSON() []byte { return g.accounts[0].JSON() }

// Account returns the first service account.
func (g *Google) Account() *ServiceAccount { return g.accounts[0] }

// SetDisabled makes the token endpoint refuse the account, and its tokens worthless; or all good again.
func (a *ServiceAccount) SetDisabled(disabled bool) {
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	a.disabled = disabled
}

// JSON returns the account's key file, with a token_uri on this service.
func (a *ServiceAccount) JSON() []byte {
	key, _ := signingKey()                        // StartGoogle made it
	der, _ := x509.MarshalPKCS8PrivateKey(key)    // an RSA key can be marshalled
	b, _ := json.MarshalIndent(map[string]string{ // strings always can
		"type": "service_account", "project_id": "sandbox", "private_key_id": a.KeyID,
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": a.Email, "client_id": "100000000000000000001", "auth_uri": a.g.URL() + "/o/oauth2/auth",
		"token_uri": a.g.tokenURI(), "universe_domain": "googleapis.com",
	}, "", "  ")
	return b
}

// MaxWritesPerMinute returns the most writes of the account within any 60 seconds, refused ones included.
func (a *ServiceAccount) MaxWritesPerMinute() int {
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	most, from := 0, 0
	for i, t := range a.writes.arrivals {
		for t.Sub(a.writes.arrivals[from]) >= time.Minute {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func (g *Google) tokenURI() string { return g.URL() + "/token" }

// take counts one request and reports whether it is within the quota of this minute.
func (q *quota) take(now time.Time, limit int) bool {
	q.arrivals = append(q.arrivals, now)
	if minute := now.Truncate(time.Minute); !minute.Equal(q.minute) {
		q.minute, q.used = minute, 0
	}
	if limit = cmp.Or(limit, 60); limit > 0 && q.used >= limit {
		return false
	}
	q.used++
	return true
}

// reply answers one request to either of the two services.
func (g *Google) reply(r *Request) answer {
	if r.Path == "/token" {
		return g.token(r)
	}
	rest, ok := strings.CutPrefix(r.Path, "/v4/spreadsheets/")
	if !ok {
		g.violate(r, "unknown path")
		return googleError{http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.", nil}.answer()
	}
	for name := range r.Query {
		if !slices.Contains(knownParams, name) {
			g.violate(r, "unknown parameter %s", name)
			return badRequest("Invalid JSON payload received. Unknown name \"%s\": Cannot bind query parameter.", name).answer()
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	body, err := g.sheets(r, rest)
	if err != nil {
		return err.answer()
	}
	return answer{header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}}, body: encode(body)}
}

// knownParams are those of the methods below and of every Google API.
var knownParams = []string{
	"alt", "prettyPrint", "fields", "key", "quotaUser", "ranges", "includeGridData", "excludeTablesInBandedRanges", "majorDimension",
	"valueRenderOption", "dateTimeRenderOption",
}

// sheets finds the method: {id}, {id}:batchUpdate, {id}/values/{range}, {id}/developerMetadata/{n} and so on.
func (g *Google) sheets(r *Request, rest string) (any, *googleError) {
	id, method, found := strings.Cut(rest, "/")
	if !found {
		id, method, found = strings.Cut(rest, ":")
		method = ":" + method
	}
	if !found {
		method = ""
	}
	write := method == ":batchUpdate"
	account, err := g.caller(r, write)
	if err != nil {
		return nil, err
	}
	s := g.spreadsheets[id]
	if s == nil {
		return nil, &googleError{http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.", nil}
	}
	if s.unshared[account.Email] {
		return nil, &googleError{http.StatusForbidden, "PERMISSION_DENIED", "The caller does not have permission", nil}
	}
	if s.office {
		return nil, &googleError{http.StatusBadRequest, "FAILED_PRECONDITION", "This operation is not supported for this document", nil}
	}
	return s.method(r, method)
}

// caller finds out who asks, and whether they may ask now.
func (g *Google) caller(r *Request, write bool) (*ServiceAccount, *googleError) {
	who, err := g.authorize(r)
	if err != nil {
		return nil, err
	}
	if g.disabled {
		return nil, serviceDisabled()
	}
	q, limit, kind := &who.reads, g.settings.ReadsPerMinute, "Read"
	if write {
		q, limit, kind = &who.writes, g.settings.WritesPerMinute, "Write"
	}
	if !q.take(g.now(), limit) {
		return nil, quotaExceeded(kind)
	}
	return who, nil
}
