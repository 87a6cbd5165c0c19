package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"talkrelay/sandbox"
)

// Secrets of the right shape that open nothing.
const (
	wrongToken  = "xoxb-000000000000-000000000000-wrongwrongwrong"
	wrongSecret = "wrong-secret-0123456789abcdef"
)

// unknownID is an id that nothing in the simulated services has.
const unknownID = "C0UNKNOWN00"

// webPage answers every request, which is applied, with a proxy's page instead of the service's own words.
var webPage = sandbox.Always(sandbox.Fault{
	Status: http.StatusOK,
	Header: http.Header{"Content-Type": {"text/html"}},
	Body:   "<!DOCTYPE html><html><title>Please log in</title></html>",
})

// redirect sends every request elsewhere.
var redirect = sandbox.Always(sandbox.Fault{
	Skip:   true,
	Status: http.StatusFound,
	Header: http.Header{"Location": {"http://127.0.0.1:1/login"}},
})

// wrongConfig is a fault that stands in the config file.
func wrongConfig(f fault, right, wrong func(*rig) string) fault {
	f.restart = true
	f.breakIt = func(r *rig) { r.edit(right(r), wrong(r)) }
	f.mend = func(r *rig) { r.edit(wrong(r), right(r)) }
	return f
}

func constant(text string) func(*rig) string { return func(*rig) string { return text } }

var slackFaults = []fault{
	wrongConfig(fault{
		name:    "slack wrong token",
		log:     []string{"level=WARN", "sink=cs-alerts", "invalid_auth", `token of sink.slack "cs-alerts"`},
		healthy: sheetArrived,
		check:   map[string]string{"sink cs-alerts: token": `token of sink.slack "cs-alerts"`},
	}, func(r *rig) string { return r.world.Slack.Token }, constant(wrongToken)),
	{
		name:    "slack revoked token",
		breakIt: func(r *rig) { r.world.Slack.SetTokenError("token_revoked") },
		mend:    func(r *rig) { r.world.Slack.SetTokenError("") },
		log:     []string{"level=WARN", "sink=cs-alerts", "token_revoked", `token of sink.slack "cs-alerts"`},
		healthy: sheetArrived,
		check:   map[string]string{"sink cs-alerts: token": `token of sink.slack "cs-alerts"`},
	},
	{
		name:    "slack missing scope",
		breakIt: func(r *rig) { r.world.Slack.SetScopes("channels:history", "channels:read") },
		mend:    func(r *rig) { r.world.Slack.SetScopes(sandbox.DefaultScopes()...) },
		log:     []string{"level=WARN", "sink=cs-alerts", "scope chat:write", "OAuth & Permissions"},
		healthy: sheetArrived,
		check:   map[string]string{"sink cs-alerts: scopes": "chat:write"},
	},
	wrongConfig(fault{
		name:    "slack unknown channel",
		log:     []string{"level=WARN", "sink=cs-alerts", unknownID, `channel of sink.slack "cs-alerts"`},
		healthy: sheetArrived,
		check:   map[string]string{"sink cs-alerts: channel": `channel of sink.slack "cs-alerts"`},
	}, func(r *rig) string { return r.slack.ID }, constant(unknownID)),
	{
		name:    "slack channel archived",
		breakIt: func(r *rig) { r.slack.SetArchived(true) },
		mend:    func(r *rig) { r.slack.SetArchived(false) },
		log:     []string{"level=WARN", "sink=cs-alerts", "unarchive it", `channel of sink.slack "cs-alerts"`},
		healthy: sheetArrived,
		check:   map[string]string{"sink cs-alerts: channel": "unarchive it"},
	},
	{
		name:    "slack bot not in channel",
		breakIt: func(r *rig) { r.slack.SetMember(false) },
		mend:    func(r *rig) { r.slack.SetMember(true) },
		log:     []string{"level=WARN", "sink=cs-alerts", "/invite @bot", `channel of sink.slack "cs-alerts"`},
		healthy: sheetArrived,
		check:   map[string]string{"sink cs-alerts: channel": "/invite @bot"},
	},
	{
		name:    "slack web page",
		breakIt: func(r *rig) { r.world.Slack.SetFault(webPage) },
		mend:    func(r *rig) { r.world.Slack.SetFault(nil) },
		log:     []string{"level=WARN", "sink=cs-alerts", "api_url"},
		healthy: sheetArrived,
		check:   map[string]string{"sink cs-alerts: token": "api_url"},
	},
	{
		name:    "slack redirect",
		breakIt: func(r *rig) { r.world.Slack.SetFault(redirect) },
		mend:    func(r *rig) { r.world.Slack.SetFault(nil) },
		log:     []string{"level=WARN", "sink=cs-alerts", "redirect", "api_url"},
		healthy: sheetArrived,
		check:   map[string]string{"sink cs-alerts: token": "api_url"},
	},
}

