package dispatch

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"talkrelay"
)

// Bounds of a filter. expr has no limit on time: these keep an evaluation short.
const (
	maxWhere    = 4096    // bytes of the expression
	maxNodes    = 1000    // parts of it
	memoryLimit = 100_000 // elements of lists it may make itself
)

// filter is a compiled expression.
type filter struct {
	program *vm.Program
}

// compileFilter returns nil for an empty expression. Its error is one line with the position, what is allowed and,
// for a misspelt name, the nearest one.
func compileFilter(where string) (f *filter, err error) {
	if strings.TrimSpace(where) == "" {
		return nil, nil
	}
	if len(where) > maxWhere {
		return nil, fmt.Errorf("is longer than %d bytes", maxWhere)
	}
	defer func() {
		if p := recover(); p != nil { // of the compiler; none is known
			f, err = nil, errors.New("cannot be compiled: write it in a simpler way")
		}
	}()
	loops := &nestedLoops{}
	program, err := expr.Compile(where, expr.Env(filterEnv{}), expr.AsBool(), hasAny(), expr.MaxNodes(maxNodes), expr.Patch(loops))
	if err != nil {
		return nil, describe(where, err)
	}
	if loops.at != nil {
		at := &file.Error{Location: *loops.at, Message: `a loop inside a loop is not allowed: use "in", as in any(user.tags, # in chat.tags)`}
		return nil, describe(where, at.Bind(file.NewSource(where)))
	}
	return &filter{program: program}, nil
}

// eval reports whether env passes. Its error holds a position only: the expression's own error may quote what a
// customer wrote.
func (f *filter) eval(env *filterEnv) (ok bool, err error) {
	defer func() {
		if recover() != nil {
			ok, err = false, errors.New("evaluate filter: panic")
		}
	}()
	machine := vm.VM{MemoryBudget: memoryLimit}
	result, err := machine.Run(f.program, env)
	if err != nil {
		if at := (*file.Error)(nil); errors.As(err, &at) {
			return false, fmt.Errorf("evaluate filter: cannot be evaluated for some events, at %d:%d", at.Line, at.Column+1)
		}
		return false, errors.New("evaluate filter: cannot be evaluated for some events")
	}
	ok, isBool := result.(bool)
	if !isBool {
		return false, fmt.Errorf("evaluate filter: result is %T, not true or false", result)
	}
	return ok, nil
}

// filterEnv is what an expression sees. Kind and Change are plain text, since expr finds no text equal to a value of
// another type.
type filterEnv struct {
	Kind    string            `expr:"kind"`
	Change  string            `expr:"change"`
	Channel string            `expr:"channel"`
	Chat    talkrelay.Chat    `expr:"chat"`
	User    talkrelay.User    `expr:"user"`
	Old     talkrelay.Contact `expr:"old"`
	Before  talkrelay.Before  `expr:"before"`

	OldSubscription talkrelay.Subscription `expr:"oldSubscription"`

	Stage  int           `expr:"stage"`
	Waited time.Duration `expr:"waited"`

	Group    talkrelay.Group   `expr:"group"`
	Message  talkrelay.Message `expr:"message"`
	Assignee talkrelay.Person  `expr:"assignee"`
	Team     talkrelay.Team    `expr:"team"`
	Tags     []string          `expr:"tags"`
	Now      func() time.Time  `expr:"now"`
}

// newFilterEnv shows e with all its times in loc. now() is the time the event was seen, so that a filter says the same
// of an event whenever it is asked.
func newFilterEnv(e *talkrelay.Event, loc *time.Location) *filterEnv {
	chat, message := e.Chat, e.Message
	for _, t := range []*time.Time{
		&chat.CreatedAt, &chat.FirstOpenedAt, &chat.OpenedAt, &chat.QueuedAt, &chat.SnoozedAt, &chat.ExpiresAt, &chat.ClosedAt,
		&chat.FirstAskedAt, &chat.AskedAt, &chat.FirstRepliedAt, &message.CreatedAt,
	} {
		if !t.IsZero() {
			*t = t.In(loc)
		}
	}
	seen := e.Seen.In(loc)
	return &filterEnv{
		Kind: string(e.Kind), Change: string(e.Change), Channel: e.Channel,
		Chat: chat, User: e.User, Old: e.Old, Before: e.Before, OldSubscription: e.OldSubscription,
		Stage: e.Stage, Waited: e.Waited, Group: e.Group, Message: message, Assignee: e.Assignee, Team: e.Team,
		Tags: chat.Tags, Now: func() time.Time { return seen },
	}
}

// lazyEnv makes the environment of one event when the first filter asks for it.
type lazyEnv struct {
	event *talkrelay.Event
	zones *zones
	made  *filterEnv
}

func (l *lazyEnv) env() *filterEnv {
	if l.made == nil {
		l.made = newFilterEnv(l.event, l.zones.get(l.event.TimeZone))
	}
	return l.made
}

// zones remembers time zones by name, since loading one reads a file. There are as many as the config names.
type zones struct{ byName sync.Map }

func (z *zones) get(name string) *time.Location {
	if loc, ok := z.byName.Load(name); ok {
		return loc.(*time.Location)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		loc = time.UTC
	}
	z.byName.Store(name, loc)
	return loc
}

// nestedLoops finds the first loop that stands inside another.
type nestedLoops struct {
	at *file.Location
}

// Visit is called for the parts of an expression before the whole.
func (n *nestedLoops) Visit(node *ast.Node) {
	outer, ok := (*node).(*ast.PredicateNode)
	if !ok || n.at != nil {
		return
	}
	var inner innerLoop
	ast.Walk(&outer.Node, &inner)
	n.at = inner.at
}

type innerLoop struct {
	at *file.Location
}

// Visit remembers where a loop begins.
func (i *innerLoop) Visit(node *ast.Node) {
	if p, ok := (*node).(*ast.PredicateNode); ok && i.at == nil {
		at := p.Location()
		i.at = &at
	}
}
