package sink

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"text/template/parse"
)

// checkTemplate finds unknown fields and functions in every branch of text, run or not. It follows the types of fields,
// variables, with and range; where it cannot tell a type it lets everything pass, and trying the template decides.
func checkTemplate(text string) error {
	trees := make(map[string]*parse.Tree)
	main := parse.New(templateName)
	main.Mode = parse.SkipFuncCheck
	if _, err := main.Parse(text, "", "", trees); err != nil {
		return syntaxError(text, err)
	}
	c := &checker{text: text, trees: trees, seen: make(map[seenTree]bool)}
	c.tree(templateName, reflect.TypeFor[View]())
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		c.tree(name, nil) // for its functions, if nobody calls it
	}
	if len(c.problems) == 0 {
		return nil
	}
	return slices.MinFunc(c.problems, func(a, b *TemplateError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}

type checker struct {
	text     string
	trees    map[string]*parse.Tree
	seen     map[seenTree]bool
	problems []*TemplateError
}

// seenTree is a template checked with a type of dot. Templates may call themselves.
type seenTree struct {
	name string
	dot  reflect.Type
}

// scope is what names mean at a place. A nil type is one that cannot be told. A variable is shared with the scopes inside
// its own, which may assign to it.
type scope struct {
	dot  reflect.Type
	vars map[string]*reflect.Type
}

func (s scope) declare(name string, typ reflect.Type) { s.vars[name] = &typ }

// typeOf returns the type of a variable, nil for one that is not known.
func (s scope) typeOf(name string) reflect.Type {
	if typ := s.vars[name]; typ != nil {
		return *typ
	}
	return nil
}

// assign takes note that a variable holds something else from now on, or only if this branch is taken.
func (s scope) assign(name string) {
	if typ := s.vars[name]; typ != nil {
		*typ = nil
	}
}

// with returns a copy of s that declares its own variables, with another dot.
func (s scope) with(dot reflect.Type) scope {
	return scope{dot: dot, vars: maps.Clone(s.vars)}
}

func (c *checker) tree(name string, dot reflect.Type) {
	tree, ok := c.trees[name]
	if !ok || tree.Root == nil || c.seen[seenTree{name, dot}] {
		return
	}
	c.seen[seenTree{name, dot}] = true
	c.list(tree.Root, scope{dot: dot, vars: map[string]*reflect.Type{"$": &dot}})
}

func (c *checker) list(list *parse.ListNode, s scope) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			c.pipe(n.Pipe, s)
		case *parse.TemplateNode:
			c.tree(n.Name, c.pipe(n.Pipe, s))
		case *parse.IfNode:
			in := s.with(s.dot)
			c.pipe(n.Pipe, in)
			c.list(n.List, in)
			c.list(n.ElseList, s.with(s.dot))
		case *parse.WithNode:
			in := s.with(s.dot)
			in.dot = c.pipe(n.Pipe, in)
			c.list(n.List, in)
			c.list(n.ElseList, s.with(s.dot))
		case *parse.RangeNode:
			in := s.with(s.dot)
			in.dot = c.turns(n.Pipe, in)
			c.list(n.List, in)
			c.list(n.ElseList, s.with(s.dot))
		}
	}
}

// turns returns the type of dot inside a range over p, and declares its variables.
func (c *checker) turns(p *parse.PipeNode, s scope) reflect.Type {
	over := c.pipe(p, s)
	var key, elem reflect.Type
	if over != nil {
		switch over.Kind() {
		case reflect.Slice, reflect.Array:
			elem = over.Elem()
		case reflect.Map:
			key, elem = over.Key(), over.Elem()
		}
	}
	if len(p.Decl) > 0 {
		s.declare(p.Decl[len(p.Decl)-1].Ident[0], elem)
	}
	if len(p.Decl) > 1 {
		s.declare(p.Decl[0].Ident[0], key)
	}
	return elem
}

// pipe checks p and returns the type of its value. It declares the variables of p.
func (c *checker) pipe(p *parse.PipeNode, s scope) reflect.Type {
	if p == nil {
		return nil
	}
	var typ reflect.Type
	for _, command := range p.Cmds {
		typ = c.command(command, s)
	}
	for _, v := range p.Decl {
		if p.IsAssign {
			s.assign(v.Ident[0])
		} else {
			s.declare(v.Ident[0], typ)
		}
	}
	return typ
}

// command returns the type of the value of n: that of its only operand, or of the method that is called.
func (c *checker) command(n *parse.CommandNode, s scope) reflect.Type {
	typ := c.operand(n.Args[0], s)
	for _, arg := range n.Args[1:] {
		c.operand(arg, s)
	}
	return typ
}

func (c *checker) operand(node parse.Node, s scope) reflect.Type {
	switch n := node.(type) {
	case *parse.DotNode:
		return s.dot
	case *parse.FieldNode:
		return c.fields(n, s.dot, n.Ident)
	case *parse.VariableNode:
		return c.fields(n, s.typeOf(n.Ident[0]), n.Ident[1:])
	case *parse.ChainNode:
		return c.fields(n, c.operand(n.Node, s), n.Field)
	case *parse.PipeNode:
		return c.pipe(n, s)
	case *parse.IdentifierNode:
		c.function(n)
	}
	return nil
}

// fields follows names from typ on and returns the type of the last.
func (c *checker) fields(node parse.Node, typ reflect.Type, names []string) reflect.Type {
	for i, name := range names {
		if typ == nil {
			return nil
		}
		next, ok := member(typ, name)
		if !ok {
			c.add(node, unknownField(node, typ, names[:i+1]))
			return nil
		}
		typ = next
	}
	return typ
}

// member returns the type of a field, method or map element.
func member(typ reflect.Type, name string) (reflect.Type, bool) {
	if m, ok := typ.MethodByName(name); ok {
		return m.Type.Out(0), true
	}
	switch typ.Kind() {
	case reflect.Struct:
		f, ok := typ.FieldByName(name)
		return f.Type, ok && f.IsExported()
	case reflect.Map:
		return typ.Elem(), true
	case reflect.Interface, reflect.Pointer:
		return nil, true
	}
	return nil, false
}

func (c *checker) function(n *parse.IdentifierNode) {
	if known := functionNames(); !slices.Contains(known, n.Ident) {
		c.add(n, unknownFunction(n.Ident, known))
	}
}

func (c *checker) add(node parse.Node, reason string) {
	c.problems = append(c.problems, problemAt(c.text, startOf(c.text, node), reason))
}
