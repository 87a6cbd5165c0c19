package dispatch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"talkrelay"
	"talkrelay/sink"
)

// The calls to a sink. A sink that panics has a bug, and one bug must not stop the other destinations: the panic
// becomes an error that loses nothing.

func (w *Worker) callWait(ctx context.Context) (err error) {
	defer caught(&err, sink.PauseDestination, "wait")
	return w.target.Wait(ctx)
}

// callPrepare returns how many of items the body holds, at least one.
func (w *Worker) callPrepare(id string, items []talkrelay.Pending, form string) (body []byte, n int, err error) {
	defer caught(&err, sink.PauseDestination, "prepare message")
	body, n, err = w.target.Prepare(id, rowsOf(items), form)
	if err == nil && (n < 1 || n > len(items)) {
		err = bug("prepare message", fmt.Sprintf("it took %d of %d deliveries", n, len(items)))
	}
	return body, n, err
}

// callScout lets the sink find out what it needs to know of items. Whatever becomes of that, they are prepared.
func (w *Worker) callScout(ctx context.Context, items []talkrelay.Pending) {
	scout, ok := w.target.(sink.Scout)
	if !ok {
		return
	}
	var err error
	defer caught(&err, sink.Retry, "look around")
	scout.Scout(ctx, rowsOf(items))
}

func rowsOf(items []talkrelay.Pending) []sink.Item {
	rows := make([]sink.Item, len(items))
	for i, item := range items {
		rows[i] = sink.Item{Event: item.Event, Route: item.Route, Thread: sink.Receipt(item.Thread), Latest: item.Latest, Refresh: item.Refresh}
	}
	return rows
}

func (w *Worker) callSend(ctx context.Context, m sink.Message) (receipt sink.Receipt, err error) {
	defer caught(&err, sink.InDoubt, "send")
	receipt, err = w.target.Send(ctx, m)
	if err == nil && receipt == "" {
		err = &sink.Error{Verdict: sink.InDoubt, Op: "send", Reason: "accepted without a receipt", Answered: true}
	}
	return receipt, err
}

func (w *Worker) callResolve(ctx context.Context, m sink.Message) (receipt sink.Receipt, found bool, err error) {
	defer caught(&err, sink.PauseDestination, "look up")
	return w.target.Resolve(ctx, m)
}

func (w *Worker) callRecheck(ctx context.Context, m sink.Message) (removed int, err error) {
	defer caught(&err, sink.PauseDestination, "look for late copies")
	return w.rechecker.Recheck(ctx, m)
}

// classed returns the decision in err, or v for an error that holds none.
func classed(err error, v sink.Verdict, op, reason string) *sink.Error {
	if e := (*sink.Error)(nil); errors.As(err, &e) {
		return e
	}
	return &sink.Error{Verdict: v, Op: op, Reason: reason, Err: err}
}

// caught turns a panic into an error with verdict v.
func caught(err *error, v sink.Verdict, op string) {
	p := recover()
	if p == nil {
		return
	}
	what := fmt.Sprintf("panic with a %T", p) // its text could be anything, customer data too
	if r, ok := p.(runtime.Error); ok {
		what = r.Error()
	}
	e := bug(op, what+" at "+panicked())
	e.Verdict = v
	*err = e
}

func bug(op, what string) *sink.Error {
	return &sink.Error{Verdict: sink.PauseDestination, Op: op, Reason: "bug in the sink, please report it: " + what}
}

// panicked returns the place of the panic being recovered.
func panicked() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("%s line %d", f.Function, f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
