package sheets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	sheetsapi "google.golang.org/api/sheets/v4"

	"talkrelay/sink"
)

const (
	tokenTimeout = 30 * time.Second
	tokenEarly   = 4 * time.Minute // a token is replaced this much before it ends, for clocks that differ
	tokenYoung   = time.Minute     // a 401 for a token younger than this is not about its age
)

// tokens gives out access tokens. It fetches one when there is none that lasts, one caller at a time; the others wait
// for that one.
type tokens struct {
	provider auth.TokenProvider
	file     string // name of the key file, for messages
	turn     lock

	// guarded by turn
	token        *auth.Token
	since        time.Time
	refusedYoung bool
}

// newTokens returns a source of tokens for k. They are fetched through client.
func newTokens(k keyFile, file string, client *http.Client) (*tokens, error) {
	provider, err := tokenProvider(k, client)
	if err != nil {
		return nil, fmt.Errorf("read %s: not usable as a credential of type %s", file, k.Type) // err may quote it
	}
	return &tokens{provider: provider, file: file, turn: newLock()}, nil
}

func tokenProvider(k keyFile, client *http.Client) (auth.TokenProvider, error) {
	scopes := []string{sheetsapi.SpreadsheetsScope}
	silent := slog.New(slog.DiscardHandler) // else an environment variable makes the library log requests, keys included
	if k.Type == serviceAccount {
		return auth.New2LOTokenProvider(&auth.Options2LO{
			Email: k.ClientEmail, PrivateKey: []byte(k.PrivateKey), PrivateKeyID: k.PrivateKeyID, TokenURL: k.TokenURI,
			Scopes: scopes, Client: client, Logger: silent,
		})
	}
	return credentials.NewCredentialsFromJSON(credentials.CredType(k.Type), k.raw, &credentials.DetectOptions{
		Scopes: scopes, Client: client, Logger: silent, DisableAsyncRefresh: true,
	})
}

// get returns a token. Its error is a *sink.Error: no token means that nothing was sent.
func (t *tokens) get(ctx context.Context) (*auth.Token, error) {
	if err := t.turn.take(ctx); err != nil {
		return nil, &sink.Error{Verdict: sink.Retry, Op: opToken, Reason: "interrupted", Err: err}
	}
	defer t.turn.free()
	if t.token != nil && (t.token.Expiry.IsZero() || time.Until(t.token.Expiry) > tokenEarly) {
		return t.token, nil
	}
	ctx, cancel := context.WithTimeout(withoutValues{ctx}, tokenTimeout)
	defer cancel()
	ctx, trace := sink.WithTrace(ctx)
	token, err := t.provider.Token(ctx)
	if err != nil {
		e := t.refusal(err)
		e.After, _ = trace.RetryAfter(time.Now())
		return nil, e
	}
	if token.Value == "" {
		return nil, &sink.Error{Verdict: sink.Retry, Op: opToken, Reason: "the answer holds no token: is token_uri in " + t.file + " right?"}
	}
	t.token, t.since = token, time.Now()
	return token, nil
}

// rejected says that the API refused token. The next get fetches another one.
func (t *tokens) rejected(token *auth.Token) {
	if err := t.turn.take(context.Background()); err != nil {
		return
	}
	defer t.turn.free()
	if t.token == token { // else it has been replaced already
		t.token, t.refusedYoung = nil, time.Since(t.since) < tokenYoung
	}
}

// hopeless reports whether the token refused last was a new one, so that another one will hardly do better.
func (t *tokens) hopeless() bool {
	if err := t.turn.take(context.Background()); err != nil {
		return false
	}
	defer t.turn.free()
	return t.refusedYoung
}

const opToken = "get access token"

// refusal judges why no token came.
func (t *tokens) refusal(err error) *sink.Error {
	var refused *auth.Error
	if !errors.As(err, &refused) || refused.Response == nil {
		return &sink.Error{Verdict: sink.Retry, Op: opToken, Reason: "no answer from token_uri in " + t.file + ": check network and proxy", Err: plain(err)}
	}
	e := &sink.Error{Verdict: sink.Retry, Op: opToken, Reason: fmt.Sprintf("token_uri in %s answered %d: check token_uri and proxy", t.file, refused.Response.StatusCode)}
	switch body := strings.ToLower(string(refused.Body)); {
	case refused.Response.StatusCode != http.StatusBadRequest && refused.Response.StatusCode != http.StatusUnauthorized:
	case strings.Contains(body, "short-lived") || strings.Contains(body, "iat and exp"):
		e.Verdict = sink.PauseCredential
		e.Reason += ": the clock of this machine is wrong, set it (timedatectl set-ntp true)"
	default:
		e.Verdict = sink.PauseCredential
		e.Reason += ": the key was deleted or the service account disabled; make a new key and replace " + t.file
	}
	return e
}

// withoutValues is a context that ends with its parent and hides the parent's values: a request made on the side must
// not be taken for the one that is traced.
type withoutValues struct{ context.Context }

func (withoutValues) Value(any) any { return nil }
