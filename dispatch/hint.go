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
		u.text = fmt.Sprintf("unknown name %s (%s)%s", n.Value, choices(known), didYouMean(n.Value, append(known, builtin.Names...)))
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		base, path := resolve(env, n.Node)
		if !ok || base == nil || base.Kind() != reflect.Struct {
			return
		}
		known := fieldNames(base)
		if len(known) == 0 || slices.Contains(known, name.Value) {
			return
		}
		u.text = fmt.Sprintf("%s has no field %s (%s)%s", path, name.Value, choices(known), didYouMean(name.Value, known))
	}
}

// resolve returns the type of a chain of fields such as chat.openedAt, with its spelling; nil for anything else.
func resolve(env reflect.Type, node ast.Node) (reflect.Type, string) {
	switch n := node.(type) {
	case *ast.IdentifierNode:
		return fieldType(env, n.Value), n.Value
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		base, path := resolve(env, n.Node)
		if !ok || base == nil || base.Kind() != reflect.Struct {
			return nil, ""
		}
		return fieldType(base, name.Value), path + "." + name.Value
	}
	return nil, ""
}

func fieldType(t reflect.Type, name string) reflect.Type {
	for _, f := range reflect.VisibleFields(t) {
		if f.Tag.Get("expr") == name {
			return f.Type
		}
	}
	return nil
}

// fieldNames lists the fields of a struct as an expression spells them.
func fieldNames(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("expr"); name != "" {
			names = append(names, name)
		}
	}
	return names
}
