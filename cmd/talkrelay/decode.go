package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"talkrelay"
)

// decodeStrict fills into, a pointer to a struct, from a decoded TOML table and reports every unknown key and wrong
// type at once, each with its full key path. The TOML library itself stops at the first wrong type, matches keys
// whatever their case, and reads `timeout = 5` as five nanoseconds; none of these happens here.
func decodeStrict(table map[string]any, into any) talkrelay.Problems {
	d := decoder{}
	d.table("", table, reflect.ValueOf(into).Elem())
	return d.problems
}

type decoder struct{ problems talkrelay.Problems }

// table decodes t into the struct v.
func (d *decoder) table(path string, t map[string]any, v reflect.Value) {
	if def, ok := v.Addr().Interface().(defaulter); ok {
		def.defaults()
	}
	fields, known := tomlFields(v)
	for _, f := range fields {
		d.presetTables(t, f, v)
	}
	for _, key := range sortedKeys(t) {
		full := join(path, key)
		if base, ok := strings.CutSuffix(key, "_file"); ok && isSecret(v, fields, base) {
			d.secretFile(full, t[key], secretField(v, fields, base))
			continue
		}
		f, ok := fields[key]
		if !ok {
			d.unknown(full, key, known)
			continue
		}
		d.value(full, t[key], v.Field(f.index))
	}
}

// presetTables gives a sub-table that the file leaves out its defaults.
func (d *decoder) presetTables(t map[string]any, f tomlField, v reflect.Value) {
	if _, present := t[f.name]; present {
		return
	}
	if def, ok := v.Field(f.index).Addr().Interface().(defaulter); ok {
		def.defaults()
	}
}

func (d *decoder) unknown(full, key string, known []string) {
	if near := talkrelay.Nearest(key, known); near != "" {
		d.problems.Add(full, "unknown key; did you mean %q?", near)
		return
	}
	d.problems.Add(full, "unknown key; allowed here: %s", strings.Join(known, ", "))
}

// value decodes one TOML value into v by v's type.
func (d *decoder) value(path string, x any, v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *secret:
		d.secretInline(path, x, p)
		return
	case *time.Duration:
		d.duration(path, x, p)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		if t, ok := x.(map[string]any); ok {
			d.table(path, t, v)
			return
		}
		d.problems.Add(path, "must be a table, [%s]", path)
	case reflect.Slice:
		d.list(path, x, v)
	case reflect.Map:
		d.stringMap(path, x, v)
	default:
		d.scalar(path, x, v)
	}
}

func (d *decoder) list(path string, x any, v reflect.Value) {
	items, ok := listItems(x)
	if _, single := x.(string); !ok || single && v.Type().Elem().Kind() == reflect.Struct {
		d.problems.Add(path, "must be a list%s", exampleOf(v.Type().Elem(), path))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		d.value(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
	}
}

// listItems returns the elements of a TOML list. A single text stands for a list of one, as in channel = "main".
func listItems(x any) ([]any, bool) {
	switch x := x.(type) {
	case []any:
		return x, true
	case []map[string]any:
		items := make([]any, len(x))
		for i := range x {
			items[i] = x[i]
		}
		return items, true
	case string:
		return []any{x}, true
	}
	return nil, false
}

func exampleOf(elem reflect.Type, path string) string {
	if elem.Kind() == reflect.Struct {
		return fmt.Sprintf(" of tables, [[%s]]", path)
	}
	return ` like ["…", "…"]`
}

func (d *decoder) stringMap(path string, x any, v reflect.Value) {
	t, ok := x.(map[string]any)
	if !ok {
		d.problems.Add(path, `must be a table of texts like { key = "text" }`)
		return
	}
	m := map[string]string{}
	for _, key := range sortedKeys(t) {
		s, ok := t[key].(string)
		if !ok {
			d.problems.Add(join(path, key), `must be a text in quotes`)
			continue
		}
		m[key] = s
	}
	v.Set(reflect.ValueOf(m))
}

func (d *decoder) scalar(path string, x any, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if s, ok := x.(string); ok {
			v.SetString(s)
			return
		}
		d.problems.Add(path, `must be a text in quotes, is %s`, describe(x))
	case reflect.Bool:
		if b, ok := x.(bool); ok {
			v.SetBool(b)
			return
		}
		d.problems.Add(path, `must be true or false, is %s`, describe(x))
	case reflect.Int:
		if n, ok := x.(int64); ok {
			v.SetInt(n)
			return
		}
		d.problems.Add(path, `must be a whole number, is %s`, describe(x))
	case reflect.Float64:
		switch n := x.(type) {
		case int64:
			v.SetFloat(float64(n))
		case float64:
			v.SetFloat(n)
		default:
			d.problems.Add(path, `must be a number, is %s`, describe(x))
		}
	}
}

func (d *decoder) duration(path string, x any, p *time.Duration) {
	s, ok := x.(string)
	if !ok {
		d.problems.Add(path, `must be a time with its unit in quotes, like "20s" or "5m", is %s`, describe(x))
		return
	}
	t, err := time.ParseDuration(s)
	if err != nil || t < 0 {
		d.problems.Add(path, `is not a time: write it like "20s", "5m" or "720h"`)
		return
	}
	*p = t
}

// describe names the type of a TOML value without its content, which may be a secret in the wrong place.
func describe(x any) string {
	switch x.(type) {
	case string:
		return "a text"
	case bool:
		return "true/false"
	case int64, float64:
		return "a number"
	case []any, []map[string]any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}

type tomlField struct {
	name  string
	index int
}

// tomlFields returns v's fields by TOML name, and every key that may stand in its table.
func tomlFields(v reflect.Value) (map[string]tomlField, []string) {
	fields, known := map[string]tomlField{}, []string{}
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("toml")
		if name == "" {
			continue
		}
		fields[name] = tomlField{name, i}
		known = append(known, name)
		if v.Field(i).Type() == reflect.TypeFor[secret]() {
			known = append(known, name+"_file")
		}
	}
	return fields, known
}

func sortedKeys(t map[string]any) []string {
	keys := make([]string, 0, len(t))
	for k := range t {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
