package sandbox

import (
	"encoding/json"
	"maps"
	"strings"
)

// masked applies a partial-response mask; "" and "*" keep everything.
func masked(reply any, fields string) (any, *googleError) {
	if fields == "" || fields == "*" {
		return reply, nil
	}
	mask, rest, ok := parseMask(fields)
	if !ok || rest != "" {
		return nil, badRequest("Request contains an invalid argument.")
	}
	var v any
	d := json.NewDecoder(strings.NewReader(string(encode(reply))))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, badRequest("%s", err)
	}
	return mask.apply(v), nil
}

// unknownField returns a path in fields that a message does not have, "" if there is none.
func unknownField(fields, message string) string {
	if m, _, ok := parseMask(fields); ok {
		return m.unknown(message)
	}
	return ""
}

func (m mask) unknown(message string) string {
	for name, below := range m {
		kind, known := schema[message][name]
		if !known && name != "*" {
			return name
		}
		kind = strings.TrimPrefix(kind, "[]")
		if schema[kind] == nil {
			continue // not one that the sandbox knows more of
		}
		if path := below.unknown(kind); path != "" {
			return name + "." + path
		}
	}
	return ""
}

// mask is a tree of field names; a leaf keeps everything below it.
type mask map[string]mask

// parseMask reads a,b(c,d),e/f up to the end or a closing bracket.
func parseMask(s string) (m mask, rest string, ok bool) {
	m = make(mask)
	for {
		end := strings.IndexAny(s, ",()/.")
		if end < 0 {
			end = len(s)
		}
		name := strings.TrimSpace(s[:end])
		if name == "" {
			return nil, "", false
		}
		s = s[end:]
		if m[name] == nil {
			m[name] = mask{}
		}
		at := m[name]
		for strings.HasPrefix(s, "/") || strings.HasPrefix(s, ".") {
			end := 1 + strings.IndexAny(s[1:]+",", ",()/.")
			next := mask{}
			at[s[1:end]] = next
			at, s = next, s[end:]
		}
		if strings.HasPrefix(s, "(") {
			inner, after, ok := parseMask(s[1:])
			if !ok || !strings.HasPrefix(after, ")") {
				return nil, "", false
			}
			maps.Copy(at, inner)
			s = after[1:]
		}
		if !strings.HasPrefix(s, ",") {
			return m, s, true
		}
		s = s[1:]
	}
}

func (m mask) apply(v any) any {
	if len(m) == 0 || m["*"] != nil {
		return v
	}
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = m.apply(e)
		}
		return out
	case object:
		out := object{}
		for name, sub := range m {
			if e, ok := v[name]; ok {
				out[name] = sub.apply(e)
			}
		}
		return out
	}
	return v
}
