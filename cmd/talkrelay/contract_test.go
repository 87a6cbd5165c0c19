package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// TestContract lets the demo's day happen and holds every request the daemon made against the published descriptions:
// Channel Talk's OpenAPI document and Google's discovery document of the Sheets API.
func TestContract(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.start()
	r.awaitBaseline(p)
	watcher := newDemoWatcher(r.demoShop, p)
	for _, scene := range r.story(t.Context(), watcher) {
		scene()
		r.awaitPoll(p)
	}
	r.awaitAll(p)
	p.signal(syscall.SIGTERM)
	p.wait(time.Minute)

	t.Run("channel talk", func(t *testing.T) { checkOpenAPI(t, r.world.ChannelTalk.Requests()) })
	t.Run("sheets", func(t *testing.T) { checkDiscovery(t, r.world.Google.Requests()) })
	for _, v := range r.world.Violations() {
		t.Errorf("a correct client would not have done this: %s", v)
	}
}

// jsonDoc is a decoded JSON object.
type jsonDoc = map[string]any

func readDoc(t *testing.T, path string) jsonDoc {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc jsonDoc
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func checkOpenAPI(t *testing.T, requests []sandbox.Request) {
	paths := channelTalkDoc(t)["paths"].(jsonDoc)
	checked := map[string]bool{}
	for _, q := range requests {
		template, op := operation(paths, q.Path)
		if q.Method != "GET" || op == nil {
			t.Errorf("%s %s is not in the document, or no GET", q.Method, q.Path)
			continue
		}
		checked[template] = true
		for name, values := range q.Query {
			if problem := checkParameter(op, name, values[0]); problem != "" {
				t.Errorf("GET %s: %s=%s: %s", template, name, values[0], problem)
			}
		}
	}
	if !checked["/open/v5/user-chats"] {
		t.Errorf("the test saw no list of chats, only %v", checked)
	}
}

// operation finds the GET operation whose path fits, the most literal one first.
func operation(paths jsonDoc, path string) (template string, op jsonDoc) {
	var fits []string
	for p := range paths {
		pattern := regexp.MustCompile(`\\\{[^}]*\\\}`).ReplaceAllString(regexp.QuoteMeta(p), `[^/]+`)
		if regexp.MustCompile("^" + pattern + "$").MatchString(path) {
			fits = append(fits, p)
		}
	}
	slices.SortFunc(fits, func(a, b string) int { return strings.Count(a, "{") - strings.Count(b, "{") })
	for _, p := range fits {
		if get, ok := paths[p].(jsonDoc)["get"].(jsonDoc); ok {
			return p, get
		}
	}
	return "", nil
}

func checkParameter(op jsonDoc, name, value string) string {
	parameters, _ := op["parameters"].([]any)
	for _, p := range parameters {
		p := p.(jsonDoc)
		if p["name"] != name || p["in"] != "query" {
			continue
		}
		schema := p["schema"].(jsonDoc)
		if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, any(value)) {
			return fmt.Sprintf("not one of %v", enum)
		}
		if schema["type"] == "integer" {
			n, err := strconv.ParseFloat(value, 64)
			low, _ := schema["minimum"].(float64)
			high, limited := schema["maximum"].(float64)
			if err != nil || n < low || limited && n > high {
				return fmt.Sprintf("not a number from %v to %v", low, high)
			}
		}
		return ""
	}
	return "unknown parameter"
}

func checkDiscovery(t *testing.T, requests []sandbox.Request) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		t.Skip("the module's directory is not to be had")
	}
	schemas := readDoc(t, filepath.Join(strings.TrimSpace(string(dir)), "sheets/v4/sheets-api.json"))["schemas"].(jsonDoc)
	bodies := map[string]string{
		":batchUpdate":              "BatchUpdateSpreadsheetRequest",
		"/developerMetadata:search": "SearchDeveloperMetadataRequest",
		":batchGetByDataFilter":     "BatchGetValuesByDataFilterRequest",
	}
	batches := 0
	for _, q := range requests {
		for suffix, schema := range bodies {
			if !strings.HasSuffix(q.Path, suffix) {
				continue
			}
			var body any
			if err := json.Unmarshal(q.Body, &body); err != nil {
				t.Fatal(err)
			}
			batches++
			for _, problem := range checkSchema(schemas, jsonDoc{"$ref": schema}, body, schema) {
				t.Error(problem)
			}
		}
	}
	if batches == 0 {
		t.Error("the test saw no write at all")
	}
}

// checkSchema walks value along a discovery schema and reports unknown fields, wrong types and unknown enum values.
func checkSchema(schemas, schema jsonDoc, value any, at string) (problems []string) {
	if ref, ok := schema["$ref"].(string); ok {
		schema = schemas[ref].(jsonDoc)
	}
	switch v := value.(type) {
	case jsonDoc:
		properties, ok := schema["properties"].(jsonDoc)
		if !ok {
			return []string{at + ": an object where the description has none"}
		}
		for name, field := range v {
			if properties[name] == nil {
				problems = append(problems, at+"."+name+": unknown field")
				continue
			}
			problems = append(problems, checkSchema(schemas, properties[name].(jsonDoc), field, at+"."+name)...)
		}
	case []any:
		items, ok := schema["items"].(jsonDoc)
		if !ok {
			return []string{at + ": a list where the description has none"}
		}
		for _, item := range v {
			problems = append(problems, checkSchema(schemas, items, item, at+"[]")...)
		}
	case string:
		if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, any(v)) {
			problems = append(problems, fmt.Sprintf("%s: %q is not one of %v", at, v, enum))
		}
	}
	return problems
}
