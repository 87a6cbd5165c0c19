package sheets_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The description of the Sheets API that comes with Google's client: which methods, parameters and fields there are.
type discovery struct {
	Parameters map[string]any
	Schemas    map[string]schema
	Resources  map[string]resource
}

type resource struct {
	Methods   map[string]method
	Resources map[string]resource
}

type method struct {
	HTTPMethod, Path string
	Parameters       map[string]any
	Request          struct {
		Ref string `json:"$ref"`
	}
}

type schema struct {
	Type       string
	Ref        string `json:"$ref"`
	Format     string
	Enum       []string
	Items      *schema
	Properties map[string]schema
}

var api = sync.OnceValues(func() (discovery, error) {
	var d discovery
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		return d, err
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "sheets", "v4", "sheets-api.json"))
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(b, &d)
})

// checkRequest fails t if the API has no such method, parameter, field or value.
func checkRequest(t testing.TB, r *http.Request, body []byte) {
	d, err := api()
	if err != nil {
		t.Errorf("read sheets-api.json: %v", err)
		return
	}
	m, ok := findMethod(d.Resources, r)
	if !ok {
		t.Errorf("the API has no %s %s", r.Method, r.URL.Path)
		return
	}
	for name := range r.URL.Query() {
		if m.Parameters[name] == nil && d.Parameters[name] == nil {
			t.Errorf("%s: unknown parameter %s", m.Path, name)
		}
	}
	if m.Request.Ref == "" {
		if len(body) > 0 {
			t.Errorf("%s: unexpected body", m.Path)
		}
		return
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Errorf("%s: %v", m.Path, err)
	}
	for _, fault := range d.check(m.Request.Ref, schema{Ref: m.Request.Ref}, v) {
		t.Errorf("%s: %s", m.Path, fault)
	}
}

var pathParam = regexp.MustCompile(`\\\{\+?[a-zA-Z0-9]+\\\}`)

func findMethod(resources map[string]resource, r *http.Request) (method, bool) {
	for _, res := range resources {
		for _, m := range res.Methods {
			form := "^/" + pathParam.ReplaceAllString(regexp.QuoteMeta(m.Path), `[^/:]+`) + "$"
			if m.HTTPMethod == r.Method && regexp.MustCompile(form).MatchString(r.URL.Path) {
				return m, true
			}
		}
		if m, ok := findMethod(res.Resources, r); ok {
			return m, true
		}
	}
	return method{}, false
}

// check walks v beside its schema.
func (d discovery) check(at string, s schema, v any) (faults []string) {
	if s.Ref != "" {
		s = d.Schemas[s.Ref]
	}
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			p, ok := s.Properties[key]
			if !ok {
				faults = append(faults, at+": unknown field "+key)
				continue
			}
			faults = append(faults, d.check(at+"."+key, p, value)...)
		}
	case []any:
		if s.Type != "array" || s.Items == nil {
			return append(faults, at+": not a list there")
		}
		for i, value := range v {
			faults = append(faults, d.check(fmt.Sprintf("%s[%d]", at, i), *s.Items, value)...)
		}
	case string:
		if s.Type != "string" || s.Enum != nil && !slices.Contains(s.Enum, v) {
			faults = append(faults, fmt.Sprintf("%s: %q is no %s of %v", at, v, s.Type, s.Enum))
		}
	case float64:
		if s.Type != "integer" && s.Type != "number" || s.Type == "integer" && (v != float64(int64(v)) || v > 1<<31-1) {
			faults = append(faults, fmt.Sprintf("%s: %v is no %s", at, v, s.Type))
		}
	case bool:
		if s.Type != "boolean" {
			faults = append(faults, at+": no boolean there")
		}
	}
	return faults
}

// The checker itself must be able to find what is wrong.
func TestSchemaCheck(t *testing.T) {
	t.Parallel()
	d, err := api()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		`{"requests":[{"appendCellz":{}}]}`,
		`{"requests":[{"appendDimension":{"sheetId":0,"dimension":"COLS"}}]}`,
		`{"requests":[{"appendCells":{"sheetId":"0"}}]}`,
		`{"requests":[{"appendCells":{"sheetId":3000000000}}]}`,
	} {
		var v any
		_ = json.Unmarshal([]byte(bad), &v)
		if d.check("batch", schema{Ref: "BatchUpdateSpreadsheetRequest"}, v) == nil {
			t.Errorf("nothing wrong found in %s", bad)
		}
	}
}
