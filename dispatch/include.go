package dispatch

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"talkrelay"
)

// messageClasses are the classes of messages that a route gets only if it asks for them.
var messageClasses = []string{talkrelay.ClassBot, talkrelay.ClassPrivate, talkrelay.ClassLog}

// Includes returns the classes of messages that some route asks for on a channel.
func (r *Router) Includes(channel string) []string {
	var wanted []string
	for _, class := range messageClasses {
		if slices.ContainsFunc(r.routes, func(r route) bool {
			return slices.ContainsFunc(r.on, talkrelay.Kind.MessageEvent) && slices.Contains(r.include, class) &&
				(len(r.channels) == 0 || slices.Contains(r.channels, channel))
		}) {
			wanted = append(wanted, class)
		}
	}
	return wanted
}

// includes reports whether e may reach the route as far as its message goes.
func (r *route) includes(e *talkrelay.Event) bool {
	if !e.Kind.MessageEvent() {
		return true
	}
	for _, class := range e.Message.Classes() {
		if !slices.Contains(r.include, class) {
			return false
		}
	}
	return true
}

func checkInclude(problems *talkrelay.Problems, key string, c RouteConfig) {
	for i, class := range c.Include {
		if !slices.Contains(messageClasses, class) {
			problems.Add(fmt.Sprintf("%s.include[%d]", key, i), "%q is no class of messages (%s)%s", class, choices(messageClasses), didYouMean(class, messageClasses))
		}
	}
	if len(c.Include) > 0 && !slices.ContainsFunc(kinds(c.On), talkrelay.Kind.MessageEvent) {
		problems.Add(key+".include", "is for messages only: add %q or %q to on, or take it out", talkrelay.UserChatMessage, talkrelay.TeamChatMessage)
	}
}

// classesIn returns the classes of messages that a filter speaks of, and so decides on by itself.
func classesIn(where string) []string {
	tree, err := parser.Parse(where)
	if err != nil {
		return nil
	}
	var fields messageFields
	ast.Walk(&tree.Node, &fields)
	return fields.classes
}

// messageFields collects the classes that stand behind the fields of the message in an expression.
type messageFields struct{ classes []string }

// Visit notes one field.
func (f *messageFields) Visit(node *ast.Node) {
	member, ok := (*node).(*ast.MemberNode)
	if !ok {
		return
	}
	base, isName := member.Node.(*ast.IdentifierNode)
	field, isField := member.Property.(*ast.StringNode)
	if !isName || !isField || base.Value != "message" {
		return
	}
	switch field.Value {
	case "personType":
		f.classes = append(f.classes, talkrelay.ClassBot)
	case "private":
		f.classes = append(f.classes, talkrelay.ClassPrivate)
	case "log":
		f.classes = append(f.classes, talkrelay.ClassLog)
	}
}
