package main

import (
	"fmt"
	"strings"
)

// positions knows on which line of a TOML text each key stands. The TOML library keeps its positions to itself, so
// this reads the text again, just well enough: tables, arrays of tables, dotted and quoted keys, and the elements of
// lists that span lines. It is only ever used to point at a line, so a shape it does not know costs precision, nothing else.
type positions map[string]int

// line returns the line of the key path, or of the nearest table around it; 0 if even that is unknown.
func (p positions) line(path string) int {
	for path != "" {
		if n, ok := p[path]; ok {
			return n
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			break
		}
		path = path[:i]
	}
	return 0
}

// findPositions scans text, which has been accepted by the TOML parser.
func findPositions(text string) positions {
	s := &positionScanner{found: positions{}, counts: map[string]int{}}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		i = s.line(lines, i)
	}
	return s.found
}

type positionScanner struct {
	found  positions
	counts map[string]int // elements seen so far of each array of tables
	table  string
}

// line handles the statement that starts at lines[i] and returns the index of its last line.
func (s *positionScanner) line(lines []string, i int) int {
	text := strings.TrimSpace(lines[i])
	switch {
	case text == "" || text[0] == '#':
		return i
	case strings.HasPrefix(text, "[["):
		name := s.resolve(tomlKey(text[2:], "]"))
		s.table = fmt.Sprintf("%s[%d]", name, s.counts[name])
		s.counts[name]++
		s.mark(s.table, i)
		s.mark(name, i)
		return i
	case text[0] == '[':
		s.table = s.resolve(tomlKey(text[1:], "]"))
		s.mark(s.table, i)
		return i
	}
	key := tomlKey(text, "=")
	path := join(s.table, strings.Join(key, "."))
	s.mark(path, i)
	rest := strings.TrimSpace(text[strings.Index(text, "=")+1:])
	return s.valueEnd(path, rest, lines, i)
}

// resolve turns the key of a table header into a path: a part that names an array of tables means its last element.
func (s *positionScanner) resolve(key []string) string {
	path := ""
	for i, part := range key {
		path = join(path, part)
		if n := s.counts[path]; n > 0 && i < len(key)-1 {
			path = fmt.Sprintf("%s[%d]", path, n-1)
		}
	}
	return path
}

func (s *positionScanner) mark(path string, i int) {
	if _, ok := s.found[path]; !ok {
		s.found[path] = i + 1
	}
}

// valueEnd follows a value over its lines, marks the elements of a list, and returns the index of its last line.
func (s *positionScanner) valueEnd(path, rest string, lines []string, i int) int {
	if quote := multilineQuote(rest); quote != "" {
		rest = rest[3:]
		for !strings.Contains(rest, quote) && i+1 < len(lines) {
			i++
			rest = lines[i]
		}
		return i
	}
	v := valueScanner{}
	v.scan(rest, func(n int) { s.mark(fmt.Sprintf("%s[%d]", path, n), i) })
	for v.depth > 0 && i+1 < len(lines) {
		i++
		v.scan(lines[i], func(n int) { s.mark(fmt.Sprintf("%s[%d]", path, n), i) })
	}
	return i
}

func multilineQuote(rest string) string {
	for _, q := range []string{`"""`, `'''`} {
		if strings.HasPrefix(rest, q) {
			return q
		}
	}
	return ""
}

// valueScanner counts brackets outside of quotes and calls back where an element of the outermost list begins.
type valueScanner struct {
	depth    int
	list     bool // the outermost bracket is a list
	elements int
	fresh    bool // the next token begins an element
}

func (v *valueScanner) scan(text string, element func(n int)) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '#' {
			return
		}
		if c == ' ' || c == '\t' || c == '\r' {
			continue
		}
		if v.list && v.depth == 1 && v.fresh && c != ']' && c != ',' {
			element(v.elements)
			v.elements++
			v.fresh = false
		}
		switch c {
		case '"', '\'':
			i += quotedLen(text[i:]) - 1
		case '[', '{':
			if v.depth == 0 {
				v.list, v.fresh = c == '[', true
			}
			v.depth++
		case ']', '}':
			v.depth--
		case ',':
			v.fresh = v.fresh || v.depth == 1
		}
	}
}

// quotedLen returns the length of the quoted text that s starts with, quotes included.
func quotedLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}

// tomlKey splits a dotted key up to the first end outside of quotes.
func tomlKey(text, end string) []string {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '\'':
			n := quotedLen(text[i:])
			part.WriteString(strings.Trim(text[i:i+n], text[i:i+1]))
			i += n - 1
		case c == end[0]:
			return append(parts, part.String())
		case c == '.':
			parts = append(parts, part.String())
			part.Reset()
		case c != ' ' && c != '\t':
			part.WriteByte(c)
		}
	}
	return append(parts, part.String())
}
