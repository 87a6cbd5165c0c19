package dispatch

import (
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// condition is one of the parts of a filter that must all be true.
type condition struct {
	text   string
	filter *filter
}

// conditions takes a filter apart at its outermost "and". A filter without one, or with parts that mean nothing by
// themselves, is one condition: where itself.
func conditions(where string, whole *filter) []condition {
	if whole == nil {
		return nil
	}
	var parts []condition
	tree, err := parser.Parse(where)
	if err == nil {
		for _, node := range conjuncts(tree.Node) {
			text := node.String()
			f, err := compileFilter(text)
			if err != nil || f == nil {
				return []condition{{where, whole}}
			}
			parts = append(parts, condition{text, f})
		}
	}
	if len(parts) < 2 {
		return []condition{{where, whole}}
	}
	return parts
}

func conjuncts(n ast.Node) []ast.Node {
	if b, ok := n.(*ast.BinaryNode); ok && (b.Operator == "and" || b.Operator == "&&") {
		return append(conjuncts(b.Left), conjuncts(b.Right)...)
	}
	return []ast.Node{n}
}

// untrue returns the first of parts that env does not fulfil, "" if none can be named.
func untrue(parts []condition, env *filterEnv) string {
	for _, c := range parts {
		if ok, err := c.filter.eval(env); err == nil && !ok {
			return c.text
		}
	}
	return ""
}
