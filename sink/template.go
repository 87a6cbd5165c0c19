package sink

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
)

// templateName is the name of every template; it shows in text/template's errors only.
const templateName = "template"

// Limits of one execution. A template that passes them fails; it never hangs or fills the memory.
const (
	maxTemplateOutput = 64 << 10
	maxTemplateSteps  = 20_000 // turns of loops and calls of other templates
)

// Template is text with {{…}} places for values of a View. It is safe for concurrent use.
//
// The language is text/template's; its functions are those of funcsFor and text/template's own.
type Template struct {
	byLanguage map[Language]*template.Template
}

// ParseTemplate reads a template and finds what would fail later: unknown fields and functions in any branch, and
// functions given the wrong thing. Its error is a *TemplateError.
func ParseTemplate(text string) (*Template, error) {
	if err := checkTemplate(text); err != nil {
		return nil, err
	}
	t := &Template{byLanguage: make(map[Language]*template.Template)}
	for _, lang := range Languages() {
		set, err := template.New(templateName).Option("missingkey=zero").Funcs(funcsFor(lang)).Parse(text)
		if err != nil {
			return nil, syntaxError(text, err)
		}
		for _, one := range set.Templates() {
			countSteps(one.Tree.Root)
		}
		t.byLanguage[lang] = set
	}
	return t, t.try(text)
}

// try executes t on events of every kind, and on one with nothing in it.
func (t *Template) try(text string) error {
	views := []View{{}}
	for _, e := range SampleEvents() {
		views = append(views, NewView(e, Korean))
	}
	for _, v := range views {
		if _, err := t.execute(v); err != nil {
			return executionError(text, err)
		}
	}
	return nil
}

// Execute returns the text for v in v's language. It fails if a function is given the wrong thing, or a limit is passed;
// the error shows nothing of v.
func (t *Template) Execute(v View) (string, error) {
	out, err := t.execute(v)
	if err != nil {
		return "", fmt.Errorf("execute template: %w", eventError(err))
	}
	return out, nil
}

func (t *Template) execute(v View) (string, error) {
	set, ok := t.byLanguage[v.Lang]
	if !ok {
		set = t.byLanguage[Korean]
	}
	var out boundedText
	if err := set.Execute(&out, v); err != nil {
		return "", err
	}
	return out.String(), nil
}

// boundedText refuses to grow past the limits. Each text node is one Write, even an empty one.
type boundedText struct {
	strings.Builder
	steps int
}

var (
	errTooLong      = errors.New("the result is longer than 64 KiB")
	errTooManySteps = errors.New("too many turns of a loop")
)

func (b *boundedText) Write(p []byte) (int, error) {
	if b.steps++; b.steps > maxTemplateSteps {
		return 0, errTooManySteps
	}
	if b.Len()+len(p) > maxTemplateOutput {
		return 0, errTooLong
	}
	return b.Builder.Write(p)
}

// countSteps puts an empty text at the start of list and of every list in it, so that boundedText sees each turn.
func countSteps(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.RangeNode:
			countSteps(n.List)
			countSteps(n.ElseList)
		case *parse.IfNode:
			countSteps(n.List)
			countSteps(n.ElseList)
		case *parse.WithNode:
			countSteps(n.List)
			countSteps(n.ElseList)
		}
	}
	list.Nodes = append([]parse.Node{&parse.TextNode{NodeType: parse.NodeText, Pos: list.Pos}}, list.Nodes...)
}
