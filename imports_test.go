package talkrelay_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "talkrelay"

// mayImport is which packages of ours each package may import besides those of the standard library and other modules.
// A directory that is not here, nor below one with a star, fails the test: decide first where it stands. Tests may
// import what they like.
var mayImport = map[string][]string{
	".":               {},
	"alert":           {".", "mail", "sink"},
	"channeltalk":     {},
	"mail":            {"."},
	"sandbox":         {},
	"state":           {"."},
	"state/statetest": {"."}, // it suits any store
	"poller":          {".", "channeltalk"},
	"sink":            {"."},
	"sink/sinktest":   {".", "sink"},
	"sink/*":          {".", "sink"},
	"sink/email":      {".", "sink", "mail"},
	"sink/sql":        {".", "sink", "sink/sql/postgres", "sink/sql/sqlite"},
	"sink/sql/*":      {".", "sink"},
	"dispatch":        {".", "sink"},
	"cmd/*":           {"*"},
}

// onlyIn is where a module of others may be imported, the packages below it included.
var onlyIn = map[string][]string{
	"go.etcd.io/bbolt":             {"state"},
	"github.com/slack-go/slack":    {"sink/slack"},
	"google.golang.org/api":        {"sink/sheets"},
	"github.com/expr-lang/expr":    {"dispatch"},
	"github.com/jackc/pgx/v5":      {"sink/sql/postgres"},
	"modernc.org/sqlite":           {"sink/sql/sqlite"},
	"github.com/robfig/cron/v3":    {"poller"},
	"github.com/BurntSushi/toml":   {"cmd/talkrelay"},
	"github.com/spf13/cobra":       {"cmd/talkrelay"},
	"github.com/coreos/go-systemd": {"cmd/talkrelay"},
	"github.com/google/go-cmp":     {},
	"go.uber.org/goleak":           {},
	"pgregory.net/rapid":           {},
}

// vague are names that say nothing about what is inside.
var vague = []string{"internal", "util", "utils", "model", "models", "common", "helper", "helpers", "pkg", "lib", "misc"}

func TestImports(t *testing.T) {
	t.Parallel()
	files := sources(t)
	if len(files) < 20 {
		t.Fatalf("found %d files: not looking in the right place", len(files))
	}
	for _, file := range files {
		dir := path.Dir(file)
		for name := range strings.SplitSeq(dir, "/") {
			if slices.Contains(vague, name) {
				t.Errorf("%s: a package called %s says nothing about what is inside", file, name)
			}
		}
		allowed, ok := allowedIn(dir)
		if !ok {
			t.Errorf("%s: no line in mayImport for %s", file, dir)
			continue
		}
		for _, imported := range imports(t, file) {
			if problem := judge(dir, imported, allowed); problem != "" {
				t.Errorf("%s: %s", file, problem)
			}
		}
	}
}

// TestPackagesHaveALine looks for every package in the table of ARCHITECTURE.md.
func TestPackagesHaveALine(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range sources(t) {
		dir := path.Dir(file)
		if dir != "." && !regexp.MustCompile("(?m)^\\|.*`"+dir+"`.*\\|.*\\|$").Match(text) {
			t.Errorf("ARCHITECTURE.md has no line for %s", dir)
		}
	}
}

func TestImportRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		dir, imported string
		ok            bool
	}{
		{".", "strings", true},
		{".", "talkrelay/sink", false},
		{".", "golang.org/x/text/unicode/norm", false},
		{"state", "talkrelay", true},
		{"state", "go.etcd.io/bbolt", true},
		{"state", "go.etcd.io/bbolt/errors", true},
		{"dispatch", "go.etcd.io/bbolt", false},
		{"dispatch", "talkrelay/state", false},
		{"sink/slack", "talkrelay/sink", true},
		{"sink/slack", "talkrelay/sink/sheets", false},
		{"sink/slack", "github.com/slack-go/slack/slackutilsx", true},
		{"sink/sheets", "github.com/slack-go/slack", false},
		{"sink", "talkrelay/sink/slack", false},
		{"poller", "talkrelay/state", false},
		{"channeltalk", "talkrelay", false},
		{"sandbox", "talkrelay/channeltalk", false},
		{"cmd/talkrelay", "talkrelay/sandbox", true},
		{"cmd/talkrelay", "go.etcd.io/bbolt", false},
	} {
		allowed, _ := allowedIn(tt.dir)
		if problem := judge(tt.dir, tt.imported, allowed); (problem == "") != tt.ok {
			t.Errorf("%s imports %s: got %q, want allowed %t", tt.dir, tt.imported, problem, tt.ok)
		}
	}
	if _, ok := allowedIn("extra"); ok {
		t.Error("a new directory needs no line in mayImport")
	}
}

// sources lists the Go files of the module that are no tests, relative to its root.
func sources(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		base := path.Base(name)
		if entry.IsDir() && name != "." && (base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".")) {
			return filepath.SkipDir
		}
		if !entry.IsDir() && strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go") {
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range parsed.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

// allowedIn returns the line of mayImport for dir.
func allowedIn(dir string) (allowed []string, ok bool) {
	if allowed, ok = mayImport[dir]; ok {
		return allowed, true
	}
	allowed, ok = mayImport[path.Dir(dir)+"/*"]
	return allowed, ok
}

// judge says why dir must not import imported; "" if it may.
func judge(dir, imported string, allowed []string) string {
	for other, dirs := range onlyIn {
		if within(imported, other) && !slices.Contains(dirs, dir) {
			return "imports " + imported + ", which belongs in " + strings.Join(append(dirs, "tests"), ", ")
		}
	}
	if !within(imported, module) {
		if first, _, _ := strings.Cut(imported, "/"); dir == "." && strings.Contains(first, ".") {
			return "imports " + imported + ": the root package has the standard library only"
		}
		return ""
	}
	ours := strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
	if ours == "" {
		ours = "."
	}
	if slices.Contains(allowed, "*") || slices.Contains(allowed, ours) {
		return ""
	}
	return "imports " + imported + "; " + dir + " may import of ours: [" + strings.Join(allowed, " ") + "]"
}

// within reports whether the import path p is root or below it.
func within(p, root string) bool { return p == root || strings.HasPrefix(p, root+"/") }