// bothSheets is what `check` finds wrong when the two sinks of the spreadsheet share a fault.
func bothSheets(finding, says string) map[string]string {
	return map[string]string{"sink inquiries: " + finding: says, "sink changes: " + finding: says}
}

var sheetsFaults = []fault{
	{
		name:    "sheets not shared",
		breakIt: func(r *rig) { r.sheet.SetShared(r.world.Google.Account(), false) },
		mend:    func(r *rig) { r.sheet.SetShared(r.world.Google.Account(), true) },
		log:     []string{"level=WARN", "sink=inquiries", "share the spreadsheet with ", ".iam.gserviceaccount.com as editor"},
		healthy: slackArrived,
		check:   bothSheets("spreadsheet", "share the spreadsheet with "),
	},
	{
		name:    "sheets xlsx",
		breakIt: func(r *rig) { r.sheet.SetOffice(true) },
		mend:    func(r *rig) { r.sheet.SetOffice(false) },
		log:     []string{"level=WARN", "sink=inquiries", "Save as Google Sheets", "set spreadsheet to the new one"},
		healthy: slackArrived,
		check:   bothSheets("spreadsheet", "Save as Google Sheets"),
	},
	wrongConfig(fault{
		name:    "sheets unknown spreadsheet",
		log:     []string{"level=WARN", "sink=inquiries", "404", "check spreadsheet"},
		healthy: slackArrived,
		check:   bothSheets("spreadsheet", "check spreadsheet"),
	}, func(r *rig) string { return r.sheet.ID }, constant("1unknownunknownunknownunknownunknownunknown0")),
	{
		name:    "sheets tab protected",
		breakIt: func(r *rig) { r.sheet.SetProtected(demoInquiries, true) },
		mend:    func(r *rig) { r.sheet.SetProtected(demoInquiries, false) },
		log:     []string{"level=WARN", "sink=inquiries", "protected", "Protect sheets and ranges"},
		healthy: slackArrived,
		check:   map[string]string{"sink inquiries: protection": "Protect sheets and ranges"},
	},
	{
		name:    "sheets API off",
		breakIt: func(r *rig) { r.world.Google.SetDisabled(true) },
		mend:    func(r *rig) { r.world.Google.SetDisabled(false) },
		log:     []string{"level=WARN", "sink=inquiries", "enable it in the Google Cloud project", "google.json"},
		healthy: slackArrived,
		check:   bothSheets("spreadsheet", "enable it in the Google Cloud project"),
	},
	{
		name:    "sheets account disabled",
		breakIt: func(r *rig) { r.world.Google.Account().SetDisabled(true) },
		mend:    func(r *rig) { r.world.Google.Account().SetDisabled(false) },
		log:     []string{"level=WARN", "sink=inquiries", "make a new key and replace google.json"},
		healthy: slackArrived,
		check:   bothSheets("token", "make a new key and replace google.json"),
	},
	{
		name:    "sheets deleted key",
		restart: true,
		breakIt: func(r *rig) { r.rewriteKey(r.world.Google.Account().KeyID, strings.Repeat("0", 40)) },
		mend:    func(r *rig) { r.rewriteKey("", "") },
		log:     []string{"level=WARN", "sink=inquiries", "make a new key and replace google.json"},
		healthy: slackArrived,
		check:   bothSheets("token", "make a new key and replace google.json"),
	},
	{
		name:    "sheets web page",
		breakIt: func(r *rig) { r.world.Google.SetFault(webPage) },
		mend:    func(r *rig) { r.world.Google.SetFault(nil) },
		log:     []string{"level=WARN", "sink=inquiries", "endpoint"},
		healthy: slackArrived,
		check:   bothSheets("token", "token_uri in google.json"),
	},
	{
		name:    "sheets redirect",
		breakIt: func(r *rig) { r.world.Google.SetFault(redirect) },
		mend:    func(r *rig) { r.world.Google.SetFault(nil) },
		log:     []string{"level=WARN", "sink=inquiries", "redirect", "check endpoint"},
		healthy: slackArrived,
		check:   bothSheets("token", "token_uri in google.json"),
	},
	{
		name:    "sheets web page for a token",
		restart: true,
		breakIt: func(r *rig) { r.world.Google.SetFault(sandbox.Only("/token", webPage)) },
		mend:    func(r *rig) { r.world.Google.SetFault(nil) },
		log:     []string{"level=WARN", "sink=inquiries", "token_uri in google.json"},
		healthy: slackArrived,
		check:   bothSheets("token", "token_uri in google.json"),
	},
}

