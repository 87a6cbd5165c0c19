package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// CompareSchema compares the schema with a discovery document of the Sheets API and returns what differs.
func CompareSchema(t *testing.T, discovery []byte) []string {
	t.Helper()
	type property struct {
		Type, Format string
		Ref          string `json:"$ref"`
		Enum         []string
		Items        *property
	}
	var doc struct {
		Schemas map[string]struct{ Properties map[string]property }
	}
	if err := json.Unmarshal(discovery, &doc); err != nil {
		t.Fatal(err)
	}
	var problems []string
	for message, fields := range schema {
		for name, kind := range fields {
			p, ok := doc.Schemas[message].Properties[name]
			where := message + "." + name
			if !ok {
				problems = append(problems, where+" is not Google's")
				continue
			}
			item, isList := strings.CutPrefix(kind, "[]")
			if isList != (p.Type == "array") {
				problems = append(problems, where+": array or not")
				continue
			}
			if isList {
				p, kind = *p.Items, item
			}
			switch values, isEnum := enums[kind]; {
			case isEnum:
				known := slices.DeleteFunc(p.Enum, func(s string) bool { return strings.HasSuffix(s, "_UNSPECIFIED") })
				if got := strings.Fields(values); !slices.Equal(got, known) {
					problems = append(problems, where+": values "+values+", Google's "+strings.Join(known, " "))
				}
			case p.Ref != "" || schema[kind] != nil:
				if p.Ref != kind {
					problems = append(problems, where+" is "+p.Ref+", not "+kind)
				}
			case kind != p.Type && kind != p.Format && !(name == "themeColor" && p.Type == "string"):
				problems = append(problems, where+" is "+p.Type+" "+p.Format+", not "+kind)
			}
		}
	}
	return problems
}
