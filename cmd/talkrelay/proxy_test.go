package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// Hosts that no resolver knows; only the proxy can lead to them.
const (
	hostTalk      = "api.talk.test"
	hostSlack     = "slack.test"
	hostSheets    = "sheets.test"
	hostToken     = "oauth.test"
	hostHook      = "hook.test"
	hostElsewhere = "elsewhere.test" // where redirects lead
	hostDirect    = "direct.test"    // in NO_PROXY
)

// company is the network of a company: nothing but its proxy leads out, and the services have certificates of its own CA.
type company struct {
	proxy *httptest.Server
	front *httptest.Server
	caPEM []byte
	old   atomic.Bool // the services speak TLS 1.1 at most

	mu       sync.Mutex
	connects map[string]int // asked of the proxy, by host
	requests map[string]int // that reached the services, by host
}

// newCompany leads each host to the address of a simulated service.
func newCompany(t *testing.T, services map[string]string) *company {
	t.Helper()
	c := &company{connects: map[string]int{}, requests: map[string]int{}}
	silent := log.New(io.Discard, "", 0)
	c.front = httptest.NewUnstartedServer(&httputil.ReverseProxy{ErrorLog: silent, Rewrite: func(r *httputil.ProxyRequest) {
		c.count(c.requests, r.In.Host)
		if u, err := url.Parse(services[r.In.Host]); err == nil {
			r.SetURL(&url.URL{Scheme: u.Scheme, Host: u.Host})
		}
	}})
	certificate := c.certify(t, hostTalk, hostSlack, hostSheets, hostToken, hostHook, hostElsewhere)
	c.front.Config.ErrorLog = silent
	c.front.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if !c.old.Load() {
			return nil, nil
		}
		return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, nil
	}}
	c.front.StartTLS()
	t.Cleanup(c.front.Close)
	c.proxy = httptest.NewServer(http.HandlerFunc(c.connect))
	t.Cleanup(c.proxy.Close)
	return c
}

// certify makes a certificate for the hosts, and its own CA.
func (c *company) certify(t *testing.T, hosts ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: hosts, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c.caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (c *company) count(m map[string]int, host string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m[strings.TrimSuffix(host, ":443")]++
}

func (c *company) counts(m map[string]int, host string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return m[host]
}

// connect is the proxy: it leads every host to the front.
func (c *company) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "only CONNECT", http.StatusForbidden)
		return
	}
	c.count(c.connects, r.Host)
	server, err := net.Dial("tcp", c.front.Listener.Addr().String())
	if err != nil {
		http.Error(w, "no way", http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n") // only now: what comes after it must not be read by the server
	go func() {
		_, _ = io.Copy(server, buffered)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}

// inCompany puts a rig into a company's network.
func inCompany(t *testing.T) (*rig, *company, *inbox) {
	t.Helper()
	r, in := newRig(t, hurried...), newInbox(t)
	talk, slack, google := r.world.ChannelTalk.URL(), r.world.Slack.APIURL(), r.world.Google.Endpoint()
	c := newCompany(t, map[string]string{hostTalk: talk, hostSlack: slack, hostSheets: google, hostToken: google, hostHook: in.URL, hostElsewhere: in.URL})
	writeFile(t, r.dir, "ca.pem", string(c.caPEM), 0o600)
	r.withAlerts("[alert.webhook]\nurl = \"https://" + hostHook + "/\"\n[alert.heartbeat]\nurl = \"https://" + hostDirect + "/\"\n")
	r.edit("[state]", "[network]\nca_file = \"ca.pem\"\n\n[state]", `"`+talk+`"`, `"https://`+hostTalk+`"`, `"`+slack+`"`, `"https://`+hostSlack+`/api/"`, `"`+google+`"`, `"https://`+hostSheets+`/"`)
	return r, c, in
}

// behind runs a command to its end where HTTPS_PROXY leads out, and all but hostDirect goes there.
func (r *rig) behind(c *company, args ...string) *process {
	r.t.Helper()
	p := &process{t: r.t, cmd: exec.Command(os.Args[0], append(args, "--config", r.config)...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asDaemon+"=1", "HTTPS_PROXY="+c.proxy.URL, "NO_PROXY="+hostDirect)
	p.run()
	p.wait(patience)
	return p
}

// TestThroughTheProxy delivers from a network whose only way out is a CONNECT proxy, to services with certificates of the
// company's own CA. Every client goes that way, none speaks less than TLS 1.2, and none follows a redirect, so that no token
// gets to another host.
func TestThroughTheProxy(t *testing.T) {
	t.Parallel()
	r, c, in := inCompany(t)
	hosts := []string{hostTalk, hostSlack, hostSheets, hostHook, hostToken}
	r.rewriteKey(strings.TrimSuffix(r.world.Google.Endpoint(), "/"), "https://"+hostToken)
	r.behind(c, "check") // the simulated Google gives no token for another host's name, but it is asked
	r.rewriteKey("", "")
	r.behind(c, "run", "--once")
	r.customer("홍길동", "회사 안에서")
	p := r.behind(c, "run", "--once")
	if d := r.compare(); !d.slack.OK() || !d.sheets.OK() || p.cmd.ProcessState.ExitCode() != exitOK {
		t.Errorf("%s\n%s", d.verdict(), p.log())
	}
	p = r.behind(c, "alert", "test")
	in.mu.Lock()
	told := len(in.posts)
	in.mu.Unlock()
	if told == 0 {
		t.Errorf("no alert came through\n%s", p.log())
	}
	for _, host := range hosts {
		if c.counts(c.connects, host) == 0 || c.counts(c.requests, host) == 0 {
			t.Errorf("%s: %d times through the proxy, %d requests", host, c.counts(c.connects, host), c.counts(c.requests, host))
		}
	}
	if c.counts(c.connects, hostDirect) != 0 {
		t.Error("NO_PROXY is not honoured")
	}

	r.world.SetFault(func(_ string, q sandbox.Request) *sandbox.Fault {
		return &sandbox.Fault{Skip: true, Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"https://" + hostElsewhere + q.Path}}}
	})
	r.customer("이영희", "다른 곳으로")
	before := c.counts(c.requests, hostTalk)
	for _, args := range [][]string{{"check"}, {"alert", "test"}} {
		r.behind(c, args...)
	}
	if c.counts(c.requests, hostTalk) == before {
		t.Error("nothing was asked")
	}
	if n := c.counts(c.connects, hostElsewhere) + c.counts(c.requests, hostElsewhere); n > 0 {
		t.Errorf("%d times a redirect was followed", n)
	}

	r.world.SetFault(nil)
	c.old.Store(true)
	before = 0
	for _, host := range hosts {
		before += c.counts(c.requests, host)
	}
	p = r.behind(c, "check")
	out := p.log() + r.behind(c, "alert", "test").log()
	for _, host := range hosts {
		before -= c.counts(c.requests, host)
	}
	if before != 0 || !strings.Contains(out, "✗") {
		t.Errorf("%d requests over TLS 1.1\n%s", -before, out)
	}
}

// TestUnknownCompany refuses certificates of a CA that the config does not name.
func TestUnknownCompany(t *testing.T) {
	t.Parallel()
	r, c, _ := inCompany(t)
	r.edit(`ca_file = "ca.pem"`, "")
	p := r.behind(c, "check")
	if n := c.counts(c.requests, hostTalk) + c.counts(c.requests, hostSlack) + c.counts(c.requests, hostSheets); n > 0 || c.counts(c.connects, hostSlack) == 0 || !strings.Contains(p.log(), "ca_file") {
		t.Errorf("%d requests\n%s", n, p.log())
	}
}