// rewriteKey writes the service account's key file anew, with one text replaced.
func (r *rig) rewriteKey(old, with string) {
	r.t.Helper()
	key := strings.ReplaceAll(string(r.world.Google.ServiceAccountJSON()), old, with)
	if old == "" {
		key = string(r.world.Google.ServiceAccountJSON())
	}
	if err := os.WriteFile(filepath.Join(r.dir, "google.json"), []byte(key), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

var channelFaults = []fault{
	wrongConfig(fault{
		name:  "channel wrong secret",
		log:   []string{"level=WARN", "channel=shop", "401", "check access_key and access_secret"},
		check: map[string]string{"channel shop: access key": "correct access_key and access_secret"},
	}, func(r *rig) string { return r.channel.AccessSecret }, constant(wrongSecret)),
	wrongConfig(fault{
		name:  "channel wrong key",
		log:   []string{"level=WARN", "channel=shop", "401", "check access_key and access_secret"},
		check: map[string]string{"channel shop: access key": "correct access_key and access_secret"},
	}, func(r *rig) string { return r.channel.AccessKey }, constant(wrongSecret)),
	{
		name:    "channel revoked key",
		breakIt: func(r *rig) { r.channel.SetRevoked(true) },
		mend:    func(r *rig) { r.channel.SetRevoked(false) },
		log:     []string{"level=WARN", "channel=shop", "401", "check access_key and access_secret"},
		check:   map[string]string{"channel shop: access key": "correct access_key and access_secret"},
	},
	{
		name:    "channel web page",
		breakIt: func(r *rig) { r.world.ChannelTalk.SetFault(webPage) },
		mend:    func(r *rig) { r.world.ChannelTalk.SetFault(nil) },
		log:     []string{"level=WARN", "channel=shop", "a web page instead of JSON", "check base_url"},
		check:   map[string]string{"channel shop: access key": "check base_url"},
	},
	{
		name:    "channel redirect",
		breakIt: func(r *rig) { r.world.ChannelTalk.SetFault(redirect) },
		mend:    func(r *rig) { r.world.ChannelTalk.SetFault(nil) },
		log:     []string{"level=WARN", "channel=shop", "sent on to another address", "check base_url"},
		check:   map[string]string{"channel shop: access key": "check base_url"},
	},
}
