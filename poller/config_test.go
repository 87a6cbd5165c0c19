package poller_test

import (
	"testing"
	"time"

	"talkrelay/poller"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	if problems := (poller.Config{}).Validate(); len(problems) > 0 {
		t.Fatalf("the defaults are refused: %v", problems)
	}
	tests := []struct {
		key    string
		change func(*poller.Config)
	}{
		{"poll", func(c *poller.Config) { c.Poll = "@every 100ms" }},
		{"sweep", func(c *poller.Config) { c.Sweep = "often" }},
		{"full_sweep", func(c *poller.Config) { c.FullSweep = "0 0 31 2 *" }},
		{"overlap", func(c *poller.Config) { c.Overlap = -time.Hour }},
		{"overlap", func(c *poller.Config) { c.Overlap = time.Second }},
		{"contact_requests_per_minute", func(c *poller.Config) { c.ContactRequestsPerMinute = -1 }},
		{"contact_requests_per_minute", func(c *poller.Config) { c.ContactRequestsPerMinute = 601 }},
		{"message_lookups_per_minute", func(c *poller.Config) { c.MessageLookupsPerMinute = -1 }},
		{"bot_only", func(c *poller.Config) { c.BotOnly = "never" }},
		{"desk_url", func(c *poller.Config) { c.DeskURL = "desk.channel.io/{chatId}" }},
		{"desk_url", func(c *poller.Config) { c.DeskURL = "https://desk.channel.io/" }},
		{"desk_url", func(c *poller.Config) { c.DeskURL = "javascript:alert({chatId})" }},
	}
	for _, tt := range tests {
		var c poller.Config
		tt.change(&c)
		problems := c.Validate()
		if len(problems) != 1 || problems[0].Key != tt.key {
			t.Errorf("%s: %v", tt.key, problems)
		}
		if _, err := poller.New(c); err == nil {
			t.Errorf("%s: New accepts it", tt.key)
		}
	}
}
