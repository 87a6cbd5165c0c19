package channeltalk

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// gate is the only way to the network and the only holder of the keys. Whatever a caller above it does, a request
// passes only if it cannot change anything (an access key can write everything in its channel, there are no read-only
// ones) and goes to the host the keys belong to.
type gate struct {
	base                    http.RoundTripper
	scheme, host, prefix    string // of the base URL; prefix ends in /open/v5/
	accessKey, accessSecret string
}

var errGate = errors.New("only GET below /open/v5/ of base_url is ever sent")

// RoundTrip sends req with the keys added. Unlike http.Client it follows no redirect and keeps no cookie.
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	u := req.URL
	if req.Method != http.MethodGet || req.Body != nil || req.Host != g.host ||
		u.Scheme != g.scheme || u.Host != g.host || !strings.HasPrefix(u.Path, g.prefix) {
		return nil, errGate
	}
	req = req.Clone(req.Context())
	req.Header.Set("X-Access-Key", g.accessKey)
	req.Header.Set("X-Access-Secret", g.accessSecret)
	return g.base.RoundTrip(req)
}

// newTransport returns a transport for one loop that asks one host: few idle connections, kept between polls, and
// given up when a firewall has silently dropped them.
func newTransport() http.RoundTripper {
	std, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // replaced by the program; it knows why
		return http.DefaultTransport
	}
	t := std.Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 2, 2
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second}
	return t
}
