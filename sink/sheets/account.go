package sheets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"google.golang.org/api/option"
	sheetsapi "google.golang.org/api/sheets/v4"

	"talkrelay/sink"
)

// Account is one service account: what the sinks that use it share. Google counts requests per account, so the pace and
// any hold after a 429 are the account's; and of one spreadsheet only one write is under way at a time, because Google
// appends at what it believes to be the end when the request arrives.
//
// It is safe for concurrent use.
type Account struct {
	id       string
	email    string
	endpoint string
	tokens   *tokens
	client   *http.Client
	service  *sheetsapi.Service
	writes   *pacer
	reads    *pacer

	mu    sync.Mutex
	locks map[string]lock // by spreadsheet
}

// NewAccount returns the account that c's key file is of. Of c it uses Credentials, CredentialsName,
// AllowCredentialTypes, Endpoint, Timeout, WritesPerMinute and Base. Nothing is sent.
func NewAccount(c Config) (*Account, error) {
	c = c.withDefaults()
	key, err := parseKey(c.Credentials, c.AllowCredentialTypes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.CredentialsName, err)
	}
	if !safeURL(c.Endpoint) {
		return nil, errors.New("endpoint must be an https:// URL (http:// only on this machine)")
	}
	tokens, err := newTokens(key, c.CredentialsName, sink.NewHTTPClient(c.Base, tokenTimeout))
	if err != nil {
		return nil, err
	}
	a := &Account{
		id: accountID(key, c.Endpoint), email: key.ClientEmail, endpoint: c.Endpoint, tokens: tokens,
		client: sink.NewHTTPClient(authorised{tokens, c.Base}, c.Timeout),
		writes: newPacer(c.WritesPerMinute, writeBurst), reads: newPacer(readsPerMinute, readBurst),
		locks: make(map[string]lock),
	}
	a.service, err = sheetsapi.NewService(context.Background(),
		option.WithHTTPClient(a.client), option.WithEndpoint(c.Endpoint), option.WithTelemetryDisabled(),
		option.WithLogger(slog.New(slog.DiscardHandler))) // any other would be given whole requests
	if err != nil {
		return nil, fmt.Errorf("set up the Sheets client: %w", err)
	}
	return a, nil
}

// suit makes what sinks share suit c's sink as well: the lowest pace of all, and the longest timeout. A longer timeout is
// only for an account that is not in use yet.
func (a *Account) suit(c Config) {
	a.writes.slowDown(c.WritesPerMinute)
	if c.Timeout > a.client.Timeout {
		a.client.Timeout = c.Timeout
	}
}

// AccountID tells accounts apart: configs of equal id are to share one Account. It is "" if the key file cannot be read.
func (c Config) AccountID() string {
	c = c.withDefaults()
	key, err := parseKey(c.Credentials, c.AllowCredentialTypes)
	if err != nil {
		return ""
	}
	return accountID(key, c.Endpoint)
}

func accountID(k keyFile, endpoint string) string {
	who := k.ClientEmail
	if k.Type != serviceAccount {
		sum := sha256.Sum256(k.raw)
		who = k.Type + " " + hex.EncodeToString(sum[:8])
	}
	return who + " " + endpoint
}

// Email is the address to share spreadsheets with; "" if the key file names none.
func (a *Account) Email() string { return a.email }

// lock returns the lock of a spreadsheet.
func (a *Account) lock(spreadsheet string) lock {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok := a.locks[spreadsheet]
	if !ok {
		l = newLock()
		a.locks[spreadsheet] = l
	}
	return l
}

// authorised adds the access token to requests.
type authorised struct {
	tokens *tokens
	base   http.RoundTripper
}

func (t authorised) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := t.tokens.get(req.Context())
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper must; it was never read
		}
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token.Value) // req is the clone that sink.NewHTTPClient made
	resp, err := t.base.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		t.tokens.rejected(token)
	}
	return resp, err
}

// lock is a mutex whose waiting ends with a context.
type lock chan struct{}

func newLock() lock { return make(lock, 1) }

func (l lock) take(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l lock) free() { <-l }

// sleep waits for d, or until ctx ends and with its error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
