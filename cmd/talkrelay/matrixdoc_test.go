package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// sightings are what the cases came to.
type sightings struct {
	mu   sync.Mutex
	says map[string][4]string // by fault
}

func (s *sightings) add(c matrixCase, says string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.says == nil {
		s.says = map[string][4]string{}
	}
	line := s.says[c.fault.name]
	line[c.site.column] = says
	if c.want.held > 0 {
		line[c.site.column] += ", up to " + strings.TrimSuffix(strings.TrimSuffix(c.want.held.String(), "0s"), "0m")
	}
	s.says[c.fault.name] = line
}

func (s *sightings) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.says {
		for _, says := range line {
			if says != "" {
				n++
			}
		}
	}
	return n
}

// markdown prints the matrix: what all services know, and then what one of them does.
func (s *sightings) markdown() string {
	var b strings.Builder
	b.WriteString("| fault |")
	for _, s := range sites {
		fmt.Fprintf(&b, " %s |", s.name)
	}
	b.WriteString("\n|---|---|---|---|---|\n")
	for _, faults := range [][]matrixFault{networkFaults, answerFaults, ownFaults} {
		for _, f := range faults {
			fmt.Fprintf(&b, "| %s |", f.name)
			for _, says := range s.says[f.name] {
				if says == "" {
					says = "–"
				}
				fmt.Fprintf(&b, " %s |", says)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// document is where what the suites print stands.
const document = "../../docs/reliability.md"

// assertDocument fails if the part of the document between the marks of this name differs from text, or writes it there
// if the environment says so.
func assertDocument(t *testing.T, name, text string) {
	t.Helper()
	t.Logf("%s:\n%s", name, text)
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+": printed by "+t.Name()+" -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(string(data), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %q … %q", document, begin, end)
	}
	if old == text {
		return
	}
	if os.Getenv("TALKRELAY_WRITE_MATRIX") == "" {
		t.Errorf("%s differs from what this test prints; TALKRELAY_WRITE_MATRIX=1 writes it anew", document)
		return
	}
	if err := os.WriteFile(document, []byte(before+begin+text+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDocumentNamesTests looks for every test that docs/reliability.md names.
func TestDocumentNamesTests(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	err = filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, f := range regexp.MustCompile(`(?m)^func ((?:Test|Benchmark)\w+)`).FindAllSubmatch(source, -1) {
			there[string(f[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\b(?:Test|Benchmark)[A-Z]\w+`).FindAllString(string(text), -1)
	if len(named) < 40 {
		t.Fatalf("only %d tests are named", len(named))
	}
	for _, name := range named {
		if !there[name] {
			t.Errorf("%s names %s, which is not there", document, name)
		}
	}
}
