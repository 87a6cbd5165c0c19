package webhook

import (
	"cmp"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"talkrelay"
	"talkrelay/sink"
)

// Config holds the settings of one [[sink.webhook]].
type Config struct {
	sink.Options
	URL         string // a secret: whoever knows it can post
	AllowHTTP   bool   // let URL begin with http:// for hosts other than this machine: in-house tools behind the firewall
	Format      Format // "" = ChannelTalk
	Template    string // body for the format Template
	ContentType string // "" = application/json
	Secret      string // signs each request: whsec_… or any text; "" = no signature
	Headers     map[string]string
}

// Format says what the body is.
type Format string

// The values of Format.
const (
	ChannelTalk Format = "channeltalk" // the body Channel Talk's own webhook would have posted
	Template    Format = "template"    // what Config.Template makes of the event
)

// DefaultContentType is that of Channel Talk's own webhooks.
const DefaultContentType = "application/json"

const minSecret = 16 // characters, or bytes behind whsec_

func (c Config) withDefaults() Config {
	c.Options = c.Defaults()
	c.Format = cmp.Or(c.Format, ChannelTalk)
	c.ContentType = cmp.Or(c.ContentType, DefaultContentType)
	return c
}

func (c Config) json() bool { return strings.Contains(c.ContentType, "json") }

// Validate returns everything that is wrong with c, keyed as in the config file.
func (c Config) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	c = c.withDefaults()
	if fault := sink.AddressFault(c.URL, c.AllowHTTP); fault != "" {
		if strings.HasPrefix(fault, "must begin") {
			fault += ", or set allow_http = true for a receiver in your own network"
		}
		p.Add("url", "%s", fault)
	}
	switch c.Format {
	case ChannelTalk:
		if c.Template != "" {
			p.Add("template", `has no effect: set format = %q as well`, Template)
		}
		if c.Mask {
			p.Add("mask", `has no effect on Channel Talk's own form: set format = %q and write a template`, Template)
		}
	case Template:
		c.checkTemplate(&p)
	default:
		p.Add("format", "%q is not known: allowed are %q and %q", c.Format, ChannelTalk, Template)
	}
	if !httpguts.ValidHeaderFieldValue(c.ContentType) {
		p.Add("content_type", "is no content type like %q", DefaultContentType)
	}
	if _, fault := signingKey(c.Secret); fault != "" {
		p.Add("secret", "%s", fault)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if fault := sink.HeaderFault(name, c.Headers[name], "Content-Type", headerID, headerTime, headerSignature); fault != "" {
			p.Add("headers."+name, "%s", fault)
		}
	}
	c.Options.Validate(&p)
	return p
}

func (c Config) checkTemplate(p *talkrelay.Problems) {
	t, err := sink.ParseOwn(c.Template)
	switch {
	case err != nil:
		p.Add("template", "%v", err)
	case t == nil:
		p.Add("template", "is missing: write the body, like '{\"text\": {{json .Message.Text}}}'")
	case c.json() && !t.MakesJSON(c.Language):
		p.Add("template", `makes no JSON when a text holds a quote or a value is absent: write {{json .User.Name}} instead of "{{.User.Name}}", or set another content_type`)
	}
}

// signingKey returns the bytes that sign; nil for none.
func signingKey(secret string) (key []byte, fault string) {
	encoded, marked := strings.CutPrefix(secret, "whsec_")
	key = []byte(secret)
	if marked {
		var err error
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return nil, "is not whole: after whsec_ comes base64"
		}
	}
	if secret != "" && len(key) < minSecret {
		return nil, "is too short to sign with: take 24 random bytes, as from: openssl rand -base64 24 (with whsec_ in front)"
	}
	return key, ""
}
