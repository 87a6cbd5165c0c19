package main

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	exampleTable = regexp.MustCompile(`^\[+([a-z._]+)\]+`)
	exampleKey   = regexp.MustCompile(`(?:^(?:# )?|[{,] )([a-z_]+) *= `)
)

// optional begins a line of config.toml.example that is to be filled in by those who want it. Behind it stands a line like
// any other.
const optional = "#  "

// exampleKeys lists the keys, commented or not, that stand in each table of config.toml.example. Keys of a table within
// a line count as the line's table's own.
func exampleKeys(text string) map[string]bool {
	keys, table := map[string]bool{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(line, optional)
		if m := exampleTable.FindStringSubmatch(line); m != nil {
			table = m[1]
			keys[table] = true
			continue
		}
		for _, m := range exampleKey.FindAllStringSubmatch(line, -1) {
			keys[join(table, m[1])] = true
		}
	}
	return keys
}

// configKeys lists every key that a config file may hold, without the places of lists.
func configKeys(table string, t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		key, of := join(table, f.Tag.Get("toml")), f.Type
		keys = append(keys, key)
		if of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() == reflect.Struct && of != reflect.TypeFor[secret]() && of != reflect.TypeFor[time.Duration]() {
			keys = append(keys, configKeys(key, of)...)
		}
	}
	return keys
}

// TestExampleIsComplete looks for every key of the config file in config.toml.example.
func TestExampleIsComplete(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../config.toml.example")
	if err != nil {
		t.Fatal(err)
	}
	have := exampleKeys(string(data))
	for _, key := range configKeys("", reflect.TypeFor[file]()) {
		inLine := strings.Replace(key, "sink.sheets.columns.", "sink.sheets.", 1)
		if !have[key] && !have[key+"_file"] && !have[inLine] && key != "sink" {
			t.Errorf("config.toml.example does not show %s", key)
		}
	}
}
