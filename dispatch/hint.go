package dispatch

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// describe turns an error of the compiler into one line: position, what is wrong, what is allowed.
func describe(where string, err error) error {
	at := (*file.Error)(nil)
	if !errors.As(err, &at) {
		return fmt.Errorf("%s; a filter must say true or false", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	text := at.Message
	if better := misspelt(where, at.Location); better != "" {
		text = better
	}
	return fmt.Errorf("%d:%d: %s", max(at.Line, 1), at.Column+1, strings.ReplaceAll(text, "\n", " "))
}

// misspelt describes the unknown name at a place in an expression, or returns "" if there is none.
func misspelt(where string, at file.Location) string {
	tree, err := parser.Parse(where)
	if err != nil {
		return ""
	}
	find := &unknownName{at: at}
	ast.Walk(&tree.Node, find)
	return find.text
}

// unknownName looks for a name at one place that the environment does not have.
type unknownName struct {
	at   file.Location
	text string
}

// Visit describes node if it is the one.
func (u *unknownName) Visit(node *ast.Node) {
	if u.text != "" || (*node).Location().From != u.at.From {
		return
	}
	env := reflect.TypeFor[filterEnv]()
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		known := fieldNames(env)
		if slices.Contains(known, n.Value) {
			return
		}
		u.text = fmt.Sprintf("unknown name %s (%s)%s", n.Value, choices(known), didYouMean(n.Value, append(append(known, hasAnyName), builtin.Names...)))
	case *ast.MemberNode:
		base, isName := n.Node.(*ast.IdentifierNode)
		field, isField := n.Property.(*ast.StringNode)
		if !isName || !isField {
			return
		}
		known := fieldNames(fieldType(env, base.Value))
		if len(known) == 0 || slices.Contains(known, field.Value) {
			return
		}
		u.text = fmt.Sprintf("%s has no field %s (%s)%s", base.Value, field.Value, choices(known), didYouMean(field.Value, known))
	}
}

// fieldType returns the type of a field as an expression spells it, nil if there is none.
func fieldType(t reflect.Type, name string) reflect.Type {
	for _, f := range reflect.VisibleFields(t) {
		if f.Tag.Get("expr") == name {
			return f.Type
		}
	}
	return nil
}

// fieldNames lists the fields of a struct as an expression spells them, none for any other type.
func fieldNames(t reflect.Type) []string {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("expr"); name != "" {
			names = append(names, name)
		}
	}
	return names
}
