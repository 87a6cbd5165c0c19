package sheets_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink/sheets"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	good := sheets.Config{Name: "s", Credentials: keyFile("https://oauth2.googleapis.com/token", nil), CredentialsName: "google.json", Spreadsheet: spreadsheet, Sheet: "문의"}
	if p := good.Validate(); len(p) > 0 {
		t.Fatal(p)
	}
	key := func(change map[string]string) func(*sheets.Config) {
		return func(c *sheets.Config) { c.Credentials = keyFile("https://oauth2.googleapis.com/token", change) }
	}
	tests := []struct {
		name   string
		change func(*sheets.Config)
		key    string
		says   string
	}{
		{"no key file", func(c *sheets.Config) { c.Credentials = nil }, "credentials_file", "google.json: is empty"},
		{"not JSON", func(c *sheets.Config) { c.Credentials = []byte("SECRET") }, "credentials_file", "is not JSON"},
		{"other type", key(map[string]string{"type": "external_account"}), "credentials_file", "external_account"},
		{"no type", key(map[string]string{"type": ""}), "credentials_file", "type"},
		{"token_uri over http", key(map[string]string{"token_uri": "http://evil.example/token"}), "credentials_file", "token_uri"},
		{"token_uri with user", key(map[string]string{"token_uri": "https://a:b@evil.example/token"}), "credentials_file", "token_uri"},
		{"no private key", key(map[string]string{"private_key": "SECRET"}), "credentials_file", "private_key"},
		{"no e-mail", key(map[string]string{"client_email": ""}), "credentials_file", "client_email"},
		{"no spreadsheet", func(c *sheets.Config) { c.Spreadsheet = "" }, "spreadsheet", "missing"},
		{"a name as spreadsheet", func(c *sheets.Config) { c.Spreadsheet = "우리 시트" }, "spreadsheet", "/d/"},
		{"no sheet", func(c *sheets.Config) { c.Sheet = " " }, "sheet", "missing"},
		{"long sheet", func(c *sheets.Config) { c.Sheet = strings.Repeat("가", 101) }, "sheet", "100"},
		{"header_row", func(c *sheets.Config) { c.HeaderRow = -1 }, "header_row", "1 to"},
		{"writes_per_minute", func(c *sheets.Config) { c.WritesPerMinute = 1000 }, "writes_per_minute", "300"},
		{"batch_rows", func(c *sheets.Config) { c.BatchRows = -1 }, "batch_rows", "1 to"},
		{"batch_bytes", func(c *sheets.Config) { c.BatchBytes = 1 }, "batch_bytes", "10000"},
		{"timeout", func(c *sheets.Config) { c.Timeout = time.Millisecond }, "timeout", "1s"},
		{"endpoint", func(c *sheets.Config) { c.Endpoint = "http://sheets.example/" }, "endpoint", "https"},
		{"defaults", func(c *sheets.Config) { c.Defaults = "x" }, "defaults", "mixed"},
		{"no header", func(c *sheets.Config) { c.Columns = []sheets.Column{{Value: "x"}} }, "columns[0].header", "missing"},
		{"same header", func(c *sheets.Config) {
			c.Columns = []sheets.Column{{Header: "가 나"}, {Header: "x", Aliases: []string{"가나"}}}
		}, "columns[1].header", "columns[0]"},
		{"bad template", func(c *sheets.Config) { c.Columns = []sheets.Column{{Header: "x", Value: "{{.Nope}}"}} }, "columns[0].value", "Nope"},
		{"bad type", func(c *sheets.Config) { c.Columns = []sheets.Column{{Header: "x", Type: "formula"}} }, "columns[0].type", "datetime"},
	}
	for _, tt := range tests {
		c := good
		tt.change(&c)
		problems := c.Validate()
		at := slices.IndexFunc(problems, func(p talkrelay.Problem) bool { return p.Key == tt.key && strings.Contains(p.Text, tt.says) })
		if at < 0 || len(problems) != 1 {
			t.Errorf("%s: got %q, want %s: …%s…", tt.name, problems, tt.key, tt.says)
		}
		if strings.Contains(problems.Error(), "SECRET") {
			t.Errorf("%s: the problem shows the key: %v", tt.name, problems)
		}
		if _, err := sheets.New(c, nil); err == nil {
			t.Errorf("%s: New accepts it", tt.name)
		}
	}
}

func TestAllowedCredentialTypes(t *testing.T) {
	t.Parallel()
	c := sheets.Config{Name: "s", Spreadsheet: spreadsheet, Sheet: "x", AllowCredentialTypes: []string{"authorized_user"},
		Credentials: []byte(`{"type":"authorized_user","client_id":"a","client_secret":"b","refresh_token":"c"}`)}
	if _, err := sheets.New(c, nil); err != nil {
		t.Error(err)
	}
}

func TestSpreadsheetID(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"1AbC_d-9": "1AbC_d-9",
		" https://docs.google.com/spreadsheets/d/1AbC_d-9/edit?gid=0#gid=0 ": "1AbC_d-9",
		"https://docs.google.com/spreadsheets/u/1/d/1AbC_d-9/edit":           "1AbC_d-9",
	} {
		must(t, sheets.SpreadsheetIDOf(in), want, in)
	}
}

func TestDefaultsFor(t *testing.T) {
	t.Parallel()
	must(t, sheets.DefaultsFor(), sheets.Inquiries, "nothing")
	must(t, sheets.DefaultsFor(talkrelay.UserChatOpened), sheets.Inquiries, "inquiries")
	must(t, sheets.DefaultsFor(talkrelay.LeadContact, talkrelay.MemberContact), sheets.Changes, "changes")
	must(t, sheets.DefaultsFor(talkrelay.LeadContact, talkrelay.UserChatOpened), sheets.Mixed, "both")
	must(t, sheets.DefaultsFor(talkrelay.UserChatClosed), sheets.Events, "the end of an inquiry")
	must(t, sheets.DefaultsFor(talkrelay.UserChatOpened, talkrelay.LeadContact, talkrelay.UserChatTagged), sheets.Events, "all sorts")
}

// Sinks share an account when key and endpoint are the same, whatever else differs.
func TestAccountID(t *testing.T) {
	t.Parallel()
	a := sheets.Config{Credentials: keyFile("https://oauth2.googleapis.com/token", nil), Sheet: "a"}
	b, other := a, a
	b.Sheet, b.Endpoint = "b", "https://sheets.googleapis.com"
	other.Credentials = keyFile("https://oauth2.googleapis.com/token", map[string]string{"client_email": "x@y"})
	if a.AccountID() != b.AccountID() || a.AccountID() == other.AccountID() || a.AccountID() == "" {
		t.Errorf("%q, %q, %q", a.AccountID(), b.AccountID(), other.AccountID())
	}
	must(t, sheets.Config{}.AccountID(), "", "without key")
}
