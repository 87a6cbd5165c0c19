package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"text/template"

	"talkrelay/channeltalk"
	"talkrelay/sink"
	"talkrelay/sink/sheets"
	"talkrelay/sink/slack"
)

// initConfig is the config that `init` writes. What is commented out shows a default.
var initConfig = template.Must(template.New("config").Funcs(template.FuncMap{"q": tomlQuote, "say": fmt.Sprintf}).Parse(
	`# {{.W.CHead}}
# {{.W.CAll}}

language = {{q .Language}}
timezone = {{q .TimeZone}}

[state]
path = "talkrelay.db"   # {{.W.CState}}
{{- if or .Proxy .CAFile}}

[network]
{{- if .Proxy}}
proxy   = {{q .Proxy}}
{{- end}}
{{- if .CAFile}}
ca_file = {{q .CAFile}}
{{- end}}
{{- end}}

# {{.W.CAlert}}

# {{.W.CChannel}}: {{.Channel}}
[[channel]]
name               = "main"
access_key         = {{q .AccessKey}}
access_secret_file = "channel_secret"
# poll             = "@every 5s"   # {{.W.CPoll}}
{{- if .BaseURL}}
base_url           = {{q .BaseURL}}
{{- end}}
{{- if .Slack}}

# {{say .W.CSlack .RoomName}}
[[sink.slack]]
name       = "slack"
token_file = "slack_token"
channel    = {{q .Room}}
# mask         = true   # {{.W.CMask}}
# mention      = ""     # {{.W.CMention}}: "<!here>", "<!subteam^S0123456789>"
# digest_above = 0      # {{.W.CDigest}}
{{- if .APIURL}}
api_url    = {{q .APIURL}}
{{- end}}
{{- end}}
{{- if .Sheets}}

# {{say .W.CSheets .BookTitle}}
# {{.W.CColumns}}
{{- range .Tabs}}
[[sink.sheets]]
name             = {{q .Name}}
credentials_file = "google.json"
spreadsheet      = {{q $.Book}}
sheet            = {{q .Title}}
# mask           = false   # {{$.W.CMask}}
{{- if $.Endpoint}}
endpoint         = {{q $.Endpoint}}
{{- end}}
{{end}}
{{- else}}
{{end}}
# {{.W.CRoute}}
{{- range .Routes}}
[[route]]
name  = {{q .Name}}
on    = [{{range $i, $k := .On}}{{if $i}}, {{end}}{{q $k}}{{end}}]
{{- if .Where}}
where = '{{.Where}}'   # {{$.W.CUpdated}}
{{- else}}
# where = '"VIP" in user.tags'   # {{$.W.CWhere}}
{{- end}}
to    = [{{range $i, $k := .To}}{{if $i}}, {{end}}{{q $k}}{{end}}]
{{end -}}
`))

// tomlQuote writes s as a TOML text. JSON's way of quoting is TOML's too.
func tomlQuote(s any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(fmt.Sprint(s))
	return string(bytes.TrimSpace(b.Bytes())), err
}

// initText is what the template sees.
type initText struct {
	W                  *initWords
	Language, TimeZone string
	Proxy, CAFile      string

	Channel, AccessKey, BaseURL string
	Slack                       bool
	Room, RoomName, APIURL      string
	Sheets                      bool
	Book, BookTitle, Endpoint   string
	Tabs                        []initTab
	Routes                      []routeFile
}

type initTab struct{ Name, Title string }

// config writes the config file.
func (s setup) config(o *initOptions) ([]byte, error) {
	t := initText{
		W: initWordsOf(s.language), Language: string(s.language), TimeZone: "Asia/Seoul",
		Proxy: o.proxy, CAFile: absolute(o.caFile),
		Channel: s.channelName, AccessKey: s.accessKey, BaseURL: unusual(o.baseURL, channeltalk.DefaultBaseURL),
		Slack: s.slackToken != "", Room: s.room.ID, RoomName: s.room.Name, APIURL: unusual(o.apiURL, slack.DefaultAPIURL),
		Sheets: s.googleKey != nil, Book: s.book.ID, BookTitle: s.book.Title, Endpoint: unusual(o.endpoint, sheets.DefaultEndpoint),
	}
	if s.language == sink.Japanese {
		t.TimeZone = "Asia/Tokyo"
	}
	t.Tabs, t.Routes = s.tabs(), s.routeFiles(t.W)
	var b bytes.Buffer
	if err := initConfig.Execute(&b, t); err != nil {
		return nil, fmt.Errorf("write config: %w", err)
	}
	return b.Bytes(), nil
}

// unusual is value, unless that is what a config means by nothing.
func unusual(value, usual string) string {
	if value == usual {
		return ""
	}
	return value
}

// tabs are those that routes lead to. One tab for both is one sink.
func (s setup) tabs() []initTab {
	var tabs []initTab
	if s.inquiries {
		tabs = append(tabs, initTab{"inquiries", s.inquiriesTab})
	}
	if s.contacts && !(s.inquiries && s.changesTab == s.inquiriesTab) {
		tabs = append(tabs, initTab{"changes", s.changesTab})
	}
	return tabs
}

// routeFiles are the ready routes that were chosen.
func (s setup) routeFiles(w *initWords) []routeFile {
	var slackSink, inquiries, changes []string
	if s.slackToken != "" {
		slackSink = []string{"slack"}
	}
	if s.googleKey != nil {
		inquiries, changes = []string{"inquiries"}, []string{"changes"}
		if s.inquiries && s.changesTab == s.inquiriesTab {
			changes = inquiries
		}
	} else {
		changes = slackSink
	}
	var routes []routeFile
	if s.inquiries {
		routes = append(routes, routeFile{Name: w.Inquiry, On: []string{"userChat.opened"}, To: append(slackSink, inquiries...)})
	}
	if s.contacts {
		on := []string{"lead.upserted.contact", "member.upserted.contact"}
		routes = append(routes, routeFile{Name: w.Contact, On: on, Where: `change == "updated"`, To: changes})
	}
	return routes
}
