package sink

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/template/parse"

	"talkrelay"
)

// builtins are text/template's own functions.
var builtins = [...]string{
	"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice",
	"print", "printf", "println", "html", "js", "urlquery", "call",
}

func functionNames() []string {
	return append(slices.Sorted(maps.Keys(funcsFor(Korean))), builtins[:]...)
}

func unknownFunction(name string, known []string) string {
	s := fmt.Sprintf("unknown function %s", name)
	if near := talkrelay.Nearest(strings.ToLower(name), known); near != "" {
		return s + " (did you mean " + near + "?)"
	}
	return s
}

// unknownField says that typ has no such field. names lead to it; the last is the unknown one.
func unknownField(node parse.Node, typ reflect.Type, names []string) string {
	last := names[len(names)-1]
	path := "." + strings.Join(names, ".")
	if typ.Kind() != reflect.Struct {
		return fmt.Sprintf("%s has no field %s: it is %s", node, last, kindName(typ))
	}
	s := "unknown field " + path
	known := fieldPaths(typ, "")
	if _, ok := node.(*parse.FieldNode); ok && startsAtView(names, typ) {
		known = fieldPaths(reflect.TypeFor[View](), "")
	} else {
		path = "." + last
	}
	if near := nearestPath(path, known); near != "" {
		return s + " (did you mean " + near + "?)"
	}
	return s
}

// startsAtView reports whether names but the last lead from a View to typ.
func startsAtView(names []string, typ reflect.Type) bool {
	at := reflect.TypeFor[View]()
	for _, name := range names[:len(names)-1] {
		next, ok := member(at, name)
		if !ok || next == nil {
			return false
		}
		at = next
	}
	return at == typ
}

func kindName(typ reflect.Type) string {
	switch typ {
	case reflect.TypeFor[List]():
		return "a list"
	case reflect.TypeFor[Duration]():
		return "a duration"
	}
	return "a " + typ.Kind().String()
}

// fieldPaths lists what can be written after prefix for a struct: its fields, and theirs.
func fieldPaths(typ reflect.Type, prefix string) []string {
	var paths []string
	for _, f := range reflect.VisibleFields(typ) {
		if !f.IsExported() || f.Anonymous {
			continue
		}
		path := prefix + "." + f.Name
		paths = append(paths, path)
		if prefix == "" && f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[Time]() {
			paths = append(paths, fieldPaths(f.Type, path)...)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// otherNames are words that people try for a field.
var otherNames = map[string]string{
	"phone": "MobileNumber", "mobile": "MobileNumber", "tel": "MobileNumber", "cellphone": "MobileNumber",
	"landline": "LandlineNumber", "mail": "Email", "customer": "User", "manager": "Assignee",
	"body": "Text", "content": "Text", "plaintext": "Text", "url": "DeskURL", "link": "DeskURL", "status": "State",
}

// nearestPath returns the one of known that path was probably meant to be: the same but for upper and lower case, else
// one that ends in the same name, else one that begins the same, else one spelled much alike.
func nearestPath(path string, known []string) string {
	if i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, path) }); i >= 0 {
		return known[i]
	}
	dot := strings.LastIndexByte(path, '.')
	parent, last := path[:dot], path[dot+1:]
	if other, ok := otherNames[strings.ToLower(last)]; ok {
		last = other
	}
	var same []string
	for _, k := range known {
		if strings.EqualFold(k[strings.LastIndexByte(k, '.')+1:], last) {
			same = append(same, k)
		}
	}
	switch near := nearestFold(path, same); {
	case slices.Contains(same, parent+"."+last):
		return parent + "." + last
	case parent == "" && slices.Contains(same, ".User."+last):
		return ".User." + last
	case near != "":
		return near
	case len(same) > 0:
		return same[0]
	}
	if i := slices.IndexFunc(known, func(k string) bool { return beginsFold(k, path) }); i >= 0 {
		return known[i]
	}
	return nearestFold(path, known)
}

// beginsFold reports whether name begins with the letters of start and start is long enough to mean something.
func beginsFold(name, start string) bool {
	return len(start) > 3 && len(name) >= len(start) && strings.EqualFold(name[:len(start)], start)
}

// nearestFold is talkrelay.Nearest without regard to upper and lower case.
func nearestFold(path string, known []string) string {
	byLower := make(map[string]string, len(known))
	lower := make([]string, len(known))
	for i, k := range known {
		lower[i] = strings.ToLower(k)
		byLower[lower[i]] = k
	}
	return byLower[talkrelay.Nearest(strings.ToLower(path), lower)]
}
