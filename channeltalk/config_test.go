package channeltalk_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"talkrelay/channeltalk"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	good := channeltalk.Config{AccessKey: "6641a0", AccessSecret: "f00dcafe"}
	tests := []struct {
		name   string
		change func(*channeltalk.Config)
		keys   string // with a problem
	}{
		{"only keys", func(*channeltalk.Config) {}, ""},
		{"https", func(c *channeltalk.Config) { c.BaseURL = "https://channel.example.com/" }, ""},
		{"http to loopback", func(c *channeltalk.Config) { c.BaseURL = "http://127.0.0.1:8080" }, ""},
		{"http to loopback, IPv6", func(c *channeltalk.Config) { c.BaseURL = "http://[::1]:8080/channel" }, ""},
		{"http to localhost", func(c *channeltalk.Config) { c.BaseURL = "http://localhost:1" }, ""},
		{"http to elsewhere", func(c *channeltalk.Config) { c.BaseURL = "http://api.channel.io" }, "base_url"},
		{"http to a host that begins like loopback", func(c *channeltalk.Config) { c.BaseURL = "http://localhost.example.com" }, "base_url"},
		{"no scheme", func(c *channeltalk.Config) { c.BaseURL = "api.channel.io" }, "base_url"},
		{"no host", func(c *channeltalk.Config) { c.BaseURL = "https:///open" }, "base_url"},
		{"not an address", func(c *channeltalk.Config) { c.BaseURL = "https://a b\n" }, "base_url"},
		{"user in address", func(c *channeltalk.Config) { c.BaseURL = "https://u:p@api.channel.io" }, "base_url"},
		{"query in address", func(c *channeltalk.Config) { c.BaseURL = "https://api.channel.io?a=b" }, "base_url"},
		{"fragment in address", func(c *channeltalk.Config) { c.BaseURL = "https://api.channel.io#a" }, "base_url"},
		{"no keys", func(c *channeltalk.Config) { c.AccessKey, c.AccessSecret = "", "" }, "access_key access_secret"},
		{"line break", func(c *channeltalk.Config) { c.AccessSecret += "\n" }, "access_secret"},
		{"space inside", func(c *channeltalk.Config) { c.AccessKey = "66 41" }, "access_key"},
		{"no-break space", func(c *channeltalk.Config) { c.AccessKey += "\u00a0" }, "access_key"},
		{"control character", func(c *channeltalk.Config) { c.AccessKey += "\x01" }, "access_key"},
		{"negative timeout", func(c *channeltalk.Config) { c.Timeout = -time.Second }, "timeout"},
		{"negative paces", func(c *channeltalk.Config) { c.RequestsPerSecond, c.ListRequestsPerSecond = -1, -1 }, "requests_per_second list_requests_per_second"},
		{"endless pace", func(c *channeltalk.Config) { c.RequestsPerSecond = math.Inf(1) }, "requests_per_second"},
		{"pace that is no number", func(c *channeltalk.Config) { c.ListRequestsPerSecond = math.NaN() }, "list_requests_per_second"},
		{"no reserve", func(c *channeltalk.Config) { c.Reserve = -1 }, ""},
		{"negative reserve", func(c *channeltalk.Config) { c.Reserve = -2 }, "reserve"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			tt.change(&cfg)
			var keys []string
			for _, e := range cfg.Validate() {
				keys = append(keys, e.Key)
				if strings.Contains(e.Error(), "f00dcafe") {
					t.Errorf("%v: shows the secret", e)
				}
			}
			if got := strings.Join(keys, " "); got != tt.keys {
				t.Errorf("Validate finds fault with %q, want %q", got, tt.keys)
			}
		})
	}
}
