package slack_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"talkrelay/sink/slack"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*slack.Config)
		key    string // "" = nothing wrong
		says   string
	}{
		"good":                 {func(*slack.Config) {}, "", ""},
		"channel name":         {func(c *slack.Config) { c.Channel = "#cs-문의" }, "", ""},
		"private channel":      {func(c *slack.Config) { c.Channel = "G0123456789" }, "", ""},
		"token with line end":  {func(c *slack.Config) { c.Token += "\n" }, "", ""},
		"mentions":             {func(c *slack.Config) { c.Mention = "<!here> <@U0123456789> <!subteam^S0123>" }, "", ""},
		"no token":             {func(c *slack.Config) { c.Token = "" }, "token", "xoxb-"},
		"user token":           {func(c *slack.Config) { c.Token = "xoxp-1-SECRET" }, "token", "user token"},
		"app token":            {func(c *slack.Config) { c.Token = "xapp-1-SECRET" }, "token", "app-level token"},
		"rotating token":       {func(c *slack.Config) { c.Token = "xoxe.xoxb-1-SECRET" }, "token", "rotation"},
		"webhook":              {func(c *slack.Config) { c.Token = "https://hooks.slack.com/services/T0/B0/SECRET" }, "token", "webhook"},
		"something else":       {func(c *slack.Config) { c.Token = "SECRET" }, "token", "must start with xoxb-"},
		"space in the token":   {func(c *slack.Config) { c.Token = "xoxb-1 SECRET" }, "token", "copy it again"},
		"line in the token":    {func(c *slack.Config) { c.Token = "xoxb-1\nSECRET" }, "token", "copy it again"},
		"no channel":           {func(c *slack.Config) { c.Channel = " " }, "channel", "missing"},
		"link":                 {func(c *slack.Config) { c.Channel = "https://x.slack.com/archives/C0123456789" }, "channel", "a link"},
		"person":               {func(c *slack.Config) { c.Channel = "U0123456789" }, "channel", "a person"},
		"spaces in the name":   {func(c *slack.Config) { c.Channel = "customer service" }, "channel", "neither"},
		"mention by name":      {func(c *slack.Config) { c.Mention = "@here" }, "mention", "<!here>"},
		"text":                 {func(c *slack.Config) { c.Text = "{{.User.Nmae}}" }, "text", "Nmae"},
		"text of a route":      {func(c *slack.Config) { c.RouteText = map[string]string{"b": "{{", "a": "fine"} }, "route_text.b", ""},
		"timeout":              {func(c *slack.Config) { c.Timeout = time.Millisecond }, "timeout", "1s to 5m"},
		"negative timeout":     {func(c *slack.Config) { c.Timeout = -time.Second }, "timeout", "1s to 5m"},
		"per_second":           {func(c *slack.Config) { c.PerSecond = -1 }, "per_second", "above 0"},
		"per_second NaN":       {func(c *slack.Config) { c.PerSecond = math.NaN() }, "per_second", "above 0"},
		"per_minute":           {func(c *slack.Config) { c.PerMinute = math.Inf(1) }, "per_minute", "above 0"},
		"on_unknown":           {func(c *slack.Config) { c.OnUnknown = "drop" }, "on_unknown", `"hold"`},
		"api_url":              {func(c *slack.Config) { c.APIURL = "slack.com/api" }, "api_url", "http(s)"},
		"api_url in the clear": {func(c *slack.Config) { c.APIURL = "http://slack.com/api/" }, "api_url", "https://"},
		"api_url on this host": {func(c *slack.Config) { c.APIURL = "http://localhost:8080/api/" }, "", ""},
		"api_url with a query": {func(c *slack.Config) { c.APIURL = "https://slack.com/api/?x=1" }, "api_url", "http(s)"},
		"api_url with a user":  {func(c *slack.Config) { c.APIURL = "https://u:p@slack.com/api/" }, "api_url", "http(s)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := slack.Config{Name: "cs-alerts", Token: token, Channel: chanA}
			tt.change(&cfg)
			problems := cfg.Validate()
			_, err := slack.New(cfg, nil)
			if (err == nil) != (tt.key == "") {
				t.Errorf("New: %v", err)
			}
			if tt.key == "" {
				if len(problems) > 0 {
					t.Errorf("problems: %v", problems)
				}
				return
			}
			if len(problems) != 1 || problems[0].Key != tt.key || !strings.Contains(problems[0].Text, tt.says) {
				t.Fatalf("problems: %v; want one with %s that says %q", problems, tt.key, tt.says)
			}
			if strings.Contains(problems.Error(), "SECRET") {
				t.Errorf("the token is in the problem: %v", problems)
			}
		})
	}
}

func TestValidateShowsAllAtOnce(t *testing.T) {
	t.Parallel()
	if problems := (slack.Config{Timeout: -1, PerSecond: -1, APIURL: "x", Text: "{{"}).Validate(); len(problems) != 6 {
		t.Errorf("%d problems, want 6: %v", len(problems), problems)
	}
}
