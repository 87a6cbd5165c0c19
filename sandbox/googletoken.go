package sandbox

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Scopes that open a spreadsheet for reading and writing.
const (
	scopeSheets = "https://www.googleapis.com/auth/spreadsheets"
	scopeDrive  = "https://www.googleapis.com/auth/drive"
	scopeFile   = "https://www.googleapis.com/auth/drive.file"
)

// claims are those of a service account's JWT.
type claims struct {
	Iss   string `json:"iss"`
	Sub   string `json:"sub"`
	Aud   string `json:"aud"`
	Scope string `json:"scope"`
	Iat   int64  `json:"iat"`
	Exp   int64  `json:"exp"`
}

// token answers the token endpoint: a signed assertion for an access token.
func (g *Google) token(r *Request) answer {
	form, err := url.ParseQuery(string(r.Body))
	if r.Method != http.MethodPost || err != nil {
		g.violate(r, "not a form sent by POST")
		return tokenError("invalid_request", "Bad Request")
	}
	if form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		g.violate(r, "grant_type %q", form.Get("grant_type"))
		return tokenError("unsupported_grant_type", "Invalid grant_type: "+form.Get("grant_type"))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	account, c, refused := g.verify(form.Get("assertion"))
	switch {
	case refused != "":
		return tokenError("invalid_grant", refused)
	case c.Aud != g.tokenURI():
		g.violate(r, "assertion is not for this endpoint")
		return tokenError("invalid_grant", "Invalid JWT: Failed audience check.")
	case account.disabled:
		return tokenError("invalid_grant", "Invalid grant: account not found")
	case c.Scope == "":
		g.violate(r, "assertion without scope")
		return tokenError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
	}
	if strings.Contains(c.Scope, scopeDrive) {
		g.violate(r, "asks for all of Drive")
	}
	access := "ya29." + g.names.hex(16) + g.names.hex(16)
	g.tokens[access] = grant{account, strings.Fields(c.Scope), g.now().Add(time.Hour)}
	return answer{
		header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		body:   encode(map[string]any{"access_token": access, "expires_in": 3599, "token_type": "Bearer"}),
	}
}

func tokenError(code, description string) answer {
	return answer{
		status: http.StatusBadRequest, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		body: encode(map[string]any{"error": code, "error_description": description}),
	}
}

// verify reads a JWT and checks who signed it and when. refused is "" if all is well.
func (g *Google) verify(jwt string) (a *ServiceAccount, c claims, refused string) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return nil, c, "Invalid JWT: must have 3 parts"
	}
	var header struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !decodePart(parts[0], &header) || !decodePart(parts[1], &c) || header.Alg != "RS256" {
		return nil, c, "Invalid JWT"
	}
	at := slices.IndexFunc(g.accounts, func(a *ServiceAccount) bool { return a.Email == c.Iss })
	if at < 0 {
		return nil, c, "Invalid grant: account not found"
	}
	a = g.accounts[at]
	key, err := signingKey()
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || header.Kid != a.KeyID || rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, hash[:], signature) != nil {
		return nil, c, "Invalid JWT Signature."
	}
	now := g.now().Unix()
	if c.Exp <= now || c.Iat > now+300 || c.Exp-c.Iat > 3600 || c.Exp > now+3600+300 {
		return nil, c, "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. " +
			"Check your iat and exp values in the JWT claim."
	}
	return a, c, ""
}

func decodePart(part string, into any) bool {
	b, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(b, into) == nil
}

// authorize finds the account behind the request's token: one of ours, or a JWT that the client signed itself.
func (g *Google) authorize(r *Request) (*ServiceAccount, *googleError) {
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		g.violate(r, "no access token")
		return nil, unauthenticated()
	}
	t, ok := g.tokens[bearer]
	if !ok {
		account, c, refused := g.verify(bearer)
		if refused != "" {
			return nil, unauthenticated()
		}
		t = grant{account, strings.Fields(c.Scope), time.Unix(c.Exp, 0)}
	}
	if t.account.disabled || !g.now().Before(t.until) {
		return nil, unauthenticated()
	}
	if !slices.Contains(t.scopes, scopeSheets) && !slices.Contains(t.scopes, scopeDrive) && !slices.Contains(t.scopes, scopeFile) {
		return nil, scopeInsufficient()
	}
	return t.account, nil
}
