package sheets

import (
	"fmt"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// Bounds of settings.
const (
	maxTimeout         = 10 * time.Minute
	maxWritesPerMinute = 300 // Google's limit a project; only raised quotas allow more than 60
	maxBatchRows       = 10_000
	minBatchBytes      = 10_000
	maxBatchBytes      = 8_000_000
	maxHeaderRow       = 1000
	maxTitle           = 100 // Google's limit for the title of a tab
	maxColumns         = 500
)

// Validate returns everything that is wrong with c, keyed as in the config file.
func (c Config) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	c = c.withDefaults()
	if _, err := parseKey(c.Credentials, c.AllowCredentialTypes); err != nil {
		p.Add("credentials_file", "%s: %v", c.CredentialsName, err)
	}
	switch {
	case c.Spreadsheet == "":
		p.Add("spreadsheet", "is missing: give the spreadsheet's URL, or its id, the long part after /d/")
	case !spreadsheetForm.MatchString(c.Spreadsheet):
		p.Add("spreadsheet", "is neither the URL of a spreadsheet nor its id, the long part after /d/ in the URL")
	}
	switch {
	case c.Sheet == "":
		p.Add("sheet", "is missing: give the title of the tab; it is made if there is none")
	case sink.LenUTF16(c.Sheet) > maxTitle:
		p.Add("sheet", "is longer than %d characters, which no tab's title can be", maxTitle)
	}
	inRange(&p, "header_row", c.HeaderRow, 1, maxHeaderRow)
	inRange(&p, "writes_per_minute", c.WritesPerMinute, 1, maxWritesPerMinute)
	inRange(&p, "batch_rows", c.BatchRows, 1, maxBatchRows)
	inRange(&p, "batch_bytes", c.BatchBytes, minBatchBytes, maxBatchBytes)
	if c.Timeout < time.Second || c.Timeout > maxTimeout {
		p.Add("timeout", "%v is out of range: allowed are 1s to %v", c.Timeout, maxTimeout)
	}
	if !safeURL(c.Endpoint) {
		p.Add("endpoint", "must be an https:// URL (http:// only on this machine)")
	}
	switch c.Defaults {
	case Inquiries, Changes, Mixed, Events:
	default:
		p.Add("defaults", "%q is not known: allowed are %q, %q, %q, %q", c.Defaults, Inquiries, Changes, Mixed, Events)
	}
	c.validateColumns(&p)
	if len(p) == 0 {
		c.validateMode(&p)
	}
	return p
}

func (c Config) validateMode(p *talkrelay.Problems) {
	switch {
	case c.Mode != Append && c.Mode != Upsert:
		p.Add("mode", "%q is not known: allowed are %q and %q", c.Mode, Append, Upsert)
	case c.Mode == Append && c.Key != "":
		p.Add("key", "has a meaning with mode = %q only", Upsert)
	case c.Mode == Append:
	case len(c.Columns) == 0 && c.Defaults == Changes:
		p.Add("mode", "%q would keep the last change only of what is a history: leave it at %q, or give columns of your own", Upsert, Append)
	default:
		columns, err := columnsOf(c)
		if err == nil {
			_, err = (&Sink{config: c, columns: columns}).keyColumn()
		}
		if err != nil {
			p.Add("key", "%v", err)
		}
	}
}

func inRange(p *talkrelay.Problems, key string, n, low, high int) {
	if n < low || n > high {
		p.Add(key, "%d is out of range: allowed are %d to %d", n, low, high)
	}
}

func (c Config) validateColumns(p *talkrelay.Problems) {
	if len(c.Columns) > maxColumns {
		p.Add("columns", "%d are too many: allowed are %d", len(c.Columns), maxColumns)
		return
	}
	taken := make(map[string]int) // by normal form of a name
	for i, col := range c.Columns {
		key := fmt.Sprintf("columns[%d]", i)
		if strings.TrimSpace(col.Header) == "" {
			p.Add(key+".header", "is missing: give the text of the header cell")
		}
		for _, name := range append([]string{col.Header}, col.Aliases...) {
			n := normal(name)
			if first, ok := taken[n]; ok && first != i && n != "" {
				p.Add(key+".header", "%q is also a header or alias of columns[%d]", name, first)
			}
			taken[n] = i
		}
		if _, err := sink.ParseTemplate(col.Value); err != nil {
			p.Add(key+".value", "%v", err)
		}
		if _, ok := columnKinds[col.Type]; !ok {
			p.Add(key+".type", "%q is not known: allowed are text, number, datetime", col.Type)
		}
	}
}
