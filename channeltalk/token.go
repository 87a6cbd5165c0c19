package channeltalk

import (
	"bytes"
	"encoding/json"
)

// plain marks the bytes that stand for themselves inside a JSON string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < len(t); c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// quoted reads a string and returns it with its quotes, and whether there are escapes in it.
func (r *reader) quoted() (q []byte, escaped bool) {
	b := r.b
	for i := r.i + 1; i < len(b); {
		switch c := b[i]; {
		case plain[c]:
			i++
		case c == '"':
			q = b[r.i : i+1]
			r.i = i + 1
			return q, escaped
		case c == '\\' && escapeLen(b[i:]) > 0:
			i += escapeLen(b[i:])
			escaped = true
		default:
			r.fail()
			return nil, false
		}
	}
	r.fail()
	return nil, false
}

// escapeLen returns the length of the escape that b begins with, 0 if it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && hex(b[2]) && hex(b[3]) && hex(b[4]) && hex(b[5]) {
			return 6
		}
	}
	return 0
}

func hex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// unescape returns what the JSON string q, quotes included, stands for.
func unescape(q []byte) string {
	var s string
	if json.Unmarshal(q, &s) != nil {
		return ""
	}
	return s
}

// number reads a number and returns it as it is written.
func (r *reader) number() []byte {
	at := r.i
	if r.i < len(r.b) && r.b[r.i] == '-' {
		r.i++
	}
	if first := r.i; r.digits() == 0 || r.i-first > 1 && r.b[first] == '0' {
		r.fail()
		return nil
	}
	if r.i < len(r.b) && r.b[r.i] == '.' {
		r.i++
		if r.digits() == 0 {
			r.fail()
			return nil
		}
	}
	if r.i < len(r.b) && r.b[r.i]|0x20 == 'e' {
		r.i++
		if r.i < len(r.b) && (r.b[r.i] == '+' || r.b[r.i] == '-') {
			r.i++
		}
		if r.digits() == 0 {
			r.fail()
			return nil
		}
	}
	return r.b[at:r.i]
}

// digits passes over decimal digits and returns how many there were.
func (r *reader) digits() int {
	at := r.i
	for r.i < len(r.b) && '0' <= r.b[r.i] && r.b[r.i] <= '9' {
		r.i++
	}
	return r.i - at
}

var nulEscape = []byte(`\u0000`)

// dropNULs removes NULs, bare or escaped, from a JSON document: customers' text can hold them, and hardly anything it
// is passed on to bears them. b is overwritten if there are any.
func dropNULs(b []byte) []byte {
	if bytes.IndexByte(b, 0) >= 0 {
		b = bytes.ReplaceAll(b, []byte{0}, nil)
	}
	if !bytes.Contains(b, nulEscape) {
		return b
	}
	out := b[:0]
	for i := 0; i < len(b); {
		n := 1
		if b[i] == '\\' {
			// Whole escapes, because an escaped backslash does not begin another one.
			if n = escapeLen(b[i:]); n == 0 {
				return append(out, b[i:]...) // not JSON, as the reader will find
			}
		}
		if !bytes.Equal(b[i:i+n], nulEscape) {
			out = append(out, b[i:i+n]...)
		}
		i += n
	}
	return out
}
