package sink

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"
)

// TemplateError says what is wrong with a template and where. It shows nothing of an event.
type TemplateError struct {
	Line, Col int    // from 1; Col counts characters
	Reason    string // what is wrong, with the nearest thing that is right
}

func (e *TemplateError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Reason) }

// problemAt makes an error of a place in text, in bytes from its start.
func problemAt(text string, offset int, reason string) *TemplateError {
	before := text[:min(offset, len(text))]
	lineStart := strings.LastIndexByte(before, '\n') + 1
	return &TemplateError{
		Line:   strings.Count(before, "\n") + 1,
		Col:    utf8.RuneCountInString(before[lineStart:]) + 1,
		Reason: reason,
	}
}

// startOf returns where node starts in text. The parser gives the place of a later part for some nodes.
func startOf(text string, node parse.Node) int {
	source, at := node.String(), int(node.Position())
	if i := strings.LastIndex(text[:min(at+len(source), len(text))], source); i >= 0 {
		return i
	}
	return at
}

// parserError is the form of text/template's errors: "template: NAME:LINE: …", with a column once it executes.
var parserError = regexp.MustCompile(`(?s)^template: ` + templateName + `:(\d+)(?::(\d+))?: (.*)$`)

// syntaxError turns an error of the parser, which names the line only, into one that names the place as well as it can
// be told: that of the word or character the parser stumbled over, else of the line's first action.
func syntaxError(text string, err error) *TemplateError {
	m := parserError.FindStringSubmatch(err.Error())
	if m == nil {
		return problemAt(text, 0, err.Error())
	}
	line, _ := strconv.Atoi(m[1])
	return &TemplateError{Line: line, Col: stumble(text, line, m[3]), Reason: m[3]}
}

var quoted = regexp.MustCompile(`[<"]([^">]+)[>"]`)

func stumble(text string, line int, reason string) int {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return 1
	}
	content := lines[line-1]
	at := strings.LastIndex(content, "{{")
	if m := quoted.FindStringSubmatch(reason); m != nil && strings.Count(content, m[1]) == 1 {
		at = strings.Index(content, m[1])
	}
	return utf8.RuneCountInString(content[:max(at, 0)]) + 1
}

// executionError turns an error of executing a sample into one about the template. Nothing in a sample is secret.
func executionError(text string, err error) error {
	m := parserError.FindStringSubmatch(err.Error())
	if m == nil {
		return problemAt(text, 0, err.Error())
	}
	line, col := place(m)
	_, reason, _ := strings.Cut(m[3], " at ")
	if _, after, ok := strings.Cut(reason, ">: error calling "); ok {
		reason = after
	}
	return &TemplateError{Line: line, Col: col, Reason: reason}
}

// place returns line and column of a match of parserError. text/template counts columns in bytes, from 0.
func place(m []string) (line, col int) {
	line, _ = strconv.Atoi(m[1])
	col, _ = strconv.Atoi(m[2])
	return line, col + 1
}

// eventError turns an error of executing a real event into one that shows nothing of it: text/template puts values
// into some of its errors.
func eventError(err error) error {
	for _, limit := range []error{errTooLong, errTooManySteps} {
		if errors.Is(err, limit) {
			return limit
		}
	}
	m := parserError.FindStringSubmatch(err.Error())
	if m == nil {
		return errors.New("does not work for this event")
	}
	line, col := place(m)
	reason := "does not work for this event"
	if strings.Contains(m[3], "index out of range") {
		reason = "there are not that many (index out of range)"
	}
	return &TemplateError{Line: line, Col: col, Reason: reason}
}
