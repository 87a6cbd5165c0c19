package sink

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"text/template"
	"time"

	"talkrelay"
)

// funcsFor returns the functions of templates, with the words of lang.
//
//	date [layout] time       a time in Go's layout; "2006-01-02 15:04" if left out, nothing for a time that is absent
//	minutes duration         whole minutes
//	mask text                phone or e-mail, partly hidden
//	maskName text            a name, partly hidden
//	phone text               a Korean or Japanese number as people write it
//	oneline text             without line breaks
//	truncate length text     cut to length, with "…" at the end
//	default instead value    value, or instead if value is empty
//	join separator list      a list with something else than ", " between
//	state text, medium text  the word for a chat's state, for its medium
//	json value               value as JSON, a text with its quotes; for bodies that are JSON
//
// What is given to a text function may be any value: it is what printing it would show.
func funcsFor(lang Language) template.FuncMap {
	words := lang.Words()
	return template.FuncMap{
		"date":     date,
		"minutes":  minutes,
		"mask":     func(v any) string { return mask(text(v)) },
		"maskName": func(v any) string { return talkrelay.MaskName(text(v)) },
		"phone":    func(v any) string { return talkrelay.FormatPhone(text(v)) },
		"oneline":  func(v any) string { return OneLine(text(v)) },
		"truncate": truncate,
		"default":  defaultTo,
		"join":     join,
		"state":    func(v any) string { return words.State(text(v)) },
		"medium":   func(v any) string { return words.Medium(text(v)) },
		"json":     toJSON,
	}
}

// text is what printing v shows.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return fmt.Sprint(v)
}

// toJSON writes lists as lists, what a template prints in a form of its own as that text, and all else as encoding/json does.
func toJSON(v any) (string, error) {
	switch value := v.(type) {
	case List:
		v = append([]string{}, value...)
	case fmt.Stringer:
		v = value.String()
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", errors.New("cannot be written as JSON")
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func date(args ...any) (string, error) {
	layout := DateLayout
	if len(args) == 2 {
		layout = text(args[0])
	}
	if len(args) != 1 && len(args) != 2 {
		return "", fmt.Errorf(`want a time, or a layout and a time, as in date "15:04" .At`)
	}
	switch t := args[len(args)-1].(type) {
	case Time:
		return t.Format(layout), nil
	case time.Time:
		return Time{t}.Format(layout), nil
	case nil:
		return "", nil
	}
	return "", fmt.Errorf(`%s is not a time`, typeName(args[len(args)-1]))
}

func minutes(v any) (string, error) {
	switch d := v.(type) {
	case Duration:
		return d.Minutes(), nil
	case time.Duration:
		return Duration(d).Minutes(), nil
	case nil:
		return "", nil
	}
	return "", fmt.Errorf("%s is not a duration, as .Chat.WaitingTime is", typeName(v))
}

func mask(s string) string {
	if strings.Contains(s, "@") {
		return talkrelay.MaskEmail(s)
	}
	return talkrelay.MaskPhone(s)
}

func truncate(limit int, v any) string { return TruncateUTF16(text(v), limit) }

func defaultTo(instead, v any) any {
	if truth, ok := template.IsTrue(v); ok && truth && text(v) != "" {
		return v
	}
	return text(instead)
}

func join(separator string, v any) (string, error) {
	if v == nil {
		return "", nil
	}
	list := reflect.ValueOf(v)
	if list.Kind() != reflect.Slice && list.Kind() != reflect.Array {
		return "", fmt.Errorf("%s is not a list, as .Tags is", typeName(v))
	}
	parts := make([]string, list.Len())
	for i := range parts {
		parts[i] = text(list.Index(i).Interface())
	}
	return strings.Join(parts, separator), nil
}

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case Time, time.Time:
		return "a time"
	case Duration, time.Duration:
		return "a duration"
	case List, []string:
		return "a list"
	}
	return fmt.Sprintf("a %T", v)
}
