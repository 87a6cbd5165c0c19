package sheets

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// Config holds the settings of one [[sink.sheets]]: one tab of one spreadsheet.
type Config struct {
	Name            string // of the sink; used in messages to people
	Credentials     []byte // service account key file (JSON)
	CredentialsName string // its file name, for messages; "" = "credentials_file"
	Spreadsheet     string // id, or the whole URL of the spreadsheet
	Sheet           string // title of the tab; found by its numeric id after the first time
	HeaderRow       int    // number of the row with the headers; 0 = 1
	Columns         []Column
	Mode            Mode          // "" = Append
	Key             string        // with Upsert: header of the column that tells rows apart; "" = the one with the chat's id
	Defaults        DefaultSet    // columns when Columns is empty; "" = Inquiries
	Mask            bool          // phone numbers and e-mail addresses as 010-****-5678, h***@example.com
	Timeout         time.Duration // of one request; 0 = 60 s. Of sinks that share an account the longest counts.
	WritesPerMinute int           // of the account, to whatever spreadsheet; 0 = 50, the lowest counts. Google allows 60.
	BatchRows       int           // rows in one write at most; 0 = 1,000
	BatchBytes      int           // bytes in one write at most; 0 = 1,500,000. Google advises 2 MB.
	Endpoint        string        // "" = https://sheets.googleapis.com/

	// AllowCredentialTypes names types of key file to accept besides service_account ("external_account", …). Such a
	// file names URLs that are called, and even commands, so it is as trusted as the program.
	AllowCredentialTypes []string

	Language sink.Language  // of headers and words in default columns; "" = Korean
	Location *time.Location // of the times of events that name no zone of their own; nil = UTC

	Base   http.RoundTripper // proxy and CA settings; nil = net/http's default
	Memory sink.Memory       // remembers the tab's numeric id; nil = look it up by title at every start
	Logger *slog.Logger      // carries the sink's name; nil = silent
}

// Column is a column of the operator's own.
type Column struct {
	Header  string   // written if the sheet has no such header
	Value   string   // template
	Type    string   // "" or "text", "number", "datetime"; what cannot be read as that is written as text
	Aliases []string // other headers it is recognised by
	Once    bool     // with Upsert: written with a new row, and left alone from then on
}

// Mode says what becomes of an event.
type Mode string

// The modes.
const (
	Append Mode = "append" // a row of its own
	Upsert Mode = "upsert" // the row with its key: changed if it is there, else added
)

// DefaultSet names a set of columns for a sheet whose columns are not configured.
type DefaultSet string

// The sets of default columns.
const (
	Inquiries DefaultSet = "inquiries" // one row an inquiry: for userChat.opened
	Changes   DefaultSet = "changes"   // one row a change of contact fields or subscriptions
	Mixed     DefaultSet = "mixed"     // Inquiries and then the change itself, where a sheet gets both
	Events    DefaultSet = "events"    // one row an event, which says what happened: for all other kinds, alone or together
)

// DefaultsFor returns the set for a sheet that gets events of these kinds.
func DefaultsFor(kinds ...talkrelay.Kind) DefaultSet {
	var inquiries, changes bool
	for _, k := range kinds {
		switch {
		case k.ContactEvent(), k.SubscriptionEvent():
			changes = true
		case k == talkrelay.UserChatOpened:
			inquiries = true
		default:
			return Events
		}
	}
	switch {
	case changes && inquiries:
		return Mixed
	case changes:
		return Changes
	}
	return Inquiries
}

// Defaults of Config.
const (
	DefaultTimeout         = 60 * time.Second
	DefaultWritesPerMinute = 50
	DefaultBatchRows       = 1000
	DefaultBatchBytes      = 1_500_000
	DefaultEndpoint        = "https://sheets.googleapis.com/"
)

func (c Config) withDefaults() Config {
	c.Spreadsheet = spreadsheetID(c.Spreadsheet)
	c.Sheet = strings.TrimSpace(c.Sheet)
	if c.CredentialsName == "" {
		c.CredentialsName = "credentials_file"
	}
	if c.HeaderRow == 0 {
		c.HeaderRow = 1
	}
	if c.Mode == "" {
		c.Mode = Append
	}
	if c.Defaults == "" {
		c.Defaults = Inquiries
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.WritesPerMinute == 0 {
		c.WritesPerMinute = DefaultWritesPerMinute
	}
	if c.BatchRows == 0 {
		c.BatchRows = DefaultBatchRows
	}
	if c.BatchBytes == 0 {
		c.BatchBytes = DefaultBatchBytes
	}
	if c.Endpoint == "" {
		c.Endpoint = DefaultEndpoint
	}
	if !strings.HasSuffix(c.Endpoint, "/") {
		c.Endpoint += "/"
	}
	if c.Language == "" {
		c.Language = sink.Korean
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	if c.Base == nil {
		c.Base = http.DefaultTransport
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

var (
	spreadsheetURL  = regexp.MustCompile(`/spreadsheets/(?:u/\d+/)?d/([A-Za-z0-9_-]+)`)
	spreadsheetForm = regexp.MustCompile(`^[A-Za-z0-9_-]{8,120}$`)
)

// spreadsheetID takes the id out of a URL copied from the browser; an id is returned as it is.
func spreadsheetID(s string) string {
	s = strings.TrimSpace(s)
	if m := spreadsheetURL.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return s
}

// safeURL reports whether secrets may be sent to raw: over https, or to this very machine.
func safeURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}
