package channeltalk

import (
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Defaults of Config. Channel Talk refills a channel's allowance of 1,000 requests at about 10 a second and serves
// GET /user-chats from an allowance of its own (both observed, neither promised).
const (
	DefaultBaseURL               = "https://api.channel.io"
	DefaultTimeout               = 30 * time.Second
	DefaultRequestsPerSecond     = 10
	DefaultListRequestsPerSecond = 5
	DefaultReserve               = 100
)

// Config says how to reach one channel.
type Config struct {
	BaseURL      string // "" = DefaultBaseURL; https, or http to a loopback host; a path before /open/v5 may follow
	AccessKey    string // sent to the host of BaseURL and nowhere else
	AccessSecret string // likewise

	// Timeout bounds one request from dialling to the last byte of the reply, without the wait for its turn.
	// 0 = DefaultTimeout. Pages of 500 rows can take seconds, so below 20 s is asking for trouble.
	Timeout time.Duration

	// RequestsPerSecond is the pace of everything but lists of user chats; two seconds' worth may go at once.
	// 0 = DefaultRequestsPerSecond.
	RequestsPerSecond float64

	// ListRequestsPerSecond is the pace of lists of user chats; 20 or four seconds' worth may go at once, so that a
	// burst of 5,000 chats is read without a pause. 0 = DefaultListRequestsPerSecond.
	ListRequestsPerSecond float64

	// Reserve is how many requests of the channel's allowance are left to the customer's other tools: while fewer
	// remain, we go at half pace and without bursts until the allowance is reset. 0 = DefaultReserve, -1 = none.
	Reserve int

	// Transport carries the requests. nil = one of its own, like http.DefaultTransport (proxy from the environment).
	Transport http.RoundTripper
}

// ConfigError is something wrong with one setting.
type ConfigError struct {
	Key  string // name of the setting in the config file
	Text string // what is wrong and what is allowed, as a sentence part; never a secret
}

func (e ConfigError) Error() string { return e.Key + ": " + e.Text }

// Validate returns everything wrong with c, nothing if it can be given to New.
func (c Config) Validate() []ConfigError {
	var errs []ConfigError
	add := func(key, text string) {
		if text != "" {
			errs = append(errs, ConfigError{Key: key, Text: text})
		}
	}
	add("base_url", baseURLFault(c.withDefaults().BaseURL))
	add("access_key", credentialFault(c.AccessKey))
	add("access_secret", credentialFault(c.AccessSecret))
	if c.Timeout < 0 {
		add("timeout", "must not be negative; leave it out for 30s")
	}
	add("requests_per_second", rateFault(c.RequestsPerSecond))
	add("list_requests_per_second", rateFault(c.ListRequestsPerSecond))
	if c.Reserve < -1 {
		add("reserve", "must be a number of requests, or -1 to leave none to other tools")
	}
	return errs
}

func baseURLFault(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return "must be an address like " + DefaultBaseURL
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return "must begin with https:// because it carries the access secret (http:// is for loopback hosts only)"
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "must hold scheme, host and path only"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func credentialFault(s string) string {
	odd := func(r rune) bool { return unicode.IsSpace(r) || r <= 0x20 || r >= 0x7f }
	switch {
	case s == "":
		return "is missing; copy it from the channel's settings in Channel Talk, under API keys"
	case strings.ContainsFunc(s, odd):
		return "holds a space, a line break or another character that no key has; copy it again"
	}
	return ""
}

func rateFault(perSecond float64) string {
	if perSecond < 0 || math.IsNaN(perSecond) || math.IsInf(perSecond, 0) {
		return "must be a number above 0"
	}
	return ""
}

// withDefaults returns c with every setting that was left out filled in.
func (c Config) withDefaults() Config {
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.RequestsPerSecond == 0 {
		c.RequestsPerSecond = DefaultRequestsPerSecond
	}
	if c.ListRequestsPerSecond == 0 {
		c.ListRequestsPerSecond = DefaultListRequestsPerSecond
	}
	if c.Reserve == 0 {
		c.Reserve = DefaultReserve
	}
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	return c
}
