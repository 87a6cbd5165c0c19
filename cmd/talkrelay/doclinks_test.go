package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	docLink  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	codeSpan = regexp.MustCompile("(?ms)^ *```.*?^ *```|`[^`\n]*`")
)

// pages are the names of all documents of the project.
func pages(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "dist" || name == "testdata" || len(name) > 2 && name[0] == '.'):
			return filepath.SkipDir
		case filepath.Ext(name) == ".md":
			names = append(names, path)
		}
		return nil
	})
	if err != nil || len(names) < 10 {
		t.Fatalf("found %v: %v", names, err)
	}
	return names
}

// anchors returns what a browser finds the headings of a document by, as GitHub makes it of them.
func anchors(text string) []string {
	var all []string
	fences := regexp.MustCompile("(?ms)^ *```.*?^ *```")
	for _, m := range heading.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
		title := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(m[1], "$1")
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r):
				return unicode.ToLower(r)
			}
			return -1
		}, title)
		same := name
		for i := 1; slices.Contains(all, same); i++ {
			same = fmt.Sprintf("%s-%d", name, i)
		}
		all = append(all, same)
	}
	return all
}

// brokenLinks follows the links of a document to files and headings of the project.
func brokenLinks(page string) (broken []string, followed int) {
	text, err := os.ReadFile(page)
	if err != nil {
		return []string{err.Error()}, 0
	}
	for _, m := range docLink.FindAllStringSubmatch(codeSpan.ReplaceAllString(string(text), ""), -1) {
		if strings.Contains(m[1], ":") {
			continue // somebody else's
		}
		followed++
		file, anchor, _ := strings.Cut(m[1], "#")
		target := page
		if file != "" {
			target = filepath.Join(filepath.Dir(page), file)
		}
		data, err := os.ReadFile(target)
		if err != nil {
			broken = append(broken, fmt.Sprintf("%s: %v", page, err))
		} else if anchor != "" && !slices.Contains(anchors(string(data)), anchor) {
			broken = append(broken, fmt.Sprintf("%s: %s has no heading #%s", page, target, anchor))
		}
	}
	return broken, followed
}

// TestLinksOfTheDocs follows every link from one file of the project to another, and to its heading.
func TestLinksOfTheDocs(t *testing.T) {
	t.Parallel()
	all := 0
	for _, page := range pages(t) {
		broken, followed := brokenLinks(page)
		all += followed
		for _, b := range broken {
			t.Error(b)
		}
	}
	if all < 30 {
		t.Errorf("followed %d links only", all)
	}
}

func TestLinksAreFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "b.md", "# One `two`: three!\n## 고장 났을 때\n## 고장 났을 때\n```\n# no heading\n```\n", 0o600)
	page := writeFile(t, dir, "a.md", "# Here\n[a](#here) [b](b.md#one-two-three) [c](b.md#고장-났을-때-1) [d](https://example.com/x) `[e](f)`\n"+
		"[g](gone.md) [h](b.md#no-heading) [i](#there)\n", 0o600)
	broken, followed := brokenLinks(page)
	if len(broken) != 3 || followed != 6 {
		t.Errorf("%d followed, broken:\n%s", followed, strings.Join(broken, "\n"))
	}
}

var (
	shellBlock = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$")
	ourCommand = regexp.MustCompile(`(?:^|\s|\./)talkrelay ([a-z][^#|;&\n]*)`)
)

// TestCommandsOfTheDocs has the program read the flags of each command line in the documents.
func TestCommandsOfTheDocs(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
			for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
				m := ourCommand.FindStringSubmatch(line)
				if m == nil || strings.HasPrefix(strings.TrimSpace(line), "#") || strings.Contains(line, "systemctl") || strings.Contains(line, "install ") {
					continue
				}
				seen++
				cmd, rest, err := newRootCommand().Find(strings.Fields(m[1]))
				if err == nil {
					err = cmd.ParseFlags(rest)
				}
				if err == nil {
					err = cmd.ValidateArgs(cmd.Flags().Args())
				}
				if err != nil {
					t.Errorf("%s: talkrelay %s: %v", page, m[1], err)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d command lines", seen)
	}
}
