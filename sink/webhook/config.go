package webhook

import (
	"encoding/base64"
	"encoding/json"
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

const (
	secretMark = "whsec_"
	minSecret  = 16 // characters, or bytes behind whsec_
)

func (c Config) withDefaults() Config {
	c.Options = c.Defaults()
	if c.Format == "" {
		c.Format = ChannelTalk
	}
	if c.ContentType == "" {
		c.ContentType = DefaultContentType
	}
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
	c.checkHeaders(&p)
	c.Options.Validate(&p)
	return p
}

// checkTemplate also tries a JSON template on texts with quotes and line breaks, which customers do write, and on nothing.
func (c Config) checkTemplate(p *talkrelay.Problems) {
	if strings.TrimSpace(c.Template) == "" {
		p.Add("template", "is missing: write the body, like '{\"text\": {{json .Message.Text}}}'")
		return
	}
	t, err := sink.ParseTemplate(c.Template)
	if err != nil {
		p.Add("template", "%v", err)
		return
	}
	if !c.json() {
		return
	}
	for _, e := range append(sink.SampleEvents(), talkrelay.Event{}) {
		e.User.Name, e.Message.Text, e.Chat.Title = "a\"b", "a\"b\nc\\", "\""
		if text, err := t.Execute(sink.NewView(e, c.Language)); err != nil || !json.Valid([]byte(text)) {
			p.Add("template", `makes no JSON when a text holds a quote or a value is absent: write {{json .User.Name}} instead of "{{.User.Name}}", or set another content_type`)
			return
		}
	}
}

// ownHeaders are set here, or make net/http repeat a request on its own.
var ownHeaders = []string{"Content-Type", "Content-Length", "Host", "Connection", "Transfer-Encoding", headerID, headerTime, headerSignature, "Idempotency-Key", "X-Idempotency-Key"}

func (c Config) checkHeaders(p *talkrelay.Problems) {
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		own := slices.ContainsFunc(ownHeaders, func(h string) bool { return strings.EqualFold(h, name) })
		switch {
		case own:
			p.Add("headers."+name, "cannot be set: talkrelay sets it itself, or it would make requests repeat")
		case !httpguts.ValidHeaderFieldName(name), !httpguts.ValidHeaderFieldValue(c.Headers[name]):
			p.Add("headers."+name, "is no HTTP header: a name has letters, digits and '-', a value no line breaks")
		}
	}
}

// signingKey returns the bytes that sign; nil for none.
func signingKey(secret string) (key []byte, fault string) {
	encoded, marked := strings.CutPrefix(secret, secretMark)
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
