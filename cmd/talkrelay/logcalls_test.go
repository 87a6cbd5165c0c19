package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEveryLogCallIsListed reads the source of all packages: each message is a constant which docs/logs.md lists with its
// level and keys, and no message is listed that nobody logs.
func TestEveryLogCallIsListed(t *testing.T) {
	t.Parallel()
	r := &logReader{book: openLogbook(t), seen: map[string]bool{}, files: token.NewFileSet()}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return err
		case path != "../.." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "dist":
			return fs.SkipDir
		}
		return r.directory(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	for msg := range r.book.messages {
		if !r.seen[msg] {
			r.complain(token.NoPos, "%q is listed, but nobody logs it", msg)
		}
	}
	for _, problem := range r.problems {
		t.Error(problem)
	}
}

// TestLogReaderFindsStrangers: the test above can fail.
func TestLogReaderFindsStrangers(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		`log.Info("started", "channels", 1)`:                 "",
		`x.y.Logger.Warn(msgOwn, append(args, "err", e)...)`: "",
		`d.logger().Info("started anew")`:                    "not listed",
		`log.Info("started", "customer", 1)`:                 "key customer",
		`log.Error("started")`:                               "level",
		`log.Info(fmt.Sprintf("started %d", n))`:             "no constant",
		`journal.Warn("started", "sinks", 1)`:                "not known to be a logger",
		`log.With("customer", 1)`:                            "key customer",
		`h.Broken(err, "customer", 1)`:                       "key customer",
		`talkrelay.NewHealth(log, "broken", "mended")`:       "not listed",
	} {
		r := &logReader{book: openLogbook(t), seen: map[string]bool{}, files: token.NewFileSet()}
		file, err := parser.ParseFile(r.files, "x.go", "package x\nconst msgOwn = \"config\"\nfunc f() { "+code+" }", 0)
		if err != nil {
			t.Fatal(err)
		}
		r.calls([]*ast.File{file})
		if got := strings.Join(r.problems, "\n"); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}

// logReader looks at the log calls of Go files.
type logReader struct {
	book     logbook
	files    *token.FileSet
	seen     map[string]bool // messages
	problems []string
}

func (r *logReader) complain(at token.Pos, format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf("%s: %s", r.files.Position(at), fmt.Sprintf(format, args...)))
}

// directory reads the package in dir without its tests.
func (r *logReader) directory(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || name == "../../health.go" { // its messages are its callers', see NewHealth
			continue
		}
		f, err := parser.ParseFile(r.files, name, nil, 0)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	r.calls(files)
	return nil
}

// calls looks at the calls in the files of one package.
func (r *logReader) calls(files []*ast.File) {
	texts := map[string]string{} // constants of the package
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				for i := range min(len(v.Names), len(v.Values)) {
					if text, ok := literal(v.Values[i]); ok {
						texts[v.Names[i].Name] = text
					}
				}
			}
			return true
		})
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				r.call(call, texts)
			}
			return true
		})
	}
}

func (r *logReader) call(call *ast.CallExpr, texts map[string]string) {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return
	}
	switch name := f.Sel.Name; name {
	case "Debug", "Info", "Warn", "Error":
		if name := lastName(f.X); name == "http" || name == "t" { // http.Error, and the packages that hold tests for others
			return
		}
		if !isLogger(f.X) {
			r.complain(call.Pos(), "%s of something that is not known to be a logger: call it log or logger", name)
			return
		}
		entry := r.message(call.Args[0], strings.ToLower(name), texts)
		r.keys(call, 1, entry.keys)
	case "With":
		if isLogger(f.X) {
			r.keys(call, 0, r.book.keys)
		}
	case "Broken":
		r.keys(call, 1, r.book.keys)
	case "NewHealth":
		if len(call.Args) == 3 {
			r.message(call.Args[1], "warn", texts)
			if lastName(call.Args[1]) == "" || lastName(call.Args[1]) != lastName(call.Args[2]) { // the same twice: it never recovers
				r.message(call.Args[2], "info", texts)
			}
		}
	}
}

// message checks a message and returns its entry.
func (r *logReader) message(arg ast.Expr, level string, texts map[string]string) logEntry {
	text, ok := literal(arg)
	if name := lastName(arg); !ok && name != "" {
		text, ok = texts[name]
	}
	if !ok {
		r.complain(arg.Pos(), "the message is no constant of its package")
		return logEntry{keys: r.book.keys}
	}
	r.seen[text] = true
	entry, ok := r.book.messages[text]
	if !ok {
		r.complain(arg.Pos(), "%q is not listed in %s", text, bookFile)
		return logEntry{keys: r.book.keys}
	}
	if entry.level != level {
		r.complain(arg.Pos(), "%q: level %s, listed as %s", text, level, entry.level)
	}
	return entry
}

// keys checks the keys among the arguments of call from the one given on. A key is a literal with a value behind it.
func (r *logReader) keys(call *ast.CallExpr, from int, allowed []string) {
	args := call.Args[from:]
	if len(args) == 1 {
		if add, ok := args[0].(*ast.CallExpr); ok && lastName(add.Fun) == "append" {
			args = add.Args[1:]
		}
	}
	for i := 0; i+1 < len(args); i += 2 {
		if key, ok := literal(args[i]); ok && !slices.Contains(allowed, key) {
			r.complain(args[i].Pos(), "key %s is not listed with this message in %s", key, bookFile)
		}
	}
}

func isLogger(x ast.Expr) bool {
	name := strings.ToLower(lastName(x))
	return name == "log" || name == "logger"
}

// lastName returns the last name in a path such as d.cfg.Logger or d.logger(), "" if x is something else.
func lastName(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.CallExpr:
		return lastName(x.Fun)
	}
	return ""
}

// literal returns the text of a string literal, or of several that are added.
func literal(x ast.Expr) (string, bool) {
	switch x := x.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(x.Value)
		return text, err == nil && x.Kind == token.STRING
	case *ast.BinaryExpr:
		a, ok1 := literal(x.X)
		b, ok2 := literal(x.Y)
		return a + b, ok1 && ok2 && x.Op == token.ADD
	}
	return "", false
}
