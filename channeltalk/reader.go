package channeltalk

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// reader walks once through a JSON document. It exists because encoding/json can do neither of two things we need:
// let a field of an unexpected type be zero without giving up the object, and hand out the bytes of each object without
// reading it twice. An idle daemon decodes pages all day, and the same fields by encoding/json take four times as long.
//
// The accessors take the next value whatever it is: one that does not fit is skipped and gives zero. A document that is
// not JSON sets bad, after which everything is zero and every loop ends.
type reader struct {
	b     []byte
	i     int
	depth int
	bad   bool
}

// maxDepth is more nesting than any honest document has.
const maxDepth = 100

func (r *reader) fail() { r.bad, r.i = true, len(r.b) }

// peek returns the first byte of the next token, 0 at the end.
func (r *reader) peek() byte {
	for ; r.i < len(r.b); r.i++ {
		switch c := r.b[r.i]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take consumes the next token if it is c.
func (r *reader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.i++
	return true
}

func (r *reader) expect(c byte) {
	if !r.take(c) {
		r.fail()
	}
}

// complete reports whether all of the document has been read and all of it was JSON.
func (r *reader) complete() bool { return !r.bad && r.peek() == 0 && r.i == len(r.b) }

// members yields the key of each member of an object. The loop body reads the value or leaves it to be skipped; it
// must not break off. Any other value is skipped without a yield.
func (r *reader) members(yield func(key []byte) bool) {
	if r.peek() != '{' {
		r.skip()
		return
	}
	r.descend()
	for n := 0; !r.bad && !r.ascend('}'); n++ {
		if n > 0 {
			r.expect(',')
		}
		key := r.key()
		r.expect(':')
		at := r.start()
		if r.bad || !yield(key) {
			return
		}
		if r.i == at {
			r.skip()
		}
	}
}

// elements yields once for each element of an array, under the same rules as members.
func (r *reader) elements(yield func() bool) {
	if r.peek() != '[' {
		r.skip()
		return
	}
	r.descend()
	for n := 0; !r.bad && !r.ascend(']'); n++ {
		if n > 0 {
			r.expect(',')
		}
		at := r.start()
		if r.bad || !yield() {
			return
		}
		if r.i == at {
			r.skip()
		}
	}
}

// descend consumes an opening bracket.
func (r *reader) descend() {
	r.i++
	r.depth++
	if r.depth > maxDepth {
		r.fail()
	}
}

// ascend consumes the closing bracket if it is next.
func (r *reader) ascend(bracket byte) bool {
	if !r.take(bracket) {
		return false
	}
	r.depth--
	return true
}

func (r *reader) key() []byte {
	if r.peek() != '"' {
		r.fail()
		return nil
	}
	key, escaped := r.quoted()
	switch {
	case r.bad:
		return nil
	case escaped:
		return []byte(unescape(key))
	}
	return key[1 : len(key)-1]
}

// skip passes over the next value.
func (r *reader) skip() {
	switch r.peek() {
	case '{':
		for range r.members {
		}
	case '[':
		for range r.elements {
		}
	case '"':
		r.quoted()
	case 't':
		r.literal("true")
	case 'f':
		r.literal("false")
	case 'n':
		r.literal("null")
	default:
		r.number()
	}
}

func (r *reader) literal(word string) {
	end := r.i + len(word)
	if end > len(r.b) || string(r.b[r.i:end]) != word {
		r.fail()
		return
	}
	r.i = end
}

// scalar reads a string, number or boolean as text. ok = false for null, objects and arrays.
func (r *reader) scalar() (text string, ok bool) {
	switch c := r.peek(); {
	case c == '"':
		return r.text(), true
	case c == '-' || '0' <= c && c <= '9':
		return string(r.number()), true
	case c == 't' || c == 'f':
		r.skip()
		return strconv.FormatBool(c == 't'), !r.bad
	}
	r.skip()
	return "", false
}

// text reads a string, or a number as it is written.
func (r *reader) text() string {
	switch c := r.peek(); {
	case c == '"':
		q, escaped := r.quoted()
		switch {
		case r.bad:
			return ""
		case escaped:
			return unescape(q)
		}
		return strings.ToValidUTF8(string(q[1:len(q)-1]), "\uFFFD")
	case c == '-' || '0' <= c && c <= '9':
		return string(r.number())
	}
	r.skip()
	return ""
}

// texts reads an array of strings. Empty ones and what is not text are left out.
func (r *reader) texts() []string {
	var list []string
	for range r.elements {
		if s := r.text(); s != "" {
			list = append(list, s)
		}
	}
	return list
}

// count reads an array for its length.
func (r *reader) count() int {
	n := 0
	for range r.elements {
		n++
	}
	return n
}

// flag reads a boolean, also one written as text or number.
func (r *reader) flag() bool {
	s, _ := r.scalar()
	return s == "true" || s == "1"
}

// millis reads a whole number, also one written as text or with a fraction. 0 = none, or too large to be one.
func (r *reader) millis() int64 {
	var s string
	if c := r.peek(); '0' <= c && c <= '9' || c == '-' {
		digits := r.number()
		if n, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
			return n
		}
		s = string(digits)
	} else {
		s = strings.TrimSpace(r.text())
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) >= 1<<62 {
		return 0
	}
	return int64(f)
}

// Times outside of these are a mistake (seconds for milliseconds, say), not the time of a chat.
var (
	earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

// time reads Unix milliseconds. Zero = absent or absurd.
func (r *reader) time() time.Time {
	if ms := r.millis(); earliest <= ms && ms < latest {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// duration reads milliseconds. 0 = absent, negative or absurd.
func (r *reader) duration() time.Duration {
	if ms := r.millis(); ms > 0 && ms < latest {
		return time.Duration(ms) * time.Millisecond
	}
	return 0
}

// member reads one member of an object as text.
func (r *reader) member(name string) string {
	var text string
	for key := range r.members {
		if string(key) == name {
			text = r.text()
		}
	}
	return text
}

// scalars reads those members of an object that are text, number or boolean.
func (r *reader) scalars() map[string]string {
	var m map[string]string
	for key := range r.members {
		if s, ok := r.scalar(); ok {
			if m == nil {
				m = make(map[string]string)
			}
			m[string(key)] = s
		}
	}
	return m
}

// start returns where the next value begins.
func (r *reader) start() int {
	r.peek()
	return r.i
}

// raw skips the next value and returns its bytes.
func (r *reader) raw() json.RawMessage {
	at := r.start()
	r.skip()
	return r.since(at)
}

// since returns what was read since at. It shares memory with the document, but appending to it does not write there.
func (r *reader) since(at int) json.RawMessage {
	if r.bad {
		return nil
	}
	return r.b[at:r.i:r.i]
}
